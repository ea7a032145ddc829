/**
 * The money screens on a real database: contents, changes, and isolation between accounts. The
 * account object is a stand-in here; tests/money-screens.test.ts uses the real one.
 */
import { findModel, resolvePrices, standardTerms } from '@farebox/catalog';
import { connect, type Database } from '@farebox/database';
import { activateKey, ingestEntries, insertPendingKey } from '@farebox/database/ledger';
import { insertAccount } from '@farebox/database/users';
import { insertWebhook } from '@farebox/database/webhooks';
import { formatCurrency, formatRoundedCurrency, toEpochDay, toIsoDay } from '@farebox/design';
import { hashPassword, signIn } from '@farebox/identity';
import { type Entry, NO_LIMITS, type SettleReason } from '@farebox/ledger';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import {
  addMargin,
  computeCost,
  mapBuckets,
  NO_USAGE,
  SPEND_KINDS,
  savedByCache,
  splitCharge,
  tokenCost,
} from '@farebox/money';
import { PROVIDER_IDS } from '@farebox/providers/list';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { app } from './app.ts';

const NOW = Date.now();
const DAY_MS = 86_400_000;
const ORIGIN = 'http://127.0.0.1';
const PASSWORD = 'correct horse battery';
const SECRET = new Uint8Array(32).fill(7);
const [A, B, C] = ['a'.repeat(16), 'b'.repeat(16), 'c'.repeat(16)];
const HELD = 1_000_000n;
const KEY = 7;
const MALICIOUS_NAME = '=cmd|"/c calc"!A1<script>alert(1)</script>';

let database: EmptyDatabase;
let db: Database;
const cookies = new Map<string, string>();
const thresholds = new Map<string, bigint | null>();
/** Tells the stand-in whether the key of account A is paused. */
let paused = false;

const accounts = {
  open: async () => {},
  status: async (account: string) => ({
    state: 'open',
    posted: account === A ? 5_000_000_000n - totalCharged(ENTRIES) : 0n,
    held: HELD,
    openCalls: 1,
    lowBalance: thresholds.get(account) ?? null,
    pendingEntries: 0,
  }),
  refundable: async () => 42_499_968_000n,
  refusedCalls: async () => [
    { keyId: KEY, code: 'model_not_found', hour: 1, count: 3, lastAt: NOW },
    { keyId: KEY, code: 'model_not_found', hour: 2, count: 2, lastAt: NOW },
    { keyId: KEY, code: 'a_newer_code', hour: 2, count: 1, lastAt: NOW },
  ],
  keys: async () => [
    {
      keyId: KEY,
      limits: NO_LIMITS,
      spent: 0n,
      held: 0n,
      spendable: 0n,
      periodBudgets: [],
      createdAt: NOW,
      spendGuard: { alertMultiple: 5, pauseMultiple: 20 },
      pausedAt: paused ? NOW : null,
      revokedAt: null,
      spentToday: 3_000_000n,
      typicalDailySpend: null,
    },
  ],
  setLowBalance: async (account: string, threshold: bigint | null) => {
    thresholds.set(account, threshold);
  },
};

function env() {
  return {
    DATABASE_URL: database.url,
    ACCOUNTS: accounts,
    CATALOG: { read: async () => ({ changed: false }) },
    MAIL: { send: async () => {} },
    CONSOLE_SECRET: '07'.repeat(32),
    CONSOLE_URL: ORIGIN,
    API_URL: 'http://127.0.0.1:8787',
    SITE_URL: 'https://site.example',
    POLYGON_RPC_URLS: 'https://one.example,https://two.example',
  };
}
const bindings = { get: () => (cachedEnv ??= env()) };
let cachedEnv: ReturnType<typeof env> | undefined;

const PRICES = {
  input_uncached: 150_000_000n,
  cache_read: 75_000_000n,
  cache_write_5m: 0n,
  cache_write_30m: 0n,
  cache_write_1h: 0n,
  cache_write_12h: 0n,
  output: 600_000_000n,
};

/** The one call whose prices contain a margin. */
const WITH_MARGIN = 119;

/** The one call that was streamed, and whose times are known. */
const STREAMED = 117;

/** One credit and one call per hour, with ascending ids. */
const ENTRIES: readonly Entry[] = Array.from({ length: 121 }, (_, index): Entry => {
  const at = NOW - (121 - index) * 3_600_000;
  if (index === 0) {
    const delta = 5_000_000_000n;
    return { seq: 1, id: 'local:1', kind: 'credit', delta, postedAfter: delta, at, call: null };
  }
  const usage = { ...NO_USAGE, input_uncached: index, cache_read: 3, output: 7 };
  const marginBasisPoints = index === WITH_MARGIN ? 1000 : 0;
  const prices = mapBuckets((bucket) => addMargin(PRICES[bucket], BigInt(marginBasisPoints)));
  const charged = computeCost(usage, prices);
  const failed = index % 10 === 0;
  const id = index.toString(16).padStart(32, '0');
  return {
    seq: index + 1,
    id,
    kind: 'charge',
    delta: -charged,
    postedAfter: 0n,
    at,
    call: {
      id,
      keyId: KEY,
      model: index % 2 === 0 ? 'openai/gpt-4o-mini' : 'anthropic/claude-sonnet-4-5',
      provider: 'openai',
      dialect: 'chat',
      stream: index === STREAMED,
      httpStatus: failed ? 502 : 200,
      status: 'settled',
      reason: failed ? 'estimated_after_upstream_cut' : 'provider_reported',
      usage,
      prices,
      priceRule: '2026-11-23/standard',
      providerCost: null,
      marginBasisPoints,
      firstTokenMs: index === STREAMED ? 400 : null,
      totalMs: index === STREAMED ? 2_400 : null,
      fees: [],
      charged,
      shortfall: 0n,
      createdAt: at,
      settledAt: at + 1_000,
    },
  };
});

