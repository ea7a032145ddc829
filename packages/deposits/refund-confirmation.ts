/**
 * Confirms reported refunds on the chain and posts them. A report is what one operator pasted; a
 * refund leaves the ledger once every provider shows, in a final block, that the transaction moved
 * exactly its units to its address.
 */
import { listSentRefunds, moveRefund, type Refund } from '@farebox/database/refunds';
import type { Tip } from './blocks.ts';
import type { Chain } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import { safeBlock } from './provider-agreement.ts';
import { readReceipts, type TransactionReceipt } from './receipts.ts';
import { toTokenUnits } from './refund-addresses.ts';

const REFUNDS_PER_RUN = 100;

/** What one provider shows: null while it shows no final receipt. Pure. */
function readSighting(
  receipt: TransactionReceipt | undefined,
  { token, decimals }: Chain,
  { address, amount, fee }: Refund,
  finalBlock: number,
): boolean | null {
  if (receipt === undefined || receipt.blockNumber > finalBlock) return null;
  const units = toTokenUnits(amount - fee, decimals);
  const received = receipt.transfers.filter(
    ({ contract, recipient }) => contract === token && recipient === address,
  );
  return receipt.succeeded && received.length === 1 && received[0]?.units === units;
}

/** Posts a confirmed refund: first the ledger, by the refund's id, then the row. */
async function postRefund(deps: DepositDeps, refund: Refund): Promise<void> {
  const { db, credits, now, logEvent } = deps;
  const paid = await credits.payRefund(refund.account, refund.id);
  if (paid.ok) await moveRefund(db, { id: refund.id, to: 'paid', now: now() });
  else logEvent({ event: 'refund_not_posted', account: refund.account, reason: paid.reason });
}

/** Asks the providers about the refunds that were reported, at most `REFUNDS_PER_RUN` of them. */
export async function confirmRefunds(
  deps: DepositDeps,
  chain: Chain,
  tips: readonly Tip[],
): Promise<void> {
  const { db, now, rpcTransport, logEvent } = deps;
  const sent = await listSentRefunds(db, chain.name, REFUNDS_PER_RUN);
  if (sent.length === 0) return;
  const hashes = sent.flatMap(({ txHash }) => txHash ?? []);
  const views: ReadonlyMap<string, TransactionReceipt>[] = [];
  for (const provider of chain.providers) {
    const receipts = await readReceipts(rpcTransport, provider, hashes);
    if (!receipts.ok) return;
    views.push(receipts.value);
  }
  const finalBlock = safeBlock(chain, tips);
  for (const refund of sent) {
    const sightings = views.map((receipts) =>
      readSighting(receipts.get(refund.txHash ?? ''), chain, refund, finalBlock),
    );
    if (sightings.every((moved) => moved === true)) await postRefund(deps, refund);
    else if (sightings.every((moved) => moved === false)) {
      logEvent({ event: 'refund_contradicted', account: refund.account, chain: chain.name });
      await moveRefund(db, { id: refund.id, to: 'exported', now: now() });
    }
  }
}
