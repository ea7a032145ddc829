/**
 * Signs a plan, offline. A plan's own description isn't trusted: every step is decoded from the
 * bytes that would be signed. If one of them does anything but sweep to an allowed destination,
 * nothing is signed.
 */
import { CHAIN_DEFAULTS, type HexAddress, parseAddress } from '@farebox/deposits';
import { err, ok, type Result } from '@farebox/result';
import { GAS_PATH, type Plan, type SignError, type SignedPlan, type Step } from './contract.ts';
import type { Account, Keyring } from './keyring.ts';
import { parsePlan } from './plan-file.ts';
import { planId } from './plan-id.ts';
import { type DecodedStep, decodeStep, signStep } from './steps.ts';

export type SignOptions = Readonly<{
  keys: Keyring;
  /** The allowed destinations, in the format of the network's wallets. */
  allowed: readonly string[];
  /** The destination, typed again by the operator who signs. */
  confirmed: string;
  /**
   * In the coin's smallest unit: the limit for the fees of all steps and the gas they send,
   * together.
   */
  maxFee: bigint;
  now: number;
}>;

/** `step` counts from 1. Null when the plan as a whole is rejected. */
export type SignResult = Result<{ signed: SignedPlan }, { reason: SignError; step: number | null }>;

/** A signed plan must not stay usable for longer than a day. */
export const MAX_VALIDITY_MS = 24 * 3_600_000;

/** Checks the plan as a whole. */
function checkPlan(plan: Plan, account: Account, options: SignOptions): SignError | null {
  const { family, token, chainId } = CHAIN_DEFAULTS[plan.chain];
  const destination = parseAddress(family, plan.destination);
  const allowed = options.allowed.map((text) => parseAddress(family, text));
  if (planId(plan) !== plan.id) return 'plan_id_mismatch';
  if (plan.fingerprint !== account.fingerprint) return 'key_mismatch';
  if (plan.token !== token) return 'wrong_token';
  if (plan.chainId !== chainId) return 'wrong_chain';
  if (destination === null || !allowed.includes(destination)) return 'destination_not_allowed';
  if (parseAddress(family, options.confirmed) !== destination) return 'destination_not_confirmed';
  if (plan.expiresAt <= options.now) return 'expired';
  return plan.expiresAt - options.now > MAX_VALIDITY_MS ? 'valid_too_long' : null;
}

type StepContext = Readonly<{
  plan: Plan;
  account: Account;
  destination: HexAddress;
  /** The addresses this plan sweeps. No other address may be funded. */
  swept: ReadonlySet<HexAddress>;
}>;

function checkFund(
  { swept }: StepContext,
  step: Step,
  action: DecodedStep['action'],
): SignError | null {
  const isGasAccount = step.signer.chain === GAS_PATH.chain && step.signer.index === GAS_PATH.index;
  if (!isGasAccount) return 'foreign_signer';
  if (action.kind !== 'coin') return 'not_a_transfer';
  if (!swept.has(action.to) || action.to !== step.to) return 'funds_unrelated_address';
  return action.units === BigInt(step.units) ? null : 'wrong_amount';
}

function checkSweep(
  context: StepContext,
  step: Step,
  action: DecodedStep['action'],
): SignError | null {
  if (step.signer.chain !== 0) return 'foreign_signer';
  if (action.kind !== 'call') return 'not_a_transfer';
  if (action.contract !== CHAIN_DEFAULTS[context.plan.chain].token) return 'wrong_token';
  if (action.transfer === null) return 'not_a_transfer';
  if (action.transfer.to !== context.destination || step.to !== context.destination) {
    return 'wrong_recipient';
  }
  return action.coins === 0n && action.transfer.units === BigInt(step.units)
    ? null
    : 'wrong_amount';
}

/** Checks one step, as decoded from its bytes. */
function checkStep(
  context: StepContext,
  step: Step,
  decoded: DecodedStep | null,
): SignError | null {
  const { plan, account } = context;
  if (decoded === null) return 'not_canonical';
  const { chainId, signer, expiresAt } = decoded;
  const from = account.addressAt(step.signer);
  if (chainId !== null && chainId !== plan.chainId) return 'wrong_chain';
  if (from !== step.from || (signer !== null && signer !== from)) return 'foreign_signer';
  if (expiresAt !== null && expiresAt !== plan.expiresAt) return 'valid_too_long';
  return step.kind === 'fund'
    ? checkFund(context, step, decoded.action)
    : checkSweep(context, step, decoded.action);
}

function totalOutflow({ fee, action }: DecodedStep): bigint {
  return fee + (action.kind === 'coin' ? action.units : action.coins);
}

/** Checks a plan and signs all its steps, or none. `given` is the parsed JSON of the plan file. */
export function signPlan(given: unknown, options: SignOptions): SignResult {
  const plan = parsePlan(given);
  if (plan === null) return err('not_a_plan', { step: null });
  const { family } = CHAIN_DEFAULTS[plan.chain];
  const account = options.keys.account(family);
  const planError = checkPlan(plan, account, options);
  if (planError !== null) return err(planError, { step: null });
  const destination = parseAddress(family, plan.destination) ?? '';
  const sweeps = plan.steps.filter(({ kind }) => kind === 'sweep');
  const swept = new Set(sweeps.map(({ from }) => from));
  const context = { plan, account, destination, swept };
  let spent = 0n;
  for (const [index, step] of plan.steps.entries()) {
    const decoded = decodeStep(family, step.raw);
    const reason = checkStep(context, step, decoded);
    if (reason !== null) return err(reason, { step: index + 1 });
    spent += decoded === null ? 0n : totalOutflow(decoded);
  }
  if (spent > options.maxFee) return err('fees_too_high', { step: null });
  const steps = plan.steps.map((step) => signStep(family, account, step));
  return ok({ signed: { ...plan, steps } });
}
