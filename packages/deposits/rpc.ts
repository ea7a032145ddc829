/**
 * Asking a chain's provider, and believing nothing that is not backed. Nodes behind a load balancer answer
 * for different heights, and several kinds answer a range beyond their head with an empty list and no
 * error (java-tron's LogBlockQuery clamps it; go-ethereum #24078, #27353). So logs are asked for between
 * two looks at the last block of the range, by number and never by tag, and count only where both looks
 * show the same block. Nothing here retries: an answer that is not sure is a reason, and the next tick asks again.
 */
import type { Chain, Hash, HexAddress, RpcProvider } from './contract.ts';
import type { AddressFilter } from './watched-addresses.ts';

/** keccak-256 of `Transfer(address,address,uint256)` (ERC-20). */
export const TRANSFER_TOPIC = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/** Topics in one query: java-tron's and geth's own limit. */
export const MAX_ADDRESSES_PER_QUERY = 1_000;

export type RpcRequest = Readonly<{ method: string; params: readonly unknown[] }>;
export type RpcResponse =
  | Readonly<{ ok: true; result: unknown }>
  /** `code` is JSON-RPC's. */
  | Readonly<{ ok: false; code: number }>;

/** Why a provider is not to be believed this time. */
export type RpcError =
  /** It asks for fewer blocks at once. */
  | 'too_wide'
  /** 429 or 403: it wants to be left alone for a while. */
  | 'throttled'
  | 'unreachable'
  /** It does not have the blocks it was asked about. */
  | 'lagging'
  /** Its answers contradict each other, or are not what the chain's interface says. */
  | 'inconsistent'
  | 'wrong_chain';

/** One batch, its answers in the order of its requests. */
export type RpcTransport = (
  provider: RpcProvider,
  requests: readonly RpcRequest[],
) => Promise<readonly RpcResponse[] | 'throttled' | 'unreachable'>;

export type RpcResult<T> =
  | Readonly<{ ok: true; value: T }>
  | Readonly<{ ok: false; error: RpcError }>;

export type Block = Readonly<{ number: number; hash: Hash; minedAt: number }>;
export type Tip = Readonly<{ head: Block; final: Block }>;
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

function error(code: RpcError): Readonly<{ ok: false; error: RpcError }> {
  return { ok: false, error: code };
}

/** -32005 is "too many results" everywhere; -32602 and -32600 are what ranges get that a node finds too wide. */
function toRpcError({ code }: Readonly<{ code: number }>): RpcError {
  return code === -32005 || code === -32602 || code === -32600 ? 'too_wide' : 'inconsistent';
}

function getField(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function parseQuantity(value: unknown): number | null {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,13}$/i.test(value)) return null;
  return Number.parseInt(value, 16);
}

function parseHash(value: unknown): Hash | null {
  return typeof value === 'string' && /^0x[0-9a-f]{64}$/i.test(value) ? value.toLowerCase() : null;
}

function toHex(number: number): string {
  return `0x${number.toString(16)}`;
}

function parseBlock(answer: RpcResponse | undefined): RpcResult<Block> {
  if (answer === undefined) return error('inconsistent');
  if (!answer.ok) return error('inconsistent');
  if (answer.result === null) return error('lagging');
  const [number, id, seconds] = [
    parseQuantity(getField(answer.result, 'number')),
    parseHash(getField(answer.result, 'hash')),
    parseQuantity(getField(answer.result, 'timestamp')),
  ];
  if (number === null || id === null || seconds === null) return error('inconsistent');
  return { ok: true, value: { number, hash: id, minedAt: seconds * 1000 } };
}

function blockRequest(blockTag: number | 'latest' | 'finalized'): RpcRequest {
  const at = typeof blockTag === 'number' ? toHex(blockTag) : blockTag;
  return { method: 'eth_getBlockByNumber', params: [at, false] };
}

/** The newest block and the newest final one by the chain's own word, of the chain it should be. */
export async function readTip(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  chain: Pick<Chain, 'chainId'>,
): Promise<RpcResult<Tip>> {
  const requests = [
    { method: 'eth_chainId', params: [] },
    blockRequest('latest'),
    blockRequest('finalized'),
  ];
  const answers = await rpcTransport(provider, requests);
  if (typeof answers === 'string') return error(answers);
  const [id, latest, finalized] = answers;
  if (id === undefined || !id.ok) return error('inconsistent');
  if (parseQuantity(id.result) !== chain.chainId) return error('wrong_chain');
  const head = parseBlock(latest);
  if (!head.ok) return head;
  const final = parseBlock(finalized);
  if (!final.ok) return final;
  if (final.value.number > head.value.number) return error('inconsistent');
  return { ok: true, value: { head: head.value, final: final.value } };
}

export async function readBlock(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  number: number,
): Promise<RpcResult<Block>> {
  const answers = await rpcTransport(provider, [blockRequest(number)]);
  if (typeof answers === 'string') return error(answers);
  const block = parseBlock(answers[0]);
  if (block.ok && block.value.number !== number) return error('inconsistent');
  return block;
}