function totalCharged(entries: readonly Entry[]): bigint {
  return entries.reduce((all, { call }) => all + (call?.charged ?? 0n), 0n);
}

function sumCalls(getAmount: (call: NonNullable<Entry['call']>) => bigint): bigint {
  return ENTRIES.reduce((all, { call }) => all + (call === null ? 0n : getAmount(call)), 0n);
}

function withRunningBalance(entries: readonly Entry[]): readonly Entry[] {
  let posted = 0n;
  return entries.map((entry) => {
    posted += entry.delta;
    return { ...entry, postedAfter: posted };
  });
}

async function createSignedInUser(account: string): Promise<void> {
  const email = `${account}@example.com`;
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  await insertAccount(db, {
    accountId: account,
    email,
    emailKey: email,
    passwordHash: await hashPassword(PASSWORD, random(16)),
    language: 'en',
    verified: true,
    now: NOW,
  });
  const deps = { db, accounts, secret: SECRET, random, now: Date.now };
  const signInResult = await signIn(deps, {
    email,
    password: PASSWORD,
    clientIp: '::1',
    device: null,
  });
  if (!signInResult.ok || !('signedIn' in signInResult)) throw new Error('not signed in');
  cookies.set(account, `__Host-session=${signInResult.signedIn.session}`);
}

beforeAll(async () => {
  database = await createEmptyDatabase();
  db = connect(database.url);
  await createSignedInUser(A);
  await createSignedInUser(B);
  const key = {
    accountId: A,
    keyId: KEY,
    name: MALICIOUS_NAME,
    last4: 'abcd',
    secretHash: '0'.repeat(64),
  };
  await insertPendingKey(db, { ...key, limits: NO_LIMITS, now: NOW });
  await activateKey(db, A, KEY, NOW);
  expect(await ingestEntries(db, A, withRunningBalance(ENTRIES))).toMatchObject({ ok: true });
}, 120_000);
afterAll(() => database?.close());

async function get(path: string, account = A, language = 'en'): Promise<Response> {
  const cookie = cookies.get(account) ?? '';
  const headers = { cookie, 'accept-language': language };
  return app.request(`${ORIGIN}${path}`, { headers }, bindings.get());
}

async function getText(path: string, account = A): Promise<string> {
  const response = await get(path, account);
  expect(response.status).toBe(200);
  return response.text();
}

async function post(
  path: string,
  form: Record<string, string> | string[][],
  account = A,
): Promise<Response> {
  const headers = {
    cookie: cookies.get(account) ?? '',
    origin: ORIGIN,
    'content-type': 'application/x-www-form-urlencoded',
  };
  const body = new URLSearchParams(form).toString();
  return app.request(`${ORIGIN}${path}`, { method: 'POST', headers, body }, bindings.get());
}

const PATHS = [
  '/usage',
  '/usage.csv',
  '/calls',
  '/calls.csv',
  '/calls/export',
  `/calls/${'0'.repeat(32)}`,
  '/transactions',
  '/transactions.csv',
  '/alerts',
  '/playground',
];

describe('an anonymous visitor', () => {
  it.each(PATHS)('is redirected to sign-in from %s', async (path) => {
    const response = await get(path, 'nobody');
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toMatch(/^\/sign-in\?next=/);
  });
});

