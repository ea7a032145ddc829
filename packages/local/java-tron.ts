/**
 * TRON's node in front of an anvil: what java-tron's JSON-RPC takes, refuses and shows differently from an
 * Ethereum node, and its own door for transactions. So whoever reads our local TRON has to speak its dialect
 * (tronprotocol/java-tron: TronJsonRpcImpl, JsonRpcApiUtil, LogFilterWrapper, LogBlockQuery, BlockResult, config.conf).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AskAnvil, asker, isJson, type Json, RpcError } from './anvil.ts';
import { listen } from './ports.ts';
import { TronMempool } from './tron-mempool.ts';

export type JavaTron = Readonly<{
  /** Without `/jsonrpc`. */
  url: string;
  stop(): Promise<void>;
}>;

const BLOCKS_MOST = 5_000;
const ADDRESSES_MOST = 1_000;
const TOPICS_MOST = 1_000;
const BATCH_MOST = 100;
const BODY_MOST = 4 * 1024 * 1024;
/** Sun for a unit of energy, since proposal 104. */
const ENERGY_PRICE = '0x64';
const ZEROS = `0x${'0'.repeat(512)}`;

type Request = Readonly<{ id: unknown; method: string; params: readonly unknown[] }>;
function badParams(message: string): RpcError {
  return new RpcError(-32602, message);
}

async function headOf(ask: AskAnvil): Promise<number> {
  return Number(await ask('eth_blockNumber', []));
}

/** `getByJsonBlockId`: numbers in hexadecimal, and three of the five tags. */
function blockTag(tag: unknown): string {
  if (tag === 'latest' || tag === 'earliest' || tag === 'finalized') return tag;
  if (tag === 'pending' || tag === 'safe') throw badParams(`TAG ${tag} not supported`);
  if (typeof tag === 'string' && /^0x[0-9a-f]+$/i.test(tag)) return tag;
  throw badParams('invalid block number');
}

/** Balances, code and calls are known at the newest block alone. */
function latestOnly(tag: unknown): void {
  if (tag === 'latest') return;
  if (['earliest', 'pending', 'finalized', 'safe'].includes(String(tag))) {
    throw badParams('TAG [earliest | pending | finalized] not supported');
  }
  throw badParams('QUANTITY not supported, just support TAG as latest');
}

/** What a TRON block has none of. */
function tronBlock(block: unknown): unknown {
  if (!isJson(block)) return block;
  return {
    ...block,
    logsBloom: ZEROS,
    stateRoot: '0x',
    receiptsRoot: `0x${'0'.repeat(64)}`,
    difficulty: '0x0',
    totalDifficulty: '0x0',
    nonce: '0x0000000000000000',
    uncles: [],
    baseFeePerGas: '0x0',
  };
}

async function heightOf(ask: AskAnvil, tag: unknown, otherwise: number): Promise<number> {
  if (tag === undefined || tag === null) return otherwise;
  const read = blockTag(tag);
  if (read.startsWith('0x')) return Number(read);
  const block = await ask('eth_getBlockByNumber', [read, false]);
  return isJson(block) ? Number(block.number) : 0;
}

function checkedAddresses(address: unknown): void {
  const list = Array.isArray(address) ? address : address === undefined ? [] : [address];
  if (list.length > ADDRESSES_MOST) throw badParams(`exceed max addresses: ${ADDRESSES_MOST}`);
  // 21 bytes beginning with 41 are refused in filters, though calls take them.
  if (list.some((one) => !/^0x[0-9a-f]{40}$/i.test(String(one)))) {
    throw badParams('invalid address in filter');
  }
}

function checkedTopics(topics: unknown): void {
  if (topics === undefined) return;
  if (!Array.isArray(topics) || topics.length > 4) throw badParams('topics size should be <= 4');
  if (topics.some((slot) => Array.isArray(slot) && slot.length > TOPICS_MOST)) {
    throw badParams(`exceed max topics: ${TOPICS_MOST}`);
  }
}

