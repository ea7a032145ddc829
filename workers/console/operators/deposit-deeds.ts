/** What an operator may do about deposits: each from a form's fields to an outcome, or nothing where they make no sense. */
import {
  findSetAside,
  pinKey,
  recordSwept,
  releaseDeposit,
  resumeChain,
  type Swept,
} from '@farebox/database';
import { CHAINS } from '@farebox/deposits';
import type { AccountId } from '@farebox/ledger';
import { depositSettingsOf } from '../env.ts';
import type { Form } from '../forms.ts';
import type { Outcome } from './deeds.ts';
import type { StaffContext } from './staff.ts';

export type DepositDeed = 'resume_chain' | 'release_deposit' | 'report_sweep' | 'rotate_key';

type Asked = Readonly<{
  subject: AccountId | null;
  act: (() => Promise<Outcome>) | undefined;
}>;

const NONSENSE: Asked = { subject: null, act: undefined };
const HASH = /^0x[0-9a-f]{64}$/;
const ADDRESS = /^0x[0-9a-f]{40}$/;
const MOST_LINES = 1_000;

function resuming(c: StaffContext, form: Form): Asked {
  const { db, now } = c.var.house.identity;
  const chain = CHAINS.find((name) => name === form.text('chain'));
  if (chain === undefined) return NONSENSE;
  const act = async (): Promise<Outcome> =>
    (await resumeChain(db, chain, c.var.operator.email, now()))
      ? { ok: true, done: 'resume_chain' }
      : { ok: false, why: 'decided' };
  return { subject: null, act };
}

async function releasing(c: StaffContext, form: Form): Promise<Asked> {
  const { db } = c.var.house.identity;
  const chain = CHAINS.find((name) => name === form.text('chain'));
  const [txHash, index] = [form.text('transaction'), form.text('index')];
  if (chain === undefined || !HASH.test(txHash) || !/^\d{1,9}$/.test(index)) return NONSENSE;
  const key = { txHash, logIndex: Number(index) };
  const found = await findSetAside(db, chain, key);
  const act = async (): Promise<Outcome> =>
    (await releaseDeposit(db, chain, key))
      ? { ok: true, done: 'release_deposit' }
      : { ok: false, why: found === undefined ? 'unknown' : 'decided' };
  return { subject: found?.account ?? null, act };
}

function lineOf(value: unknown): Swept | null {
  const field = (name: string): string => {
    const found: unknown =
      typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
    return typeof found === 'string' ? found : '';
  };
  const chain = CHAINS.find((name) => name === field('chain'));
  const [txHash, address, units] = [field('txHash'), field('address'), field('units')];
  if (chain === undefined || !HASH.test(txHash) || !ADDRESS.test(address)) return null;
  if (!/^[1-9]\d{0,77}$/.test(units)) return null;
  return { chain, txHash, address, units: BigInt(units) };
}

/** The treasury's report: a list of lines, or a document with that list as `swept`. */
export function sweptIn(text: string): readonly Swept[] | null {
  try {
    const given: unknown = JSON.parse(text);
    const list: unknown = Array.isArray(given) ? given : Reflect.get(Object(given), 'swept');
    if (!Array.isArray(list) || list.length === 0 || list.length > MOST_LINES) return null;
    const lines = list.map(lineOf);
    return lines.flatMap((line) => line ?? []).length === lines.length
      ? lines.flatMap((line) => line ?? [])
      : null;
  } catch {
    return null;
  }
}

function reporting(c: StaffContext, form: Form): Asked {
  const { db, now } = c.var.house.identity;
  const swept = sweptIn(form.long('report'));
  if (swept === null) return NONSENSE;
  const act = async (): Promise<Outcome> =>
    (await recordSwept(db, swept, now())).ok
      ? { ok: true, done: 'report_sweep' }
      : { ok: false, why: 'foreign_address' };
  return { subject: null, act };
}

/** Only to the key that is configured: a form alone can bring in no other. */
function rotating(c: StaffContext, form: Form): Asked {
  const { db, now } = c.var.house.identity;
  const family = form.text('family');
  if (family !== 'evm' && family !== 'tron') return NONSENSE;
  const configured = depositSettingsOf(c.env).current.get(family)?.fingerprint;
  if (configured === undefined || configured !== form.text('fingerprint')) return NONSENSE;
  const act = async (): Promise<Outcome> =>
    (await pinKey(db, family, configured, now(), true)).ok
      ? { ok: true, done: 'rotate_key' }
      : { ok: false, why: 'conflict' };
  return { subject: null, act };
}

export async function deedIn(c: StaffContext, deed: DepositDeed, form: Form): Promise<Asked> {
  switch (deed) {
    case 'resume_chain':
      return resuming(c, form);
    case 'release_deposit':
      return releasing(c, form);
    case 'report_sweep':
      return reporting(c, form);
    case 'rotate_key':
      return rotating(c, form);
  }
}
