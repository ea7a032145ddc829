/**
 * `npm run bench -- --console`: measures the console's response times. Signs in and opens the
 * overview over HTTP, first with a few accounts in Postgres, then with ten thousand accounts and one
 * account that has a million calls itself, whose screens are opened as well. The ratio of the two is
 * the effect of database size. Needs an installed
 * PostgreSQL; all data is deleted afterwards.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { type LocalStack, startPostgres, startStack } from '@farebox/local';
import { type PageTiming, renderBars } from './console-chart.ts';
import { RESULTS, table } from './report.ts';
import { quantile } from './statistics.ts';

const ACCOUNTS = 10_000;
const CALLS_PER_ACCOUNT = 10;
/** The calls of the one account that is large itself, over 90 days, 10 keys and 20 models. */
const LARGE_ACCOUNT_CALLS = 1_000_000;
const LARGE_ACCOUNT_BATCH = 100_000;
/** How many of them have an account object and sign in. */
const USER_COUNT = 40;
const FILL_BATCH_SIZE = 1_000;
const PASSWORD = 'a-bench-password-of-no-worth';

type Log = (line: string) => void;
type BenchUser = Readonly<{ email: string; accountId: string; cookie: string }>;
type Sample = Readonly<{ p50: number; p99: number; count: number }>;
type Phase = Readonly<{ signIn: Sample; overview: Sample; crowded: Sample; page: Sample }>;
type ScreenTiming = Readonly<{ name: string; small: Sample; large: Sample }>;
type ScanCounts = Readonly<Record<string, number>>;

