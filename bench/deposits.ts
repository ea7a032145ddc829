/**
 * `npm run bench -- --deposits`: what reading the networks costs. Catching up after a day's outage, requests a day,
 * CPU for ten thousand logs, and a minute's work for a thousand, ten thousand and a hundred thousand accounts. The
 * providers are functions that answer at once, so that what is measured is ours and the database's.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { connect, type Database, pinKey, startCursor } from '@farebox/database';
import {
  CHAIN_DEFAULTS,
  CHAINS,
  type Chain,
  type ChainName,
  httpAsk,
  tick,
} from '@farebox/deposits';
import { emptyDatabase } from '@farebox/local';
import { readRange } from '../packages/deposits/rpc.ts';
import { type Bar, barsOf } from './deposits-chart.ts';
import { RESULTS, table } from './report.ts';
import { quantile } from './statistics.ts';

type Say = (line: string) => void;

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const START = Date.UTC(2026, 10, 24);
const FINGERPRINT = 'b'.repeat(16);
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
/** USDT's transfers a block, as an order of magnitude: what a real network sends us beside our own. */
const TRANSFERS_A_BLOCK: Readonly<Record<ChainName, number>> = { tron: 100, bsc: 30, polygon: 10 };
const LOGS = 10_000;
const LOOKS = 15;
const SIZES = [1_000, 10_000, 100_000] as const;

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function hashOf(number: number): string {
  return `0x${number.toString(16).padStart(64, '0')}`;
}

/** A network that answers at once, and counts what it was asked. */
class Network {
  head = 0;
  /** Transfers of strangers in each block; none of them is ever asked for by name. */
  crowd = 0;
  posts = 0;
  requests = 0;
  /** What making its answers took: not ours. */
  spentMs = 0;
  #now = START;

  readonly fetcher = async (_: string, init: Pick<RequestInit, 'body'>): Promise<Response> => {
    const from = performance.now();
    this.posts += 1;
    const asked: readonly { id: number; method: string; params: readonly unknown[] }[] = JSON.parse(
      String(init.body),
    );
    this.requests += asked.length;
    const answers = asked.map(({ id, method, params }) => ({
      jsonrpc: '2.0',
      id,
      result: this.#answer(method, params),
    }));
    const response = new Response(JSON.stringify(answers));
    this.spentMs += performance.now() - from;
    return response;
  };

  at(now: number): void {
    this.#now = now;
  }

  #answer(method: string, params: readonly unknown[]): unknown {
    if (method === 'eth_chainId') return hex(CHAIN_DEFAULTS.polygon.chainId);
    if (method === 'eth_call') return `0x${'0'.repeat(64)}`;
    if (method === 'eth_getBlockByNumber') return this.#block(params[0]);
    return this.#logs(Object(params[0]));
  }

  #block(which: unknown): unknown {
    const number =
      which === 'latest' ? this.head : which === 'finalized' ? this.head - 20 : Number(which);
    return {
      number: hex(number),
      hash: hashOf(number),
      timestamp: hex(Math.floor(this.#now / 1000)),
    };
  }

  #logs(filter: Readonly<Record<string, unknown>>): readonly unknown[] {
    const topics = filter.topics;
    if (Array.isArray(topics) && topics.length > 2) return [];
    const [from, to] = [Number(filter.fromBlock), Number(filter.toBlock)];
    return Array.from({ length: (to - from + 1) * this.crowd }, (_, index) => {
      const number = from + Math.floor(index / this.crowd);
      const who = (number * this.crowd + index).toString(16).padStart(64, '0');
      return {
        address: filter.address,
        topics: [TRANSFER, `0x${who}`, `0x${who}`],
        data: `0x${who}`,
        blockNumber: hex(number),
        blockHash: hashOf(number),
        transactionHash: `0x${who}`,
        transactionIndex: '0x1',
        logIndex: hex(index),
        removed: false,
      };
    });
  }
}

type Bench = Readonly<{ db: Database; network: Network; chain: Chain }>;

/** Polygon's chain id stands for all: the networks differ in their numbers only. */
function chainOf(name: ChainName, providers: number): Chain {
  const defaults = CHAIN_DEFAULTS[name];
  return {
    ...defaults,
    chainId: CHAIN_DEFAULTS.polygon.chainId,
    startBlock: null,
    providers: Array.from({ length: providers }, (_, at) => ({ url: `https://${at}.example` })),
  };
}

