/**
 * Claims: a user names a transaction that wasn't credited. It goes through the same steps as one
 * found by a scan, or the result says precisely why not. This recovers transfers a scan missed, on
 * TRON too, where receipts don't depend on the log index (java-tron #6037).
 */
import { listDeposits, readCursor, recordFinalTransfers } from '@farebox/database/deposits';
import type { AccountId } from '@farebox/ledger';
import { removeInvisible } from './addresses.ts';
import type { Chain, ClaimResult, Deposit, DepositState, Hash } from './contract.ts';
import { creditChain } from './credit.ts';
import type { DepositDeps } from './deps.ts';
import { readTips, safeBlock } from './provider-agreement.ts';
import { readReceipt, type TransactionReceipt } from './receipts.ts';
import { sameTransfer, type TransferLog } from './transfers.ts';
import { resolveOwners } from './watched-addresses.ts';

const MAX_ROWS_SEARCHED = 200;

type ClaimError = Extract<ClaimResult, { ok: false }>;

function claimError(reason: ClaimError['reason']): ClaimError {
  return { ok: false, reason };
}

function sameReceipt(a: TransactionReceipt, b: TransactionReceipt): boolean {
  return (
    a.succeeded === b.succeeded &&
    a.transfers.length === b.transfers.length &&
    a.transfers.every((transfer, index) => {
      const other = b.transfers[index];
      return other !== undefined && sameTransfer(transfer, other);
    })
  );
}

/** Reads the receipt from all providers. `network_unavailable` if they don't agree. */
async function readAgreedReceipt(
  { rpcTransport }: DepositDeps,
  chain: Chain,
  txHash: Hash,
): Promise<Readonly<{ ok: true; receipt: TransactionReceipt }> | ClaimError> {
  let agreed: TransactionReceipt | null = null;
  for (const provider of chain.providers) {
    const read = await readReceipt(rpcTransport, provider, txHash);
    if (!read.ok)
      return claimError(read.reason === 'lagging' ? 'not_found' : 'network_unavailable');
    if (agreed !== null && !sameReceipt(agreed, read.value))
      return claimError('network_unavailable');
    agreed = read.value;
  }
  return agreed === null ? claimError('network_unavailable') : { ok: true, receipt: agreed };
}

function isDepositState(state: string): state is DepositState {
  return ['pending', 'final', 'credited', 'dust', 'in_review', 'closed'].includes(state);
}

async function findClaimedDeposits(
  { db }: DepositDeps,
  chain: Chain,
  account: AccountId,
  txHash: Hash,
): Promise<readonly Deposit[]> {
  const rows = await listDeposits(db, account, MAX_ROWS_SEARCHED);
  return rows.flatMap(({ state, ...row }) =>
    row.chain === chain.name && row.txHash === txHash && isDepositState(state)
      ? [{ ...row, chain: chain.name, state }]
      : [],
  );
}

/** The receipt's transfers of the chain's token to the account, or why there are none. */
async function findOwnTransfers(
  deps: DepositDeps,
  chain: Chain,
  account: AccountId,
  { transfers, blockNumber }: TransactionReceipt,
): Promise<
  | Readonly<{
      ok: true;
      ownedTransfers: Awaited<ReturnType<typeof resolveOwners>>;
      blockNumber: number;
    }>
  | ClaimError
> {
  if (transfers.length === 0) return claimError('no_transfer');
  const filterByAccount = async (candidates: readonly TransferLog[]) =>
    (await resolveOwners(deps, chain, candidates)).filter(
      (transfer) => transfer.account === account,
    );
  const ownedTransfers = await filterByAccount(
    transfers.filter(({ contract, units }) => contract === chain.token && units > 0n),
  );
  if (ownedTransfers.length > 0) return { ok: true, ownedTransfers, blockNumber };
  const other = await filterByAccount(transfers);
  return claimError(other.length > 0 ? 'wrong_token' : 'not_your_address');
}

/**
 * Records and credits the account's transfers in a transaction that a user names.
 * @param transactionText the hash as the user pasted it, with or without 0x
 */
export async function claim(
  deps: DepositDeps,
  account: AccountId,
  chainName: string,
  transactionText: string,
): Promise<ClaimResult> {
  const chain = deps.chains.find(({ name }) => name === chainName);
  if (chain === undefined || chain.providers.length === 0) return claimError('network_unavailable');
  // TRON explorers show hashes without 0x.
  const hexDigits = removeInvisible(transactionText).replace(/^0x/i, '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hexDigits)) return claimError('malformed');
  const txHash = `0x${hexDigits}`;
  const cursor = await readCursor(deps.db, chain.name);
  if (cursor !== undefined && cursor.haltedAt !== null) return claimError('chain_halted');
  const agreed = await readAgreedReceipt(deps, chain, txHash);
  if (!agreed.ok) return agreed;
  if (!agreed.receipt.succeeded) return claimError('failed');
  const match = await findOwnTransfers(deps, chain, account, agreed.receipt);
  if (!match.ok) return match;
  const tips = await readTips(deps, chain);
  if (!tips.ok) return claimError('network_unavailable');
  const head = Math.min(...tips.value.map((tip) => tip.head.number));
  const safe = safeBlock(chain, tips.value);
  if (match.blockNumber > safe) {
    const requiredConfirmations = Math.max(1, head - safe);
    return {
      ok: false,
      reason: 'not_final',
      confirmations: head - match.blockNumber,
      requiredConfirmations,
    };
  }
  await recordFinalTransfers(deps.db, chain.name, match.ownedTransfers, 'claim', deps.now());
  await creditChain(deps, chain, tips.value);
  return { ok: true, deposits: await findClaimedDeposits(deps, chain, account, txHash) };
}
