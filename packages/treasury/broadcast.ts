/**
 * Broadcasts a signed plan: first all funds, then the sweeps of the addresses that were funded, or
 * the payments of refunds. The progress is read from the network's receipts, so an interrupted broadcast can be run again. A
 * step's hash is fixed by its signature, so it can't take effect twice.
 */
import { CHAIN_DEFAULTS, readReceipt } from '@farebox/deposits';
import type { SignedPlan, SignedStep } from './contract.ts';
import { type Network, sendStep } from './network.ts';

/** What a broadcast needs of a signed plan, of sweeps or of refunds. */
export type Broadcastable = Pick<SignedPlan, 'chain' | 'expiresAt' | 'steps'>;

export type StepState =
  | 'mined'
  /** Mined, but the transaction failed. */
  | 'failed'
  /** The network rejected it. */
  | 'rejected'
  /** Sent, but not mined within the time to wait. */
  | 'waiting'
  /** Not sent, because the plan expired. */
  | 'expired'
  /** Not sent, because its fund wasn't mined. */
  | 'skipped';

export type StepOutcome = Readonly<{ step: SignedStep; state: StepState }>;

export type BroadcastOptions = Readonly<{
  now: () => number;
  /** Waits before the next poll. Resolves to false when the time is up. */
  wait: () => Promise<boolean>;
  onOutcome: (outcome: StepOutcome) => void;
}>;

async function readMinedState(network: Network, { txHash }: SignedStep): Promise<StepState | null> {
  const read = await readReceipt(network.rpcTransport, network.provider, txHash);
  if (!read.ok) return null;
  return read.value.succeeded ? 'mined' : 'failed';
}

async function sendOne(
  network: Network,
  plan: Broadcastable,
  step: SignedStep,
  now: number,
): Promise<StepState> {
  const known = await readMinedState(network, step);
  if (known !== null) return known;
  if (now >= plan.expiresAt) return 'expired';
  const { family } = CHAIN_DEFAULTS[plan.chain];
  if (await sendStep(network, family, step)) return 'waiting';
  // The network also rejects a transaction it already has: then there may be a receipt by now.
  return (await readMinedState(network, step)) ?? 'rejected';
}

/** Sends all steps, then polls until each is mined or the time is up. */
async function sendAll(
  network: Network,
  plan: Broadcastable,
  steps: readonly SignedStep[],
  { now, wait, onOutcome }: BroadcastOptions,
): Promise<readonly StepOutcome[]> {
  const outcomes: { step: SignedStep; state: StepState }[] = [];
  for (const step of steps) {
    outcomes.push({ step, state: await sendOne(network, plan, step, now()) });
  }
  while (outcomes.some(({ state }) => state === 'waiting') && (await wait())) {
    for (const outcome of outcomes.filter(({ state }) => state === 'waiting')) {
      outcome.state = (await readMinedState(network, outcome.step)) ?? 'waiting';
    }
  }
  for (const outcome of outcomes) onOutcome(outcome);
  return outcomes;
}

/**
 * Sends a signed plan and returns the outcome of each step. `onOutcome` is called as outcomes are
 * known.
 */
export async function broadcast(
  network: Network,
  plan: Broadcastable,
  options: BroadcastOptions,
): Promise<readonly StepOutcome[]> {
  const stepsByKind = (kind: SignedStep['kind']) => plan.steps.filter((step) => step.kind === kind);
  const funds = await sendAll(network, plan, stepsByKind('fund'), options);
  const unfunded = new Set(
    funds.filter(({ state }) => state !== 'mined').map(({ step }) => step.to),
  );
  const payments = stepsByKind('refund');
  const ready = [...stepsByKind('sweep').filter(({ from }) => !unfunded.has(from)), ...payments];
  const unfundedSweeps = stepsByKind('sweep').filter(({ from }) => unfunded.has(from));
  const sweeps = await sendAll(network, plan, ready, options);
  const skipped = unfundedSweeps.map((step) => ({ step, state: 'skipped' }) as const);
  for (const outcome of skipped) options.onOutcome(outcome);
  return [...funds, ...sweeps, ...skipped];
}
