/**
 * Asking a chain's provider, and believing nothing that is not backed. Nodes behind a load balancer answer
 * for different heights, and several kinds answer a range beyond their head with an empty list and no
 * error (java-tron's LogBlockQuery clamps it; go-ethereum #24078, #27353). So logs are asked for between
 * two looks at the last block of the range, by number and never by tag, and count only where both looks
 * show the same block. Nothing here retries: an answer that is not sure is a reason, and the next tick asks again.
 */
import type { Chain, Hash, HexAddress, RpcProvider } from './contract.ts';
import type { Watched } from './watching.ts';

/** keccak-256 of `Transfer(address,address,uint256)` (ERC-20). */
export const TRANSFER_TOPIC = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/** Topics in one query: java-tron's and geth's own limit. */
export const ADDRESSES_AT_ONCE = 1_000;

export type RpcRequest = Readonly<{ method: string; params: readonly unknown[] }>;
export type RpcAnswer =
  | Readonly<{ ok: true; result: unknown }>
  /** `code` is JSON-RPC's. */
  | Readonly<{ ok: false; code: number }>;

/** Why a provider is not to be believed this time. */
export type RpcTrouble =
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
export type RpcAsk = (
  provider: RpcProvider,
  requests: readonly RpcRequest[],
) => Promise<readonly RpcAnswer[] | 'throttled' | 'unreachable'>;

export type Read<T> =
  | Readonly<{ ok: true; value: T }>
  | Readonly<{ ok: false; trouble: RpcTrouble }>;

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
export type Range = Readonly<{ hash: Hash; transfers: readonly TransferLog[] }>;

function trouble(which: RpcTrouble): Readonly<{ ok: false; trouble: RpcTrouble }> {
  return { ok: false, trouble: which };
}

/** -32005 is "too many results" everywhere; -32602 and -32600 are what ranges get that a node finds too wide. */
function troubleOf({ code }: Readonly<{ code: number }>): RpcTrouble {
  return code === -32005 || code === -32602 || code === -32600 ? 'too_wide' : 'inconsistent';
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function quantity(value: unknown): number | null {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,13}$/i.test(value)) return null;
  return Number.parseInt(value, 16);
}

function hash(value: unknown): Hash | null {
  return typeof value === 'string' && /^0x[0-9a-f]{64}$/i.test(value) ? value.toLowerCase() : null;
}

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}

function blockOf(answer: RpcAnswer | undefined): Read<Block> {
  if (answer === undefined) return trouble('inconsistent');
  if (!answer.ok) return trouble('inconsistent');
  if (answer.result === null) return trouble('lagging');
  const [number, id, seconds] = [
    quantity(field(answer.result, 'number')),
    hash(field(answer.result, 'hash')),
    quantity(field(answer.result, 'timestamp')),
  ];
  if (number === null || id === null || seconds === null) return trouble('inconsistent');
  return { ok: true, value: { number, hash: id, minedAt: seconds * 1000 } };
}

function getBlock(which: number | 'latest' | 'finalized'): RpcRequest {
  const at = typeof which === 'number' ? hex(which) : which;
  return { method: 'eth_getBlockByNumber', params: [at, false] };
}

/** The newest block and the newest final one by the chain's own word, of the chain it should be. */
export async function readTip(
  ask: RpcAsk,
  provider: RpcProvider,
  chain: Pick<Chain, 'chainId'>,
): Promise<Read<Tip>> {
  const requests = [
    { method: 'eth_chainId', params: [] },
    getBlock('latest'),
    getBlock('finalized'),
  ];
  const answers = await ask(provider, requests);
  if (typeof answers === 'string') return trouble(answers);
  const [id, latest, finalized] = answers;
  if (id === undefined || !id.ok) return trouble('inconsistent');
  if (quantity(id.result) !== chain.chainId) return trouble('wrong_chain');
  const head = blockOf(latest);
  if (!head.ok) return head;
  const final = blockOf(finalized);
  if (!final.ok) return final;
  if (final.value.number > head.value.number) return trouble('inconsistent');
  return { ok: true, value: { head: head.value, final: final.value } };
}