describe('the Overview screen', () => {
  it('shows the balance of the account object, held and available', async () => {
    const page = await getText('/');
    const available = 5_000_000_000n - totalCharged(ENTRIES) - HELD;
    // Two digits to read, rounded down, every digit in the title, nano-USD for machines.
    expect(page).toContain(
      `<data value="${available}" title="$4.${String(available).slice(1).replace(/0+$/, '')}">$4.99</data>`,
    );
    expect(page).toContain('Reserved for calls in progress (1)');
    expect(page).toContain('$0.001');
    expect(page.match(/href="\/calls\/[0-9a-f]{32}"/g)).toHaveLength(5);
    expect(page).not.toContain('Three steps to your first call');
  });

  it('shows what cache reads saved, and the spend by token kind', async () => {
    const page = await getText('/?by=kind');
    const saved = sumCalls(savedByCache);
    expect(saved).toBeGreaterThan(0n);
    expect(page).toContain('Saved by caching');
    expect(page).toContain('Cached input at its lower price');
    expect(page).toContain(`<data value="${saved}"`);
    for (const kind of ['input', 'cache_read', 'output'] as const)
      expect(page).toContain(`<data value="${sumCalls((call) => splitCharge(call)[kind])}"`);
  });

  it.each([
    ['model', ['openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5']],
    ['provider', ['OpenAI', 'Anthropic']],
    ['key', ['=cmd']],
  ])('shows the spend of each day by %s', async (by, names) => {
    const page = await getText(`/?days=90&by=${by}`);
    const section = page.slice(page.indexOf('id="spend"'), page.indexOf('id="failures"'));
    for (const name of names) expect(section).toContain(name);
    const ofModel = (model: string) =>
      sumCalls((call) => (call.model.startsWith(model) ? call.charged : 0n));
    const sums =
      names.length === 1 ? [totalCharged(ENTRIES)] : [ofModel('openai'), ofModel('anthropic')];
    for (const sum of sums) expect(section).toContain(`<data value="${sum}"`);
  });

  it('shows the keys with what each spent in the period', async () => {
    const page = await getText('/?days=90');
    const card = page.slice(page.indexOf('id="keys"'));
    const row = card.slice(card.indexOf('<tbody>'), card.indexOf('</tbody>'));
    expect(row).toContain(`href="/keys/${KEY}">=cmd`);
    expect(row).toContain('fbx_…abcd');
    expect(row).toContain(`<data value="${totalCharged(ENTRIES)}"`);
  });

  it('shows a new account how to get started', async () => {
    const page = await getText('/', B);
    expect(page).toContain('curl http://127.0.0.1:8787/v1/chat/completions');
    expect(page).toContain('Three steps to your first call');
    expect(page).not.toContain('<svg class="chart');
  });

  it('shows a paused key with a link to resume it, and escapes its name', async () => {
    paused = true;
    const page = await getText('/');
    paused = false;
    expect(page).toContain('is paused after unusual spending: $0.003 today.');
    expect(page).toMatch(/<a href="\/keys\/\d+\/resume">Review and resume<\/a>/);
    expect(page).toContain('&lt;script&gt;alert(1)');
    expect(page).not.toContain('<script>alert(1)');
    expect(await getText('/')).not.toContain('is paused');
  });
});

describe('the list of what did not work', () => {
  /** How calls ended, by their number; all others succeeded. */
  const ENDED: Readonly<Record<number, readonly [status: number, reason: SettleReason]>> = {
    3: [499, 'not_sent'],
    4: [200, 'estimated_after_disconnect'],
    5: [504, 'waived_upstream_error'],
    6: [502, 'waived_upstream_error'],
    7: [502, 'waived_upstream_error'],
    8: [429, 'upstream_refused'],
    9: [400, 'upstream_refused'],
    10: [200, 'waived_upstream_error'],
    11: [200, 'estimated_after_upstream_cut'],
  };
  const EXPECTED: Readonly<Record<string, readonly number[]>> = {
    'You disconnected': [4, 3],
    'Provider timed out': [5],
    'Provider failed': [10, 7, 6],
    'Provider was busy': [8],
    'Request rejected': [9],
    'Provider cut it off': [11],
  };

  it('links each ending to exactly the calls that it counts', async () => {
    await createSignedInUser(C);
    const entries = ENTRIES.map((entry, index) => {
      const [httpStatus, reason] = ENDED[index] ?? [200, 'provider_reported' as const];
      return entry.call === null
        ? entry
        : { ...entry, call: { ...entry.call, httpStatus, reason } };
    });
    expect(await ingestEntries(db, C, withRunningBalance(entries))).toMatchObject({ ok: true });
    const overview = await getText('/', C);
    const section = overview.slice(overview.indexOf('id="failures"'));
    const rows = [
      ...section.matchAll(
        /class="row-link" href="([^"]+)"><span[^>]*>([^<]+)<\/span><\/a><\/th><td class="number">(\d+)</g,
      ),
    ];
    const found = new Map<string, readonly number[]>();
    for (const [, href = '', name = '', count] of rows) {
      const page = await getText(href.replaceAll('&amp;', '&'), C);
      const ids = [...page.matchAll(/href="\/calls\/([0-9a-f]{32})"/g)];
      expect(ids, name).toHaveLength(Number(count));
      expect(page, name).toContain(`aria-current="true">${name}</a>`);
      found.set(
        name,
        ids.map(([, id = '']) => Number.parseInt(id, 16)),
      );
    }
    expect(Object.fromEntries(found)).toEqual(EXPECTED);
  });
});

