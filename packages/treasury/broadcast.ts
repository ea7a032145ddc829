/**
 * Sending a signed plan: all funds, then the sweeps of whatever was funded. The network's own receipts say how far
 * it came, so a run that was killed is simply run again; a step's hash is fixed by its signature, so it can't count twice.
 */
import { CHAIN_DEFAULTS, readReceipt } from '@farebox/deposits';
import type { SignedPlan, SignedStep } from './contract.ts';
import { type Network, sendStep } from './network.ts';

export type StepState =
  | 'mined'
  /** On the network, and it did nothing. */
  | 'failed'
  /** The network did not take it. */
  | 'refused'
  /** Sent, and in no block within the time to wait. */
  | 'waiting'
  /** Too old for the network to take; it was not sent. */
  | 'expired'
  /** What it needs was not sent or failed. */
  | 'left_out';

export type StepOutcome = Readonly<{ step: SignedStep; state: StepState }>;

export type BroadcastOptions = Readonly<{
  now: () => number;
  /** Waits a little, and answers whether to look again. */
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
  plan: SignedPlan,
  step: SignedStep,
  now: number,
): Promise<StepState> {
  const known = await readMinedState(network, step);
  if (known !== null) return known;
  if (now >= plan.expiresAt) return 'expired';
  const { family } = CHAIN_DEFAULTS[plan.chain];
  if (await sendStep(network, family, step)) return 'waiting';
  // Refused because it was there already, perhaps: then there is a receipt by now, or there will be.
  return (await readMinedState(network, step)) ?? 'refused';
}

/** All at once, then until each is in a block or there was waiting enough. */
async function sendAll(
  network: Network,
  plan: SignedPlan,
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

export async function broadcast(
  network: Network,
  plan: SignedPlan,
  options: BroadcastOptions,
): Promise<readonly StepOutcome[]> {
  const stepsByKind = (kind: SignedStep['kind']) => plan.steps.filter((step) => step.kind === kind);
  const funds = await sendAll(network, plan, stepsByKind('fund'), options);
  const unfunded = new Set(
    funds.filter(({ state }) => state !== 'mined').map(({ step }) => step.to),
  );
  const ready = stepsByKind('sweep').filter(({ from }) => !unfunded.has(from));
  const unfundedSweeps = stepsByKind('sweep').filter(({ from }) => unfunded.has(from));
  const sweeps = await sendAll(network, plan, ready, options);
  const skipped = unfundedSweeps.map((step) => ({ step, state: 'left_out' }) as const);
  for (const outcome of skipped) options.onOutcome(outcome);
  return [...funds, ...sweeps, ...skipped];
}
