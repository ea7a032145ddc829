/**
 * A facade of java-tron in front of anvil: where its JSON-RPC differs from an Ethereum node's, and
 * its HTTP endpoint for transactions. Code that works with the local TRON therefore works with a
 * real node (tronprotocol/java-tron: TronJsonRpcImpl, JsonRpcApiUtil, LogFilterWrapper,
 * LogBlockQuery, BlockResult, config.conf).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  type AnvilRpc,
  createAnvilRpc,
  isJsonObject,
  type JsonObject,
  JsonRpcError,
} from './anvil-rpc.ts';
import { listen } from './ports.ts';
import { TronMempool } from './tron-mempool.ts';

export type JavaTron = Readonly<{
  /** Without `/jsonrpc`. */
  url: string;
  stop(): Promise<void>;
}>;

const MAX_BLOCK_RANGE = 5_000;
const MAX_ADDRESSES = 1_000;
const MAX_TOPICS = 1_000;
const MAX_BATCH_SIZE = 100;
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Sun per unit of energy, since proposal 104. */
const ENERGY_PRICE = '0x64';
const ZEROS = `0x${'0'.repeat(512)}`;

type Request = Readonly<{ id: unknown; method: string; params: readonly unknown[] }>;
function invalidParams(message: string): JsonRpcError {
  return new JsonRpcError(-32602, message);
}

async function readHead(anvil: AnvilRpc): Promise<number> {
  return Number(await anvil('eth_blockNumber', []));
}

/** Accepts hexadecimal numbers and three of the five tags (`getByJsonBlockId`). */
function blockTag(tag: unknown): string {
  if (tag === 'latest' || tag === 'earliest' || tag === 'finalized') return tag;
  if (tag === 'pending' || tag === 'safe') throw invalidParams(`TAG ${tag} not supported`);
  if (typeof tag === 'string' && /^0x[0-9a-f]+$/i.test(tag)) return tag;
  throw invalidParams('invalid block number');
}

/** Balances, code and calls are available at the newest block only. */
function requireLatestTag(tag: unknown): void {
  if (tag === 'latest') return;
  if (['earliest', 'pending', 'finalized', 'safe'].includes(String(tag))) {
    throw invalidParams('TAG [earliest | pending | finalized] not supported');
  }
  throw invalidParams('QUANTITY not supported, just support TAG as latest');
}