export async function readBlock(
  ask: RpcAsk,
  provider: RpcProvider,
  number: number,
): Promise<Read<Block>> {
  const answers = await ask(provider, [getBlock(number)]);
  if (typeof answers === 'string') return trouble(answers);
  const block = blockOf(answers[0]);
  if (block.ok && block.value.number !== number) return trouble('inconsistent');
  return block;
}

export type Receipt = Readonly<{
  blockNumber: number;
  succeeded: boolean;
  /** Of any token. */
  transfers: readonly TransferLog[];
}>;

function getReceipt(txHash: Hash): RpcRequest {
  return { method: 'eth_getTransactionReceipt', params: [txHash] };
}

function receiptOf(answer: RpcAnswer | undefined, txHash: Hash): Read<Receipt> {
  if (answer === undefined || !answer.ok) return trouble('inconsistent');
  if (answer.result === null) return trouble('lagging');
  const blockNumber = quantity(field(answer.result, 'blockNumber'));
  const logs = field(answer.result, 'logs');
  const own = hash(field(answer.result, 'transactionHash')) === txHash;
  if (blockNumber === null || !own || !Array.isArray(logs)) return trouble('inconsistent');
  const succeeded = quantity(field(answer.result, 'status')) === 1;
  const transfers = logs.flatMap((log) => transferOf(log) ?? []);
  const foreign = transfers.some((transfer) => transfer.txHash !== txHash);
  return foreign
    ? trouble('inconsistent')
    : { ok: true, value: { blockNumber, succeeded, transfers } };
}

/** A transaction's receipt; `lagging` where the provider has none. */
export async function readReceipt(
  ask: RpcAsk,
  provider: RpcProvider,
  txHash: Hash,
): Promise<Read<Receipt>> {
  const answers = await ask(provider, [getReceipt(txHash)]);
  return typeof answers === 'string' ? trouble(answers) : receiptOf(answers[0], txHash);
}

/** The block of that height, and the transaction's receipt beside it. */
export async function readBlockAndReceipt(
  ask: RpcAsk,
  provider: RpcProvider,
  { blockNumber, txHash }: Pick<TransferLog, 'blockNumber' | 'txHash'>,
): Promise<Read<Readonly<{ block: Block; receipt: Read<Receipt> }>>> {
  const answers = await ask(provider, [getBlock(blockNumber), getReceipt(txHash)]);
  if (typeof answers === 'string') return trouble(answers);
  const block = blockOf(answers[0]);
  if (!block.ok) return block;
  if (block.value.number !== blockNumber) return trouble('inconsistent');
  return { ok: true, value: { block: block.value, receipt: receiptOf(answers[1], txHash) } };
}

/** `balanceOf(address)` (ERC-20). */
const BALANCE_OF = '0x70a08231';
/** java-tron takes at most 100 requests in a batch (its config.conf, maxBatchSize): two an address. */
const HOLDINGS_AT_ONCE = 50;
const WORD = /^0x[0-9a-f]{64}$/i;

export type Holding = Readonly<{ units: bigint; frozen: boolean }>;

function callOf(token: HexAddress, selector: string, address: HexAddress): RpcRequest {
  const data = `${selector}${'0'.repeat(24)}${address.slice(2)}`;
  // At the newest block and no other: java-tron knows no older state.
  return { method: 'eth_call', params: [{ to: token, data }, 'latest'] };
}

function holdingOf(balance: RpcAnswer | undefined, frozen: RpcAnswer | undefined): Holding | null {
  if (balance === undefined || !balance.ok) return null;
  if (typeof balance.result !== 'string' || !WORD.test(balance.result)) return null;
  return { units: BigInt(balance.result), frozen: saysYes(frozen) };
}

/** A contract that does not know the question refuses it: then nothing is frozen there. */
function saysYes(answer: RpcAnswer | undefined): boolean {
  if (answer === undefined || !answer.ok || typeof answer.result !== 'string') return false;
  return WORD.test(answer.result) && BigInt(answer.result) === 1n;
}

