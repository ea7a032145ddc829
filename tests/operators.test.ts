/**
 * Operators on the real stack, behind a Cloudflare Access of our own making: by plain requests and
 * in a browser, against the real ledger and gateway; and GitHub's secret scanning with a key of
 * ours.
 */
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, request, type Server } from 'node:http';
import { connect } from '@farebox/database';
import { saveParityReport } from '@farebox/database/catalog';
import { type LocalStack, startStack } from '@farebox/local';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findViolationsInSchemes } from './support/axe.ts';
import { HAS_BROWSER, openBrowser, saveScreenshot, warnIfNoBrowser } from './support/chromium.ts';
import { sql } from './support/sql.ts';

warnIfNoBrowser();

const HOST = 'operators.localhost';
const REASON = 'ticket 4711, asked by its owner';
const ADMIN = 'ada@farebox.example';
const FINANCE = 'finn@farebox.example';
const WIDTHS = [320, 375, 768, 1280];

const access = generateKeyPairSync('rsa', { modulusLength: 2048 });
const github = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let keys: Server;
let stack: LocalStack;

/** Serves both sets of public keys, each where its owner would publish it. */
async function publishKeys(): Promise<number> {
  const jwk = { ...access.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256' };
  const pem = github.publicKey.export({ type: 'spki', format: 'pem' });
  keys = createServer(({ url }, response) => {
    const scanning = { public_keys: [{ key_identifier: 'gh', key: pem, is_current: true }] };
    response.end(JSON.stringify(url === '/access' ? { keys: [jwk] } : scanning));
  });
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
  const address = keys.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function signAssertion(email: string, key: KeyObject = access.privateKey): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { aud: ['us'], iss: 'https://team.cloudflareaccess.com', iat: now, nbf: now };
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256', kid: 'one' })}.${part({ ...claims, exp: now + 600, email, type: 'app' })}`;
  return `${signed}.${createSign('SHA256').update(signed).sign(key, 'base64url')}`;
}

type Answer = Readonly<{ status: number; text: string; location: string | undefined }>;

/** Sends a request with its own Host header, which Node's fetch does not allow. */
function sendRequest(
  path: string,
  options: Readonly<{
    as?: string;
    form?: Readonly<Record<string, string>>;
    host?: string;
    base?: string;
  }> = {},
): Promise<Answer> {
  const { as = ADMIN, form, host = HOST, base = stack.operatorsUrl } = options;
  const { port } = new URL(base);
  const headers = {
    host: `${host}:${port}`,
    ...(as === '' ? {} : { 'cf-access-jwt-assertion': signAssertion(as) }),
    ...(form === undefined
      ? {}
      : {
          origin: `http://${host}:${port}`,
          'content-type': 'application/x-www-form-urlencoded',
        }),
  };
  return new Promise((resolve, reject) => {
    const method = form === undefined ? 'GET' : 'POST';
    const clientRequest = request(
      { host: '127.0.0.1', port, path, method, headers },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => {
          text += chunk;
        });
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, text, location: incoming.headers.location }),
        );
      },
    );
    clientRequest.on('error', reject);
    clientRequest.end(form === undefined ? undefined : new URLSearchParams(form).toString());
  });
}

function getCredits(apiKey: string): Promise<Response> {
  return fetch(`${stack.gatewayUrl}/v1/credits`, {
    headers: { authorization: `Bearer ${apiKey}` },
  });
}

async function fetchPosted(apiKey: string): Promise<string> {
  const body: unknown = await (await getCredits(apiKey)).json();
  return String(Reflect.get(Object(Reflect.get(Object(body), 'data')), 'posted_nano_usd'));
}

function complete(apiKey: string): Promise<Response> {
  return fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'openai/gpt-4o-mini',
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 10,
    }),
  });
}

const STORED_CALL = 'select 1 from calls where id = $1';

let ids = 0;
function adjustment(amount: string, sign: 'in' | 'out') {
  ids += 1;
  return { adjustment: ids.toString(16).padStart(32, '0'), amount, sign, reason: REASON };
}

beforeAll(async () => {
  const port = await publishKeys();
  stack = await startStack({
    quiet: true,
    cronEveryMs: null,
    operatorBindings: {
      OPERATORS_HOST: HOST,
      ACCESS_TEAM: 'team',
      ACCESS_AUDIENCE: 'us',
      ACCESS_KEYS_URL: `http://127.0.0.1:${port}/access`,
      OPERATOR_ROLES: JSON.stringify({ admin: [ADMIN], finance: [FINANCE] }),
    },
    consoleBindings: { SECRET_SCANNING_KEYS_URL: `http://127.0.0.1:${port}/github` },
  });
}, 120_000);

