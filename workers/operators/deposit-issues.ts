/**
 * The issues of networks and deposits that need an operator's attention, one sentence each. Pure.
 */
import type { ChainState, DepositInReview, OpenDifference } from '@farebox/database/deposits';
import { type Chain, NETWORK_NAMES } from '@farebox/deposits';
import type { AddressFamily } from '@farebox/ledger';

/** The cron runs every minute; five missed runs in a row are not chance. */
const POLL_LATE_MS = 5 * 60_000;
const FINALITY_STALE_MS = 10 * 60_000;
/** Several times the delay that customers are told to expect. */
const MAX_LAG_MS = 30 * 60_000;
/** A younger difference may be a transfer between two RPC responses. */
const MIN_DIFFERENCE_AGE_MS = 10 * 60_000;

/** A sweep is in a final block within minutes; one reported longer ago needs attention. */
export const SWEEP_CONFIRMATION_MS = 60 * 60_000;

export type DepositIssueInput = Readonly<{
  chains: readonly Chain[];
  states: readonly ChainState[];
  depositsInReview: readonly DepositInReview[];
  differences: readonly OpenDifference[];
  /** Sweeps that were reported over an hour ago and are not confirmed, by chain. */
  unconfirmedSweeps: ReadonlyMap<string, number>;
  now: number;
}>;

export function getAddressFamily(chain: string): AddressFamily {
  return chain === 'tron' ? 'tron' : 'evm';
}

type IssueChecks = readonly (readonly [applies: boolean, sentence: string])[];

function checkChain(chain: Chain, state: ChainState | undefined, now: number): IssueChecks {
  const { blockMs, providers } = chain;
  const name = NETWORK_NAMES[chain.name];
  if (providers.length === 0) return [];
  if (state === undefined) return [[true, `${name} was never polled.`]];
  const { nextBlock, final, haltedAt, lastPolledAt, finalAt } = state;
  const lagMs = final === null ? 0 : (final + 1 - nextBlock) * blockMs;
  const isLate = lastPolledAt === null || now - lastPolledAt > POLL_LATE_MS;
  return [
    [haltedAt !== null, `${name} is halted: its deposits are neither scanned nor credited.`],
    [haltedAt === null && isLate, `${name} was not polled for more than five minutes.`],
    [finalAt !== null && now - finalAt > FINALITY_STALE_MS, `${name} has no new final block.`],
    [lagMs > MAX_LAG_MS, `${name} is ${Math.floor(lagMs / 60_000)} minutes behind.`],
    [
      providers.length === 1,
      `${name} has one provider: its responses are not confirmed by another.`,
    ],
  ];
}

export function findIssues({
  chains,
  states,
  depositsInReview,
  differences,
  unconfirmedSweeps,
  now,
}: DepositIssueInput): readonly string[] {
  const stateByChain = new Map(states.map((state) => [state.chain, state]));
  const inReviewCount = depositsInReview.filter(({ state }) => state === 'in_review').length;
  const closedCount = depositsInReview.length - inReviewCount;
  const persistentCount = differences.filter(
    ({ since }) => now - since > MIN_DIFFERENCE_AGE_MS,
  ).length;
  const checks: IssueChecks = [
    ...chains.flatMap((chain) => checkChain(chain, stateByChain.get(chain.name), now)),
    [inReviewCount > 0, `Deposits in review: ${inReviewCount}.`],
    ...[...unconfirmedSweeps].map(
      ([chain, count]) =>
        [count > 0, `Reported sweeps that ${chain} does not show: ${count}.`] as const,
    ),
    [closedCount > 0, `Deposits to closed accounts: ${closedCount}.`],
    [
      persistentCount > 0,
      `Differences between networks, deposit records and account ledgers: ${persistentCount}.`,
    ],
  ];
  return checks.flatMap(([failed, message]) => (failed ? [message] : []));
}
