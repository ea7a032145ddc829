/** The signature of events, verified with Node's crypto. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { deriveSigningSecret, signEvent } from './signature.ts';

const SECRET = new Uint8Array(32).fill(7);
const NOW = Date.UTC(2026, 10, 27, 12);
const HOUR_MS = 3_600_000;
const BODY = '{"id":"evt_1","data":{"name":"ключ"}}';

const sign = (secret: string) =>
  createHmac('sha256', secret)
    .update(`${NOW / 1000}.${BODY}`)
    .digest('hex');

describe('the signature of an event', () => {
  it('is HMAC-SHA256 over the time and the body, as Node computes it', () => {
    const webhook = { id: 'a'.repeat(16), version: 1, rotatedAt: null };
    const secret = deriveSigningSecret(SECRET, webhook);
    expect(secret).toMatch(/^whsec_[0-9a-f]{64}$/);
    const header = signEvent(SECRET, webhook, { body: BODY, now: NOW + 999 });
    expect(header).toBe(`t=${NOW / 1000},v1=${sign(secret)}`);
  });

  it.each([
    [0, 2, [2, 1]],
    [24 * HOUR_MS - 1, 2, [2, 1]],
    [24 * HOUR_MS, 2, [2]],
    // A secret that was lost unseen is replaced twice in a row: the receiver still has the first.
    [0, 3, [3, 2, 1]],
    [0, 9, [9, 8, 7]],
  ])(
    'is %i ms after a rotation to version %i also one of previous secrets: %j',
    (age, version, expected) => {
      const webhook = { id: 'a'.repeat(16), version, rotatedAt: NOW - age };
      const [, ...signatures] = signEvent(SECRET, webhook, { body: BODY, now: NOW }).split(',');
      const secrets = expected.map((one) =>
        deriveSigningSecret(SECRET, { ...webhook, version: one }),
      );
      expect(signatures).toEqual(secrets.map((secret) => `v1=${sign(secret)}`));
    },
  );

  it('has another secret for each webhook, version and deployment', () => {
    const secrets = [
      deriveSigningSecret(SECRET, { id: 'a', version: 1 }),
      deriveSigningSecret(SECRET, { id: 'a', version: 2 }),
      deriveSigningSecret(SECRET, { id: 'b', version: 1 }),
      deriveSigningSecret(new Uint8Array(32).fill(8), { id: 'a', version: 1 }),
    ];
    expect(new Set(secrets).size).toBe(4);
  });
});
