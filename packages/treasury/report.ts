/** What a sent plan really moved, from the events of final blocks and from nothing else: for the daily audit. */
import {
  CHAIN_DEFAULTS,
  type ChainName,
  type HexAddress,
  type Receipt,
  readReceipt,
  readTip,
  safeBlock,
} from '@farebox/deposits';
import type { SignedPlan, SignedStep } from './contract.ts';
import type { Network } from './network.ts';

export type SweptLine = Readonly<{
  chain: ChainName;
  txHash: string;
  address: HexAddress;
  units: string;
}>;

export type Report = Readonly<{
  plan: string;
  swept: readonly SweptLine[];
  /** Sweeps that moved nothing, or are in no final block yet: report again later. */
  unfinished: readonly Readonly<{
    txHash: string;
    address: HexAddress;
    why: 'failed' | 'not_final';
  }>[];
}>;

function movedBy(receipt: Receipt, plan: SignedPlan, { from }: SignedStep): bigint {
  return receipt.transfers
    .filter(({ contract, sender }) => contract === plan.token && sender === from)
    .reduce((sum, { units }) => sum + units, 0n);
}

/** Null where the network can't be asked. */
export async function makeReport(network: Network, plan: SignedPlan): Promise<Report | null> {
  const { ask, provider } = network;
  const chain = { ...CHAIN_DEFAULTS[plan.chain], providers: [provider], startBlock: null };
  const tip = await readTip(ask, provider, chain);
  if (!tip.ok) return null;
  const final = safeBlock(chain, [tip.value]);
  const swept: SweptLine[] = [];
  const unfinished: Report['unfinished'][number][] = [];
  for (const step of plan.steps.filter(({ kind }) => kind === 'sweep')) {
    const { txHash, from: address } = step;
    const read = await readReceipt(ask, provider, txHash);
    if (!read.ok && read.trouble !== 'lagging') return null;
    const units = read.ok ? movedBy(read.value, plan, step) : 0n;
    if (!read.ok || read.value.blockNumber > final) {
      unfinished.push({ txHash, address, why: 'not_final' });
    } else if (units === 0n) {
      unfinished.push({ txHash, address, why: 'failed' });
    } else {
      swept.push({ chain: plan.chain, txHash, address, units: units.toString() });
    }
  }
  return { plan: plan.id, swept, unfinished };
}