/** Blanks the fields that TRON blocks don't have. */
function toTronBlock(block: unknown): unknown {
  if (!isJsonObject(block)) return block;
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

async function resolveHeight(anvil: AnvilRpc, tag: unknown, fallback: number): Promise<number> {
  if (tag === undefined || tag === null) return fallback;
  const read = blockTag(tag);
  if (read.startsWith('0x')) return Number(read);
  const block = await anvil('eth_getBlockByNumber', [read, false]);
  return isJsonObject(block) ? Number(block.number) : 0;
}

function checkAddresses(address: unknown): void {
  const list = Array.isArray(address) ? address : address === undefined ? [] : [address];
  if (list.length > MAX_ADDRESSES) throw invalidParams(`exceed max addresses: ${MAX_ADDRESSES}`);
  // Filters reject 21-byte addresses beginning with 41, although calls accept them.
  if (list.some((one) => !/^0x[0-9a-f]{40}$/i.test(String(one)))) {
    throw invalidParams('invalid address in filter');
  }
}

function checkTopics(topics: unknown): void {
  if (topics === undefined) return;
  if (!Array.isArray(topics) || topics.length > 4)
    throw invalidParams('topics size should be <= 4');
  if (topics.some((slot) => Array.isArray(slot) && slot.length > MAX_TOPICS)) {
    throw invalidParams(`exceed max topics: ${MAX_TOPICS}`);
  }
}

/** Clamps a range beyond the head without an error (LogBlockQuery). */
async function logs(anvil: AnvilRpc, filter: unknown): Promise<readonly unknown[]> {
  if (!isJsonObject(filter)) throw invalidParams('invalid filter');
  checkAddresses(filter.address);
  checkTopics(filter.topics);
  const head = await readHead(anvil);
  const from = await resolveHeight(anvil, filter.fromBlock, head);
  const to = await resolveHeight(anvil, filter.toBlock, head);
  if (to < from) throw invalidParams('please verify: fromBlock <= toBlock');
  if (to - from > MAX_BLOCK_RANGE)
    throw invalidParams(`exceed max block range: ${MAX_BLOCK_RANGE}`);
  if (from > head) return [];
  const range = { fromBlock: hex(from), toBlock: hex(Math.min(to, head)) };
  const anvilLogs = await anvil('eth_getLogs', [{ ...filter, ...range }]);
  return Array.isArray(anvilLogs) ? anvilLogs : [];
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

class JavaTronNode {
  readonly #anvil: AnvilRpc;
  readonly #mempool: TronMempool;

  constructor(anvil: AnvilRpc) {
    this.#anvil = anvil;
    this.#mempool = new TronMempool(anvil);
  }

  async callMethod({ method, params }: Request): Promise<unknown> {
    switch (method) {
      case 'eth_chainId':
      case 'net_version':
      case 'eth_blockNumber':
      case 'eth_estimateGas':
      case 'web3_clientVersion':
        return this.#anvil(method, params);
      case 'eth_gasPrice':
        return ENERGY_PRICE;
      case 'eth_getBlockByNumber':
        return toTronBlock(await this.#anvil(method, [blockTag(params[0]), params[1] === true]));
      case 'eth_getBlockByHash':
        return toTronBlock(await this.#anvil(method, params));
      case 'eth_getLogs':
        return (await logs(this.#anvil, params[0])).map((log) => this.#mempool.withTronId(log));
      case 'eth_getTransactionReceipt':
        return this.#receipt(params[0]);
      case 'eth_call':
      case 'eth_getBalance':
      case 'eth_getCode':
        requireLatestTag(params[1]);
        return this.#anvil(method, params);
      default:
        // Transactions are broadcast at another path, and there are no nonces.
        throw new JsonRpcError(-32601, 'method not found');
    }
  }

  async #receipt(id: unknown): Promise<unknown> {
    const receipt = await this.#anvil('eth_getTransactionReceipt', [this.#mempool.toAnvilHash(id)]);
    if (!isJsonObject(receipt)) return receipt;
    const anvilLogs = Array.isArray(receipt.logs) ? receipt.logs : [];
    const tronLogs = anvilLogs.map((log) => this.#mempool.withTronId(log));
    return { ...this.#mempool.withTronId(receipt), logs: tronLogs, logsBloom: ZEROS };
  }

  broadcast(body: unknown): Promise<JsonObject> {
    return this.#mempool.broadcast(body);
  }
}

async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (bytes.length > MAX_BODY_BYTES) throw new JsonRpcError(-32700, 'JSON parse error');
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new JsonRpcError(-32700, 'JSON parse error');
  }
}

function parseRequest(value: unknown): Request {
  if (!isJsonObject(value) || typeof value.method !== 'string') {
    throw new JsonRpcError(-32600, 'invalid request');
  }
  const params = Array.isArray(value.params) ? value.params : [];
  return { id: value.id ?? null, method: value.method, params };
}

function toErrorResponse(id: unknown, error: unknown): JsonObject {
  const known = error instanceof JsonRpcError ? error : new JsonRpcError(-32000, 'internal error');
  return { jsonrpc: '2.0', id, error: { code: known.code, message: known.message } };
}

async function handleRequest(node: JavaTronNode, value: unknown): Promise<JsonObject> {
  let id: unknown = null;
  try {
    const request = parseRequest(value);
    id = request.id;
    return { jsonrpc: '2.0', id, result: await node.callMethod(request) };
  } catch (error) {
    return toErrorResponse(id, error);
  }
}

async function handleBody(node: JavaTronNode, path: string, body: unknown): Promise<unknown> {
  if (path === '/wallet/broadcasthex') return node.broadcast(body);
  if (!Array.isArray(body)) return handleRequest(node, body);
  if (body.length > MAX_BATCH_SIZE) {
    return toErrorResponse(
      null,
      new JsonRpcError(-32005, `Batch size ${body.length} exceeds the limit`),
    );
  }
  return Promise.all(body.map((one) => handleRequest(node, one)));
}

async function serve(
  node: JavaTronNode,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? '';
  const known = path === '/jsonrpc' || path === '/wallet/broadcasthex';
  if (request.method !== 'POST' || !known) {
    response.writeHead(known ? 405 : 404).end();
    return;
  }
  const result = await readJsonBody(request)
    .then((body) => handleBody(node, path, body))
    .catch((error: unknown) => toErrorResponse(null, error));
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
}

async function closeServer(server: Server): Promise<void> {
  const ended = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await ended;
}

/** Starts the facade in front of the anvil at `anvilUrl`. */
export async function serveJavaTron(anvilUrl: string): Promise<JavaTron> {
  const node = new JavaTronNode(createAnvilRpc(anvilUrl));
  const server = createServer((request, response) => {
    serve(node, request, response).catch(() => response.destroy());
  });
  const port = await listen(server, 0);
  return { url: `http://127.0.0.1:${port}`, stop: () => closeServer(server) };
}