/** What each address holds of the chain's token at the newest block, in its units, in their order. */
export async function readHoldings(
  ask: RpcAsk,
  provider: RpcProvider,
  { token, frozenCall }: Pick<Chain, 'token' | 'frozenCall'>,
  addresses: readonly HexAddress[],
): Promise<Read<readonly Holding[]>> {
  const selectors = frozenCall === null ? [BALANCE_OF] : [BALANCE_OF, frozenCall];
  const holdings: Holding[] = [];
  for (const some of inBatches(addresses, HOLDINGS_AT_ONCE)) {
    const requests = some.flatMap((address) =>
      selectors.map((call) => callOf(token, call, address)),
    );
    const answers = await ask(provider, requests);
    if (typeof answers === 'string') return trouble(answers);
    for (const index of some.keys()) {
      const at = index * selectors.length;
      const frozen = frozenCall === null ? undefined : answers[at + 1];
      const holding = holdingOf(answers[at], frozen);
      if (holding === null) return trouble('inconsistent');
      holdings.push(holding);
    }
  }
  return { ok: true, value: holdings };
}

/** The topic an address is searched by: padded to 32 bytes. */
function topicOf(address: HexAddress): string {
  return `0x${'0'.repeat(24)}${address.slice(2)}`;
}

const PADDED_ADDRESS = /^0x0{24}[0-9a-f]{40}$/i;

/** A log as any node of the three chains shows it; null where it is not one of a transfer. */
export function transferOf(log: unknown): TransferLog | null {
  const topics = field(log, 'topics');
  const [data, address] = [field(log, 'data'), field(log, 'address')];
  if (!Array.isArray(topics) || topics.length !== 3 || topics[0] !== TRANSFER_TOPIC) return null;
  const [, from, to]: unknown[] = topics;
  if (typeof from !== 'string' || typeof to !== 'string') return null;
  if (!PADDED_ADDRESS.test(from) || !PADDED_ADDRESS.test(to)) return null;
  if (typeof data !== 'string' || !/^0x[0-9a-f]{64}$/i.test(data)) return null;
  if (typeof address !== 'string' || !/^0x[0-9a-f]{40}$/i.test(address)) return null;
  const [txHash, blockHash] = [hash(field(log, 'transactionHash')), hash(field(log, 'blockHash'))];
  const [logIndex, blockNumber] = [
    quantity(field(log, 'logIndex')),
    quantity(field(log, 'blockNumber')),
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
function getLogs(
  token: HexAddress,
  from: number,
  to: number,
  recipients: readonly HexAddress[] | null,
): RpcRequest {
  const topics =
    recipients === null ? [TRANSFER_TOPIC] : [TRANSFER_TOPIC, null, recipients.map(topicOf)];
  const filter = { address: token, fromBlock: hex(from), toBlock: hex(to), topics };
  return { method: 'eth_getLogs', params: [filter] };
}

function inBatches<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, batch) =>
    items.slice(batch * size, (batch + 1) * size),
  );
}

type Wanted = Readonly<{ token: HexAddress; from: number; to: number }> & Watched;

const RECIPIENT = /^0x0{24}[0-9a-f]{40}$/;

/** Whom a log says it paid, if it is one that was asked for; cheap, because most are somebody else's. */
function recipientOf(log: unknown, { token, from, to }: Wanted): HexAddress | null {
  const [topics, address] = [field(log, 'topics'), field(log, 'address')];
  if (!Array.isArray(topics) || topics.length !== 3 || topics[0] !== TRANSFER_TOPIC) return null;
  if (address !== token && String(address).toLowerCase() !== token) return null;
  const blockNumber = quantity(field(log, 'blockNumber'));
  if (blockNumber === null || blockNumber < from || blockNumber > to) return null;
  if (field(log, 'removed') === true) return null;
  const recipient = String(topics[2]).toLowerCase();
  return RECIPIENT.test(recipient) ? `0x${recipient.slice(26)}` : null;
}