export type Receipt = Readonly<{
  blockNumber: number;
  succeeded: boolean;
  /** Of any token. */
  transfers: readonly TransferLog[];
}>;

function receiptRequest(txHash: Hash): RpcRequest {
  return { method: 'eth_getTransactionReceipt', params: [txHash] };
}

function parseReceipt(answer: RpcResponse | undefined, txHash: Hash): RpcResult<Receipt> {
  if (answer === undefined || !answer.ok) return error('inconsistent');
  if (answer.result === null) return error('lagging');
  const blockNumber = parseQuantity(getField(answer.result, 'blockNumber'));
  const logs = getField(answer.result, 'logs');
  const matchesHash = parseHash(getField(answer.result, 'transactionHash')) === txHash;
  if (blockNumber === null || !matchesHash || !Array.isArray(logs)) return error('inconsistent');
  const succeeded = parseQuantity(getField(answer.result, 'status')) === 1;
  const transfers = logs.flatMap((log) => parseTransferLog(log) ?? []);
  const hasForeignTransfer = transfers.some((transfer) => transfer.txHash !== txHash);
  return hasForeignTransfer
    ? error('inconsistent')
    : { ok: true, value: { blockNumber, succeeded, transfers } };
}

/** A transaction's receipt; `lagging` where the provider has none. */
export async function readReceipt(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  txHash: Hash,
): Promise<RpcResult<Receipt>> {
  const answers = await rpcTransport(provider, [receiptRequest(txHash)]);
  return typeof answers === 'string' ? error(answers) : parseReceipt(answers[0], txHash);
}

/** The block of that height, and the transaction's receipt beside it. */
export async function readBlockAndReceipt(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  { blockNumber, txHash }: Pick<TransferLog, 'blockNumber' | 'txHash'>,
): Promise<RpcResult<Readonly<{ block: Block; receipt: RpcResult<Receipt> }>>> {
  const answers = await rpcTransport(provider, [blockRequest(blockNumber), receiptRequest(txHash)]);
  if (typeof answers === 'string') return error(answers);
  const block = parseBlock(answers[0]);
  if (!block.ok) return block;
  if (block.value.number !== blockNumber) return error('inconsistent');
  return { ok: true, value: { block: block.value, receipt: parseReceipt(answers[1], txHash) } };
}

/** `balanceOf(address)` (ERC-20). */
const BALANCE_OF_SELECTOR = '0x70a08231';
/** java-tron takes at most 100 requests in a batch (its config.conf, maxBatchSize): two an address. */
const BALANCES_PER_BATCH = 50;
const WORD = /^0x[0-9a-f]{64}$/i;

export type TokenBalance = Readonly<{ units: bigint; frozen: boolean }>;

function callRequest(token: HexAddress, selector: string, address: HexAddress): RpcRequest {
  const data = `${selector}${'0'.repeat(24)}${address.slice(2)}`;
  // At the newest block and no other: java-tron knows no older state.
  return { method: 'eth_call', params: [{ to: token, data }, 'latest'] };
}

function parseTokenBalance(
  balance: RpcResponse | undefined,
  frozen: RpcResponse | undefined,
): TokenBalance | null {
  if (balance === undefined || !balance.ok) return null;
  if (typeof balance.result !== 'string' || !WORD.test(balance.result)) return null;
  return { units: BigInt(balance.result), frozen: isTrue(frozen) };
}

/** A contract that does not know the question refuses it: then nothing is frozen there. */
function isTrue(answer: RpcResponse | undefined): boolean {
  if (answer === undefined || !answer.ok || typeof answer.result !== 'string') return false;
  return WORD.test(answer.result) && BigInt(answer.result) === 1n;
}

/** What each address holds of the chain's token at the newest block, in its units, in their order. */
export async function readTokenBalances(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  { token, frozenSelector }: Pick<Chain, 'token' | 'frozenSelector'>,
  addresses: readonly HexAddress[],
): Promise<RpcResult<readonly TokenBalance[]>> {
  const selectors =
    frozenSelector === null ? [BALANCE_OF_SELECTOR] : [BALANCE_OF_SELECTOR, frozenSelector];
  const balances: TokenBalance[] = [];
  for (const batch of inBatches(addresses, BALANCES_PER_BATCH)) {
    const requests = batch.flatMap((address) =>
      selectors.map((call) => callRequest(token, call, address)),
    );
    const answers = await rpcTransport(provider, requests);
    if (typeof answers === 'string') return error(answers);
    for (const index of batch.keys()) {
      const at = index * selectors.length;
      const frozen = frozenSelector === null ? undefined : answers[at + 1];
      const tokenBalance = parseTokenBalance(answers[at], frozen);
      if (tokenBalance === null) return error('inconsistent');
      balances.push(tokenBalance);
    }
  }
  return { ok: true, value: balances };
}

/** The topic an address is searched by: padded to 32 bytes. */
function toTopic(address: HexAddress): string {
  return `0x${'0'.repeat(24)}${address.slice(2)}`;
}

const PADDED_ADDRESS = /^0x0{24}[0-9a-f]{40}$/i;

