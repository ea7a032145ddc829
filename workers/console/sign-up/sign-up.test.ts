/**
 * The end of a sign-up on a real database: its answer while the ledger can't make a key, and where a
 * link that is used up leads. The ledger Worker is a stand-in here; tests/account-journey.test.ts
 * uses the real one.
 */
import { connect } from '@farebox/database';
import { type IdentityDeps, signUp } from '@farebox/identity';
import { NO_LIMITS } from '@farebox/ledger';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { app } from '../app.ts';

const ORIGIN = 'http://127.0.0.1';
const PASSWORD = 'correct horse battery';

let database: EmptyDatabase;
let env: object;
let mintKey: (limits: unknown) => Promise<unknown>;

const accounts = {
  open: async () => {},
  status: async () => null,
  mintKey: (_: string, { limits }: { limits: unknown }) => mintKey(limits),
};

beforeAll(async () => {
  database = await createEmptyDatabase();
  env = {
    DATABASE_URL: database.url,
    ACCOUNTS: accounts,
    CATALOG: { read: async () => ({ changed: false }) },
    MAIL: { sendBatch: async () => {} },
    CONSOLE_SECRET: '07'.repeat(32),
    CONSOLE_URL: ORIGIN,
    API_URL: 'http://127.0.0.1:8787',
  };
}, 120_000);
afterAll(() => database?.close());

/** Signs up and returns the token of the link in the email. */
async function requestSignUp(email: string): Promise<string> {
  const deps: IdentityDeps = {
    db: connect(database.url),
    accounts,
    secret: new Uint8Array(32).fill(7),
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    now: Date.now,
  };
  const result = await signUp(deps, {
    email,
    password: PASSWORD,
    language: 'en',
    clientIp: '::1',
  });
  const message = result.ok ? result.emails[0] : undefined;
  if (message?.kind !== 'confirm_sign_up') throw new Error('no link was sent');
  return message.facts.token;
}

async function confirm(token: string, cookie = ''): Promise<Response> {
  const headers = {
    origin: ORIGIN,
    cookie,
    'content-type': 'application/x-www-form-urlencoded',
  };
  const body = new URLSearchParams({ token, password: PASSWORD }).toString();
  const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} };
  return app.request(`${ORIGIN}/confirm`, { method: 'POST', headers, body }, env, context);
}

function sessionCookie(response: Response): string {
  const cookies = response.headers.getSetCookie();
  return cookies.find((text) => text.startsWith('__Host-session='))?.split(';')[0] ?? '';
}

describe('the confirmation of a sign-up', () => {
  it('signs in and leads to the overview while no key can be made', async () => {
    mintKey = () => Promise.reject(new Error('the ledger is away'));
    const response = await confirm(await requestSignUp('away@example.com'));
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toBe('/');
    expect(sessionCookie(response)).not.toBe('');
  });

  it('makes a key that spends at most ten dollars a month, and says so', async () => {
    let given: unknown;
    mintKey = async (limits) => {
      given = limits;
      return { ok: true, apiKey: 'fbx_limited', keyId: 1 };
    };
    const page = await (await confirm(await requestSignUp('limited@example.com'))).text();
    expect(given).toEqual({ ...NO_LIMITS, periodBudgets: { month: 10_000_000_000n } });
    expect(page).toContain('$10');
  });

  it('shows the first key once: neither a reload nor a change of the language makes another', async () => {
    let minted = 0;
    mintKey = async () => {
      minted += 1;
      return { ok: true, apiKey: 'fbx_first', keyId: 1 };
    };
    const token = await requestSignUp('once@example.com');
    const first = await confirm(token);
    expect(first.headers.get('cache-control')).toBe('no-store');
    expect(await first.text()).toContain('fbx_first');
    const cookie = sessionCookie(first);
    const again = await confirm(token, cookie);
    expect(again.status).toBe(422);
    const text = await again.text();
    expect(text).not.toContain('fbx_first');
    expect(text).toContain('<a href="/">');
    const opened = await app.request(`${ORIGIN}/confirm`, { headers: { cookie } }, env);
    expect(opened.headers.get('location')).toBe('/');
    expect(minted).toBe(1);
  });
});
