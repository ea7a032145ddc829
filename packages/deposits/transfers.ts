/**
 * Token transfers in a range of blocks, read so that a silent gap is noticed. Nodes behind a load
 * balancer are at different heights, and several answer a range beyond their head with an empty
 * list and no error (java-tron's LogBlockQuery clamps it; go-ethereum #24078, #27353). So a batch
 * reads the last block of the range, by number and never by tag, before and after the logs. The
 * logs count only if both reads match.
 */
import { err, ok } from '@farebox/result';
import { blockRequest, parseBlock } from './blocks.ts';
import type { AddressFilter, Hash, HexAddress, RpcProvider } from './contract.ts';
import {
  getField,
  inBatches,
  parseHash,
  parseQuantity,
  type RpcError,
  type RpcRequest,
  type RpcResult,
  type RpcTransport,
  toHex,
} from './json-rpc.ts';

/** keccak-256 of `Transfer(address,address,uint256)` (ERC-20). */
export const TRANSFER_TOPIC = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/** Topics per query: the limit of both java-tron and geth. */
export const MAX_ADDRESSES_PER_QUERY = 1_000;

export type TransferLog = Readonly<{
  txHash: Hash;
  logIndex: number;
  blockNumber: number;
  blockHash: Hash;
  contract: HexAddress;
  sender: HexAddress;
  recipient: HexAddress;
  units: bigint;
}>;
export type RangeResult = Readonly<{ hash: Hash; transfers: readonly TransferLog[] }>;

/**
 * -32005 means "too many results" everywhere; nodes report a range that is too wide as -32602 or
 * -32600.
 */
function toRpcError({ code }: Readonly<{ code: number }>): RpcError {
  return code === -32005 || code === -32602 || code === -32600 ? 'too_wide' : 'inconsistent';
}

/** An address as a log topic: padded to 32 bytes. */
function toTopic(address: HexAddress): string {
  return `0x${'0'.repeat(24)}${address.slice(2)}`;
}

const PADDED_ADDRESS = /^0x0{24}[0-9a-f]{40}$/i;

/** Parses a log in the format all three chains share. Null when it isn't a token transfer. */
export function parseTransferLog(log: unknown): TransferLog | null {
  const topics = getField(log, 'topics');
  const [data, address] = [getField(log, 'data'), getField(log, 'address')];
  if (!Array.isArray(topics) || topics.length !== 3 || topics[0] !== TRANSFER_TOPIC) return null;
  const [, from, to]: unknown[] = topics;
  if (typeof from !== 'string' || typeof to !== 'string') return null;
  if (!PADDED_ADDRESS.test(from) || !PADDED_ADDRESS.test(to)) return null;
  if (typeof data !== 'string' || !/^0x[0-9a-f]{64}$/i.test(data)) return null;
  if (typeof address !== 'string' || !/^0x[0-9a-f]{40}$/i.test(address)) return null;
  const [txHash, blockHash] = [
    parseHash(getField(log, 'transactionHash')),
    parseHash(getField(log, 'blockHash')),
  ];
  const [logIndex, blockNumber] = [
    parseQuantity(getField(log, 'logIndex')),
    parseQuantity(getField(log, 'blockNumber')),
  ];
  if (txHash === null || blockHash === null || logIndex === null || blockNumber === null) {
    return null;
  }
  return {
    txHash,
    logIndex,
    blockNumber,
    blockHash,
    contract: address.toLowerCase(),
    sender: `0x${from.slice(26).toLowerCase()}`,
    recipient: `0x${to.slice(26).toLowerCase()}`,
    units: BigInt(data),
  };
}

/** With `recipients` null, the transfers to every address. */
function logsRequest(
  token: HexAddress,
  from: number,
  to: number,
  recipients: readonly HexAddress[] | null,
): RpcRequest {
  const topics =
    recipients === null ? [TRANSFER_TOPIC] : [TRANSFER_TOPIC, null, recipients.map(toTopic)];
  const filter = { address: token, fromBlock: toHex(from), toBlock: toHex(to), topics };
  return { method: 'eth_getLogs', params: [filter] };
}

type LogQuery = Readonly<{ token: HexAddress; from: number; to: number }> & AddressFilter;

const RECIPIENT = /^0x0{24}[0-9a-f]{40}$/;

/**
 * The recipient of a log that matches the query, or null. Cheap, because most logs are other
 * addresses' transfers.
 */