/** Runs one statement through the local Neon endpoint. */
async function sql(stack: LocalStack, query: string): Promise<readonly (string | null)[][]> {
  const { host } = new URL(stack.databaseUrl);
  const response = await fetch(`http://${host}/sql`, {
    method: 'POST',
    headers: {
      'neon-connection-string': stack.databaseUrl,
      'neon-raw-text-output': 'true',
      'neon-array-mode': 'true',
    },
    body: JSON.stringify({ query, params: [] }),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`bench: a statement failed: ${text.slice(0, 300)}`);
  const { rows }: { rows: (string | null)[][] } = JSON.parse(text);
  return rows;
}

/** Ids of accounts that exist only in Postgres: 16 digits, not random. */
const SYNTHETIC_ID = "lpad(to_hex(a), 16, '0')";

/** Inserts accounts with a credit and a few calls each, spread over the last 30 days. */
function fillStatements(first: number): readonly string[] {
  const accounts = `generate_series(${first}, ${first + FILL_BATCH_SIZE - 1}) as a`;
  const callAt = `now() - (n * 30.0 / ${CALLS_PER_ACCOUNT} || ' days')::interval`;
  const model =
    "(array['openai/gpt-4o-mini','anthropic/claude-sonnet-4-5','google/gemini-2.5-pro'])[1 + n % 3]";
  return [
    `insert into accounts (id, created_at, opened_at) select ${SYNTHETIC_ID}, now(), now() from ${accounts}`,
    `insert into identities (account_id, email, email_key, password_hash, language, verified_at, created_at)
     select ${SYNTHETIC_ID}, 'stranger-' || a || '@example.com', 'stranger-' || a || '@example.com', 'x', 'en', now(), now() from ${accounts}`,
    `insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at)
     select ${SYNTHETIC_ID}, n + 1, case n when 0 then 'local:bench' else md5(a || '.' || n) end,
       case n when 0 then 'credit' else 'charge' end, case n when 0 then 100000000 else -1000 end,
       100000000 - n * 1000, ${callAt}
     from ${accounts}, generate_series(0, ${CALLS_PER_ACCOUNT}) as n`,
    `insert into calls (account_id, id, seq, key_id, model, provider, dialect, stream, http_status, status,
       reason, input_uncached, cache_read, cache_write_5m, cache_write_30m, cache_write_1h,
       cache_write_12h, output, output_reasoning,
       input_uncached_price, cache_read_price, cache_write_5m_price,
       cache_write_30m_price, cache_write_1h_price, cache_write_12h_price, output_price,
       fees, charged, shortfall, created_at, settled_at)
     select ${SYNTHETIC_ID}, md5(a || '.' || n), n + 1, 1, ${model}, split_part(${model}, '/', 1), 'chat', true, 200,
       'settled', 'provider_reported', 100, 0, 0, 0, 0, 0, 10, 0,
       1, 1, 1, 1, 1, 1, 1, '[]', 1000, 0, ${callAt}, ${callAt}
     from ${accounts}, generate_series(1, ${CALLS_PER_ACCOUNT}) as n`,
    `insert into usage_days (account_id, day, key_id, model, calls, input_tokens, output_tokens, charged)
     select account_id, floor(extract(epoch from created_at) / 86400)::integer, key_id, model,
       count(*), sum(input_uncached), sum(output), sum(charged)
     from calls where account_id between lpad(to_hex(${first}), 16, '0') and lpad(to_hex(${first + FILL_BATCH_SIZE - 1}), 16, '0')
     group by 1, 2, 3, 4`,
  ];
}

/**
 * Inserts a part of the large account's calls: 1 of 5,000 failed, key 11 and one model were last used
 * in the first of 90 days. Entry 1 is the account's credit of 5 USD.
 */
function largeAccountStatements(account: string, first: number): readonly string[] {
  const last = first + LARGE_ACCOUNT_BATCH - 1;
  const at = `now() - ((${LARGE_ACCOUNT_CALLS} - n) * 90.0 / ${LARGE_ACCOUNT_CALLS} || ' days')::interval`;
  const series = `generate_series(${first}, ${last}) as n`;
  const isEarly = 'n < 1000 and n % 10 = 0';
  return [
    `insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at)
     select '${account}', n + 1, md5('large.' || n), 'charge', -1000, 5000000000 - n * 1000, ${at} from ${series}`,
    `insert into calls (account_id, id, seq, key_id, model, provider, dialect, stream, http_status, status,
       reason, input_uncached, cache_read, cache_write_5m, cache_write_30m, cache_write_1h,
       cache_write_12h, output, output_reasoning,
       input_uncached_price, cache_read_price, cache_write_5m_price,
       cache_write_30m_price, cache_write_1h_price, cache_write_12h_price, output_price,
       fees, charged, shortfall, created_at, settled_at)
     select '${account}', md5('large.' || n), n + 1, case when ${isEarly} then 11 else n % 10 end,
       case when ${isEarly} then 'openai/rare' else 'openai/m' || n % 20 end, 'openai', 'chat', true,
       case when n % 5000 = 0 then 503 else 200 end, 'settled', 'provider_reported',
       100, 0, 0, 0, 0, 0, 10, 0, 1, 1, 1, 1, 1, 1, 1, '[]', 1000, 0, ${at}, ${at} from ${series}`,
  ];
}

function largeAccountSums(account: string): string {
  return `insert into usage_days (account_id, day, key_id, model, calls, input_tokens, output_tokens, charged)
     select account_id, floor(extract(epoch from created_at) / 86400)::integer, key_id, model,
       count(*), sum(input_uncached), sum(output), sum(charged)
     from calls where account_id = '${account}' group by 1, 2, 3, 4`;
}

async function fillLargeAccount(stack: LocalStack, account: string, log: Log): Promise<void> {
  for (let first = 1; first <= LARGE_ACCOUNT_CALLS; first += LARGE_ACCOUNT_BATCH) {
    for (const statement of largeAccountStatements(account, first)) await sql(stack, statement);
    log(`filled ${first + LARGE_ACCOUNT_BATCH - 1} calls of the large account`);
  }
  await sql(stack, largeAccountSums(account));
}

async function fill(stack: LocalStack, account: string, log: Log): Promise<void> {
  await fillLargeAccount(stack, account, log);
  for (let first = 1; first <= ACCOUNTS; first += FILL_BATCH_SIZE) {
    for (const statement of fillStatements(first)) await sql(stack, statement);
    log(`filled ${first + FILL_BATCH_SIZE - 1} of ${ACCOUNTS} accounts`);
  }
  for (const name of ['accounts', 'identities', 'ledger_entries', 'calls', 'usage_days']) {
    await sql(stack, `analyze ${name}`);
  }
}

let ipCount = 0;

/** Each attempt comes from another network, so that no rate limit is measured. */
function nextIp(): string {
  ipCount += 1;
  return `10.${(ipCount >> 16) & 255}.${(ipCount >> 8) & 255}.${ipCount & 255}`;
}

async function signIn(stack: LocalStack, email: string): Promise<string> {
  const response = await fetch(`${stack.consoleUrl}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: stack.consoleUrl, 'cf-connecting-ip': nextIp() },
    body: new URLSearchParams({ email, password: PASSWORD }),
  });
  await response.arrayBuffer();
  const cookie = response.headers.getSetCookie().find((line) => line.startsWith('__Host-session='));
  if (cookie === undefined) throw new Error(`bench: sign-in returned HTTP ${response.status}`);
  return cookie.split(';')[0] ?? '';
}

async function openPage(stack: LocalStack, path: string, cookie: string): Promise<void> {
  const response = await fetch(`${stack.consoleUrl}${path}`, { headers: { cookie } });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`bench: ${path} returned HTTP ${response.status}`);
}

async function measureMs(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** Makes `each` attempts by each of `at` concurrent users. */
async function sample(
  at: number,
  each: number,
  work: (n: number) => Promise<unknown>,
): Promise<Sample> {
  const runClient = async (clientIndex: number): Promise<number[]> => {
    const times: number[] = [];
    for (let n = 0; n < each; n += 1)
      times.push(await measureMs(() => work(clientIndex * each + n)));
    return times;
  };
  const times = (
    await Promise.all(Array.from({ length: at }, (_, clientIndex) => runClient(clientIndex)))
  ).flat();
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), count: times.length };
}

async function measure(stack: LocalStack, users: readonly BenchUser[]): Promise<Phase> {
  const getUser = (n: number): BenchUser => {
    const found = users[n % users.length];
    if (found === undefined) throw new Error('bench: there are no users to measure');
    return found;
  };
  const overview = (n: number) => openPage(stack, '/', getUser(n).cookie);
  await sample(1, 20, overview);
  return {
    page: await sample(1, 200, () => openPage(stack, '/style.css', '')),
    overview: await sample(1, 400, overview),
    crowded: await sample(16, 50, overview),
    signIn: await sample(1, 100, (n) => signIn(stack, getUser(n).email)),
  };
}

/** The screens that read calls or their sums, as the large account opens them. */
const SCREENS: readonly (readonly [string, string])[] = [
  ['overview', '/'],
  ['overview by key, 90 days', '/?days=90&by=key'],
  ['calls', '/calls'],
  ['calls of a key used 90 days ago', '/calls?key=11'],
  ['calls of a model used 90 days ago', '/calls?model=openai%2Frare'],
  ['calls that failed (1 of 5,000)', '/calls?outcome=failed'],
  ['usage', '/usage'],
  ['usage of one key by kind', '/usage?key=3&stack=kind'],
];
const SCREEN_SAMPLES = 20;

async function measureScreens(
  stack: LocalStack,
  { cookie }: BenchUser,
): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (const [, path] of SCREENS) {
    await openPage(stack, path, cookie);
    samples.push(await sample(1, SCREEN_SAMPLES, () => openPage(stack, path, cookie)));
  }
  return samples;
}

function toScreenTimings(
  small: readonly Sample[],
  large: readonly Sample[],
): readonly ScreenTiming[] {
  return SCREENS.flatMap(([name], index) => {
    const [before, after] = [small[index], large[index]];
    return before === undefined || after === undefined
      ? []
      : [{ name, small: before, large: after }];
  });
}

/** Creates users with an account object, a key and a month of calls, who have signed in once. */
async function createUsers(stack: LocalStack): Promise<readonly BenchUser[]> {
  const users: BenchUser[] = [];
  for (let n = 0; n < USER_COUNT; n += 1) {
    const options = { creditUsd: '5', email: `user-${n}@example.com`, password: PASSWORD };
    const { email, accountId } = await stack.createAccount(options);
    users.push({ email, accountId, cookie: await signIn(stack, email) });
  }
  return users;
}

const SCANNED_TABLES = ['calls', 'ledger_entries', 'usage_days'] as const;

/** Rows read by sequential scans so far, by table, as PostgreSQL counts them. */
async function countScans(stack: LocalStack): Promise<ScanCounts> {
  await sql(stack, 'select pg_stat_clear_snapshot()');
  const names = SCANNED_TABLES.map((name) => `'${name}'`).join(',');
  const rows = await sql(
    stack,
    `select relname, seq_scan from pg_stat_user_tables where relname in (${names})`,
  );
  return Object.fromEntries(rows.map(([name, count]) => [name ?? '', Number(count)]));
}

function diffScans(before: ScanCounts, after: ScanCounts): ScanCounts {
  const increases = SCANNED_TABLES.map((name): [string, number] => [
    name,
    (after[name] ?? 0) - (before[name] ?? 0),
  ]);
  return Object.fromEntries(increases.filter(([, count]) => count > 0));
}

const ROWS: readonly Readonly<{ name: string; of: keyof Phase }>[] = [
  { name: 'stylesheet, 1 at a time', of: 'page' },
  { name: 'overview, 1 at a time', of: 'overview' },
  { name: 'overview, 16 at once', of: 'crowded' },
  { name: 'sign-in, 1 at a time', of: 'signIn' },
];

const ms = (value: number) => value.toFixed(1);

function reportScreens(screens: readonly ScreenTiming[]): string {
  const rows = screens.map(({ name, small, large }) => [
    name,
    ms(small.p50),
    ms(large.p50),
    ms(large.p99),
    String(large.count),
  ]);
  return table(
    ['screen', 'no call p50 ms', '1,000,000 calls p50 ms', '1,000,000 calls p99 ms', 'samples'],
    rows,
  );
}

type Measured = Readonly<{
  small: Phase;
  large: Phase;
  screens: readonly ScreenTiming[];
  scanned: ScanCounts;
}>;

function report({ small, large, screens, scanned }: Measured): string {
  const rows = ROWS.map(({ name, of }) => [
    name,
    ms(small[of].p50),
    ms(small[of].p99),
    ms(large[of].p50),
    ms(large[of].p99),
    (large[of].p50 / small[of].p50).toFixed(2),
    String(large[of].count),
  ]);
  const tables = Object.entries(scanned).map(([name, count]) => `${name} ${count}`);
  return `# Response times of the console

${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, Node ${process.version}, PostgreSQL, everything on one machine. Compare the ratios:
absolute times depend on the machine. "Small" is ${USER_COUNT} accounts, "large" ${ACCOUNTS} accounts with ${ACCOUNTS * CALLS_PER_ACCOUNT} calls and one with ${LARGE_ACCOUNT_CALLS}.
A sign-in's time is mostly one argon2id hash (19 MiB, two passes).

${table(['page', 'small p50 ms', 'small p99 ms', 'large p50 ms', 'large p99 ms', 'large to small', 'samples'], rows)}

The screens of the account that has ${LARGE_ACCOUNT_CALLS} calls over 90 days, 10 keys and 20 models:

${reportScreens(screens)}

Sequential scans of the large tables while these were open: ${tables.length === 0 ? 'none' : tables.join(', ')}.
`;
}

function write(text: string, small: Phase, large: Phase): void {
  mkdirSync(RESULTS, { recursive: true });
  const timings = ROWS.map(
    ({ name, of }): PageTiming => ({
      name,
      small: small[of].p50,
      large: large[of].p50,
    }),
  );
  writeFileSync(join(RESULTS, 'console.md'), text);
  writeFileSync(join(RESULTS, 'console.svg'), renderBars(timings));
}

/** Runs the console bench. True if no large table was scanned sequentially. */
export async function runConsole(log: Log): Promise<boolean> {
  const postgres = await startPostgres();
  if (postgres === null) throw new Error('bench: PostgreSQL is not installed');
  const database = { postgres: postgres.connectionString };
  const stack = await startStack({ database, quiet: true, cronEveryMs: null });
  try {
    const users = await createUsers(stack);
    log('measuring the small database');
    const [user] = users;
    if (user === undefined) throw new Error('bench: there are no users to measure');
    const small = await measure(stack, users);
    const smallScreens = await measureScreens(stack, user);
    await fill(stack, user.accountId, log);
    log('measuring the large database');
    const before = await countScans(stack);
    const large = await measure(stack, users);
    const screens = toScreenTimings(smallScreens, await measureScreens(stack, user));
    const scanned = diffScans(before, await countScans(stack));
    const text = report({ small, large, screens, scanned });
    write(text, small, large);
    log(text);
    return Object.keys(scanned).length === 0;
  } finally {
    await stack.stop();
    await postgres.stop();
  }
}
