/**
 * A faulty HTTP provider in front of a real node: it lags, omits, repeats, rejects, lies and
 * disconnects, driven by a seeded random generator. Each batch gets at most one fault.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultProfile, Prng } from './fake-chain.testing.ts';

const FAULTS = [
  'lagging',
  'empty',
  'drop',
  'repeat',
  'clamped',
  'too_many',
  'too_many_requests',
  'forbidden',
  'broken',
  'cut',
  'slow',
  'wrong_chain',
  'swapped_hash',
  'foreign_log',
  'other_amount',
  'zero_bloom',
  'garbage',
  'other_order',
  'answer_missing',
] as const;
export type Fault = (typeof FAULTS)[number];

type JsonObject = Readonly<Record<string, unknown>>;
type Request = Readonly<{ id: unknown; method: string; params: readonly unknown[] }>;

const SLOW_MS = 40;
/** anvil's `finalized` block is two epochs of two slots below its head. */
const FINALITY = 4;
const MAX_LAG_BLOCKS = 12;
const NARROW = 3;

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRequest(value: unknown): value is Request {
  return isJsonObject(value) && typeof value.method === 'string' && Array.isArray(value.params);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function post(url: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const answer: unknown = await (
    await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  ).json();
  return answer;
}

/** Rewrites a request so that the node answers as if its head were `head`. */
function rewriteForLag({ id, method, params }: Request, head: number): Request | JsonObject {
  const tag = params[0];
  if (method === 'eth_getBlockByNumber') {
    const laggedNumber =
      tag === 'latest' ? head : tag === 'finalized' ? Math.max(0, head - FINALITY) : Number(tag);
    if (laggedNumber > head) return { jsonrpc: '2.0', id, result: null };
    return { id, method, params: [`0x${laggedNumber.toString(16)}`, false] };
  }
  if (method !== 'eth_getLogs' || !isJsonObject(tag)) return { id, method, params };
  if (Number(tag.fromBlock) > head) return { jsonrpc: '2.0', id, result: [] };
  const toBlock = `0x${Math.min(head, Number(tag.toBlock)).toString(16)}`;
  return { id, method, params: [{ ...tag, toBlock }] };
}

function blockSpan({ params }: Request): number {
  const [filter] = params;
  return isJsonObject(filter) ? Number(filter.toBlock) - Number(filter.fromBlock) : 0;
}

export class FaultyRpc {
  readonly faultCounts = new Map<Fault, number>();
  readonly #upstreamUrl: string;
  readonly #prng: Prng;
  readonly #faultProfile: FaultProfile;
  #server: Server | undefined;
  requests = 0;

  constructor(upstreamUrl: string, prng: Prng, faultProfile: FaultProfile) {
    this.#upstreamUrl = upstreamUrl;
    this.#prng = prng;
    this.#faultProfile = faultProfile;
  }

  async start(): Promise<string> {
    const server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The server has no port.');
    return `http://127.0.0.1:${address.port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    this.#server?.closeAllConnections();
    await closed;
  }

  #fault(): Fault | null {
    if (!this.#prng.chance(this.#faultProfile.faultRate)) return null;
    const fault = FAULTS[this.#prng.nextInt(FAULTS.length)] ?? 'broken';
    this.faultCounts.set(fault, (this.faultCounts.get(fault) ?? 0) + 1);
    return fault;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const fault = this.#fault();
    const body: unknown = JSON.parse(await readBody(request));
    const rpcRequests = (Array.isArray(body) ? body : [body]).filter(isRequest);
    if (fault === 'slow') await sleep(SLOW_MS);
    if (fault === 'cut') return void response.destroy();
    const status = { too_many_requests: 429, forbidden: 403, broken: 502 };
    const errorStatus = Object.entries(status).find(([name]) => name === fault)?.[1];
    if (errorStatus !== undefined) return void response.writeHead(errorStatus).end('{}');
    const answers = await this.#answers(rpcRequests, fault);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(fault === 'garbage' ? '<html>' : JSON.stringify(answers));
  }

  async #answers(
    rpcRequests: readonly Request[],
    fault: Fault | null,
  ): Promise<readonly unknown[]> {
    const laggedHead = fault === 'lagging' ? await this.#lateHead() : null;
    const rewritten = rpcRequests.map((one) =>
      laggedHead === null ? one : rewriteForLag(one, laggedHead),
    );
    const forwarded = rewritten.filter((one): one is Request => 'method' in one);
    const upstreamResponse = await post(
      this.#upstreamUrl,
      forwarded.map((one) => ({ jsonrpc: '2.0', ...one })),
    );
    const localResponses = rewritten.filter((one) => !('method' in one));
    const answers = [
      ...(Array.isArray(upstreamResponse) ? upstreamResponse : []),
      ...localResponses,
    ].filter(isJsonObject);
    const tampered = answers.map((answer, index) =>
      this.#tamper(rpcRequests, answer, index, fault),
    );
    if (fault === 'other_order') return tampered.toReversed();
    if (fault === 'answer_missing') return tampered.slice(1);
    return tampered;
  }

  async #lateHead(): Promise<number> {
    const request = { jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] };
    const answer = await post(this.#upstreamUrl, request);
    const head = isJsonObject(answer) ? Number(answer.result) : 0;
    return Math.max(0, head - 1 - this.#prng.nextInt(MAX_LAG_BLOCKS));
  }

  #tamper(
    rpcRequests: readonly Request[],
    answer: JsonObject,
    index: number,
    fault: Fault | null,
  ): JsonObject {
    const request = rpcRequests.find(({ id }) => id === answer.id);
    const failed = (code: number) => ({
      jsonrpc: '2.0',
      id: answer.id,
      error: { code, message: '' },
    });
    if (request === undefined) return answer;
    if (fault === 'wrong_chain' && request.method === 'eth_chainId')
      return { ...answer, result: '0x1' };
    if (request.method === 'eth_getLogs') {
      if (fault === 'too_many') return failed(-32005);
      if (fault === 'clamped' && blockSpan(request) > NARROW) return failed(-32602);
      return { ...answer, result: this.#logs(answer.result, fault) };
    }
    const last = index > 0 && index === rpcRequests.length - 1;
    if (!isJsonObject(answer.result)) return answer;
    if (fault === 'swapped_hash' && last)
      return { ...answer, result: { ...answer.result, hash: `0x${'e'.repeat(64)}` } };
    if (fault === 'zero_bloom')
      return { ...answer, result: { ...answer.result, logsBloom: `0x${'0'.repeat(512)}` } };
    return answer;
  }

  #logs(logs: unknown, fault: Fault | null): unknown {
    if (!Array.isArray(logs)) return logs;
    if (fault === 'empty') return [];
    const one: unknown = logs[this.#prng.nextInt(Math.max(1, logs.length))];
    if (!isJsonObject(one)) return logs;
    if (fault === 'drop') return logs.filter((log) => log !== one);
    if (fault === 'repeat') return [...logs, one];
    if (fault === 'foreign_log') return [...logs, { ...one, address: `0x${'9'.repeat(40)}` }];
    if (fault === 'other_amount')
      return logs.map((log) => (log === one ? { ...one, data: `0x${'7'.repeat(64)}` } : log));
    return logs;
  }
}
