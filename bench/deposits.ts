/**
 * `npm run bench -- --deposits`: measures the cost of scanning. Catching up after a day's outage,
 * requests per day, CPU for ten thousand logs, and one cron run with a thousand, ten thousand and a
 * hundred thousand accounts. The providers are functions that respond immediately, so that only our
 * code and the database are measured.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { connect, type Database } from '@farebox/database';
import { pinKey, startCursor } from '@farebox/database/deposits';
import {
  CHAIN_DEFAULTS,
  CHAINS,
  type Chain,
  type ChainName,
  httpTransport,
  runScheduled,
} from '@farebox/deposits';
import { createEmptyDatabase } from '@farebox/local';
import { readRange } from '../packages/deposits/transfers.ts';
import { type Bar, renderBars } from './deposits-chart.ts';
import { RESULTS, table } from './report.ts';
import { quantile } from './statistics.ts';

type Log = (line: string) => void;

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const START = Date.UTC(2026, 10, 24);
const FINGERPRINT = 'b'.repeat(16);
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
/** USDT transfers per block on the real networks, as an order of magnitude. */
const TRANSFERS_PER_BLOCK: Readonly<Record<ChainName, number>> = {
  tron: 100,
  bsc: 30,
  polygon: 10,
};
const LOGS = 10_000;
const SAMPLES = 15;
const ACCOUNT_COUNTS = [1_000, 10_000, 100_000] as const;

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function toHash(number: number): string {
  return `0x${number.toString(16).padStart(64, '0')}`;
}

/** A network that responds immediately and counts its requests. */
class Network {
  head = 0;
  /** Foreign transfers in each block. Queries by address never return them. */
  strangerTransfersPerBlock = 0;
  posts = 0;
  requests = 0;
  /** The time spent on creating responses, which isn't part of the measurement. */
  spentMs = 0;
  #now = START;

  readonly fetcher = async (_: string, init: Pick<RequestInit, 'body'>): Promise<Response> => {
    const from = performance.now();
    this.posts += 1;
    const rpcRequests: readonly { id: number; method: string; params: readonly unknown[] }[] =
      JSON.parse(String(init.body));
    this.requests += rpcRequests.length;
    const answers = rpcRequests.map(({ id, method, params }) => ({
      jsonrpc: '2.0',
      id,
      result: this.#answer(method, params),
    }));
    const response = new Response(JSON.stringify(answers));
    this.spentMs += performance.now() - from;
    return response;
  };

  setTime(now: number): void {
    this.#now = now;
  }

  #answer(method: string, params: readonly unknown[]): unknown {
    if (method === 'eth_chainId') return hex(CHAIN_DEFAULTS.polygon.chainId);
    if (method === 'eth_call') return `0x${'0'.repeat(64)}`;
    if (method === 'eth_getBlockByNumber') return this.#block(params[0]);
    return this.#logs(Object(params[0]));
  }

  #block(tag: unknown): unknown {
    const number =
      tag === 'latest' ? this.head : tag === 'finalized' ? this.head - 20 : Number(tag);
    return {
      number: hex(number),
      hash: toHash(number),
      timestamp: hex(Math.floor(this.#now / 1000)),
    };
  }

  #logs(filter: Readonly<Record<string, unknown>>): readonly unknown[] {
    const topics = filter.topics;
    if (Array.isArray(topics) && topics.length > 2) return [];
    const [from, to] = [Number(filter.fromBlock), Number(filter.toBlock)];
    return Array.from({ length: (to - from + 1) * this.strangerTransfersPerBlock }, (_, index) => {
      const number = from + Math.floor(index / this.strangerTransfersPerBlock);
      const account = (number * this.strangerTransfersPerBlock + index)
        .toString(16)
        .padStart(64, '0');
      return {
        address: filter.address,
        topics: [TRANSFER, `0x${account}`, `0x${account}`],
        data: `0x${account}`,
        blockNumber: hex(number),
        blockHash: toHash(number),
        transactionHash: `0x${account}`,
        transactionIndex: '0x1',
        logIndex: hex(index),
        removed: false,
      };
    });
  }
}

type Bench = Readonly<{ db: Database; network: Network; chain: Chain }>;

