/**
 * Signing, offline. What a plan says of itself is not believed: every step is read from the bytes that would be
 * signed, and if one of them does anything but what a sweep to an allowed destination does, nothing is signed.
 */
import { CHAIN_DEFAULTS, CHAINS, type HexAddress, parseAddress } from '@farebox/deposits';
import { GAS_PATH, type Plan, type SignError, type SignedPlan, type Step } from './contract.ts';
import type { Account, Keyring } from './keyring.ts';
import { planId } from './plan.ts';
import { type DecodedStep, decodeStep, signStep } from './steps.ts';

export type SignOptions = Readonly<{
  keys: Keyring;
  /** As wallets write them; the destination must be one of these. */
  allowed: readonly string[];
  /** The destination, typed once more by whoever signs. */
  confirmed: string;
  /** In the coin's smallest unit: what all steps may cost and hand out for gas. */
  maxFee: bigint;
  now: number;
}>;

export type SignResult =
  | Readonly<{ ok: true; signed: SignedPlan }>
  /** `step` counts from 1; null where it is the plan as a whole. */
  | Readonly<{ ok: false; reason: SignError; step: number | null }>;

const DAY_MS = 24 * 3_600_000;

function isStep(value: unknown): value is Step {
  const field = (name: string): unknown => Reflect.get(Object(value), name);
  const signer = Object(field('signer'));
  const [chain, index]: unknown[] = [Reflect.get(signer, 'chain'), Reflect.get(signer, 'index')];
  return (
    (field('kind') === 'fund' || field('kind') === 'sweep') &&
    (chain === 0 || chain === 1) &&
    Number.isInteger(index) &&
    ['from', 'to'].every((name) => /^0x[0-9a-f]{40}$/.test(String(field(name)))) &&
    /^[1-9]\d{0,77}$/.test(String(field('units'))) &&
    /^0x(?:[0-9a-f]{2})+$/.test(String(field('raw')))
  );
}

/** A plan's shape; what it says is checked afterwards. */
export function isPlan(value: unknown): value is Plan {
  const field = (name: string): unknown => Reflect.get(Object(value), name);
  const steps = field('steps');
  return (
    field('version') === 1 &&
    CHAINS.some((name) => name === field('chain')) &&
    ['id', 'token', 'fingerprint', 'destination', 'maxFee'].every(
      (name) => typeof field(name) === 'string',
    ) &&
    ['chainId', 'plannedAt', 'expiresAt'].every((name) => Number.isSafeInteger(field(name))) &&
    Array.isArray(steps) &&
    steps.length > 0 &&
    steps.every(isStep)
  );
}

/** What is wrong with the plan as a whole. */
function checkPlan(plan: Plan, account: Account, options: SignOptions): SignError | null {
  const { family, token, chainId } = CHAIN_DEFAULTS[plan.chain];
  const destination = parseAddress(family, plan.destination);
  const allowed = options.allowed.map((text) => parseAddress(family, text));
  if (planId(plan) !== plan.id) return 'changed_since_planned';
  if (plan.fingerprint !== account.fingerprint) return 'other_keys';
  if (plan.token !== token) return 'wrong_token';
  if (plan.chainId !== chainId) return 'wrong_chain';
  if (destination === null || !allowed.includes(destination)) return 'destination_not_allowed';
  if (parseAddress(family, options.confirmed) !== destination) return 'destination_not_confirmed';
  if (plan.expiresAt <= options.now) return 'expired';
  return plan.expiresAt - options.now > DAY_MS ? 'valid_too_long' : null;
}

type StepContext = Readonly<{
  plan: Plan;
  account: Account;
  destination: HexAddress;
  /** What this plan sweeps: nobody else is given anything. */
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
  if (!swept.has(action.to) || action.to !== step.to) return 'funds_a_stranger';
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

/** What is wrong with one step, read from its bytes. */
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

export function signPlan(given: unknown, options: SignOptions): SignResult {
  if (!isPlan(given)) return { ok: false, reason: 'not_a_plan', step: null };
  const plan = given;
  const { family } = CHAIN_DEFAULTS[plan.chain];
  const account = options.keys.account(family);
  const planError = checkPlan(plan, account, options);
  if (planError !== null) return { ok: false, reason: planError, step: null };
  const destination = parseAddress(family, plan.destination) ?? '';
  const sweeps = plan.steps.filter(({ kind }) => kind === 'sweep');
  const swept = new Set(sweeps.map(({ from }) => from));
  const context = { plan, account, destination, swept };
  let spent = 0n;
  for (const [index, step] of plan.steps.entries()) {
    const decoded = decodeStep(family, step.raw);
    const reason = checkStep(context, step, decoded);
    if (reason !== null) return { ok: false, reason, step: index + 1 };
    spent += decoded === null ? 0n : totalOutflow(decoded);
  }
  if (spent > options.maxFee) return { ok: false, reason: 'fees_too_high', step: null };
  const steps = plan.steps.map((step) => signStep(family, account, step));
  return { ok: true, signed: { ...plan, steps } };
}