function parseRecipient(log: unknown, { token, from, to }: LogQuery): HexAddress | null {
  const [topics, address] = [getField(log, 'topics'), getField(log, 'address')];
  if (!Array.isArray(topics) || topics.length !== 3 || topics[0] !== TRANSFER_TOPIC) return null;
  if (address !== token && String(address).toLowerCase() !== token) return null;
  const blockNumber = parseQuantity(getField(log, 'blockNumber'));
  if (blockNumber === null || blockNumber < from || blockNumber > to) return null;
  if (getField(log, 'removed') === true) return null;
  const recipient = String(topics[2]).toLowerCase();
  return RECIPIENT.test(recipient) ? `0x${recipient.slice(26)}` : null;
}

/**
 * Keeps the transfers to our addresses. One log that doesn't match the query makes the whole answer
 * inconsistent.
 */
async function validateLogs(
  logs: readonly unknown[],
  query: LogQuery,
): Promise<RpcResult<readonly TransferLog[]>> {
  const recipients = logs.map((log) => parseRecipient(log, query));
  const distinctRecipients = new Set<HexAddress>();
  for (const recipient of recipients) {
    if (recipient === null) return err('inconsistent');
    distinctRecipients.add(recipient);
  }
  const ownedRecipients = await query.filterOwned(distinctRecipients);
  const owned: TransferLog[] = [];
  for (const [index, recipient] of recipients.entries()) {
    const isOwned = recipient !== null && ownedRecipients.has(recipient);
    if (!isOwned && query.queriedAddresses !== null) return err('inconsistent');
    if (!isOwned) continue;
    const transfer = parseTransferLog(logs[index]);
    if (transfer === null) return err('inconsistent');
    if (transfer.units > 0n) owned.push(transfer);
  }
  return ok({ value: owned });
}

function transferId({ txHash, logIndex }: TransferLog): string {
  return `${txHash}:${logIndex}`;
}

/**
 * Removes duplicates and sorts in chain order. Two logs with one id and different content are a
 * contradiction.
 */
function dedupeAndSort(transfers: readonly TransferLog[]): RpcResult<readonly TransferLog[]> {
  const byId = new Map<string, TransferLog>();
  for (const transfer of transfers) {
    const known = byId.get(transferId(transfer));
    if (known !== undefined && !sameTransfer(known, transfer)) return err('inconsistent');
    byId.set(transferId(transfer), transfer);
  }
  const value = [...byId.values()].sort(
    (a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex,
  );
  return { ok: true, value };
}

export function sameTransfer(a: TransferLog, b: TransferLog): boolean {
  return (
    transferId(a) === transferId(b) &&
    a.blockHash === b.blockHash &&
    a.blockNumber === b.blockNumber &&
    a.contract === b.contract &&
    a.sender === b.sender &&
    a.recipient === b.recipient &&
    a.units === b.units
  );
}

/** Reads the transfers to watched addresses in blocks `from` to `to`, both included. */
export async function readRange(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  query: LogQuery,
): Promise<RpcResult<RangeResult>> {
  const { token, from, to, queriedAddresses } = query;
  const batches =
    queriedAddresses === null ? [null] : inBatches(queriedAddresses, MAX_ADDRESSES_PER_QUERY);
  const queries = batches.map((batch) => logsRequest(token, from, to, batch));
  const responses = await rpcTransport(provider, [blockRequest(to), ...queries, blockRequest(to)]);
  if (typeof responses === 'string') return err(responses);
  const [before, after] = [parseBlock(responses[0]), parseBlock(responses.at(-1))];
  if (!before.ok) return before;
  if (!after.ok) return after;
  const stable = before.value.hash === after.value.hash && before.value.number === to;
  if (!stable || responses.length !== queries.length + 2) return err('inconsistent');
  const logs: unknown[] = [];
  for (const response of responses.slice(1, -1)) {
    if (!response.ok) return err(toRpcError(response));
    if (!Array.isArray(response.result)) return err('inconsistent');
    for (const log of response.result) logs.push(log);
  }
  const validated = await validateLogs(logs, query);
  if (!validated.ok) return validated;
  const transfers = dedupeAndSort(validated.value);
  if (!transfers.ok) return transfers;
  const last = transfers.value.filter(({ blockNumber }) => blockNumber === to);
  if (last.some(({ blockHash }) => blockHash !== before.value.hash)) return err('inconsistent');
  return ok({ value: { hash: before.value.hash, transfers: transfers.value } });
}
