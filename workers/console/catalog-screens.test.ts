/**
 * The screens that show the catalog, on a real database: models that operators added or withdrew.
 * The ledger Worker is a stand-in here; tests/catalog.test.ts uses the real one.
 */
import { type CatalogOverlay, type CatalogRead, findModelById, RELEASED } from '@farebox/catalog';
import { connect } from '@farebox/database';
import { activateKey, insertPendingKey } from '@farebox/database/ledger';
import { insertAccount } from '@farebox/database/users';
import { hashPassword, signIn } from '@farebox/identity';
import { type KeyLimits, type KeyStatus, NO_LIMITS } from '@farebox/ledger';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { app } from './app.ts';

const NOW = Date.now();
const ORIGIN = 'http://127.0.0.1';
const PASSWORD = 'correct horse battery';
const SECRET = new Uint8Array(32).fill(7);
const ACCOUNT = 'a'.repeat(16);
const KEY = 7;

const ADDED = 'openai/gpt-added';
const RETIRED = 'openai/gpt-retired';
const WITHDRAWN = 'openai/gpt-5.5';
const RELEASED_MODEL = 'openai/gpt-5.4';

function defined(id: string, retiresOn: string | null = null) {
  const listed = findModelById(RELEASED, { provider: 'openai', id: 'gpt-5.4' });
  if (listed === undefined) throw new Error('the release has no gpt-5.4');
  const lifecycle = { ...listed.lifecycle, retiresOn };
  return {
    version: 1,
    effectiveAt: NOW - 1000,
    provider: 'openai',
    id,
    status: 'defined',
    definition: { ...listed, id, names: [id], patterns: [], lifecycle },
  };
}

const OVERLAY: CatalogOverlay = {
  latestVersion: 1,
  versions: [{ version: 1, effectiveAt: NOW - 1000 }],
  models: [
    defined('gpt-added'),
    defined('gpt-retired', '2026-01-01'),
    { ...defined('gpt-5.5'), status: 'withdrawn', definition: null },
  ],
  margins: [],
};

let database: EmptyDatabase;
let cookie = '';
let keyLimits: KeyLimits = NO_LIMITS;
let saved: KeyLimits | undefined;
let env: object;

/** The ledger Worker: one key, and the limits of the key that is created or changed. */
const accounts = {
  open: async () => {},
  keys: async (): Promise<readonly KeyStatus[]> => [
    {
      keyId: KEY,
      limits: keyLimits,
      spent: 0n,
      held: 0n,
      spendable: 0n,
      periodBudgets: [],
      createdAt: NOW,
      spendGuard: { alertMultiple: 5, pauseMultiple: 20 },
      pausedAt: null,
      revokedAt: null,
      spentToday: 0n,
      typicalDailySpend: null,
    },
  ],
  mintKey: async (_account: string, { limits }: Readonly<{ limits: KeyLimits }>) => {
    saved = limits;
    return { ok: true, apiKey: 'fbx_new', keyId: 8 };
  },
  updateKey: async (_account: string, _key: number, { limits }: { limits: KeyLimits }) => {
    saved = limits;
    return { ok: true };
  },
};

let readCatalog: () => Promise<CatalogRead>;

function createEnv(): object {
  return {
    DATABASE_URL: database.url,
    ACCOUNTS: accounts,
    CATALOG: { read: () => readCatalog() },
    MAIL: { send: async () => {} },
    CONSOLE_SECRET: '07'.repeat(32),
    CONSOLE_URL: ORIGIN,
    API_URL: 'http://127.0.0.1:8787',
  };
}

beforeAll(async () => {
  database = await createEmptyDatabase();
  const db = connect(database.url);
  const email = 'a@example.com';
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  await insertAccount(db, {
    accountId: ACCOUNT,
    email,
    emailKey: email,
    passwordHash: await hashPassword(PASSWORD, random(16)),
    language: 'en',
    verified: true,
    now: NOW,
  });
  const signedIn = await signIn(
    { db, accounts, secret: SECRET, random, now: Date.now },
    { email, password: PASSWORD, clientIp: '::1', device: null },
  );
  if (!signedIn.ok || !('signedIn' in signedIn)) throw new Error('not signed in');
  cookie = `__Host-session=${signedIn.signedIn.session}`;
  const key = {
    accountId: ACCOUNT,
    keyId: KEY,
    name: 'A key',
    last4: 'abcd',
    secretHash: '0'.repeat(64),
  };
  await insertPendingKey(db, { ...key, limits: NO_LIMITS, now: NOW });
  await activateKey(db, ACCOUNT, KEY, NOW);
}, 120_000);
afterAll(() => database?.close());

beforeEach(() => {
  // Each test is a new isolate.
  env = createEnv();
  readCatalog = async () => ({ changed: true, overlay: OVERLAY });
  keyLimits = NO_LIMITS;
  saved = undefined;
});

async function getPage(path: string, language = 'en'): Promise<string> {
  const headers = { cookie, 'accept-language': language };
  const response = await app.request(`${ORIGIN}${path}`, { headers }, env);
  expect(response.status).toBe(200);
  return response.text();
}