function minute({ db, network, chain }: Bench, now: number): Promise<void> {
  network.at(now);
  return tick({
    ...{ db, chains: [chain], keys: new Map(), barred: [], now: () => now, signal: () => {} },
    ask: httpAsk(network.fetcher),
    credits: { credit: async () => ({ ok: true, posted: 0n }) },
  });
}

async function forget(db: Database): Promise<void> {
  for (const name of [
    'deposits',
    'chain_cursors',
    'deposit_addresses',
    'deposit_keys',
    'accounts',
  ]) {
    await db.execute(`delete from ${name}`);
  }
}

/** Accounts with an address each, of nobody. */
async function people(db: Database, count: number): Promise<void> {
  await forget(db);
  for (const family of ['evm', 'tron'] as const) {
    await pinKey(db, family, FINGERPRINT, START);
    await db.execute(`update deposit_keys set next_index = ${count} where family = '${family}'`);
  }
  await db.execute(`insert into accounts (id, created_at)
    select lpad(to_hex(a), 16, '0'), now() from generate_series(1, ${count}) as a`);
  for (const family of ['evm', 'tron']) {
    await db.execute(`insert into deposit_addresses (family, address, account_id, fingerprint, index, created_at)
      select '${family}', '0xaa' || lpad(to_hex(a), 38, '0'), lpad(to_hex(a), 16, '0'), '${FINGERPRINT}', a, now()
      from generate_series(1, ${count}) as a`);
  }
  await db.execute('analyze deposit_addresses');
}

/** Behind by a day, and quiet about the nightly work, which is not what is measured. */
async function behind({ db, network, chain }: Bench, blocks: number, now: number): Promise<void> {
  await db.execute('delete from chain_cursors');
  network.head = 100_000_000;
  const final = network.head - Math.max(20, chain.depth);
  await startCursor(db, chain.name, final - blocks, chain.windowMost);
  await db.execute(
    `update chain_cursors set reread_at = '${new Date(now).toISOString()}', audit_at = '${new Date(now).toISOString()}'`,
  );
}

type CatchUp = Readonly<{
  name: ChainName;
  blocks: number;
  seconds: number;
  ticks: number;
  posts: number;
}>;

async function catchUp(bench: Bench): Promise<CatchUp> {
  const { db, network, chain } = bench;
  const blocks = Math.floor(DAY_MS / chain.blockMs);
  await behind(bench, blocks, START);
  network.posts = 0;
  const from = performance.now();
  let ticks = 0;
  for (let left = 1; left > 0; ticks += 1) {
    await minute(bench, START + ticks * MINUTE_MS);
    const { rows } = await db.execute('select final - next_block + 1 as left from chain_cursors');
    left = Number(rows[0]?.left);
  }
  const seconds = (performance.now() - from) / 1000;
  return { name: chain.name, blocks, seconds, ticks, posts: network.posts };
}

type Daily = Readonly<{ name: ChainName; posts: number; requests: number }>;

/** A day of minutes at the head, the nightly reading included, by one provider of two. */
async function daily(bench: Bench): Promise<Daily> {
  const { db, network, chain } = bench;
  await behind(bench, 0, START);
  await db.execute('update chain_cursors set reread_at = null, audit_at = null');
  const minutes = 1_440;
  network.posts = 0;
  network.requests = 0;
  for (let at = 0; at < minutes; at += 1) {
    network.head += Math.round(MINUTE_MS / chain.blockMs);
    await minute(bench, START + at * MINUTE_MS);
  }
  const each = chain.providers.length;
  return { name: chain.name, posts: network.posts / each, requests: network.requests / each };
}

/** The median of some minutes' work at the head, in milliseconds, what the network took left out. */
async function work(bench: Bench, blocks: number): Promise<number> {
  const times: number[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    const now = START + look * MINUTE_MS;
    await behind(bench, blocks, now);
    bench.network.spentMs = 0;
    const from = performance.now();
    await minute(bench, now);
    times.push(performance.now() - from - bench.network.spentMs);
  }
  return quantile(times, 0.5);
}

type Logs = Readonly<{ oursMs: number; parseMs: number }>;

