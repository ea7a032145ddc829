/** Reports which payments of refunds are in final blocks, as the operators' screen takes it. */
import type { ChainName } from '@farebox/deposits';
import type { Network } from './network.ts';
import type { SignedRefundPlan } from './refund-plan-file.ts';
import { readFinalReceipts } from './report.ts';

export type PaidRefund = Readonly<{ refund: string; chain: ChainName; txHash: string }>;
export type RefundReport = Readonly<{
  plan: string;
  paid: readonly PaidRefund[];
  /** Payments that failed in a final block, or aren't in one yet. */
  unfinished: readonly Readonly<PaidRefund & { reason: 'failed' | 'not_final' }>[];
}>;

/** Builds the report of a broadcast plan. Null when the network is unreachable. */
export async function reportRefunds(
  network: Network,
  plan: SignedRefundPlan,
): Promise<RefundReport | null> {
  const receipts = await readFinalReceipts(network, plan.chain, plan.steps);
  if (receipts === null) return null;
  const { chain, token } = plan;
  const paid: PaidRefund[] = [];
  const unfinished: RefundReport['unfinished'][number][] = [];
  for (const { step, receipt } of receipts) {
    const { refund, txHash, from, to, units } = step;
    const isPaid = receipt?.transfers.some(
      (log) =>
        log.contract === token &&
        log.sender === from &&
        log.recipient === to &&
        log.units === BigInt(units),
    );
    if (isPaid === true) paid.push({ refund, chain, txHash });
    else {
      const reason = receipt === null ? 'not_final' : 'failed';
      unfinished.push({ refund, chain, txHash, reason });
    }
  }
  return { plan: plan.id, paid, unfinished };
}
