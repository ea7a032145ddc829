/** The secret scanning webhook, with alerts signed by generated keys. */
import { createHash, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { app } from '../app.ts';

const KEY_ID = 'bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c';
const OUR_KEY = `fbx_${'k'.repeat(67)}`;
const URL_FOUND = 'https://github.example/secret-place/file.txt';

type Pair = Readonly<{ publicKey: KeyObject; privateKey: KeyObject }>;
const pair: Pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let publishedKeys: unknown;
let keyRequests = 0;
let server: Server;
let keysUrl = '';
let logged: string[] = [];
let leaked: string[] = [];
let ledgerDown = false;

function publicKeysJson(...ids: readonly (readonly [string, KeyObject])[]) {
  return {
    public_keys: ids.map(([key_identifier, key]) => ({
      key_identifier,
      key: key.export({ type: 'spki', format: 'pem' }),
      is_current: true,
    })),
  };
}

beforeAll(async () => {
  server = createServer((_, response) => {
    keyRequests += 1;
    response.end(JSON.stringify(publishedKeys));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  keysUrl = `http://127.0.0.1:${address.port}/`;
  for (const stream of ['log', 'error'] as const) {
    vi.spyOn(console, stream).mockImplementation((line: unknown) => {
      logged.push(String(line));
    });
  }
});
afterAll(() => {
  server.close();
});
beforeEach(() => {
  publishedKeys = publicKeysJson([KEY_ID, pair.publicKey]);
  logged = [];
  leaked = [];
  keyRequests = 0;
  ledgerDown = false;
});

const unreachableService = new Proxy(
  {},
  { get: () => () => Promise.reject(new Error('not here')) },
);
const accounts = {
  revokeLeaked: async (text: string) => {
    if (ledgerDown) throw new Error('away');
    leaked.push(text);
    return text === OUR_KEY
      ? { ok: true, account: '0'.repeat(16), keyId: 1, alreadyRevoked: leaked.length > 1 }
      : { ok: false, reason: 'not_ours' };
  },
};

function createEnv() {
  return {
    DATABASE_URL: 'postgresql://a:b@db.example/x',
    ACCOUNTS: accounts,
    CATALOG: unreachableService,
    MAIL: unreachableService,
    CONSOLE_SECRET: '00'.repeat(32),
    CONSOLE_URL: 'http://localhost:8788',
    API_URL: 'https://api.example.com',
    SECRET_SCANNING_KEYS_URL: keysUrl,
  };
}
let env = createEnv();
beforeEach(() => {
  env = createEnv();
});

function sign(body: string, key: KeyObject = pair.privateKey): string {
  return createSign('SHA256').update(body).sign(key, 'base64');
}

function post(body: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  const url = 'https://localhost/hooks/secret-scanning';
  return Promise.resolve(app.request(url, { method: 'POST', body, headers }, env));
}

function send(body: string, signature = sign(body), id = KEY_ID): Promise<Response> {
  return post(body, {
    'content-type': 'application/json',
    'github-public-key-identifier': id,
    'github-public-key-signature': signature,
  });
}

function reportBody(...tokens: readonly string[]): string {
  const source = 'content';
  return JSON.stringify(
    tokens.map((token) => ({ token, type: 'farebox_api_key', url: URL_FOUND, source })),
  );
}

function sha256Hex(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

describe('a signed secret scanning alert', () => {
  it('revokes our keys and labels each token without repeating it', async () => {
    const body = reportBody('no key of ours', OUR_KEY, OUR_KEY);
    const response = await send(body);
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(JSON.parse(text)).toEqual([
      {
        token_hash: sha256Hex('no key of ours'),
        token_type: 'farebox_api_key',
        label: 'false_positive',
      },
      { token_hash: sha256Hex(OUR_KEY), token_type: 'farebox_api_key', label: 'true_positive' },
      { token_hash: sha256Hex(OUR_KEY), token_type: 'farebox_api_key', label: 'true_positive' },
    ]);
    expect(leaked.toSorted()).toEqual([OUR_KEY, 'no key of ours'].toSorted());
    expect(text + logged.join('')).not.toContain(OUR_KEY);
    expect(text + logged.join('')).not.toContain('secret-place');
  });

  it('gets the same response when repeated', async () => {
    const body = reportBody(OUR_KEY);
    const signature = sign(body);
    const first = await (await send(body, signature)).text();
    expect(await (await send(body, signature)).text()).toBe(first);
    expect(keyRequests).toBe(1);
  });

  it('is accepted for every length of the numbers in its signature', async () => {
    // DER drops leading zeros, so some of these signatures are shorter.
    for (let times = 0; times < 64; times += 1) {
      expect((await send(reportBody(`${times}`))).status).toBe(200);
    }
  });

  it('may hold up to a thousand tokens and 256 KB', async () => {
    const many = (count: number) => reportBody(...Array.from({ length: count }, (_, n) => `${n}`));
    expect((await send(many(1_000))).status).toBe(200);
    expect(leaked).toHaveLength(1_000);
    expect((await send(many(1_001))).status).toBe(400);
    expect((await send(reportBody('x'.repeat(256 * 1_024)))).status).toBe(413);
    expect(leaked).toHaveLength(1_000);
  });

  it('gets an error when the ledger could not revoke a key', async () => {
    ledgerDown = true;
    expect((await send(reportBody(OUR_KEY))).status).toBe(500);
    expect(logged.join('')).not.toContain(OUR_KEY);
  });
});

describe('a secret scanning alert without a valid signature', () => {
  const otherPair: Pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  it.each([
    ['another key', () => sign(reportBody(OUR_KEY), otherPair.privateKey)],
    ['a signature of another body', () => sign(reportBody('another'))],
    ['a signature of the same without a space', () => sign(`${reportBody(OUR_KEY)} `)],
    ['nothing', () => ''],
    ['no base64', () => '%%%'],
    ['an empty sequence', () => Buffer.from([0x30, 0]).toString('base64')],
    ['zeros', () => Buffer.from([0x30, 6, 2, 1, 0, 2, 1, 0]).toString('base64')],
    ['a truncated one', () => sign(reportBody(OUR_KEY)).slice(0, 40)],
  ])('signed with %s revokes nothing', async (_, signature) => {
    expect((await send(reportBody(OUR_KEY), signature())).status).toBe(403);
    expect(leaked).toEqual([]);
    expect(logged.join('')).toContain('"event":"secret_scanning_refused"');
    expect(logged.join('')).not.toContain(OUR_KEY);
  });

  it('is rejected before any key is fetched when it has no headers', async () => {
    expect((await post(reportBody(OUR_KEY), {})).status).toBe(403);
    expect(keyRequests).toBe(0);
  });

  it('fetches keys at most once a minute for unknown key ids', async () => {
    const body = reportBody(OUR_KEY);
    for (let times = 0; times < 5; times += 1) {
      const signature = sign(body, otherPair.privateKey);
      expect((await send(body, signature, `made-up-${times}`)).status).toBe(403);
    }
    expect(keyRequests).toBe(1);
  });

  it.each(['{}', '[1]', '[{"token": 1, "type": "x"}]', '[{"token": "x"}]', 'no', '"\ud800"'])(
    'is rejected when it is no list of tokens: %s',
    async (body) => {
      expect((await send(body)).status).toBe(400);
      expect(leaked).toEqual([]);
    },
  );
});

describe('the signing keys of GitHub', () => {
  it('give 503 when they can’t be fetched', async () => {
    publishedKeys = 'nothing';
    expect((await send(reportBody(OUR_KEY))).status).toBe(503);
    expect(leaked).toEqual([]);
  });

  it('may be fetched from another URL on loopback only', async () => {
    env = { ...createEnv(), CONSOLE_URL: 'https://console.example.com' };
    expect((await send(reportBody(OUR_KEY))).status).toBe(503);
    env = { ...createEnv(), SECRET_SCANNING_KEYS_URL: 'https://evil.example/' };
    expect((await send(reportBody(OUR_KEY))).status).toBe(503);
    expect(leaked).toEqual([]);
  });
});
