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

/**
 * The receipt of each step, null where it is in no final block yet. Null where the network is
 * unreachable.
 */
export async function readFinalReceipts<S extends SignedStep>(
  { rpcTransport, provider }: Network,
  name: ChainName,
  steps: readonly S[],
): Promise<readonly Readonly<{ step: S; receipt: TransactionReceipt | null }>[] | null> {
  const chain = { ...CHAIN_DEFAULTS[name], providers: [provider], startBlock: null };
  const tip = await readTip(rpcTransport, provider, chain);
  if (!tip.ok) return null;
  const final = safeBlock(chain, [tip.value]);
  const receipts: { step: S; receipt: TransactionReceipt | null }[] = [];
  for (const step of steps) {
    const read = await readReceipt(rpcTransport, provider, step.txHash);
    if (!read.ok && read.reason !== 'lagging') return null;
    const isFinal = read.ok && read.value.blockNumber <= final;
    receipts.push({ step, receipt: isFinal ? read.value : null });
  }
  return receipts;
}

/** Builds the report of a broadcast plan. Null when the network is unreachable. */
export async function makeReport(network: Network, plan: SignedPlan): Promise<Report | null> {
  const sweeps = plan.steps.filter(({ kind }) => kind === 'sweep');
  const receipts = await readFinalReceipts(network, plan.chain, sweeps);
  if (receipts === null) return null;
  const swept: SweptTransfer[] = [];
  const unfinished: Report['unfinished'][number][] = [];
  for (const { step, receipt } of receipts) {
    const { txHash, from: address } = step;
    const units = receipt === null ? 0n : sumMovedUnits(receipt, plan, step);
    if (receipt === null) {
      unfinished.push({ txHash, address, reason: 'not_final' });
    } else if (units === 0n) {
      unfinished.push({ txHash, address, reason: 'failed' });
    } else {
      swept.push({ chain: plan.chain, txHash, address, units: units.toString() });
    }
  }
  return { plan: plan.id, swept, unfinished };
}
