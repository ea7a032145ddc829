/**
 * Sender screening. Deposits wait for an operator's review if their sender is on the list of
 * sanctioned addresses, was blocked by the operator, or was frozen by the token's issuer.
 */
import { readTokenBalances } from './balances.ts';
import type { Chain, HexAddress } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import frozen from './sanctioned-senders.generated.json' with { type: 'json' };

export type SenderProblem = 'blocked_sender' | 'frozen_sender';

/** Compared on every network: an address is the same 20 bytes on all of them. */
const SANCTIONED: ReadonlySet<HexAddress> = new Set(frozen.addresses);

/** The problem of each problematic sender. Null when the provider can't be read. */
export async function screenSenders(
  { rpcTransport, blockedSenders }: DepositDeps,
  chain: Chain,
  senders: readonly HexAddress[],
): Promise<ReadonlyMap<HexAddress, SenderProblem> | null> {
  const problems = new Map<HexAddress, SenderProblem>();
  const uniqueSenders = [...new Set(senders)];
  for (const sender of uniqueSenders) {
    if (SANCTIONED.has(sender) || blockedSenders.includes(sender))
      problems.set(sender, 'blocked_sender');
  }
  const provider = chain.providers.at(-1);
  if (chain.frozenSelector === null || provider === undefined) return problems;
  const others = uniqueSenders.filter((sender) => !problems.has(sender));
  const balances = await readTokenBalances(rpcTransport, provider, chain, others);
  if (!balances.ok) return null;
  for (const [index, sender] of others.entries()) {
    if (balances.value[index]?.frozen === true) problems.set(sender, 'frozen_sender');
  }
  return problems;
}