describe('the list of calls', () => {
  async function walk(query: string): Promise<string[]> {
    const seen: string[] = [];
    let path: string | undefined = `/calls${query}`;
    while (path !== undefined) {
      const page: string = await getText(path);
      seen.push(...[...page.matchAll(/href="\/calls\/([0-9a-f]{32})"/g)].map(([, id = '']) => id));
      path = /<a class="button plain" href="(\/calls\?[^"]*before=[^"]*)">Older/
        .exec(page)?.[1]
        ?.replaceAll('&amp;', '&');
    }
    return seen;
  }

  const idsWhere = (predicate: (call: NonNullable<Entry['call']>) => boolean) =>
    ENTRIES.flatMap(({ call }) => (call !== null && predicate(call) ? [call.id] : [])).reverse();

  it('shows each call once, newest first, across pages', async () => {
    expect(await walk('')).toEqual(idsWhere(() => true));
  });

  it('shows the refused calls by reason, in words, with their number and code', async () => {
    const page = await getText('/calls');
    const section = page.slice(page.indexOf('id="refused"'));
    const rows = [...section.matchAll(/<th scope="row">(.*?)<\/tr>/g)].map(([, row = '']) =>
      row.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' '),
    );
    expect(rows[0]).toMatch(/^Unknown model model_not_found · .* 5 /);
    expect(rows[1]).toMatch(/^a_newer_code a_newer_code · .* 1 /);
  });

  it('leads from a refused call’s code to the site’s page about it, where there is one', async () => {
    const page = await getText('/calls');
    expect(page).toContain('href="https://site.example/docs/errors/model_not_found"');
    expect(page).not.toContain('/docs/errors/a_newer_code');
  });

  it('filters by model, outcome, key and day', async () => {
    const model = 'openai/gpt-4o-mini';
    expect(await walk(`?model=${encodeURIComponent(model)}`)).toEqual(
      idsWhere((call) => call.model === model),
    );
    expect(await walk('?outcome=failed')).toEqual(idsWhere((call) => call.httpStatus === 502));
    expect(await walk(`?key=${KEY}&outcome=succeeded`)).toEqual(
      idsWhere((call) => call.httpStatus === 200),
    );
    expect(await walk('?key=8')).toEqual([]);
    const day = new Date(NOW - 2 * DAY_MS).toISOString().slice(0, 10);
    expect(await walk(`?from=${day}&to=${day}`)).toEqual(
      idsWhere((call) => new Date(call.createdAt).toISOString().startsWith(day)),
    );
  });

  it('shows key, words, first token, duration and speed in the row of a call', async () => {
    const page = await getText('/calls');
    const row = (index: number) => {
      const link = page.indexOf(`href="/calls/${ENTRIES[index]?.call?.id}"`);
      return page.slice(link, page.indexOf('</tr>', link)).replace(/<[^>]*>/g, ' ');
    };
    const streamed = row(STREAMED);
    expect(streamed).toContain('=cmd|');
    // 7 tokens in the two seconds after the first one.
    expect(streamed.replace(/\s+/g, ' ')).toMatch(/ 200 .* 7 0\.4s 2\.4s 3\.5 tok\/s \$/);
    expect(row(110)).toMatch(/· Provider cut it off.* 502 .*–.*–/s);
  });

  it('counts what the filters match: by outcome, in the title and by time', async () => {
    const all = await getText('/calls');
    const text = all.replace(/<[^>]*>/g, ' ');
    for (const chip of ['All 120', 'Succeeded 108', 'Cut off 12', 'Failed 12'])
      expect(text).toContain(chip);
    expect(all).toMatch(/id="histogram-desc"[^>]*>120 calls, 12 failed/);
    const failed = await getText('/calls?outcome=failed');
    const sum = sumCalls((call) => (call.httpStatus === 502 ? call.charged : 0n));
    expect(failed).toContain(`12 calls, ${formatRoundedCurrency(sum, 'en')}`);
    expect(failed).toMatch(/id="histogram-desc"[^>]*>12 calls, 12 failed/);
    // The chips keep counting what they lead to.
    expect(failed.replace(/<[^>]*>/g, ' ')).toContain('Succeeded 108');
  });

  it('finds a call by the request id of a log line, and says where it is none', async () => {
    const id = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
    const dashed = id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-').toUpperCase();
    for (const pasted of [id, dashed, ` request ${id} `]) {
      const response = await get(`/calls?id=${encodeURIComponent(pasted)}`);
      expect(response.headers.get('location')).toBe(`/calls/${id}`);
    }
    expect(await getText('/calls?id=xyz')).toContain('class="note problem"');
  });

  it('offers periods that keep the other filters', async () => {
    const page = await getText('/calls?outcome=failed');
    const today = new Date().toISOString().slice(0, 10);
    const presets = [...page.matchAll(/href="(\/calls\?[^"]*from=[^"]*)"/g)].map(
      ([, href = '']) => new URLSearchParams(href.replaceAll('&amp;', '&').split('?')[1]),
    );
    expect(presets).toHaveLength(3);
    for (const preset of presets) expect(preset.get('outcome')).toBe('failed');
    expect([today, toIsoDay(toEpochDay(Date.now()))]).toContain(presets[0]?.get('from'));
  });

  it('exports CSV that adds up to the ledger and has no formula cells', async () => {
    const response = await get('/calls.csv');
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const [header = '', ...lines] = (await response.text()).trimEnd().split('\r\n');
    const column = header.split(',').length - header.split(',').indexOf('charged_nano_usd');
    const charged = lines.map((line) => BigInt(line.split(',').at(-column) ?? ''));
    expect(charged.reduce((all, one) => all + one, 0n)).toBe(totalCharged(ENTRIES));
    expect(lines).toHaveLength(120);
    expect(lines[0]).toContain(`"'=cmd|""/c calc""!A1`);
  });
});

