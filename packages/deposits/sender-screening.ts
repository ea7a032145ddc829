/**
 * Senders whose money an operator has to look at before it is credited: those on the frozen list of sanctioned
 * addresses, those an operator added, and those the token's own issuer froze. Nothing of it is lost.
 */
import type { Chain, HexAddress } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import { readTokenBalances } from './rpc.ts';
import frozen from './sanctioned-senders.generated.json' with { type: 'json' };

export type SenderProblem = 'barred_sender' | 'frozen_sender';

/** An address is the same twenty bytes on every network. */
const SANCTIONED: ReadonlySet<HexAddress> = new Set(frozen.addresses);

/** What is to be said of each that something is said of; null where the issuer could not be asked. */
export async function screenSenders(
  { rpcTransport, blockedSenders }: DepositDeps,
  chain: Chain,
  senders: readonly HexAddress[],
): Promise<ReadonlyMap<HexAddress, SenderProblem> | null> {
  const problems = new Map<HexAddress, SenderProblem>();
  const uniqueSenders = [...new Set(senders)];
  for (const sender of uniqueSenders) {
    if (SANCTIONED.has(sender) || blockedSenders.includes(sender))
      problems.set(sender, 'barred_sender');
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