/** Always returns Polygon's chain id: the networks differ only in their parameters. */
function buildChain(name: ChainName, providers: number): Chain {
  const defaults = CHAIN_DEFAULTS[name];
  return {
    ...defaults,
    chainId: CHAIN_DEFAULTS.polygon.chainId,
    startBlock: null,
    providers: Array.from({ length: providers }, (_, at) => ({ url: `https://${at}.example` })),
  };
}

function runMinute({ db, network, chain }: Bench, now: number): Promise<void> {
  network.setTime(now);
  return runScheduled({
    ...{
      db,
      chains: [chain],
      keys: new Map(),
      blockedSenders: [],
      now: () => now,
      logEvent: () => {},
    },
    rpcTransport: httpTransport(network.fetcher),
    credits: {
      credit: async () => ({ ok: true, posted: 0n }),
      payRefund: async () => ({ ok: false, reason: 'unknown' }),
    },
  });
}

async function clearTables(db: Database): Promise<void> {
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

/** Inserts accounts with an address each. */
async function createAccounts(db: Database, count: number): Promise<void> {
  await clearTables(db);
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

/** Sets the cursor back by a day and marks the daily jobs as done, because they aren't measured. */
async function setLag({ db, network, chain }: Bench, blocks: number, now: number): Promise<void> {
  await db.execute('delete from chain_cursors');
  network.head = 100_000_000;
  const final = network.head - Math.max(20, chain.depth);
  await startCursor(db, chain.name, final - blocks, chain.maxWindow);
  await db.execute(
    `update chain_cursors set rescan_at = '${new Date(now).toISOString()}', audit_at = '${new Date(now).toISOString()}'`,
  );
}

type CatchUpResult = Readonly<{
  name: ChainName;
  blocks: number;
  seconds: number;
  runs: number;
  posts: number;
}>;

async function measureCatchUp(bench: Bench): Promise<CatchUpResult> {
  const { db, network, chain } = bench;
  const blocks = Math.floor(DAY_MS / chain.blockMs);
  await setLag(bench, blocks, START);
  network.posts = 0;
  const from = performance.now();
  let runs = 0;
  for (let remaining = 1; remaining > 0; runs += 1) {
    await runMinute(bench, START + runs * MINUTE_MS);
    const { rows } = await db.execute('select final - next_block + 1 as left from chain_cursors');
    remaining = Number(rows[0]?.left);
  }
  const seconds = (performance.now() - from) / 1000;
  return { name: chain.name, blocks, seconds, runs, posts: network.posts };
}

type DailyRequests = Readonly<{ name: ChainName; posts: number; requests: number }>;

/** Counts one provider's requests in a day of cron runs at the head, daily rescan included. */
async function measureDay(bench: Bench): Promise<DailyRequests> {
  const { db, network, chain } = bench;
  await setLag(bench, 0, START);
  await db.execute('update chain_cursors set rescan_at = null, audit_at = null');
  const minutes = 1_440;
  network.posts = 0;
  network.requests = 0;
  for (let at = 0; at < minutes; at += 1) {
    network.head += Math.round(MINUTE_MS / chain.blockMs);
    await runMinute(bench, START + at * MINUTE_MS);
  }
  const providerCount = chain.providers.length;
  return {
    name: chain.name,
    posts: network.posts / providerCount,
    requests: network.requests / providerCount,
  };
}

/** The median time of a cron run at the head in milliseconds, without the network's time. */
async function measureMinute(bench: Bench, blocks: number): Promise<number> {
  const times: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const now = START + sample * MINUTE_MS;
    await setLag(bench, blocks, now);
    bench.network.spentMs = 0;
    const from = performance.now();
    await runMinute(bench, now);
    times.push(performance.now() - from - bench.network.spentMs);
  }
  return quantile(times, 0.5);
}

type LogTimings = Readonly<{ oursMs: number; parseMs: number }>;

/**
 * Times reading a range with ten thousand foreign logs, from the response's bytes to the (empty)
 * list of ours.
 */
async function measureLogs(network: Network, { token }: Chain): Promise<LogTimings> {
  const blocks = 100;
  network.strangerTransfersPerBlock = LOGS / blocks;
  const rpcTransport = httpTransport(network.fetcher);
  const filterOwned = async () => new Set<string>();
  const query = { token, from: 1, to: blocks, queriedAddresses: null, filterOwned };
  const filter = { address: token, fromBlock: hex(1), toBlock: hex(blocks), topics: [TRANSFER] };
  const body = JSON.stringify([{ id: 0, method: 'eth_getLogs', params: [filter] }]);
  const text = await (await network.fetcher('', { body })).text();
  const [readTimes, parseTimes]: [number[], number[]] = [[], []];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    network.spentMs = 0;
    const from = performance.now();
    const range = await readRange(rpcTransport, { url: '' }, query);
    readTimes.push(performance.now() - from - network.spentMs);
    const parseStart = performance.now();
    const parsed: unknown = JSON.parse(text);
    parseTimes.push(performance.now() - parseStart);
    if (!range.ok || parsed === null) throw new Error('bench: the logs could not be read');
  }
  network.strangerTransfersPerBlock = 0;
  return { oursMs: quantile(readTimes, 0.5), parseMs: quantile(parseTimes, 0.5) };
}

