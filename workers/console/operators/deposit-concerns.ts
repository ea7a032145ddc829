/** What of the networks and the deposits somebody has to do something about, a sentence each. Pure. */
import type { ChainState, OpenDifference, SetAside } from '@farebox/database';
import type { Chain } from '@farebox/deposits';
import type { AddressFamily } from '@farebox/ledger';

/** The cron ticks every minute; five missed ones are not chance. */
const LOOK_LATE_MS = 5 * 60_000;
const FINAL_OLD_MS = 10 * 60_000;
/** What people are told to expect, several times over. */
const BEHIND_MS = 30 * 60_000;
/** A younger one may be a transfer that came in between two answers. */
const DIFFERENCE_LASTS_MS = 10 * 60_000;

export type Concerned = Readonly<{
  chains: readonly Chain[];
  states: readonly ChainState[];
  setAside: readonly SetAside[];
  differences: readonly OpenDifference[];
  now: number;
}>;

export function familyOf(word: string): AddressFamily {
  return word === 'tron' ? 'tron' : 'evm';
}

type Said = readonly (readonly [is: boolean, sentence: string])[];

function aboutChain(chain: Chain, state: ChainState | undefined, now: number): Said {
  const { name, blockMs, providers } = chain;
  if (providers.length === 0) return [];
  if (state === undefined) return [[true, `${name} has never been looked at.`]];
  const { nextBlock, final, haltedAt, lookedAt, finalAt } = state;
  const behindMs = final === null ? 0 : (final + 1 - nextBlock) * blockMs;
  const late = lookedAt === null || now - lookedAt > LOOK_LATE_MS;
  return [
    [haltedAt !== null, `${name} is halted: nothing of it is read or credited.`],
    [haltedAt === null && late, `${name} was not looked at for more than five minutes.`],
    [finalAt !== null && now - finalAt > FINAL_OLD_MS, `${name} has no new final block.`],
    [behindMs > BEHIND_MS, `${name} is read ${Math.floor(behindMs / 60_000)} minutes behind.`],
    [providers.length === 1, `${name} has one provider: nobody confirms what it says.`],
  ];
}

export function concernsOf({
  chains,
  states,
  setAside,
  differences,
  now,
}: Concerned): readonly string[] {
  const stateOf = new Map(states.map((state) => [state.chain, state]));
  const held = setAside.filter(({ state }) => state === 'held').length;
  const closed = setAside.length - held;
  const lasting = differences.filter(({ since }) => now - since > DIFFERENCE_LASTS_MS).length;
  const said: Said = [
    ...chains.flatMap((chain) => aboutChain(chain, stateOf.get(chain.name), now)),
    [held > 0, `Deposits held until somebody has looked: ${held}.`],
    [closed > 0, `Deposits to accounts that are closed: ${closed}.`],
    [lasting > 0, `Differences between the networks, our records and the books: ${lasting}.`],
  ];
  return said.flatMap(([is, sentence]) => (is ? [sentence] : []));
}
