/**
 * Confirms reported refunds on the chain and posts them. A report is what one operator pasted; a
 * refund leaves the ledger once every provider shows, in a final block, that the transaction moved
 * exactly its units from the treasury's payout account to its address. The same sum from
 * another sender is not our payment.
 */
import { claimSentRefunds, moveRefund, type Refund } from '@farebox/database/refunds';
import { derivePayoutAccount } from './addresses.ts';
import type { Tip } from './blocks.ts';
import type { Chain, HexAddress } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import { safeBlock } from './provider-agreement.ts';
import { readReceiptsEverywhere, type TransactionReceipt } from './receipts.ts';
import { toTokenUnits } from './refund-addresses.ts';

/** java-tron accepts at most 100 requests in a batch (config.conf, maxBatchSize). */
const REFUNDS_PER_RUN = 100;

/** A final block and the accounts that refunds are paid from. */
type Expected = Readonly<{ finalBlock: number; payoutAccounts: ReadonlySet<HexAddress> }>;

/** What one provider shows: null while it shows no final receipt. Pure. */
function readSighting(
  receipt: TransactionReceipt | undefined,
  { token, decimals }: Chain,
  { address, amount, fee }: Refund,
  { finalBlock, payoutAccounts }: Expected,
): boolean | null {
  if (receipt === undefined || receipt.blockNumber > finalBlock) return null;
  const units = toTokenUnits(amount - fee, decimals);
  const received = receipt.transfers.filter(
    ({ contract, recipient }) => contract === token && recipient === address,
  );
  const [transfer] = received;
  return (
    receipt.succeeded &&
    received.length === 1 &&
    transfer?.units === units &&
    payoutAccounts.has(transfer.sender)
  );
}

/** Posts a confirmed refund: first the ledger, by the refund's id, then the row. */
async function postRefund(deps: DepositDeps, refund: Refund): Promise<void> {
  const { db, credits, now, logEvent } = deps;
  const paid = await credits.payRefund(refund.account, refund.id);
  if (paid.ok) await moveRefund(db, { id: refund.id, to: 'paid', now: now() });
  else logEvent({ event: 'refund_not_posted', account: refund.account, reason: paid.reason });
}

/** All providers must show the payment, or all must show that it is another. */
async function followSightings(
  deps: DepositDeps,
  chain: Chain,
  refund: Refund,
  sightings: readonly (boolean | null)[],
): Promise<void> {
  if (sightings.every((isPayment) => isPayment === true)) return postRefund(deps, refund);
  if (!sightings.every((isPayment) => isPayment === false)) return;
  deps.logEvent({ event: 'refund_contradicted', account: refund.account, chain: chain.name });
  await moveRefund(deps.db, { id: refund.id, to: 'exported', now: deps.now() });
}

/**
 * Asks the providers about the refunds that were reported, at most `REFUNDS_PER_RUN` of them. One
 * that throws does not delay the others. Without a key of the treasury nothing is asked: no sender
 * could be told from the payout account then.
 */
export async function confirmRefunds(
  deps: DepositDeps,
  chain: Chain,
  tips: readonly Tip[],
): Promise<void> {
  const { db, keys, now, logEvent } = deps;
  if (keys.size === 0) return;
  const sent = await claimSentRefunds(db, chain.name, now(), REFUNDS_PER_RUN);
  if (sent.length === 0) return;
  const views = await readReceiptsEverywhere(
    deps.rpcTransport,
    chain.providers,
    sent.flatMap(({ txHash }) => txHash ?? []),
  );
  if (views === null) return;
  const payoutAccounts = new Set([...keys.values()].map(derivePayoutAccount));
  const expected = { finalBlock: safeBlock(chain, tips), payoutAccounts };
  for (const refund of sent) {
    const sightings = views.map((receipts) =>
      readSighting(receipts.get(refund.txHash ?? ''), chain, refund, expected),
    );
    try {
      await followSightings(deps, chain, refund, sightings);
    } catch {
      logEvent({ event: 'unexpected', where: `deposits.${chain.name}.refunds`, call: null });
    }
  }
}