afterAll(async () => {
  await stack?.stop();
  keys?.close();
});

describe('the hosts of console and operators in workerd', () => {
  it('are separate, and the operators’ host requires Access', async () => {
    expect((await sendRequest('/operators')).status).toBe(200);
    expect((await sendRequest('/operators', { as: '' })).status).toBe(403);
    expect((await sendRequest('/operators', { as: 'eve@example.com' })).status).toBe(403);
    expect((await sendRequest('/sign-in')).status).toBe(404);
    expect((await sendRequest('/operators', { host: 'localhost' })).status).toBe(404);
    const base = stack.consoleUrl;
    expect((await sendRequest('/operators', { base, host: 'localhost' })).status).toBe(404);
    expect((await sendRequest('/operators', { base })).status).toBe(404);
  });
});

/** Comes first: an action further down runs the crons. */
describe('the health page', () => {
  it('shows the result of the ledger’s daily reconciliation', async () => {
    expect((await sendRequest('/operators/health')).text).toContain('reconciliation has not run');
    await stack.runCrons();
    await expect
      .poll(async () => (await sendRequest('/operators/health')).text, { timeout: 10_000 })
      .not.toContain('reconciliation has not run');
  });
});

describe('an operator’s action', () => {
  it('freezes and unfreezes an account’s calls', async () => {
    const { accountId, apiKey } = await stack.createAccount({ creditUsd: '5' });
    const path = `/operators/accounts/${accountId}/actions`;
    expect((await complete(apiKey)).status).toBe(200);
    expect((await sendRequest(`${path}/freeze`, { form: { reason: REASON } })).status).toBe(303);
    expect((await complete(apiKey)).status).toBe(403);
    expect((await sendRequest(`${path}/unfreeze`, { form: { reason: REASON } })).status).toBe(303);
    expect((await complete(apiKey)).status).toBe(200);
  });

  it('revokes a key at once', async () => {
    const { accountId, apiKey } = await stack.createAccount({ creditUsd: '5' });
    const { text } = await sendRequest(`/operators/accounts/${accountId}`);
    const link = /actions\/revoke_key\?key=(\d+)/.exec(text);
    const form = { key: link?.[1] ?? '', reason: REASON };
    await sendRequest(`/operators/accounts/${accountId}/actions/revoke_key`, { form });
    expect((await getCredits(apiKey)).status).toBe(401);
  });

  it('adjusts a balance: small amounts at once, large ones with a second operator, never below zero', async () => {
    const { accountId, apiKey } = await stack.createAccount({ creditUsd: '5' });
    const path = `/operators/accounts/${accountId}/actions/adjust`;
    const as = FINANCE;
    await sendRequest(path, { as, form: adjustment('1.25', 'in') });
    expect(await fetchPosted(apiKey)).toBe('6250000000');
    const declined = await sendRequest(path, { as, form: adjustment('7', 'out') });
    expect(declined.status).toBe(409);
    expect(declined.text).toContain('Insufficient available balance.');
    const largeAdjustment = adjustment('100', 'in');
    expect((await sendRequest(path, { as, form: largeAdjustment })).location).toContain(
      'done=waiting',
    );
    expect(await fetchPosted(apiKey)).toBe('6250000000');
    const decision = { decision: 'approve', reason: REASON };
    const adjustmentPath = `/operators/adjustments/${largeAdjustment.adjustment}`;
    expect((await sendRequest(adjustmentPath, { as, form: decision })).status).toBe(403);
    expect((await sendRequest(adjustmentPath, { form: decision })).location).toContain(
      'done=applied',
    );
    expect((await sendRequest(adjustmentPath, { form: decision })).status).toBe(409);
    expect(await fetchPosted(apiKey)).toBe('106250000000');
  });

  it('corrects the bill of a call once, in the balance, on the statement and by one email', async () => {
    const { accountId, apiKey, email } = await stack.createAccount({ creditUsd: '5' });
    expect((await complete(apiKey)).status).toBe(200);
    const db = connect(stack.databaseUrl);
    const readIds = async (table: string, prefix: string) => {
      const { rows } = await db.execute<{ id: string }>(`select id from ${table}
        where account_id = '${accountId}' and id like '${prefix}%'`);
      return rows.map(({ id }) => id);
    };
    await expect.poll(() => readIds('calls', ''), { timeout: 20_000 }).toHaveLength(1);
    const [call = ''] = await readIds('calls', '');
    const charged = 5_000_000_000n - BigInt(await fetchPosted(apiKey));
    expect(charged).toBeGreaterThan(0n);
    const scope = { scope: 'call', call, cost: '0' };
    const path = '/operators/corrections';
    const preview = await sendRequest(`${path}/preview`, { as: FINANCE, form: scope });
    const correction = /name="correction" value="([0-9a-f]{32})"/.exec(preview.text)?.[1] ?? '';
    const sums = { calls: '1', amount: charged.toString() };
    const form = { ...scope, ...sums, correction, reason: REASON };
    for (let sent = 0; sent < 2; sent += 1) {
      const { location } = await sendRequest(path, { as: FINANCE, form });
      expect(location).toBe(`${path}/${correction}?done=correction_applied`);
      await stack.runCrons();
      expect(await fetchPosted(apiKey)).toBe('5000000000');
    }
    await expect
      .poll(() => readIds('ledger_entries', 'correction:'), { timeout: 20_000 })
      .toEqual([`correction:${call}:${correction}`]);
    const readSubjects = async () =>
      (await stack.emails())
        .filter(({ to }) => to.includes(email))
        .map(({ subject }) => subject)
        .filter((subject) => subject.includes('bill'));
    await expect.poll(readSubjects, { timeout: 20_000 }).toHaveLength(1);
    const request = { id: `correction:${call}:${correction}`, delta: charged, note: 'correction' };
    expect((await stack.ledger.operators.adjust(accountId, request)).ok).toBe(true);
    expect(await fetchPosted(apiKey)).toBe('5000000000');
    expect((await stack.ledger.operators.audit(accountId)).violations).toEqual([]);
  });

  it('is recorded in one valid audit log, like each view before it', async () => {
    const { text } = await sendRequest('/operators/audit-log', { form: {} });
    const lastEntry = /entries are intact\. The last is entry (\d+), hash ([0-9a-f]{64})\./.exec(
      text,
    );
    expect(text).toContain('<td>approve_adjustment</td>');
    // The log's copy of the newest entry would reveal that the end was cut off.
    const logLine = `"operator_acted","seq":${lastEntry?.[1]},"hash":"${lastEntry?.[2]}"`;
    const readOutput = () => stack.output().replaceAll('\\', '');
    await expect.poll(readOutput, { timeout: 5_000 }).toContain(logLine);
  });
});

