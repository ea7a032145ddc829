/** The actions on deposits. Each parses its form; `run` is undefined if a field is invalid. */
import {
  findInReview,
  pinKey,
  recordSweptDeposits,
  releaseDeposit,
  resumeChain,
  type SweptDeposit,
} from '@farebox/database/deposits';
import { CHAINS } from '@farebox/deposits';
import type { Form } from '@farebox/design';
import type { AccountId } from '@farebox/ledger';
import type { ActionOutcome } from './audited-action.ts';
import type { OperatorContext } from './operator-auth.ts';

export type DepositAction = 'resume_chain' | 'release_deposit' | 'report_sweep' | 'rotate_key';

type ParsedAction = Readonly<{
  subject: AccountId | null;
  run: (() => Promise<ActionOutcome>) | undefined;
}>;

const INVALID_ACTION: ParsedAction = { subject: null, run: undefined };
const HASH = /^0x[0-9a-f]{64}$/;
const ADDRESS = /^0x[0-9a-f]{40}$/;
const MAX_SWEPT_ROWS = 1_000;

function parseResumeChain(c: OperatorContext, form: Form): ParsedAction {
  const { db, now } = c.var.deps;
  const chain = CHAINS.find((name) => name === form.text('chain'));
  if (chain === undefined) return INVALID_ACTION;
  const run = async (): Promise<ActionOutcome> =>
    (await resumeChain(db, chain, c.var.operator.email, now()))
      ? { ok: true, done: 'resume_chain' }
      : { ok: false, reason: 'already_decided' };
  return { subject: null, run };
}

async function parseReleaseDeposit(c: OperatorContext, form: Form): Promise<ParsedAction> {
  const { db } = c.var.deps;
  const chain = CHAINS.find((name) => name === form.text('chain'));
  const [txHash, index] = [form.text('transaction'), form.text('index')];
  if (chain === undefined || !HASH.test(txHash) || !/^\d{1,9}$/.test(index)) return INVALID_ACTION;
  const key = { txHash, logIndex: Number(index) };
  const deposit = await findInReview(db, chain, key);
  const run = async (): Promise<ActionOutcome> =>
    (await releaseDeposit(db, chain, key))
      ? { ok: true, done: 'release_deposit' }
      : { ok: false, reason: deposit === undefined ? 'not_found' : 'already_decided' };
  return { subject: deposit?.account ?? null, run };
}

function parseSweptRow(value: unknown): SweptDeposit | null {
  const field = (name: string): string => {
    const raw: unknown =
      typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
    return typeof raw === 'string' ? raw : '';
  };
  const chain = CHAINS.find((name) => name === field('chain'));
  const [txHash, address, units] = [field('txHash'), field('address'), field('units')];
  if (chain === undefined || !HASH.test(txHash) || !ADDRESS.test(address)) return null;
  if (!/^[1-9]\d{0,77}$/.test(units)) return null;
  return { chain, txHash, address, units: BigInt(units) };
}

/**
 * Parses the treasury's report: a list of rows, or an object with that list as `swept`; null if
 * invalid.
 */
export function parseSweepReport(text: string): readonly SweptDeposit[] | null {
  try {
    const parsed: unknown = JSON.parse(text);
    const list: unknown = Array.isArray(parsed) ? parsed : Reflect.get(Object(parsed), 'swept');
    if (!Array.isArray(list) || list.length === 0 || list.length > MAX_SWEPT_ROWS) return null;
    const rows = list.map(parseSweptRow);
    return rows.flatMap((row) => row ?? []).length === rows.length
      ? rows.flatMap((row) => row ?? [])
      : null;
  } catch {
    return null;
  }
}

function parseReportSweep(c: OperatorContext, form: Form): ParsedAction {
  const { db, now } = c.var.deps;
  const swept = parseSweepReport(form.longText('report'));
  if (swept === null) return INVALID_ACTION;
  const run = async (): Promise<ActionOutcome> =>
    (await recordSweptDeposits(db, swept, now())).ok
      ? { ok: true, done: 'report_sweep' }
      : { ok: false, reason: 'unknown_address' };
  return { subject: null, run };
}

/** Rotates only to the configured key; a form can't introduce another one. */
function parseRotateKey(c: OperatorContext, form: Form): ParsedAction {
  const { db, now } = c.var.deps;
  const family = form.text('family');
  if (family !== 'evm' && family !== 'tron') return INVALID_ACTION;
  const configured = c.var.deps.deposits.currentKeys.get(family)?.fingerprint;
  if (configured === undefined || configured !== form.text('fingerprint')) return INVALID_ACTION;
  const run = async (): Promise<ActionOutcome> =>
    (await pinKey(db, family, configured, now(), true)).ok
      ? { ok: true, done: 'rotate_key' }
      : { ok: false, reason: 'conflict' };
  return { subject: null, run };
}

export async function parseAction(
  c: OperatorContext,
  action: DepositAction,
  form: Form,
): Promise<ParsedAction> {
  switch (action) {
    case 'resume_chain':
      return parseResumeChain(c, form);
    case 'release_deposit':
      return parseReleaseDeposit(c, form);
    case 'report_sweep':
      return parseReportSweep(c, form);
    case 'rotate_key':
      return parseRotateKey(c, form);
  }
}