describe('the details of a call', () => {
  it('show line items, total, reason and id', async () => {
    const call = ENTRIES[121 - 1]?.call;
    const page = await getText(`/calls/${call?.id}`);
    // 120 x 0.15 + 3 x 0.075 + 7 x 0.60 USD for a million each = 22.425 millionths, rounded up
    // once.
    for (const figure of ['$0.000018', '$0.000000225', '$0.0000042', '$0.000022425']) {
      expect(page).toContain(figure);
    }
    expect(page).toContain('The provider cut off its response.');
    expect(page).toContain('<code>estimated_after_upstream_cut</code>');
    expect(page).toContain(`<code>${call?.id}</code>`);
  });

  it('show the provider’s own prices and cost beside those with a margin, and only there', async () => {
    const page = await getText(`/calls/${ENTRIES[WITH_MARGIN]?.call?.id}`);
    // 119 x 0.165 + 3 x 0.0825 + 7 x 0.66, and the same without a tenth.
    for (const text of ['$0.0000245025', '$0.000022275', 'our margin on them: 10%']) {
      expect(page).toContain(text);
    }
    for (const price of ['$0.165', '$0.15', '$0.66', '$0.60']) expect(page).toContain(price);
    const without = await getText(`/calls/${ENTRIES[WITH_MARGIN + 1]?.call?.id}`);
    expect(without).not.toMatch(/margin|Provider’s price/);
  });

  it('answer 404 for the call of another account as for an unknown id', async () => {
    const mine = ENTRIES[5]?.call?.id;
    expect((await get(`/calls/${mine}`)).status).toBe(200);
    const [others, none] = [
      await get(`/calls/${mine}`, B),
      await get(`/calls/${'f'.repeat(32)}`, B),
    ];
    expect([others.status, none.status]).toEqual([404, 404]);
    const neutral = async (response: Response) =>
      (await response.text()).replace(/[0-9a-f]{32}/g, '');
    expect(await neutral(others)).toBe(await neutral(none));
    expect(await (await get('/calls.csv', B)).text()).not.toContain(String(mine));
  });
});

describe('the Usage screen', () => {
  it.each(['day', 'model', 'key'])(
    'by %s adds up to the ledger in the chart and in CSV',
    async (by) => {
      const page = await getText(`/usage?by=${by}`);
      expect(page).toMatch(/<svg[^>]*role="img"/);
      expect(page).toContain('<desc');
      expect(page).not.toContain('NaN');
      expect(page).not.toContain(' style=');
      const [header = '', ...lines] = (await getText(`/usage.csv?by=${by}`))
        .trimEnd()
        .split('\r\n');
      const sumColumn = (name: string) => {
        const column = header.split(',').indexOf(name);
        return lines.reduce((all, line) => all + BigInt(line.split(',')[column] ?? ''), 0n);
      };
      expect(sumColumn('charged_nano_usd')).toBe(totalCharged(ENTRIES));
      const kinds = [...SPEND_KINDS, 'unknown'].map((kind) =>
        sumColumn(`${kind}_charged_nano_usd`),
      );
      expect(kinds.reduce((all, one) => all + one, 0n)).toBe(totalCharged(ENTRIES));
    },
  );

  it('splits only the spend by token kind, and shows a kind that is not known as such', async () => {
    const rows = async () => {
      const page = await getText('/usage?stack=kind&metric=calls');
      expect(page).not.toContain('metric=tokens');
      const [, table = ''] = page.split('<caption class="hidden-text">Token kind</caption>');
      return table.slice(0, table.indexOf('</table>'));
    };
    expect(await rows()).toMatch(/Input.*Output.*Cache read/s);
    expect(await rows()).not.toContain('Unknown');
    const change = (sign: string) =>
      `update usage_days set charged = charged ${sign} 1000 where account_id = '${A}'`;
    await db.execute(change('+'));
    expect(await rows()).toContain('Unknown (older calls)');
    expect(await getText('/')).toContain('Only of calls whose token kinds are known');
    await db.execute(change('-'));
  });

  it('offers periods that keep the dimensions, and names the one that is shown', async () => {
    const page = await getText('/usage?by=key&metric=calls');
    const presets = [...page.matchAll(/<a href="(\/usage\?[^"]*from=[^"]*)"[^>]*>(\d+ days)</g)];
    expect(presets.length).toBeGreaterThanOrEqual(3);
    for (const [, href = '', name = ''] of presets) {
      const path = href.replaceAll('&amp;', '&');
      expect(path).toContain('by=key');
      expect(path).toContain('metric=calls');
      const shown = await getText(path);
      expect(shown).toMatch(new RegExp(`aria-current="true">${name}<`));
    }
  });

  it('shows no usage of another account', async () => {
    expect(await getText('/usage', B)).toContain('No calls in this period.');
  });

  it('rejects invalid dates', async () => {
    expect((await get('/usage?from=2026-02-30')).status).toBe(422);
    expect((await get('/usage.csv?from=2020-01-01&to=2026-01-01')).status).toBe(422);
  });
});

describe('the API keys screen', () => {
  it('has a row for a key: state, last days, models and when it was used last', async () => {
    const page = await getText('/keys');
    const row = /<tr><th scope="row"><a class="row-link" href="\/keys\/7">([\s\S]*?)<\/tr>/.exec(
      page,
    )?.[1];
    expect(row).toContain('fbx_…abcd');
    expect(row).toMatch(/<svg class="sparkline"[^>]*role="img" aria-label="[^"]+"/);
    expect(row?.replace(/<[^>]*>/g, ' ')).toMatch(/Active.*All/s);
  });
});