describe('the operators’ account page', () => {
  it('shows the ledger’s figures and masks the owner', async () => {
    const { accountId, email } = await stack.createAccount({ creditUsd: '5' });
    const searchResult = await sendRequest('/operators/search', { form: { query: email } });
    expect(searchResult.location).toBe(`/operators/accounts/${accountId}`);
    const { text } = await sendRequest(`/operators/accounts/${accountId}`);
    expect(text).toMatch(/^<!doctype html><html lang="en">/);
    expect(text).toContain('value="5000000000"');
    expect(text).not.toContain(email);
    const auditPage = await sendRequest(`/operators/accounts/${accountId}/reconciliation`);
    expect(auditPage.text).toContain('none: the ledger and Postgres agree');
  });
});

describe('GitHub’s secret scanning', () => {
  function reportLeak(token: string, key: KeyObject = github.privateKey): Promise<Response> {
    const body = JSON.stringify([
      { token, type: 'farebox', url: 'https://x.example/', source: '' },
    ]);
    return fetch(`${stack.consoleUrl}/hooks/secret-scanning`, {
      method: 'POST',
      body,
      headers: {
        'github-public-key-identifier': 'gh',
        'github-public-key-signature': createSign('SHA256').update(body).sign(key, 'base64'),
      },
    });
  }

  it('revokes a reported key only if GitHub signed the report', async () => {
    const { apiKey } = await stack.createAccount({ creditUsd: '1' });
    const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect((await reportLeak(apiKey, otherKey.privateKey)).status).toBe(403);
    expect((await getCredits(apiKey)).status).toBe(200);
    expect(await (await reportLeak(apiKey)).json()).toMatchObject([{ label: 'true_positive' }]);
    expect((await getCredits(apiKey)).status).toBe(401);
    expect(await (await reportLeak(`${apiKey}x`)).json()).toMatchObject([
      { label: 'false_positive' },
    ]);
    expect(stack.output()).not.toContain(apiKey);
  });
});

