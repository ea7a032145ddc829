/** The bill of a call to an operation, from its plan and what was read of its answer. Pure. */
import type { Counts } from '@farebox/dialects';
import type { SettleReason } from '@farebox/ledger';
import { type NanoUsd, NO_USAGE, SURCHARGE_KINDS, SURCHARGE_UNITS } from '@farebox/money';
import type { OperationUse } from '@farebox/providers';
import type { Bill, ZeroBillReason } from './bill.ts';
import type { EndReason } from './end-reason.ts';
import { hasPrice, type OperationPlan, type PricedCounts, priceCounts } from './operation-plan.ts';

export type OperationOutcome = Readonly<{
  use: OperationUse;
  /** The provider reported an error inside a 200. */
  failed: boolean;
  endReason: EndReason;
  /** nano-USD: no estimate exceeds it. */
  held: NanoUsd;
}>;

export const NOTHING_USED: OperationUse = {
  reported: null,
  observed: {},
  statedCost: null,
  unpriceable: 0,
  hasOutput: false,
};

function toBill(
  { prices, model }: OperationPlan,
  { usage, fees, cost }: PricedCounts,
  reason: SettleReason,
  providerCost: NanoUsd | null = null,
): Bill {
  const { rule: priceRule } = prices;
  const marginBasisPoints = Number(model.prices.marginBasisPoints);
  const priced = { usage, prices: prices.prices, priceRule, marginBasisPoints, fees, cost };
  return { ...priced, reason, providerCost };
}

export function zeroOperationBill(plan: OperationPlan, reason: ZeroBillReason): Bill {
  return toBill(plan, priceCounts({}, plan.prices), reason);
}

/** What the request asks for, as far as the answer does not show otherwise. */
function expectedCounts({ expected }: OperationPlan, { observed }: OperationUse): Counts {
  return { ...expected, ...observed };
}

function min(a: NanoUsd, b: NanoUsd): NanoUsd {
  return a < b ? a : b;
}

/** An estimate never exceeds the hold: the tokens of the request's bound are a guess too. */
function estimate(plan: OperationPlan, outcome: OperationOutcome, reason: SettleReason): Bill {
  const priced = priceCounts(expectedCounts(plan, outcome.use), plan.prices);
  return toBill(plan, { ...priced, cost: min(priced.cost, outcome.held) }, reason);
}

/** Units that are counted exactly: everything but tokens. */
function isCounted({ fees, usage }: PricedCounts): boolean {
  const hasTokens = Object.values(usage).some((count) => count > 0);
  return !hasTokens && fees.every(({ kind }) => SURCHARGE_UNITS[kind] !== 'token');
}

/**
 * How far a report may exceed the bound of the request and still be charged as reported: bounds of ours
 * are no limits of the provider (docs/decisions/0031-bounds-of-estimates.md).
 */
const MAX_OVERRUN = 2n;
/** A tenth of a cent: of a short request everything is small, and a few tokens are many times it. */
const MAX_EXTRA_COST = 1_000_000n;

/** Returns whether a cost is more than the call can have used. */
function isImplausible(
  { believableCost }: OperationPlan,
  { held }: OperationOutcome,
  cost: NanoUsd,
): boolean {
  const most = believableCost > held ? believableCost : held;
  return cost > MAX_OVERRUN * most + MAX_EXTRA_COST;
}

/** The bill of an answer that is whole and reports nothing that the model is billed by. */
function unreportedBill(plan: OperationPlan, outcome: OperationOutcome): Bill {
  const priced = priceCounts(expectedCounts(plan, outcome.use), plan.prices);
  if (priced.cost === 0n) return toBill(plan, priced, 'free');
  if (!isCounted(priced) || plan.isGuess) return estimate(plan, outcome, 'estimated_usage_missing');
  // An answer that lists a million pictures is a fault of the provider, as a report of them is.
  if (isImplausible(plan, outcome, priced.cost))
    return estimate(plan, outcome, 'estimated_usage_implausible');
  return toBill(plan, priced, 'counted', outcome.use.statedCost);
}

const CUT_REASON: Readonly<Record<Exclude<EndReason, 'complete'>, SettleReason>> = {
  client_disconnected: 'estimated_after_disconnect',
  upstream_disconnected: 'estimated_after_upstream_cut',
  upstream_timeout: 'estimated_after_upstream_cut',
  stopped_by_account: 'estimated_after_disconnect',
};

/** A provider that was only silent may bill the call; the account's ledger caps such waivers. */
function waive(plan: OperationPlan, outcome: OperationOutcome, reason: SettleReason): Bill {
  const { usage, cost, ...bill } = estimate(plan, outcome, reason);
  return { ...bill, fees: [], usage: NO_USAGE, cost: 0n, waivedCost: cost, waivedUsage: usage };
}

/** Units that no report mentions are those of the request: pictures that were read. */
function withExpectedUnits({ expected }: OperationPlan, reported: Counts): Counts {
  const units = Object.entries(expected).filter(([key]) =>
    SURCHARGE_KINDS.some((kind) => kind === key && SURCHARGE_UNITS[kind] !== 'token'),
  );
  return { ...Object.fromEntries(units), ...reported };
}

/**
 * The bill of a report beyond what can be. Where the request leaves the amount to a guess, which its
 * sender can bend, the report shows that the guess was low: the hold is charged.
 */
function implausibleBill(
  plan: OperationPlan,
  outcome: OperationOutcome,
  priced: PricedCounts,
): Bill {
  const reason = 'estimated_usage_implausible';
  if (!plan.isGuess) return estimate(plan, outcome, reason);
  return toBill(plan, { ...priced, cost: min(priced.cost, outcome.held) }, reason);
}

/** The bill of what the provider reports; null if it reports nothing that the model is billed by. */
function reportedBill(plan: OperationPlan, outcome: OperationOutcome): Bill | null {
  const { reported, statedCost } = outcome.use;
  if (reported === null || !hasPrice(plan.prices, reported)) return null;
  const priced = priceCounts(withExpectedUnits(plan, reported), plan.prices);
  if (isImplausible(plan, outcome, priced.cost)) return implausibleBill(plan, outcome, priced);
  return toBill(plan, priced, priced.cost === 0n ? 'free' : 'provider_reported', statedCost);
}

/** Computes the bill of a call that reached the provider. */
export function computeOperationBill(plan: OperationPlan, outcome: OperationOutcome): Bill {
  const { use, failed, endReason } = outcome;
  const reported = reportedBill(plan, outcome);
  if (reported !== null) return reported;
  if (endReason === 'complete' && !failed) {
    return use.hasOutput ? unreportedBill(plan, outcome) : waive(plan, outcome, 'waived_empty');
  }
  if (use.hasOutput) {
    const reason =
      endReason === 'complete' ? 'estimated_after_upstream_cut' : CUT_REASON[endReason];
    return estimate(plan, outcome, reason);
  }
  if (failed || endReason === 'upstream_disconnected')
    return zeroOperationBill(plan, 'waived_upstream_error');
  if (endReason === 'upstream_timeout') return waive(plan, outcome, 'waived_upstream_error');
  return estimate(plan, outcome, 'estimated_after_disconnect');
}
