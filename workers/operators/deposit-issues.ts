/** What of the networks and the deposits somebody has to do something about, a sentence each. Pure. */
import type { ChainState, DepositInReview, OpenDifference } from '@farebox/database/deposits';
import type { Chain } from '@farebox/deposits';
import type { AddressFamily } from '@farebox/ledger';

/** The cron ticks every minute; five missed ones are not chance. */
const POLL_LATE_MS = 5 * 60_000;
const FINALITY_STALE_MS = 10 * 60_000;
/** What people are told to expect, several times over. */
const MAX_LAG_MS = 30 * 60_000;
/** A younger one may be a transfer that came in between two answers. */
const MIN_DIFFERENCE_AGE_MS = 10 * 60_000;

export type DepositIssueInput = Readonly<{
  chains: readonly Chain[];
  states: readonly ChainState[];
  depositsInReview: readonly DepositInReview[];
  differences: readonly OpenDifference[];
  now: number;
}>;

export function getAddressFamily(chain: string): AddressFamily {
  return chain === 'tron' ? 'tron' : 'evm';
}

type IssueChecks = readonly (readonly [is: boolean, sentence: string])[];

function checkChain(chain: Chain, state: ChainState | undefined, now: number): IssueChecks {
  const { name, blockMs, providers } = chain;
  if (providers.length === 0) return [];
  if (state === undefined) return [[true, `${name} has never been looked at.`]];
  const { nextBlock, final, haltedAt, lastPolledAt: lookedAt, finalAt } = state;
  const lagMs = final === null ? 0 : (final + 1 - nextBlock) * blockMs;
  const isLate = lookedAt === null || now - lookedAt > POLL_LATE_MS;
  return [
    [haltedAt !== null, `${name} is halted: nothing of it is read or credited.`],
    [haltedAt === null && isLate, `${name} was not looked at for more than five minutes.`],
    [finalAt !== null && now - finalAt > FINALITY_STALE_MS, `${name} has no new final block.`],
    [lagMs > MAX_LAG_MS, `${name} is read ${Math.floor(lagMs / 60_000)} minutes behind.`],
    [providers.length === 1, `${name} has one provider: nobody confirms what it says.`],
  ];
}

export function findIssues({
  chains,
  states,
  depositsInReview,
  differences,
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
    [inReviewCount > 0, `Deposits held until somebody has looked: ${inReviewCount}.`],
    [closedCount > 0, `Deposits to accounts that are closed: ${closedCount}.`],
    [
      persistentCount > 0,
      `Differences between the networks, our records and the books: ${persistentCount}.`,
    ],
  ];
  return checks.flatMap(([failed, message]) => (failed ? [message] : []));
}