/** Reading one range with ten thousand logs of strangers, from its bytes to what is ours among them: nothing. */
async function logs(network: Network, { token }: Chain): Promise<Logs> {
  const blocks = 100;
  network.crowd = LOGS / blocks;
  const ask = httpAsk(network.fetcher);
  const ours = async () => new Set<string>();
  const wanted = { token, from: 1, to: blocks, byName: null, ours };
  const filter = { address: token, fromBlock: hex(1), toBlock: hex(blocks), topics: [TRANSFER] };
  const body = JSON.stringify([{ id: 0, method: 'eth_getLogs', params: [filter] }]);
  const text = await (await network.fetcher('', { body })).text();
  const [reads, parses]: [number[], number[]] = [[], []];
  for (let look = 0; look < LOOKS; look += 1) {
    network.spentMs = 0;
    const from = performance.now();
    const range = await readRange(ask, { url: '' }, wanted);
    reads.push(performance.now() - from - network.spentMs);
    const again = performance.now();
    const parsed: unknown = JSON.parse(text);
    parses.push(performance.now() - again);
    if (!range.ok || parsed === null) throw new Error('bench: the logs were not read');
  }
  network.crowd = 0;
  return { oursMs: quantile(reads, 0.5), parseMs: quantile(parses, 0.5) };
}

type Sized = Readonly<{ accounts: number; ms: number }>;

function report(
  caught: readonly CatchUp[],
  days: readonly Daily[],
  read: Logs,
  sizes: readonly Sized[],
): string {
  const [first] = sizes;
  return `# What reading the networks costs

${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, Node ${process.version}, embedded Postgres in the same process. The providers answer at once: what
is measured is ours and the database's. Read the ratios and the counts; milliseconds say more about the machine.

## Catching up after a day's outage, 1,000 accounts, two providers

${table(
  ['network', 'blocks', 'blocks a second', 'minutes of cron', 'requests by HTTP'],
  caught.map(({ name, blocks, seconds, ticks, posts }) => [
    name,
    String(blocks),
    (blocks / seconds).toFixed(0),
    String(ticks),
    String(posts),
  ]),
)}

## Requests a day and provider at the head, the nightly second reading included

${table(
  ['network', 'by HTTP', 'JSON-RPC calls in them'],
  days.map(({ name, posts, requests }) => [name, posts.toFixed(0), requests.toFixed(0)]),
)}

## CPU for ${LOGS} logs of strangers

${read.oursMs.toFixed(0)} ms, of which JSON.parse alone takes ${read.parseMs.toFixed(0)} ms (${(read.oursMs / read.parseMs).toFixed(1)} times). The goal is 50 ms.

## A minute's work on BNB Smart Chain by the number of accounts

Up to 5,000 addresses are asked for by name; above, everybody's transfers are read (${TRANSFERS_A_BLOCK.bsc} a block here) and looked up.

${table(
  ['accounts', 'ms', 'to the first'],
  sizes.map(({ accounts, ms }) => [
    String(accounts),
    ms.toFixed(0),
    (ms / (first?.ms ?? 1)).toFixed(2),
  ]),
)}
`;
}

export async function runDeposits(say: Say): Promise<boolean> {
  const database = await emptyDatabase();
  const db = connect(database.url);
  const network = new Network();
  await people(db, 1_000);
  const caught: CatchUp[] = [];
  const days: Daily[] = [];
  for (const name of CHAINS) {
    const bench = { db, network, chain: chainOf(name, 2) };
    caught.push(await catchUp(bench));
    days.push(await daily(bench));
    say(`${name}: caught up and read a day`);
  }
  const sizes: Sized[] = [];
  for (const accounts of SIZES) {
    await people(db, accounts);
    network.crowd = TRANSFERS_A_BLOCK.bsc;
    const bench = { db, network, chain: chainOf('bsc', 2) };
    const blocks = Math.round(MINUTE_MS / bench.chain.blockMs);
    sizes.push({ accounts, ms: await work(bench, blocks) });
    say(`${accounts} accounts: measured`);
  }
  const read = await logs(network, chainOf('polygon', 1));
  await database.close();
  mkdirSync(RESULTS, { recursive: true });
  const text = report(caught, days, read, sizes);
  writeFileSync(join(RESULTS, 'deposits.md'), text);
  const bars = sizes.map(({ accounts, ms }): Bar => ({ name: `${accounts} accounts`, value: ms }));
  writeFileSync(join(RESULTS, 'deposits.svg'), barsOf(bars));
  say(text);
  return true;
}