describe.skipIf(!HAS_BROWSER)('in a browser', () => {
  let browser: Browser;
  let context: BrowserContext;
  let home: string;

  beforeAll(async () => {
    browser = await openBrowser();
    context = await browser.newContext({
      viewport: { width: 360, height: 780 },
      extraHTTPHeaders: { 'cf-access-jwt-assertion': signAssertion(ADMIN) },
      javaScriptEnabled: true,
    });
    home = `http://${HOST}:${new URL(stack.operatorsUrl).port}`;
  });
  afterAll(async () => {
    await browser?.close();
  });

  async function checkPage(page: Page, name: string): Promise<void> {
    expect(await findViolationsInSchemes(page), name).toEqual([]);
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(Number(await page.evaluate(overflow)), `${name} scrolls sideways`).toBeLessThanOrEqual(
      0,
    );
    await page.emulateMedia({ colorScheme: 'light' });
    await saveScreenshot(page, `operators-${name}`);
  }

  /** Looks at a page on a phone and on a desk. */
  async function checkSizes(page: Page, name: string): Promise<void> {
    await checkPage(page, name);
    await page.setViewportSize({ width: 1280, height: 900 });
    await saveScreenshot(page, `operators-${name}-wide`);
    await page.setViewportSize({ width: 360, height: 780 });
  }

  it('a price is found, changed and reviewed by forms alone', async () => {
    const page = await context.newPage();
    await page.goto(`${home}/operators/catalog`);
    await checkSizes(page, 'catalog');
    await page.getByLabel('Find a model').fill('deepseek/');
    await page.getByRole('button', { name: 'Find' }).click();
    await checkSizes(page, 'catalog-found');
    await page.getByRole('link', { name: 'deepseek/deepseek-flash', exact: true }).click();
    await page.getByText('01:00–04:00 and 06:00–10:00 UTC').first().waitFor();
    await checkSizes(page, 'catalog-model');
    const form = page.locator('form', { hasText: 'Change a price' });
    await form.getByLabel('Rule').selectOption('standard');
    await form.getByLabel('Of').selectOption('output');
    await form.getByLabel('The provider’s price').fill('9');
    await form.getByRole('button', { name: 'Preview' }).click();
    await page.getByText('A second operator has to approve it').waitFor();
    await checkSizes(page, 'catalog-preview');
    await page.getByLabel('Reason').fill(REASON);
    await page.getByRole('button', { name: 'Propose to a second operator' }).click();
    await page.getByRole('status').waitFor();
    await checkSizes(page, 'catalog-proposal');
    await page.goto(`${home}/operators/catalog`);
    await checkSizes(page, 'catalog-waiting');
  });

  it('the report of a day is read, and its price differences are acknowledged', async () => {
    const today = Math.floor(Date.now() / 86_400_000);
    const completedAt = (today + 1) * 86_400_000 - 1;
    const day = { lastAt: null, lastCall: null, completedAt, skipped: 3, disputed: 12, stale: 4 };
    const list = { listVersion: '2026-11-26', listDate: '2026-11-25' };
    await saveParityReport(connect(stack.databaseUrl), {
      ...day,
      ...list,
      day: today - 1,
      calls: 1_234_567,
      differing: 2,
      examples: ['0123456789abcdef0123456789abcdef', '1123456789abcdef0123456789abcdef'],
      differingPrices: 1,
      newPrices: 1,
      priceDifferences: [
        {
          model: 'openai/gpt-5.4',
          rule: 'standard',
          field: 'output',
          listed: '15',
          stated: '14',
        },
      ],
      providerCosts: [
        {
          provider: 'xai',
          calls: 40_000,
          differing: 1,
          computed: 12_345_678_901n,
          stated: 12_345_678_902n,
        },
      ],
    });
    const page = await context.newPage();
    await page.goto(`${home}/operators/parity`);
    await page.getByText('1,234,567').waitFor();
    await checkSizes(page, 'parity');
    await page.getByLabel('Reason').fill(REASON);
    await page.getByRole('button', { name: 'Acknowledge' }).click();
    await page.getByRole('status').waitFor();
    expect(await page.content()).toContain(`${ADMIN}: ${REASON}`);
    await checkSizes(page, 'parity-acknowledged');
  });

  /** Every rule at each of four widths: the pages of money that leaves. */
  async function checkWidths(page: Page, name: string): Promise<void> {
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      await checkPage(page, `${name}-${width}`);
    }
  }

  it('a refund is approved, put into a file and reported on accessible pages', async () => {
    const { accountId } = await stack.createAccount({ creditUsd: '5' });
    const id = 'f'.repeat(32);
    const query = `insert into refunds
      (id, account_id, chain, address, amount, fee, state, requested_at)
      values ($1, $2, 'bsc', $3, 1234499968000, 200000000, $4, now())`;
    await sql(stack, query, [id, accountId, `0x${'7'.repeat(40)}`, 'reserved']);
    const page = await context.newPage();
    await page.goto(`${home}/operators/refunds`);
    await checkWidths(page, 'refunds');
    await page.goto(`${home}/operators/refunds/${id}`);
    await page.getByRole('button', { name: 'Approve' }).waitFor();
    await checkWidths(page, 'refund');
    const exported = `update refunds set state = 'exported', exported_at = now(), exported_by = $2,
      approved_by = $2, attempt = 1, failure_reported_by = $2 where id = $1`;
    await sql(stack, exported, [id, FINANCE]);
    await page.goto(`${home}/operators/refunds`);
    await page.getByRole('link', { name: /^Download / }).waitFor();
    await checkWidths(page, 'refunds-file');
    await page.goto(`${home}/operators/refunds/${id}`);
    await page.getByRole('button', { name: 'Release for another payment' }).waitFor();
    await checkWidths(page, 'refund-failed');
    await page.close();
  });

  /** Opens the prices of the rule of a call, by the form. */
  async function selectRule(page: Page, call: string): Promise<void> {
    const query = 'select model, price_rule from calls where id = $1';
    const [[model, rule] = []] = await sql(stack, query, [call]);
    await page.goto(`${home}/operators/corrections`);
    await page.getByLabel('Model').fill(String(model));
    await page.getByLabel('Price rule, as on the bill').fill(String(rule));
    await page.getByLabel('From (UTC)').fill('2026-01-01');
    await page.getByLabel('Until, not included (UTC)').fill('2100-01-01');
    await page.getByRole('button', { name: 'Next' }).last().click();
    await page.getByLabel('Output, USD per million tokens').waitFor();
  }

  it('a bill is corrected, from the form over its preview, on accessible pages', async () => {
    const { apiKey } = await stack.createAccount({ creditUsd: '5' });
    const call = (await complete(apiKey)).headers.get('x-request-id') ?? '';
    const countStored = async () => (await sql(stack, STORED_CALL, [call])).length;
    await expect.poll(countStored, { timeout: 20_000 }).toBe(1);
    const page = await context.newPage();
    await page.goto(`${home}/operators/corrections`);
    await checkWidths(page, 'corrections');
    const form = page.locator('form', { hasText: 'Call ID' });
    await form.getByLabel('Call ID').fill(call);
    await form.getByRole('button', { name: 'Next' }).click();
    await page.getByLabel('What it should have cost, in USD').waitFor();
    await checkWidths(page, 'correction-call');
    await selectRule(page, call);
    await checkWidths(page, 'correction-prices');
    await page.goBack();
    await page.goBack();
    await page.getByLabel('What it should have cost, in USD').fill('0');
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.getByRole('button', { name: 'Correct' }).waitFor();
    await checkWidths(page, 'correction-preview');
    await page.getByLabel('Reason').fill(REASON);
    await page.getByRole('button', { name: 'Correct' }).click();
    await page.getByRole('status').waitFor();
    await checkWidths(page, 'correction');
    await page.goto(`${home}/operators/corrections`);
    await checkWidths(page, 'corrections-listed');
    await page.close();
  });

  it('support finds, reveals and freezes an account by forms alone', async () => {
    const { accountId, email } = await stack.createAccount({ creditUsd: '5' });
    const page = await context.newPage();
    await page.goto(`${home}/`);
    await checkPage(page, 'find');
    await page.getByLabel('Email, account, call').fill(email);
    await page.getByRole('button', { name: 'Find' }).click();
    await page.waitForURL(`${home}/operators/accounts/${accountId}`);
    expect(await page.content()).not.toContain(email);
    await checkPage(page, 'account');
    await page.getByRole('link', { name: 'Reveal email address' }).click();
    await checkPage(page, 'action');
    await page.getByLabel('Reason').fill(REASON);
    await page.getByRole('button', { name: 'Reveal email address' }).click();
    await expect.poll(() => page.content()).toContain(email);
    await page.getByRole('link', { name: 'Back to the account' }).click();
    await page.getByRole('link', { name: 'Freeze', exact: true }).click();
    await page.getByLabel('Reason').fill(REASON);
    await page.getByRole('button', { name: 'Freeze' }).click();
    await page.getByRole('status').waitFor();
    for (const path of ['ledger', 'calls', 'reconciliation']) {
      await page.goto(`${home}/operators/accounts/${accountId}/${path}`);
      await checkPage(page, path);
    }
    for (const path of ['adjustments', 'health', 'audit-log']) {
      await page.goto(`${home}/operators/${path}`);
      await checkPage(page, path);
    }
    expect(await context.cookies()).toEqual([]);
    await page.close();
  });
});