async function postForm(path: string, fields: readonly (readonly [string, string])[]) {
  const page = await getPage(path);
  const token = /name="form_token" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const body = new URLSearchParams([
    ['form_token', token],
    ['name', 'A key'],
    ['scope', 'some'],
    ...fields.map(([name, value]) => [name, value]),
  ]);
  const headers = {
    cookie,
    origin: ORIGIN,
    'content-type': 'application/x-www-form-urlencoded',
  };
  return app.request(`${ORIGIN}${path}`, { method: 'POST', headers, body: body.toString() }, env);
}

function listChoices(page: string): readonly string[] {
  return [...page.matchAll(/name="models" value="([^"]+)"/g)].map(([, model = '']) => model);
}

function readOtherModels(page: string): string {
  return /<textarea[^>]*id="other_models"[^>]*>([^<]*)</.exec(page)?.[1]?.trim() ?? '';
}

describe('the form of a new key', () => {
  it('offers models that operators added, and none that is withdrawn or retired', async () => {
    const choices = listChoices(await getPage('/keys/new'));
    expect(choices).toContain(ADDED);
    expect(choices).toContain(RELEASED_MODEL);
    expect(choices).not.toContain(WITHDRAWN);
    expect(choices).not.toContain(RETIRED);
  });

  it.each([
    ['selected', 'models'],
    ['typed', 'other_models'],
  ])('creates a key limited to an added model that is %s', async (_, field) => {
    const response = await postForm('/keys/new', [[field, ADDED]]);
    expect(response.status).toBe(200);
    expect(saved?.models).toEqual([ADDED]);
  });

  it.each([
    ['selected', 'models'],
    ['typed', 'other_models'],
  ])('refuses a withdrawn model that is %s, and shows its name', async (_, field) => {
    const response = await postForm('/keys/new', [
      ['models', RELEASED_MODEL],
      [field, WITHDRAWN],
    ]);
    expect(response.status).toBe(422);
    const page = await response.text();
    expect(page).toContain('At least one of these isn’t a model we know.');
    expect(readOtherModels(page)).toBe(WITHDRAWN);
    expect(saved).toBeUndefined();
  });

  it('offers the models of the release while the catalog can’t be read', async () => {
    readCatalog = () => Promise.reject(new Error('not here'));
    const choices = listChoices(await getPage('/keys/new'));
    expect(choices).toContain(WITHDRAWN);
    expect(choices).not.toContain(ADDED);
  });
});

describe('the form of a key that names models', () => {
  const models = [ADDED, RETIRED, WITHDRAWN];

  it('shows the offered ones as selected and the others as text', async () => {
    keyLimits = { ...NO_LIMITS, models };
    const page = await getPage(`/keys/${KEY}/edit`);
    expect(page).toMatch(new RegExp(`value="${ADDED}" checked`));
    expect(readOtherModels(page)).toBe(`${RETIRED}\n${WITHDRAWN}`);
  });

  it('keeps retired and withdrawn models when it is saved unchanged', async () => {
    keyLimits = { ...NO_LIMITS, models };
    const response = await postForm(`/keys/${KEY}/edit`, [
      ['models', ADDED],
      ['other_models', `${RETIRED}\n${WITHDRAWN}`],
    ]);
    expect(response.status).toBe(303);
    expect(saved?.models).toEqual(models);
  });

  it('refuses a withdrawn model that the key does not name', async () => {
    keyLimits = { ...NO_LIMITS, models: [ADDED] };
    const response = await postForm(`/keys/${KEY}/edit`, [['other_models', WITHDRAWN]]);
    expect(response.status).toBe(422);
    expect(saved).toBeUndefined();
  });
});

describe('the list of models', () => {
  const rows = async (query = '') =>
    [...(await getPage(`/models${query}`)).matchAll(/<tr><th scope="row">.*?<\/tr>/gs)].map(
      ([row]) =>
        // Names may break after a slash.
        row.replaceAll('<wbr/>', ''),
    );

  it.each([
    ['xai/grok-imagine-image', 'other unit'],
    ['openai/omni-moderation-latest', '$0.00'],
  ])('says how %s is billed, which has no price per token: %s', async (model, text) => {
    const row = (await rows()).find((html) => html.includes(`>${model}<`)) ?? '';
    expect(row.match(/<td class="number words ">([^<]*)</)?.[1]).toBe(text);
  });

  it('has no output above the price that is typed, unless it can be read in two ways', async () => {
    const all = await rows();
    const cheap = await rows('?max=0%2C5');
    expect(cheap.length).toBeGreaterThan(0);
    expect(cheap.length).toBeLessThan(all.length);
    expect(await rows('?max=%240.50')).toEqual(cheap);
    expect(await rows('?max=1%2C000')).toEqual(all);
    expect(await getPage('/models?max=1%2C000')).toContain('Write 1000 or 1.00.');
    expect(await getPage('/models')).not.toContain('class="problem"');
  });
});
