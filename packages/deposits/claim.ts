/**
 * "I sent it and nothing happened": a person names a transaction, and it takes the same way as one that
 * was found, or the answer says precisely why not. This heals whatever a scan missed, on TRON too, where
 * receipts don't go through the index that logs are searched by (java-tron #6037).
 */
import { depositsOf, readCursor, recordFinal } from '@farebox/database';
import type { AccountId } from '@farebox/ledger';
import type { Chain, ClaimResult, Deposit, DepositState, Hash } from './contract.ts';
import { creditChain } from './credit.ts';
import type { DepositsHouse } from './house.ts';
import { type Receipt, readReceipt, sameTransfer, type TransferLog } from './rpc.ts';
import { readTips, safeBlock } from './scan.ts';
import { ownersOf } from './watching.ts';

const ROWS_LOOKED_AT = 200;

type Refusal = Extract<ClaimResult, { ok: false }>;

function refuse(reason: Refusal['reason']): Refusal {
  return { ok: false, reason };
}

function sameReceipt(a: Receipt, b: Receipt): boolean {
  return (
    a.succeeded === b.succeeded &&
    a.transfers.length === b.transfers.length &&
    a.transfers.every((transfer, index) => {
      const other = b.transfers[index];
      return other !== undefined && sameTransfer(transfer, other);
    })
  );
}

/** What all providers say of the transaction. */
async function agreedReceipt(
  { ask }: DepositsHouse,
  chain: Chain,
  txHash: Hash,
): Promise<Readonly<{ ok: true; receipt: Receipt }> | Refusal> {
  let agreed: Receipt | null = null;
  for (const provider of chain.providers) {
    const read = await readReceipt(ask, provider, txHash);
    if (!read.ok) return refuse(read.trouble === 'lagging' ? 'not_found' : 'network_unavailable');
    if (agreed !== null && !sameReceipt(agreed, read.value)) return refuse('network_unavailable');
    agreed = read.value;
  }
  return agreed === null ? refuse('network_unavailable') : { ok: true, receipt: agreed };
}

function isState(state: string): state is DepositState {
  return ['seen', 'final', 'credited', 'dust', 'held', 'closed'].includes(state);
}

async function claimed(
  { db }: DepositsHouse,
  chain: Chain,
  account: AccountId,
  txHash: Hash,
): Promise<readonly Deposit[]> {
  const rows = await depositsOf(db, account, ROWS_LOOKED_AT);
  return rows.flatMap(({ state, ...row }) =>
    row.chain === chain.name && row.txHash === txHash && isState(state)
      ? [{ ...row, chain: chain.name, state }]
      : [],
  );
}

/** Transfers of the chain's token to the account, or why there are none. */
async function ownTransfers(
  house: DepositsHouse,
  chain: Chain,
  account: AccountId,
  { transfers, blockNumber }: Receipt,
): Promise<
  Readonly<{ ok: true; own: Awaited<ReturnType<typeof ownersOf>>; blockNumber: number }> | Refusal
> {
  if (transfers.length === 0) return refuse('no_transfer');
  const mine = async (some: readonly TransferLog[]) =>
    (await ownersOf(house, chain, some)).filter((transfer) => transfer.account === account);
  const own = await mine(
    transfers.filter(({ contract, units }) => contract === chain.token && units > 0n),
  );
  if (own.length > 0) return { ok: true, own, blockNumber };
  const other = await mine(transfers);
  return refuse(other.length > 0 ? 'wrong_token' : 'not_your_address');
}

export async function claim(
  house: DepositsHouse,
  account: AccountId,
  chainName: string,
  text: string,
): Promise<ClaimResult> {
  const chain = house.chains.find(({ name }) => name === chainName);
  if (chain === undefined || chain.providers.length === 0) return refuse('network_unavailable');
  // Explorers of TRON show hashes without their 0x.
  const bare = text.trim().replace(/^0x/i, '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(bare)) return refuse('malformed');
  const txHash = `0x${bare}`;
  const cursor = await readCursor(house.db, chain.name);
  if (cursor !== undefined && cursor.haltedAt !== null) return refuse('chain_halted');
  const agreed = await agreedReceipt(house, chain, txHash);
  if (!agreed.ok) return agreed;
  if (!agreed.receipt.succeeded) return refuse('failed');
  const found = await ownTransfers(house, chain, account, agreed.receipt);
  if (!found.ok) return found;
  const tips = await readTips(house, chain);
  if (!tips.ok) return refuse('network_unavailable');
  const head = Math.min(...tips.value.map((tip) => tip.head.number));
  const safe = safeBlock(chain, tips.value);
  if (found.blockNumber > safe) {
    const needed = Math.max(1, head - safe);
    return { ok: false, reason: 'not_final', confirmations: head - found.blockNumber, needed };
  }
  await recordFinal(house.db, chain.name, found.own, 'claim', house.now());
  await creditChain(house, chain, tips.value);
  return { ok: true, deposits: await claimed(house, chain, account, txHash) };
}
