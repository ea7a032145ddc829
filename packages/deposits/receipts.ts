/** Transaction receipts, as one provider reports them. */
import { err, ok } from '@farebox/result';
import { type Block, blockRequest, parseBlock } from './blocks.ts';
import type { Hash, RpcProvider } from './contract.ts';
import {
  getField,
  parseHash,
  parseQuantity,
  type RpcRequest,
  type RpcResponse,
  type RpcResult,
  type RpcTransport,
} from './json-rpc.ts';
import { parseTransferLog, type TransferLog } from './transfers.ts';

export type TransactionReceipt = Readonly<{
  blockNumber: number;
  succeeded: boolean;
  /** Transfers of any token. */
  transfers: readonly TransferLog[];
}>;

function receiptRequest(txHash: Hash): RpcRequest {
  return { method: 'eth_getTransactionReceipt', params: [txHash] };
}

function parseReceipt(
  response: RpcResponse | undefined,
  txHash: Hash,
): RpcResult<TransactionReceipt> {
  if (response === undefined || !response.ok) return err('inconsistent');
  if (response.result === null) return err('lagging');
  const blockNumber = parseQuantity(getField(response.result, 'blockNumber'));
  const logs = getField(response.result, 'logs');
  const matchesHash = parseHash(getField(response.result, 'transactionHash')) === txHash;
  if (blockNumber === null || !matchesHash || !Array.isArray(logs)) return err('inconsistent');
  const succeeded = parseQuantity(getField(response.result, 'status')) === 1;
  const transfers = logs.flatMap((log) => parseTransferLog(log) ?? []);
  const hasForeignTransfer = transfers.some((transfer) => transfer.txHash !== txHash);
  return hasForeignTransfer
    ? err('inconsistent')
    : ok({ value: { blockNumber, succeeded, transfers } });
}

/** Reads a transaction's receipt. `lagging` when the provider has none. */
export async function readReceipt(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  txHash: Hash,
): Promise<RpcResult<TransactionReceipt>> {
  const responses = await rpcTransport(provider, [receiptRequest(txHash)]);
  return typeof responses === 'string' ? err(responses) : parseReceipt(responses[0], txHash);
}

/**
 * Reads the receipts of up to 100 transactions in one batch. A transaction without a receipt, or
 * with one that contradicts itself, is missing in the result.
 */
async function readReceipts(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  txHashes: readonly Hash[],
): Promise<RpcResult<ReadonlyMap<Hash, TransactionReceipt>>> {
  const responses = await rpcTransport(provider, txHashes.map(receiptRequest));
  if (typeof responses === 'string') return err(responses);
  const receipts = new Map<Hash, TransactionReceipt>();
  for (const [index, txHash] of txHashes.entries()) {
    const receipt = parseReceipt(responses[index], txHash);
    if (receipt.ok) receipts.set(txHash, receipt.value);
  }
  return ok({ value: receipts });
}

/**
 * Reads the receipts of up to 100 transactions from every provider, which have to agree on them. Null
 * if one of the providers can't be read.
 */
export async function readReceiptsEverywhere(
  rpcTransport: RpcTransport,
  providers: readonly RpcProvider[],
  txHashes: readonly Hash[],
): Promise<readonly ReadonlyMap<Hash, TransactionReceipt>[] | null> {
  const distinct = [...new Set(txHashes)];
  const views: ReadonlyMap<Hash, TransactionReceipt>[] = [];
  for (const provider of providers) {
    const receipts = await readReceipts(rpcTransport, provider, distinct);
    if (!receipts.ok) return null;
    views.push(receipts.value);
  }
  return views;
}

/** Reads the block of that height and the transaction's receipt in one batch. */
export async function readBlockAndReceipt(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  { blockNumber, txHash }: Pick<TransferLog, 'blockNumber' | 'txHash'>,
): Promise<RpcResult<Readonly<{ block: Block; receipt: RpcResult<TransactionReceipt> }>>> {
  const responses = await rpcTransport(provider, [
    blockRequest(blockNumber),
    receiptRequest(txHash),
  ]);
  if (typeof responses === 'string') return err(responses);
  const block = parseBlock(responses[0]);
  if (!block.ok) return block;
  if (block.value.number !== blockNumber) return err('inconsistent');
  return ok({ value: { block: block.value, receipt: parseReceipt(responses[1], txHash) } });
}
