/** The published test vectors of API keys, and the rejection of every text that was not minted. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  API_KEY_PATTERN,
  currentMacSecret,
  type MacSecrets,
  mintApiKey,
  parseApiKey,
  parseMacSecrets,
} from './api-keys.ts';

const FIRST = '00'.repeat(32);
const SECOND = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SEED = 20261123;

function secretsFrom(text: string): MacSecrets {
  const secrets = parseMacSecrets(text);
  if (secrets === undefined) throw new Error('no secrets');
  return secrets;
}

const secrets = secretsFrom(`1:${FIRST},2:${SECOND}`);
const one = currentMacSecret(secretsFrom(`1:${FIRST}`));
const two = currentMacSecret(secrets);

/** The rows of docs/api-keys.md: version, account, key id, secret, key, hash. */
const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/api-keys.md'), 'utf8');
const VECTORS = DOCUMENT.split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('fbx_'))
  .map((line) => [...line.matchAll(/`?([0-9A-Za-z_]+)`? +\|/g)].map((match) => match[1] ?? ''));

const anyBytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const anyParts = fc.tuple(anyBytes(8).map(hex), fc.nat(0xffffffff), anyBytes(24));

describe('API key format', () => {
  it('has published test vectors', () => {
    expect(VECTORS.length).toBe(3);
    expect(DOCUMENT).toContain(API_KEY_PATTERN);
  });

  it.each(VECTORS)(
    'mints and parses the vector of version %s, account %s, key %s',
    (version, account, keyId, secret, key, hash) => {
      const mac = version === '1' ? one : two;
      const random = Uint8Array.from(Buffer.from(secret ?? '', 'hex'));
      const minted = mintApiKey(mac, account ?? '', Number(keyId), random);
      expect(minted).toEqual({ apiKey: key, secretHash: hash, last4: key?.slice(-4) });
      const credential = { keyId: Number(keyId), secretHash: hash };
      expect(parseApiKey(key ?? '', secrets)).toEqual({ ok: true, account, key: credential });
    },
  );

  it('matches its published pattern and has a standard CRC-32', () => {
    fc.assert(
      fc.property(anyParts, ([account, keyId, random]) => {
        const { apiKey } = mintApiKey(two, account, keyId, random);
        expect(apiKey).toMatch(new RegExp(`^${API_KEY_PATTERN}$`));
        let checksum = 0;
        for (const digit of apiKey.slice(-6)) checksum = checksum * 62 + DIGITS.indexOf(digit);
        expect(checksum).toBe(zlibCrc32(apiKey.slice(0, -6)));
      }),
      { seed: SEED },
    );
  });
});

describe('minted API keys', () => {
  it('parse to the account, key id and secret they were made of', () => {
    fc.assert(
      fc.property(anyParts, ([account, keyId, random]) => {
        const { apiKey, secretHash } = mintApiKey(one, account, keyId, random);
        const expected = { ok: true, account, key: { keyId, secretHash } };
        expect(parseApiKey(apiKey, secrets)).toEqual(expected);
      }),
      { seed: SEED },
    );
  });

  it('are forged when their MAC secret is missing or another one', () => {
    const { apiKey } = mintApiKey(one, '0123456789abcdef', 1, new Uint8Array(24));
    const forged = { ok: false, reason: 'forged' };
    expect(parseApiKey(apiKey, secretsFrom(`2:${SECOND}`))).toEqual(forged);
    expect(parseApiKey(apiKey, secretsFrom(`1:${SECOND}`))).toEqual(forged);
  });
});

describe('altered API keys', () => {
  const { apiKey } = mintApiKey(two, 'f00dfacecafebeef', 7, new Uint8Array(24).fill(9));

  it('are malformed after any single character is changed, dropped or added', () => {
    const alphabet = [...DIGITS, '_', '-', ' ', '\n', '\0', 'é', '\u0130', '\u{1F511}'];
    for (let at = 0; at < apiKey.length; at += 1) {
      const before = apiKey.slice(0, at);
      const after = apiKey.slice(at + 1);
      const changed = alphabet
        .filter((other) => other !== apiKey[at])
        .map((c) => before + c + after);
      for (const text of [...changed, before + after, `${before}${apiKey[at]}0${after}`]) {
        expect([text, parseApiKey(text, secrets).ok]).toEqual([text, false]);
      }
    }
  });

  it('are forged when their checksum was recomputed', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(61), (at, value) => {
        const position = at + 4;
        fc.pre(DIGITS[value] !== apiKey[position]);
        const body = apiKey.slice(0, position) + DIGITS[value] + apiKey.slice(position + 1, -6);
        expect(parseApiKey(withChecksum(body), secrets).ok).toBe(false);
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  it('are malformed when their number exceeds 45 bytes, even with a valid checksum', () => {
    const body = `fbx_${'z'.repeat(61)}`;
    expect(parseApiKey(withChecksum(body), secrets)).toEqual({ ok: false, reason: 'malformed' });
  });

  it('never make the parser throw', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ minLength: 71, maxLength: 71 }),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        expect(parseApiKey(text, secrets).ok).toBe(false);
        expect(parseApiKey(`fbx_${text}`, secrets).ok).toBe(false);
      }),
      { seed: SEED },
    );
  });
});

function withChecksum(body: string): string {
  let rest = zlibCrc32(body);
  let checksum = '';
  for (let digit = 0; digit < 6; digit += 1) {
    checksum = DIGITS.charAt(rest % 62) + checksum;
    rest = Math.floor(rest / 62);
  }
  return body + checksum;
}

describe('MAC secrets', () => {
  it('mint with the highest version', () => {
    expect(currentMacSecret(secretsFrom(`9:${SECOND}, 2:${FIRST}`)).version).toBe(9);
  });

  it('are rejected as a whole when one of them is malformed', () => {
    const bad = ['', '1', `0:${FIRST}`, `256:${FIRST}`, `1:${FIRST},`, `1:${FIRST},1:${SECOND}`];
    const worse = [
      `1:${FIRST.slice(2)}`,
      `1:${FIRST}0`,
      `1:${FIRST.replace('0', 'g')}`,
      `-1:${FIRST}`,
    ];
    for (const text of [...bad, ...worse])
      expect([text, parseMacSecrets(text)]).toEqual([text, undefined]);
  });
});
