/** GitHub's messages through the console's own door, signed by keys of our own making. */
import { createHash, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { door } from '../door.ts';

const KEY_ID = 'bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c';
const OURS = `fbx_${'k'.repeat(67)}`;
const URL_FOUND = 'https://github.example/secret-place/file.txt';

type Pair = Readonly<{ publicKey: KeyObject; privateKey: KeyObject }>;
const pair: Pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let published: unknown;
let asked = 0;
let server: Server;
let keysUrl = '';
let said: string[] = [];
let leaked: string[] = [];
let broken = false;

function keysOf(...ids: readonly (readonly [string, KeyObject])[]) {
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
    asked += 1;
    response.end(JSON.stringify(published));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  keysUrl = `http://127.0.0.1:${address.port}/`;
  for (const stream of ['log', 'error'] as const) {
    vi.spyOn(console, stream).mockImplementation((line: unknown) => {
      said.push(String(line));
    });
  }
});
afterAll(() => {
  server.close();
});
beforeEach(() => {
  published = keysOf([KEY_ID, pair.publicKey]);
  said = [];
  leaked = [];
  asked = 0;
  broken = false;
});

const nobody = new Proxy({}, { get: () => () => Promise.reject(new Error('not here')) });
const accounts = {
  revokeLeaked: async (text: string) => {
    if (broken) throw new Error('away');
    leaked.push(text);
    return text === OURS
      ? { ok: true, account: '0'.repeat(16), keyId: 1, alreadyRevoked: leaked.length > 1 }
      : { ok: false, reason: 'not_ours' };
  },
};

function environment() {
  return {
    DATABASE_URL: 'postgresql://a:b@db.example/x',
    ACCOUNTS: accounts,
    OPERATORS: nobody,
    MAIL: nobody,
    CONSOLE_SECRET: '00'.repeat(32),
    CONSOLE_URL: 'http://localhost:8788',
    API_URL: 'https://api.example.com',
    SECRET_SCANNING_KEYS_URL: keysUrl,
  };
}
let env = environment();
beforeEach(() => {
  env = environment();
});

function signed(body: string, key: KeyObject = pair.privateKey): string {
  return createSign('SHA256').update(body).sign(key, 'base64');
}

function post(body: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  const url = 'https://localhost/hooks/secret-scanning';
  return Promise.resolve(door.request(url, { method: 'POST', body, headers }, env));
}

function send(body: string, signature = signed(body), id = KEY_ID): Promise<Response> {
  return post(body, {
    'content-type': 'application/json',
    'github-public-key-identifier': id,
    'github-public-key-signature': signature,
  });
}

function message(...tokens: readonly string[]): string {
  const source = 'content';
  return JSON.stringify(
    tokens.map((token) => ({ token, type: 'farebox_api_key', url: URL_FOUND, source })),
  );
}

function hashed(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

describe('a message of GitHub', () => {
  it('revokes what is ours, and says of each what it was, without its text', async () => {
    const body = message('no key of ours', OURS, OURS);
    const answer = await send(body);
    expect(answer.status).toBe(200);
    const text = await answer.text();
    expect(JSON.parse(text)).toEqual([
      {
        token_hash: hashed('no key of ours'),
        token_type: 'farebox_api_key',
        label: 'false_positive',
      },
      { token_hash: hashed(OURS), token_type: 'farebox_api_key', label: 'true_positive' },
      { token_hash: hashed(OURS), token_type: 'farebox_api_key', label: 'true_positive' },
    ]);
    expect(leaked.toSorted()).toEqual([OURS, 'no key of ours'].toSorted());
    expect(text + said.join('')).not.toContain(OURS);
    expect(text + said.join('')).not.toContain('secret-place');
  });

  it('that comes again is answered the same', async () => {
    const body = message(OURS);
    const signature = signed(body);
    const first = await (await send(body, signature)).text();
    expect(await (await send(body, signature)).text()).toBe(first);
    expect(asked).toBe(1);
  });

  it('is believed whatever numbers its signature is made of', async () => {
    // DER drops leading zeros: among so many signatures some are shorter.
    for (let times = 0; times < 64; times += 1) {
      expect((await send(message(`${times}`))).status).toBe(200);
    }
  });

  it('holds up to a thousand tokens and 256 KB', async () => {
    const many = (count: number) => message(...Array.from({ length: count }, (_, n) => `${n}`));
    expect((await send(many(1_000))).status).toBe(200);
    expect(leaked).toHaveLength(1_000);
    expect((await send(many(1_001))).status).toBe(400);
    expect((await send(message('x'.repeat(256 * 1_024)))).status).toBe(413);
    expect(leaked).toHaveLength(1_000);
  });

  it('that the ledger could not carry out is not answered as done', async () => {
    broken = true;
    expect((await send(message(OURS))).status).toBe(500);
    expect(said.join('')).not.toContain(OURS);
  });
});

describe('a message of somebody else', () => {
  const stranger: Pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  it.each([
    ['another key', () => signed(message(OURS), stranger.privateKey)],
    ['a signature of another body', () => signed(message('another'))],
    ['a signature of the same without a space', () => signed(`${message(OURS)} `)],
    ['nothing', () => ''],
    ['no base64', () => '%%%'],
    ['an empty sequence', () => Buffer.from([0x30, 0]).toString('base64')],
    ['zeros', () => Buffer.from([0x30, 6, 2, 1, 0, 2, 1, 0]).toString('base64')],
    ['a truncated one', () => signed(message(OURS)).slice(0, 40)],
  ])('signed by %s revokes nothing', async (_, signature) => {
    expect((await send(message(OURS), signature())).status).toBe(403);
    expect(leaked).toEqual([]);
    expect(said.join('')).toContain('"event":"secret_scanning_refused"');
    expect(said.join('')).not.toContain(OURS);
  });

  it('without the headers is refused before any key is asked for', async () => {
    expect((await post(message(OURS), {})).status).toBe(403);
    expect(asked).toBe(0);
  });

  it('under names of keys that GitHub does not have asks at most once a minute', async () => {
    const body = message(OURS);
    for (let times = 0; times < 5; times += 1) {
      const signature = signed(body, stranger.privateKey);
      expect((await send(body, signature, `made-up-${times}`)).status).toBe(403);
    }
    expect(asked).toBe(1);
  });

  it.each(['{}', '[1]', '[{"token": 1, "type": "x"}]', '[{"token": "x"}]', 'no', '"\ud800"'])(
    'that is no list of tokens is refused: %s',
    async (body) => {
      expect((await send(body)).status).toBe(400);
      expect(leaked).toEqual([]);
    },
  );
});

describe('the keys', () => {
  it('that can’t be had are no reason to believe anybody, nor to say it was false', async () => {
    published = 'nothing';
    expect((await send(message(OURS))).status).toBe(503);
    expect(leaked).toEqual([]);
  });

  it('may be found elsewhere on one’s own machine only', async () => {
    env = { ...environment(), CONSOLE_URL: 'https://console.example.com' };
    expect((await send(message(OURS))).status).toBe(503);
    env = { ...environment(), SECRET_SCANNING_KEYS_URL: 'https://evil.example/' };
    expect((await send(message(OURS))).status).toBe(503);
    expect(leaked).toEqual([]);
  });
});