describe('the Security screen', () => {
  it('says with which factor a session was opened', async () => {
    const signedInWith = async () =>
      (await getText('/security')).replace(/<[^>]*>/g, '').match(/Signed in with: [a-z ]+/)?.[0];
    expect(await signedInWith()).toMatch(/^Signed in with: password only/);
    const setFactor = (value: string) =>
      db.execute(`update sessions set last_factor_at = ${value} where account_id = '${A}'`);
    await setFactor('now()');
    expect(await signedInWith()).toMatch(/^Signed in with: password and second factor/);
    await setFactor('null');
  });
});

describe('the Statement screen', () => {
  it('shows the opening and the closing balance of each month since the first entry', async () => {
    const page = await getText('/transactions');
    const [, table = ''] = page.split(
      '<caption class="hidden-text">Opening and closing balance by month, in UTC</caption>',
    );
    const rows = table.slice(0, table.indexOf('</table>')).split('<tr>').slice(2);
    const months = new Set(ENTRIES.map(({ at }) => new Date(at).toISOString().slice(0, 7)));
    months.add(new Date(NOW).toISOString().slice(0, 7));
    expect(rows).toHaveLength(months.size);
    const closing = formatCurrency(5_000_000_000n - totalCharged(ENTRIES), 'en');
    expect(rows[0]).toContain('so far');
    expect(rows[0]).toMatch(new RegExp(`<td class="number">\\${closing}</td></tr>`));
    expect(rows.at(-1)).toContain('<td class="number">$0.00</td>');
  });

  it('shows credits and the charges by day, the same in CSV', async () => {
    const page = await getText('/transactions');
    expect(page).toContain('local:1');
    expect(page).toContain('$5.00');
    const [, line] = (await getText('/transactions.csv')).trimEnd().split('\r\n');
    expect(line).toMatch(/^1,.*,credit,local:1,5,5000000000,5,0$/);
    expect(await getText('/transactions', B)).toContain('No credits yet.');
  });
});

describe('the form of the signed statement', () => {
  it('says which kind of file it gives, and refunds among what is reserved', async () => {
    const page = await getText('/transactions');
    const [, form = ''] = page.split('action="/transactions.jsonl"');
    expect(form.slice(0, form.indexOf('</form>'))).toContain('JSON Lines');
    expect(page).toContain('Reserved for calls in progress and refunds');
  });
});

describe('the Refunds screen', () => {
  const address = '0x1234';

  beforeAll(async () => {
    await db.execute(`insert into deposits (chain, tx_hash, log_index, block_number, block_hash,
        contract, sender, recipient, account_id, units, amount, state, found_by, seen_at)
      values ('polygon', '0x${'1'.repeat(64)}', 0, 1, '0x0', '0x1', '0x2', '0x3', '${A}',
        42499968, 42499968000, 'credited', 'scan', now())`);
  });

  it('offers every digit of what can be paid back', async () => {
    expect(await getText('/refunds')).toContain('value="42.499968"');
  });

  it('keeps what was entered beside what is wrong with it', async () => {
    const response = await post('/refunds', { network: 'polygon', address, amount: '7.5' });
    expect(response.status).toBe(422);
    const page = await response.text();
    expect(page).toContain('This is not an address of this network');
    expect(page).toContain(`value="${address}"`);
    expect(page).toContain('value="7.5"');
  });

  it.each(['9,999.50', '9\u00a0999,50\u00a0$'])(
    'reads the amount %j as about ten thousand',
    async (amount) => {
      const entered = { network: 'polygon', address: `0x${'7'.repeat(40)}`, amount };
      const page = await (await post('/refunds', entered)).text();
      expect(page).toContain('This is more than can be paid back now.');
    },
  );

  it('does not guess whether 1,000 is a thousand', async () => {
    const entered = { network: 'polygon', address: `0x${'7'.repeat(40)}`, amount: '1,000' };
    const response = await post('/refunds', entered);
    expect(response.status).toBe(422);
    const page = await response.text();
    expect(page).toContain('Write 1000 or 1.00.');
    expect(page).toContain('value="1,000"');
    const { rows } = await db.execute(`select 1 from refunds where account_id = '${A}'`);
    expect(rows).toEqual([]);
  });

  it.each([
    ['/refunds/confirm?token=x', 422],
    ['/refunds/confirm?done=reserved', 200],
  ])('is linked from the end of the emailed link, %s', async (path, status) => {
    const response = await get(path);
    expect(response.status).toBe(status);
    const [, main = ''] = (await response.text()).split('<main');
    expect(main).toContain('href="/refunds"');
  });

  it('has no form while another refund is under way', async () => {
    await db.execute(`insert into refunds
        (id, account_id, chain, address, amount, fee, state, requested_at)
      values ('${'e'.repeat(32)}', '${A}', 'polygon', '0x${'7'.repeat(40)}', 2000000000, 100000000,
        'reserved', now())`);
    const page = await getText('/refunds');
    expect(page).toContain('Another refund is open.');
    expect(page).not.toContain('name="address"');
  });
});