type SizeResult = Readonly<{ accounts: number; ms: number }>;

function report(
  catchUps: readonly CatchUpResult[],
  dailyRequests: readonly DailyRequests[],
  logTimings: LogTimings,
  sizeResults: readonly SizeResult[],
): string {
  const [first] = sizeResults;
  return `# The cost of scanning

${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, Node ${process.version}, embedded Postgres in the same process. The providers respond
immediately, so only our code and the database are measured. Compare ratios and counts: absolute times depend on the machine.

## Catching up after a day's outage, 1,000 accounts, two providers

${table(
  ['network', 'blocks', 'blocks per second', 'cron runs', 'HTTP requests'],
  catchUps.map(({ name, blocks, seconds, runs, posts }) => [
    name,
    String(blocks),
    (blocks / seconds).toFixed(0),
    String(runs),
    String(posts),
  ]),
)}

## Requests per day and provider at the head, including the daily rescan

${table(
  ['network', 'HTTP requests', 'JSON-RPC calls'],
  dailyRequests.map(({ name, posts, requests }) => [name, posts.toFixed(0), requests.toFixed(0)]),
)}

## CPU for ${LOGS} foreign logs

${logTimings.oursMs.toFixed(0)} ms, of which JSON.parse alone takes ${logTimings.parseMs.toFixed(0)} ms (${(logTimings.oursMs / logTimings.parseMs).toFixed(1)} times). The goal is 50 ms.

## One cron run on BNB Smart Chain by the number of accounts

Up to 5,000 addresses are part of the queries. Above that, all transfers are read (here ${TRANSFERS_PER_BLOCK.bsc} per block) and their recipients looked up.

${table(
  ['accounts', 'ms', 'relative'],
  sizeResults.map(({ accounts, ms }) => [
    String(accounts),
    ms.toFixed(0),
    (ms / (first?.ms ?? 1)).toFixed(2),
  ]),
)}
`;
}

export async function runDeposits(log: Log): Promise<boolean> {
  const database = await createEmptyDatabase();
  const db = connect(database.url);
  const network = new Network();
  await createAccounts(db, 1_000);
  const catchUps: CatchUpResult[] = [];
  const dailyRequests: DailyRequests[] = [];
  for (const name of CHAINS) {
    const bench = { db, network, chain: buildChain(name, 2) };
    catchUps.push(await measureCatchUp(bench));
    dailyRequests.push(await measureDay(bench));
    log(`${name}: measured catching up and a day`);
  }
  const sizeResults: SizeResult[] = [];
  for (const accounts of ACCOUNT_COUNTS) {
    await createAccounts(db, accounts);
    network.strangerTransfersPerBlock = TRANSFERS_PER_BLOCK.bsc;
    const bench = { db, network, chain: buildChain('bsc', 2) };
    const blocks = Math.round(MINUTE_MS / bench.chain.blockMs);
    sizeResults.push({ accounts, ms: await measureMinute(bench, blocks) });
    log(`${accounts} accounts: measured`);
  }
  const logTimings = await measureLogs(network, buildChain('polygon', 1));
  await database.close();
  mkdirSync(RESULTS, { recursive: true });
  const text = report(catchUps, dailyRequests, logTimings, sizeResults);
  writeFileSync(join(RESULTS, 'deposits.md'), text);
  const bars = sizeResults.map(
    ({ accounts, ms }): Bar => ({ name: `${accounts} accounts`, value: ms }),
  );
  writeFileSync(join(RESULTS, 'deposits.svg'), renderBars(bars));
  log(text);
  return true;
}