/** A log as any node of the three chains shows it; null where it is not one of a transfer. */
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

/** `recipients` null: everybody’s transfers. */
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

function inBatches<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, batch) =>
    items.slice(batch * size, (batch + 1) * size),
  );
}

type LogQuery = Readonly<{ token: HexAddress; from: number; to: number }> & AddressFilter;

const RECIPIENT = /^0x0{24}[0-9a-f]{40}$/;

/** Whom a log says it paid, if it is one that was asked for; cheap, because most are somebody else's. */
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

/** Logs that were asked for and nothing else; anything else among them makes all of them suspect. */
async function validateLogs(
  logs: readonly unknown[],
  query: LogQuery,
): Promise<RpcResult<readonly TransferLog[]>> {
  const recipients = logs.map((log) => parseRecipient(log, query));
  const distinctRecipients = new Set<HexAddress>();
  for (const recipient of recipients) {
    if (recipient === null) return error('inconsistent');
    distinctRecipients.add(recipient);
  }
  const ownedRecipients = await query.filterOwned(distinctRecipients);
  const owned: TransferLog[] = [];
  for (const [index, recipient] of recipients.entries()) {
    const isOwned = recipient !== null && ownedRecipients.has(recipient);
    if (!isOwned && query.queriedAddresses !== null) return error('inconsistent');
    if (!isOwned) continue;
    const transfer = parseTransferLog(logs[index]);
    if (transfer === null) return error('inconsistent');
    if (transfer.units > 0n) owned.push(transfer);
  }
  return { ok: true, value: owned };
}

function transferId({ txHash, logIndex }: TransferLog): string {
  return `${txHash}:${logIndex}`;
}

/** Each once, in the chain's order. The same name twice with another content is a contradiction. */
function dedupeAndSort(transfers: readonly TransferLog[]): RpcResult<readonly TransferLog[]> {
  const byId = new Map<string, TransferLog>();
  for (const transfer of transfers) {
    const known = byId.get(transferId(transfer));
    if (known !== undefined && !sameTransfer(known, transfer)) return error('inconsistent');
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

/** Transfers to watched addresses in blocks `from` to `to`, both included, between two looks at block `to`. */
export async function readRange(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  query: LogQuery,
): Promise<RpcResult<RangeResult>> {
  const { token, from, to, queriedAddresses } = query;
  const batches =
    queriedAddresses === null ? [null] : inBatches(queriedAddresses, MAX_ADDRESSES_PER_QUERY);
  const queries = batches.map((batch) => logsRequest(token, from, to, batch));
  const answers = await rpcTransport(provider, [blockRequest(to), ...queries, blockRequest(to)]);
  if (typeof answers === 'string') return error(answers);
  const [before, after] = [parseBlock(answers[0]), parseBlock(answers.at(-1))];
  if (!before.ok) return before;
  if (!after.ok) return after;
  const stable = before.value.hash === after.value.hash && before.value.number === to;
  if (!stable || answers.length !== queries.length + 2) return error('inconsistent');
  const logs: unknown[] = [];
  for (const answer of answers.slice(1, -1)) {
    if (!answer.ok) return error(toRpcError(answer));
    if (!Array.isArray(answer.result)) return error('inconsistent');
    for (const log of answer.result) logs.push(log);
  }
  const validated = await validateLogs(logs, query);
  if (!validated.ok) return validated;
  const transfers = dedupeAndSort(validated.value);
  if (!transfers.ok) return transfers;
  const last = transfers.value.filter(({ blockNumber }) => blockNumber === to);
  if (last.some(({ blockHash }) => blockHash !== before.value.hash)) return error('inconsistent');
  return { ok: true, value: { hash: before.value.hash, transfers: transfers.value } };
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const RESPONSE_TIMEOUT_MS = 15_000;

function parseResponse(value: unknown): RpcResponse {
  const error = getField(value, 'error');
  if (error === undefined || error === null) return { ok: true, result: getField(value, 'result') };
  const code = getField(error, 'code');
  return { ok: false, code: typeof code === 'number' ? code : 0 };
}

/** JSON-RPC 2.0 over HTTP, one batch a request; answers may come in any order (specification, section 6). */
export function httpTransport(fetcher: Fetch): RpcTransport {
  return async function sendOverHttp({ url, header }, requests) {
    const body = JSON.stringify(
      requests.map((request, id) => ({ jsonrpc: '2.0', id, ...request })),
    );
    const headers = {
      'content-type': 'application/json',
      ...(header === undefined ? {} : { [header.name]: header.value }),
    };
    try {
      const signal = AbortSignal.timeout(RESPONSE_TIMEOUT_MS);
      const response = await fetcher(url, { method: 'POST', headers, body, signal });
      if (response.status === 429 || response.status === 403) return 'throttled';
      const parsed: unknown = await response.json();
      if (!Array.isArray(parsed)) return 'unreachable';
      const byId = new Map(parsed.map((answer) => [getField(answer, 'id'), parseResponse(answer)]));
      return requests.map((_, id) => byId.get(id) ?? { ok: false, code: 0 });
    } catch {
      return 'unreachable';
    }
  };
}