describe('the Alerts screen', () => {
  it('stores the threshold in the account object', async () => {
    const response = await post('/alerts/low-balance', { threshold: '2,50' });
    expect(response.headers.get('location')).toBe('/alerts?done=saved');
    expect(thresholds.get(A)).toBe(2_500_000_000n);
    expect(await getText('/alerts')).toContain('value="2.5"');
    await post('/alerts/low-balance', { threshold: '' });
    expect(thresholds.get(A)).toBeNull();
    expect(thresholds.has(B)).toBe(false);
  });

  it('reads groups of thousands in a threshold, and the exact amounts that pages show', async () => {
    for (const threshold of ['1,234.50', '1.234,50', '1\u202f234,5', '$1,234.50']) {
      await post('/alerts/low-balance', { threshold });
      expect(thresholds.get(A), threshold).toBe(1_234_500_000_000n);
    }
    await post('/alerts/low-balance', { threshold: '' });
  });

  it.each([
    ['en', 'Write 1000 or 1.00.'],
    ['ru', 'Напишите 1000 или 1.00.'],
    ['zh', '请写成 1000 或 1.00。'],
  ])('names in %s both readings of a threshold with two, and keeps it', async (language, text) => {
    await post('/language', { language, back: '/' });
    const response = await post('/alerts/low-balance', { threshold: '1,000' });
    expect(response.status).toBe(422);
    const page = await response.text();
    expect(page).toContain(text);
    expect(page).toContain('value="1,000"');
    expect(thresholds.get(A)).toBeNull();
    await post('/language', { language: 'en', back: '/' });
  });

  it.each(['abc', '-1', '1e9', '99999999', '0.0000000001'])(
    'rejects the threshold %j',
    async (threshold) => {
      const response = await post('/alerts/low-balance', { threshold });
      expect(response.status).toBe(422);
      expect(await response.text()).toContain('aria-invalid="true"');
    },
  );

  /** What a browser would send of the form of channels: hidden fields and ticked boxes. */
  async function readChannels(account = A): Promise<string[][]> {
    const [, form = ''] = (await getText('/alerts', account)).split('action="/alerts/channels"');
    const [fields = ''] = form.split('</form>');
    const inputs = /<input type="(?:hidden|(checkbox))" name="(\w+)" value="(\w+)"( checked)?/g;
    return [...fields.matchAll(inputs)]
      .filter(([, isBox, , , isTicked]) => isBox === undefined || isTicked !== undefined)
      .map(([, , name = '', value = '']) => [name, value]);
  }
  const isBox = (name: string, value: string) => (field: string[]) =>
    field[0] === name && field[1] === value;
  async function listReceipts() {
    const { rows } = await db.execute(
      'select account_id, kind, about, actor from receipts order by at, about',
    );
    return rows;
  }

  it('records each kind of email that was changed with a receipt for this account only', async () => {
    const before = await readChannels();
    const kept = before.filter(
      (field) => !isBox('email', 'low_balance')(field) && !isBox('email', 'budget_low')(field),
    );
    expect(kept).toHaveLength(before.length - 2);
    const response = await post('/alerts/channels', [...kept, ['email', 'key_paused']]);
    expect(response.headers.get('location')).toBe('/alerts?done=consent');
    const receipt = { account_id: A, kind: 'consent_withdrawn', actor: 'user' };
    const withdrawn = [
      { ...receipt, about: 'balance' },
      { ...receipt, about: 'budget_low' },
    ];
    expect(await listReceipts()).toEqual(withdrawn);
    const changed = await readChannels();
    expect(changed.filter(([name]) => name === 'email')).toEqual([
      ['email', 'expensive_model'],
      ['email', 'unusual_spending'],
      ['email', 'budget_reached'],
    ]);
    expect(await readChannels(B)).toEqual(before);
    const again = await post('/alerts/channels', changed);
    expect(again.headers.get('location')).toBe('/alerts?done=saved');
    await post('/alerts/channels', [...changed, ['email', 'budget_low']]);
    expect(await listReceipts()).toEqual([
      ...withdrawn,
      { ...receipt, kind: 'consent_given', about: 'budget_low' },
    ]);
  });

  it('gives no consent again that was withdrawn while the page was open', async () => {
    const opened = await readChannels(B);
    await post('/rights/consents', { kind: 'keys', choice: 'withdraw' }, B);
    await post('/alerts/channels', opened, B);
    const emails = (await readChannels(B)).filter(([name]) => name === 'email');
    expect(emails).toEqual([['email', 'low_balance']]);
  });

  it('saves webhook alerts only of a webhook that the page showed', async () => {
    const opened = await readChannels(B);
    const webhook = { id: 'd'.repeat(16), account: B, endpoint: 'https://example.com/' };
    await insertWebhook(db, { ...webhook, kinds: ['key_paused'], now: NOW });
    await post('/alerts/channels', opened, B);
    const shown = await readChannels(B);
    expect(shown).toContainEqual(['webhook', 'key_paused']);
    await post('/alerts/channels', [...shown, ['webhook', 'budget_low']], B);
    expect((await readChannels(B)).filter(([name]) => name === 'webhook')).toEqual([
      ['webhook', 'key_paused'],
      ['webhook', 'budget_low'],
    ]);
  });

  it('lists on Your data what differs from its group, which a choice about the group ends', async () => {
    await post('/rights/consents', { kind: 'budget_reached', choice: 'give' }, B);
    const label = 'Email me when a key has used up a budget';
    const page = await getText('/rights', B);
    expect(page).toContain(`aria-label="Turn off: ${label}"`);
    expect(page).not.toContain('Email me when a key has used 80% of a budget');
    expect(page).toContain('Consent given: emails about budgets used up');
    expect(page).toContain('<td class="from-tablet">you</td>');
    await post('/rights/consents', { kind: 'keys', choice: 'withdraw' }, B);
    expect(await getText('/rights', B)).not.toContain(label);
    await post('/rights/consents', { kind: 'keys', choice: 'give' }, B);
    expect(await readChannels(B)).toContainEqual(['email', 'budget_reached']);
  });

  it('shows a notification until its own account dismisses it', async () => {
    await db.execute(`insert into notifications (account_id, id, kind, key_id, model, amount, at)
      values ('${A}', 'one', 'expensive_model', ${KEY}, 'openai/o1', null, now())`);
    expect(await getText('/alerts')).toContain('used an expensive model (openai/o1)');
    // It interrupts nobody on the overview (it is no danger to the balance by itself).
    expect(await getText('/')).not.toContain('used an expensive model');
    await post('/alerts/dismiss', { id: 'one' }, B);
    expect(await getText('/alerts')).toContain('used an expensive model (openai/o1)');
    const response = await post('/alerts/dismiss', { id: 'one', back: '/' });
    expect(response.headers.get('location')).toBe('/');
    expect(await getText('/alerts')).toContain('No open notifications.');
  });

  it('rejects a form from another site', async () => {
    const headers = { cookie: cookies.get(A) ?? '', origin: 'https://evil.example' };
    const init = { method: 'POST', headers, body: 'threshold=9' };
    const response = await app.request(`${ORIGIN}/alerts/low-balance`, init, bindings.get());
    expect(response.status).toBe(403);
  });
});

