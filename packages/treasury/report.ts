/**
 * Reports what a broadcast plan moved, from the events of final blocks only. The daily audit uses
 * it.
 */
import {
  CHAIN_DEFAULTS,
  type ChainName,
  type HexAddress,
  readReceipt,
  readTip,
  safeBlock,
  type TransactionReceipt,
} from '@farebox/deposits';
import type { SignedPlan, SignedStep } from './contract.ts';
import type { Network } from './network.ts';

export type SweptTransfer = Readonly<{
  chain: ChainName;
  txHash: string;
  address: HexAddress;
  units: string;
}>;

export type Report = Readonly<{
  plan: string;
  swept: readonly SweptTransfer[];
  /** Sweeps that moved nothing, or aren't in a final block yet. Run the report again later. */
  unfinished: readonly Readonly<{
    txHash: string;
    address: HexAddress;
    reason: 'failed' | 'not_final';
  }>[];
}>;

function sumMovedUnits(
  receipt: TransactionReceipt,
  plan: SignedPlan,
  { from }: SignedStep,
): bigint {
  return receipt.transfers
    .filter(({ contract, sender }) => contract === plan.token && sender === from)
    .reduce((sum, { units }) => sum + units, 0n);
}

/** Builds the report of a broadcast plan. Null when the network is unreachable. */
export async function makeReport(network: Network, plan: SignedPlan): Promise<Report | null> {
  const { rpcTransport, provider } = network;
  const chain = { ...CHAIN_DEFAULTS[plan.chain], providers: [provider], startBlock: null };
  const tip = await readTip(rpcTransport, provider, chain);
  if (!tip.ok) return null;
  const final = safeBlock(chain, [tip.value]);
  const swept: SweptTransfer[] = [];
  const unfinished: Report['unfinished'][number][] = [];
  for (const step of plan.steps.filter(({ kind }) => kind === 'sweep')) {
    const { txHash, from: address } = step;
    const read = await readReceipt(rpcTransport, provider, txHash);
    if (!read.ok && read.reason !== 'lagging') return null;
    const units = read.ok ? sumMovedUnits(read.value, plan, step) : 0n;
    if (!read.ok || read.value.blockNumber > final) {
      unfinished.push({ txHash, address, reason: 'not_final' });
    } else if (units === 0n) {
      unfinished.push({ txHash, address, reason: 'failed' });
    } else {
      swept.push({ chain: plan.chain, txHash, address, units: units.toString() });
    }
  }
  return { plan: plan.id, swept, unfinished };
}