/** Past its head the range is cut short, and nothing says so (LogBlockQuery). */
async function logs(ask: AskAnvil, filter: unknown): Promise<readonly unknown[]> {
  if (!isJson(filter)) throw badParams('invalid filter');
  checkedAddresses(filter.address);
  checkedTopics(filter.topics);
  const head = await headOf(ask);
  const from = await heightOf(ask, filter.fromBlock, head);
  const to = await heightOf(ask, filter.toBlock, head);
  if (to < from) throw badParams('please verify: fromBlock <= toBlock');
  if (to - from > BLOCKS_MOST) throw badParams(`exceed max block range: ${BLOCKS_MOST}`);
  if (from > head) return [];
  const range = { fromBlock: hex(from), toBlock: hex(Math.min(to, head)) };
  const found = await ask('eth_getLogs', [{ ...filter, ...range }]);
  return Array.isArray(found) ? found : [];
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

class Node {
  readonly #ask: AskAnvil;
  readonly #mempool: TronMempool;

  constructor(ask: AskAnvil) {
    this.#ask = ask;
    this.#mempool = new TronMempool(ask);
  }

  async answer({ method, params }: Request): Promise<unknown> {
    switch (method) {
      case 'eth_chainId':
      case 'net_version':
      case 'eth_blockNumber':
      case 'eth_estimateGas':
      case 'web3_clientVersion':
        return this.#ask(method, params);
      case 'eth_gasPrice':
        return ENERGY_PRICE;
      case 'eth_getBlockByNumber':
        return tronBlock(await this.#ask(method, [blockTag(params[0]), params[1] === true]));
      case 'eth_getBlockByHash':
        return tronBlock(await this.#ask(method, params));
      case 'eth_getLogs':
        return (await logs(this.#ask, params[0])).map((log) => this.#mempool.renamed(log));
      case 'eth_getTransactionReceipt':
        return this.#receipt(params[0]);
      case 'eth_call':
      case 'eth_getBalance':
      case 'eth_getCode':
        latestOnly(params[1]);
        return this.#ask(method, params);
      default:
        // Broadcasting goes another way, and there are no nonces.
        throw new RpcError(-32601, 'method not found');
    }
  }

  async #receipt(id: unknown): Promise<unknown> {
    const receipt = await this.#ask('eth_getTransactionReceipt', [this.#mempool.behind(id)]);
    if (!isJson(receipt)) return receipt;
    const found = Array.isArray(receipt.logs) ? receipt.logs : [];
    const named = found.map((log) => this.#mempool.renamed(log));
    return { ...this.#mempool.renamed(receipt), logs: named, logsBloom: ZEROS };
  }

  broadcast(body: unknown): Promise<Json> {
    return this.#mempool.broadcast(body);
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (bytes.length > BODY_MOST) throw new RpcError(-32700, 'JSON parse error');
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new RpcError(-32700, 'JSON parse error');
  }
}

function requestOf(value: unknown): Request {
  if (!isJson(value) || typeof value.method !== 'string') {
    throw new RpcError(-32600, 'invalid request');
  }
  const params = Array.isArray(value.params) ? value.params : [];
  return { id: value.id ?? null, method: value.method, params };
}

function failed(id: unknown, error: unknown): Json {
  const known = error instanceof RpcError ? error : new RpcError(-32000, 'internal error');
  return { jsonrpc: '2.0', id, error: { code: known.code, message: known.message } };
}

async function answered(node: Node, value: unknown): Promise<Json> {
  let id: unknown = null;
  try {
    const request = requestOf(value);
    id = request.id;
    return { jsonrpc: '2.0', id, result: await node.answer(request) };
  } catch (error) {
    return failed(id, error);
  }
}

async function answer(node: Node, path: string, body: unknown): Promise<unknown> {
  if (path === '/wallet/broadcasthex') return node.broadcast(body);
  if (!Array.isArray(body)) return answered(node, body);
  if (body.length > BATCH_MOST) {
    return failed(null, new RpcError(-32005, `Batch size ${body.length} exceeds the limit`));
  }
  return Promise.all(body.map((one) => answered(node, one)));
}

async function serve(
  node: Node,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? '';
  const known = path === '/jsonrpc' || path === '/wallet/broadcasthex';
  if (request.method !== 'POST' || !known) {
    response.writeHead(known ? 405 : 404).end();
    return;
  }
  const said = await bodyOf(request)
    .then((body) => answer(node, path, body))
    .catch((error: unknown) => failed(null, error));
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(said));
}

async function closed(server: Server): Promise<void> {
  const ended = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await ended;
}

/** In front of the anvil at `behind`. */
export async function serveJavaTron(behind: string): Promise<JavaTron> {
  const node = new Node(asker(behind));
  const server = createServer((request, response) => {
    serve(node, request, response).catch(() => response.destroy());
  });
  const port = await listen(server, 0);
  return { url: `http://127.0.0.1:${port}`, stop: () => closed(server) };
}
