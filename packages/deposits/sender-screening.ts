/**
 * Sender screening. Deposits wait for an operator's review if their sender is on the list of
 * sanctioned addresses, was blocked by the operator, or was frozen by the token's issuer.
 */
import { type Frozen, readFrozen } from './balances.ts';
import type { Chain, HexAddress } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import frozen from './sanctioned-senders.generated.json' with { type: 'json' };

export type SenderProblem = 'blocked_sender' | 'frozen_sender';

/** `unknown`: a provider could not ask the issuer, so the sender's deposits wait. */
export type Screening = SenderProblem | 'unknown' | 'clear';

export function isSenderProblem(screening: Screening | undefined): screening is SenderProblem {
  return screening === 'blocked_sender' || screening === 'frozen_sender';
}

/** Compared on every network: an address is the same 20 bytes on all of them. */
const SANCTIONED: ReadonlySet<HexAddress> = new Set(frozen.addresses);

/** Whether an address is sanctioned or blocked by the operator; it asks no network. */
export function isBlockedAddress(blocked: readonly HexAddress[], address: HexAddress): boolean {
  return SANCTIONED.has(address) || blocked.includes(address);
}

/**
 * Screens each sender. Every provider is asked whether the issuer froze it: one "yes" is enough to
 * hold its deposits, and only a "no" of all of them clears it.
 */
export async function screenSenders(
  deps: DepositDeps,
  chain: Chain,
  senders: readonly HexAddress[],
): Promise<ReadonlyMap<HexAddress, Screening>> {
  const screenings = new Map<HexAddress, Screening>();
  for (const sender of senders) {
    const isBlocked = isBlockedAddress(deps.blockedSenders, sender);
    screenings.set(sender, isBlocked ? 'blocked_sender' : 'clear');
  }
  const unblocked = [...screenings.keys()].filter((one) => screenings.get(one) === 'clear');
  for (const [sender, frozen] of await readFrozenEverywhere(deps, chain, unblocked)) {
    if (frozen !== false) screenings.set(sender, frozen === null ? 'unknown' : 'frozen_sender');
  }
  return screenings;
}

/**
 * Combines the providers' replies by address: true if one is true, else null if one is null, else
 * false.
 */
async function readFrozenEverywhere(
  { rpcTransport }: DepositDeps,
  { providers, token, frozenSelector }: Chain,
  addresses: readonly HexAddress[],
): Promise<ReadonlyMap<HexAddress, Frozen>> {
  const verdicts = new Map<HexAddress, Frozen>();
  if (frozenSelector === null) return verdicts;
  for (const provider of providers) {
    const answers = await readFrozen(rpcTransport, provider, token, frozenSelector, addresses);
    for (const [index, address] of addresses.entries()) {
      const answer = answers[index] ?? null;
      const verdict = verdicts.get(address);
      verdicts.set(address, verdict === undefined ? answer : combine(verdict, answer));
    }
  }
  return verdicts;
}

function combine(a: Frozen, b: Frozen): Frozen {
  if (a === true || b === true) return true;
  return a === null || b === null ? null : false;
}
