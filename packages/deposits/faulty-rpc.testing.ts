/**
 * A provider that misbehaves, over HTTP, in front of a real node: it lags, leaves out, repeats, refuses, lies and
 * breaks off, by a seeded dice. Each batch it is sent meets one fault or none.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dice, Moods } from './world.testing.ts';

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

type Json = Readonly<Record<string, unknown>>;
type Request = Readonly<{ id: unknown; method: string; params: readonly unknown[] }>;

const SLOW_MS = 40;
/** anvil's `finalized` is two epochs of two slots below its head. */
const FINALITY = 4;
const LAG_MOST = 12;
const NARROW = 3;

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRequest(value: unknown): value is Request {
  return isJson(value) && typeof value.method === 'string' && Array.isArray(value.params);
}

async function textOf(request: IncomingMessage): Promise<string> {
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

/** What a node that is `behind` blocks late would have been asked, in terms of one that is not. */
function asLate({ id, method, params }: Request, head: number): Request | Json {
  const tag = params[0];
  if (method === 'eth_getBlockByNumber') {
    const late =
      tag === 'latest' ? head : tag === 'finalized' ? Math.max(0, head - FINALITY) : Number(tag);
    if (late > head) return { jsonrpc: '2.0', id, result: null };
    return { id, method, params: [`0x${late.toString(16)}`, false] };
  }
  if (method !== 'eth_getLogs' || !isJson(tag)) return { id, method, params };
  if (Number(tag.fromBlock) > head) return { jsonrpc: '2.0', id, result: [] };
  const toBlock = `0x${Math.min(head, Number(tag.toBlock)).toString(16)}`;
  return { id, method, params: [{ ...tag, toBlock }] };
}

function spanOf({ params }: Request): number {
  const [filter] = params;
  return isJson(filter) ? Number(filter.toBlock) - Number(filter.fromBlock) : 0;
}

export class FaultyRpc {
  readonly met = new Map<Fault, number>();
  readonly #behind: string;
  readonly #dice: Dice;
  readonly #moods: Moods;
  #server: Server | undefined;
  requests = 0;

  constructor(behind: string, dice: Dice, moods: Moods) {
    this.#behind = behind;
    this.#dice = dice;
    this.#moods = moods;
  }

  async start(): Promise<string> {
    const server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `http://127.0.0.1:${address.port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    this.#server?.closeAllConnections();
    await closed;
  }

  #fault(): Fault | null {
    if (!this.#dice.chance(this.#moods.faults)) return null;
    const fault = FAULTS[this.#dice.below(FAULTS.length)] ?? 'broken';
    this.met.set(fault, (this.met.get(fault) ?? 0) + 1);
    return fault;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const fault = this.#fault();
    const body: unknown = JSON.parse(await textOf(request));
    const asked = (Array.isArray(body) ? body : [body]).filter(isRequest);
    if (fault === 'slow') await sleep(SLOW_MS);
    if (fault === 'cut') return void response.destroy();
    const status = { too_many_requests: 429, forbidden: 403, broken: 502 };
    const refusing = Object.entries(status).find(([name]) => name === fault)?.[1];
    if (refusing !== undefined) return void response.writeHead(refusing).end('{}');
    const answers = await this.#answers(asked, fault);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(fault === 'garbage' ? '<html>' : JSON.stringify(answers));
  }

  async #answers(asked: readonly Request[], fault: Fault | null): Promise<readonly unknown[]> {
    const late = fault === 'lagging' ? await this.#lateHead() : null;
    const turned = asked.map((one) => (late === null ? one : asLate(one, late)));
    const forwarded = turned.filter((one): one is Request => 'method' in one);
    const found = await post(
      this.#behind,
      forwarded.map((one) => ({ jsonrpc: '2.0', ...one })),
    );
    const own = turned.filter((one) => !('method' in one));
    const answers = [...(Array.isArray(found) ? found : []), ...own].filter(isJson);
    const tampered = answers.map((answer, index) => this.#tampered(asked, answer, index, fault));
    if (fault === 'other_order') return tampered.toReversed();
    if (fault === 'answer_missing') return tampered.slice(1);
    return tampered;
  }

  async #lateHead(): Promise<number> {
    const asking = { jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] };
    const answer = await post(this.#behind, asking);
    const head = isJson(answer) ? Number(answer.result) : 0;
    return Math.max(0, head - 1 - this.#dice.below(LAG_MOST));
  }

  #tampered(asked: readonly Request[], answer: Json, index: number, fault: Fault | null): Json {
    const request = asked.find(({ id }) => id === answer.id);
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
      if (fault === 'clamped' && spanOf(request) > NARROW) return failed(-32602);
      return { ...answer, result: this.#logs(answer.result, fault) };
    }
    const last = index > 0 && index === asked.length - 1;
    if (!isJson(answer.result)) return answer;
    if (fault === 'swapped_hash' && last)
      return { ...answer, result: { ...answer.result, hash: `0x${'e'.repeat(64)}` } };
    if (fault === 'zero_bloom')
      return { ...answer, result: { ...answer.result, logsBloom: `0x${'0'.repeat(512)}` } };
    return answer;
  }

  #logs(found: unknown, fault: Fault | null): unknown {
    if (!Array.isArray(found)) return found;
    if (fault === 'empty') return [];
    const one: unknown = found[this.#dice.below(Math.max(1, found.length))];
    if (!isJson(one)) return found;
    if (fault === 'drop') return found.filter((log) => log !== one);
    if (fault === 'repeat') return [...found, one];
    if (fault === 'foreign_log') return [...found, { ...one, address: `0x${'9'.repeat(40)}` }];
    if (fault === 'other_amount')
      return found.map((log) => (log === one ? { ...one, data: `0x${'7'.repeat(64)}` } : log));
    return found;
  }
}