/** Logs that were asked for and nothing else; anything else among them makes all of them suspect. */
async function siftLogs(
  logs: readonly unknown[],
  wanted: Wanted,
): Promise<Read<readonly TransferLog[]>> {
  const recipients = logs.map((log) => recipientOf(log, wanted));
  const named = new Set<HexAddress>();
  for (const recipient of recipients) {
    if (recipient === null) return trouble('inconsistent');
    named.add(recipient);
  }
  const ours = await wanted.ours(named);
  const found: TransferLog[] = [];
  for (const [index, recipient] of recipients.entries()) {
    const own = recipient !== null && ours.has(recipient);
    if (!own && wanted.byName !== null) return trouble('inconsistent');
    if (!own) continue;
    const transfer = transferOf(logs[index]);
    if (transfer === null) return trouble('inconsistent');
    if (transfer.units > 0n) found.push(transfer);
  }
  return { ok: true, value: found };
}

function nameOf({ txHash, logIndex }: TransferLog): string {
  return `${txHash}:${logIndex}`;
}

/** Each once, in the chain's order. The same name twice with another content is a contradiction. */
function ordered(transfers: readonly TransferLog[]): Read<readonly TransferLog[]> {
  const byName = new Map<string, TransferLog>();
  for (const transfer of transfers) {
    const known = byName.get(nameOf(transfer));
    if (known !== undefined && !sameTransfer(known, transfer)) return trouble('inconsistent');
    byName.set(nameOf(transfer), transfer);
  }
  const value = [...byName.values()].sort(
    (a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex,
  );
  return { ok: true, value };
}

export function sameTransfer(a: TransferLog, b: TransferLog): boolean {
  return (
    nameOf(a) === nameOf(b) &&
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
  ask: RpcAsk,
  provider: RpcProvider,
  wanted: Wanted,
): Promise<Read<Range>> {
  const { token, from, to, byName } = wanted;
  const batches = byName === null ? [null] : inBatches(byName, ADDRESSES_AT_ONCE);
  const queries = batches.map((batch) => getLogs(token, from, to, batch));
  const answers = await ask(provider, [getBlock(to), ...queries, getBlock(to)]);
  if (typeof answers === 'string') return trouble(answers);
  const [before, after] = [blockOf(answers[0]), blockOf(answers.at(-1))];
  if (!before.ok) return before;
  if (!after.ok) return after;
  const stable = before.value.hash === after.value.hash && before.value.number === to;
  if (!stable || answers.length !== queries.length + 2) return trouble('inconsistent');
  const logs: unknown[] = [];
  for (const answer of answers.slice(1, -1)) {
    if (!answer.ok) return trouble(troubleOf(answer));
    if (!Array.isArray(answer.result)) return trouble('inconsistent');
    for (const log of answer.result) logs.push(log);
  }
  const sifted = await siftLogs(logs, wanted);
  if (!sifted.ok) return sifted;
  const transfers = ordered(sifted.value);
  if (!transfers.ok) return transfers;
  const last = transfers.value.filter(({ blockNumber }) => blockNumber === to);
  if (last.some(({ blockHash }) => blockHash !== before.value.hash)) return trouble('inconsistent');
  return { ok: true, value: { hash: before.value.hash, transfers: transfers.value } };
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const ANSWER_WITHIN_MS = 15_000;

function answerOf(value: unknown): RpcAnswer {
  const error = field(value, 'error');
  if (error === undefined || error === null) return { ok: true, result: field(value, 'result') };
  const code = field(error, 'code');
  return { ok: false, code: typeof code === 'number' ? code : 0 };
}

/** JSON-RPC 2.0 over HTTP, one batch a request; answers may come in any order (specification, section 6). */
export function httpAsk(fetcher: Fetch): RpcAsk {
  return async function askOverHttp({ url, header }, requests) {
    const body = JSON.stringify(
      requests.map((request, id) => ({ jsonrpc: '2.0', id, ...request })),
    );
    const headers = {
      'content-type': 'application/json',
      ...(header === undefined ? {} : { [header.name]: header.value }),
    };
    try {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
      const response = await fetcher(url, { method: 'POST', headers, body, signal });
      if (response.status === 429 || response.status === 403) return 'throttled';
      const answered: unknown = await response.json();
      if (!Array.isArray(answered)) return 'unreachable';
      const byId = new Map(answered.map((answer) => [field(answer, 'id'), answerOf(answer)]));
      return requests.map((_, id) => byId.get(id) ?? { ok: false, code: 0 });
    } catch {
      return 'unreachable';
    }
  };
}