describe('the Playground screen', () => {
  it('has no field that a browser could submit to the console', async () => {
    const main = /<main[\s\S]*<\/main>/.exec(await getText('/playground'))?.[0] ?? '';
    expect(main).toContain('type="password"');
    expect(main.replace(/<noscript>.*?<\/noscript>/s, '')).not.toMatch(/<form|\sname=/);
    expect(await getText('/scripts/playground.js')).not.toMatch(
      /localStorage|sessionStorage|cookie/,
    );
  });

  it('estimates a call without a script by a form that takes no text', async () => {
    const page = await getText(
      '/playground?model=anthropic%2Fclaude-haiku-5-5&input=3000&limit=500',
    );
    const form = /<noscript>(.*?)<\/noscript>/s.exec(page)?.[1] ?? '';
    const model = findModel('anthropic/claude-haiku-5-5', PROVIDER_IDS);
    if (model === undefined) throw new Error('the model is not listed');
    const { prices } = resolvePrices(model, standardTerms(Date.now()), NO_USAGE);
    const input = tokenCost(3_000, prices.input_uncached);
    const all = input + tokenCost(500, prices.output);
    expect(form).toContain(
      `About ${formatCurrency(input, 'en')} for the input, about ${formatCurrency(all, 'en')} with all 500`,
    );
    expect(form.match(/\sname="\w+"/g)).toEqual([
      ' name="model"',
      ' name="input"',
      ' name="limit"',
    ]);
    expect(form).not.toContain('<textarea');
    expect(form).toContain('&quot;model&quot;:&quot;anthropic/claude-haiku-5-5&quot;');
    expect(form).toContain('&quot;max_completion_tokens&quot;:500');
  });

  it.each(['model=no/such', 'input=1e9&limit=-3', 'input=999999999999', 'limit=%3Cscript%3E'])(
    'answers the form without a script with %s in it',
    async (query) => {
      const page = await getText(`/playground?${query}`);
      expect(page).toContain('<noscript>');
      expect(page).not.toMatch(/NaN|Infinity|<script>/);
    },
  );
});

describe('every page', () => {
  it.each(['ru', 'zh'])('is translated into %s', async (language) => {
    await post('/language', { language, back: '/' });
    for (const path of ['/', '/usage', '/calls', '/transactions', '/alerts', '/playground']) {
      const page = await getText(path);
      expect(page).toContain(`<html lang="${language}"`);
      expect(page).toMatch(language === 'ru' ? /[а-я]{4}/ : /\p{Script=Han}{2}/u);
      expect(page).not.toMatch(/undefined|\[object/);
    }
    await post('/language', { language: 'en', back: '/' });
  });
});

describe('a page that answers a form', () => {
  it('changes the language on its screen where its own address has no page', async () => {
    const response = await post('/alerts/low-balance', { threshold: 'much' });
    expect(await response.text()).toContain('name="back" value="/alerts"');
  });

  it('has its own address as the target of a change of language otherwise', async () => {
    expect(await getText('/calls?outcome=cut')).toContain('name="back" value="/calls?outcome=cut"');
  });
});
