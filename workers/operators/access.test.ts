/**
 * Access to the operators' application: only a valid assertion in the right header admits an
 * operator.
 */
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  AUDIENCE,
  ISSUER,
  OPERATORS,
  type OperatorsHarness,
  signAssertion,
  signingKey,
  startHarness,
} from './harness.testing.ts';

let harness: OperatorsHarness;
let logged: string[] = [];

beforeAll(async () => {
  harness = await startHarness();
});
afterAll(async () => {
  await harness.stop();
});
beforeAll(() => {
  for (const stream of ['log', 'error'] as const) {
    vi.spyOn(console, stream).mockImplementation((line: unknown) => {
      logged.push(String(line));
    });
  }
});
afterEach(() => {
  logged = [];
  vi.useRealTimers();
});

function denialReason(): unknown {
  const line = logged.find((text) => text.includes('access_denied'));
  return line === undefined ? undefined : JSON.parse(line).reason;
}

async function openOperators(assertion: string | null, env?: object): Promise<number> {
  const response = await harness.send('/operators', { assertion }, env);
  if (response.status !== 200) expect(await response.text()).toBe('Access denied.');
  return response.status;
}

const SECOND = 1_000;

describe('the Access assertion', () => {
  it('admits an operator if it is from our team, for this application, and signed by a known key', async () => {
    expect(await openOperators(await signAssertion(harness.key))).toBe(200);
    expect(denialReason()).toBeUndefined();
  });

  it('is required on every request, also for the stylesheet and unknown paths', async () => {
    for (const path of ['/', '/operators', '/style.css', '/healthz', '/nowhere']) {
      expect((await harness.send(path, { assertion: null })).status).toBe(403);
    }
    expect(denialReason()).toBe('missing');
  });

  it('is not read from the cookie', async () => {
    const cookie = `CF_Authorization=${await signAssertion(harness.key)}`;
    const response = await harness.send('/operators', { assertion: null, headers: { cookie } });
    expect(response.status).toBe(403);
    expect(denialReason()).toBe('missing');
  });

  it.each([
    ['another audience', { aud: 'b'.repeat(64) }, 'wrong_audience_or_issuer'],
    ['another team', { iss: 'https://other.cloudflareaccess.com' }, 'wrong_audience_or_issuer'],
    ['an issuer with one character more', { iss: `${ISSUER}/` }, 'wrong_audience_or_issuer'],
    ['a session of the organisation', { type: 'org' }, 'no_identity'],
    ['a service token without an email', { email: '' }, 'no_identity'],
    ['an operator without a role', { email: OPERATORS.withoutRole }, 'no_role'],
    [
      'an operator in an unlisted group',
      { email: OPERATORS.withoutRole, groups: ['staff'] },
      'no_role',
    ],
  ])('is denied for %s', async (_, claims, reason) => {
    expect(await openOperators(await signAssertion(harness.key, claims))).toBe(403);
    expect(denialReason()).toBe(reason);
  });

  it('is denied when expired or not yet valid', async () => {
    const now = Math.floor(Date.now() / SECOND);
    expect(await openOperators(await signAssertion(harness.key, { issuedAt: now - 3_600 }))).toBe(
      403,
    );
    expect(denialReason()).toBe('expired');
    logged = [];
    expect(await openOperators(await signAssertion(harness.key, { notBefore: now + 3_600 }))).toBe(
      403,
    );
    expect(denialReason()).toBe('expired');
  });

  it('is denied without an expiry', async () => {
    const withoutExpiry = await new SignJWT({ email: OPERATORS.admin, type: 'app' })
      .setProtectedHeader({ alg: 'RS256', kid: harness.key.kid })
      .setAudience(AUDIENCE)
      .setIssuer(ISSUER)
      .setIssuedAt()
      .sign(harness.key.privateKey);
    expect(await openOperators(withoutExpiry)).toBe(403);
  });

  it('is denied when signed by an unknown key under a known key id', async () => {
    const forger = await signingKey(harness.key.kid);
    expect(await openOperators(await signAssertion(forger))).toBe(403);
    expect(denialReason()).toBe('bad_signature');
  });

  it('is denied when its payload was changed', async () => {
    const [header, , signature] = (await signAssertion(harness.key)).split('.');
    const [, body] = (await signAssertion(harness.key, { email: OPERATORS.admin })).split('.');
    expect(await openOperators(`${header}.${body}.${signature}`)).toBe(403);
    expect(denialReason()).toBe('bad_signature');
  });

  it('is denied without a signature, or with a MAC keyed with our public key', async () => {
    const claims = { email: OPERATORS.admin, type: 'app', aud: AUDIENCE, iss: ISSUER };
    const unsigned = new UnsecuredJWT(claims).setIssuedAt().setExpirationTime('10m').encode();
    expect(await openOperators(unsigned)).toBe(403);
    expect(denialReason()).toBe('algorithm');
    logged = [];
    const algorithmConfused = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: harness.key.kid })
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(new TextEncoder().encode(JSON.stringify(harness.key.jwk)));
    expect(await openOperators(algorithmConfused)).toBe(403);
    expect(denialReason()).toBe('algorithm');
  });

  it('is denied without a server error when it is not a token', async () => {
    for (const junk of ['x', 'a.b.c', '..', 'e30.e30.', 'a'.repeat(20_000)]) {
      expect(await openOperators(junk)).toBe(403);
    }
    expect(logged.some((line) => line.includes('unexpected'))).toBe(false);
    expect(logged.join('')).not.toContain('aaaa');
  });

  it('matches group names case-insensitively', async () => {
    const claims = { email: OPERATORS.withoutRole, groups: ['WHEEL'] };
    expect(await openOperators(await signAssertion(harness.key, claims))).toBe(200);
  });
});

describe('the Access key cache', () => {
  it('fetches once for many requests, and for an unknown key at most once a minute', async () => {
    const env = harness.bindings();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const requestsBefore = harness.keys.requestCount();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect(await openOperators(await signAssertion(harness.key), env)).toBe(200);
    }
    expect(harness.keys.requestCount() - requestsBefore).toBe(1);
    const next = await signingKey('second');
    harness.publishKeys([harness.key, next]);
    expect(await openOperators(await signAssertion(next), env)).toBe(403);
    expect(denialReason()).toBe('unknown_key');
    expect(harness.keys.requestCount() - requestsBefore).toBe(1);
    vi.setSystemTime(Date.now() + 61 * SECOND);
    expect(await openOperators(await signAssertion(next), env)).toBe(200);
    expect(harness.keys.requestCount() - requestsBefore).toBe(2);
    // A flood of invented key ids causes no further fetch within the minute.
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect(
        await openOperators(await signAssertion(await signingKey(`made-up-${attempt}`)), env),
      ).toBe(403);
    }
    expect(harness.keys.requestCount() - requestsBefore).toBe(2);
    harness.publishKeys([harness.key]);
  });

  it('drops withdrawn keys within an hour', async () => {
    const env = harness.bindings();
    const old = await signingKey('old');
    harness.publishKeys([harness.key, old]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    expect(await openOperators(await signAssertion(old), env)).toBe(200);
    harness.publishKeys([harness.key]);
    vi.setSystemTime(Date.now() + 3_601 * SECOND);
    expect(await openOperators(await signAssertion(old), env)).toBe(403);
  });

  it('answers 503 to every request while the keys are unreachable', async () => {
    const env = { ...harness.bindings(), ACCESS_KEYS_URL: 'http://127.0.0.1:9/keys' };
    expect(await openOperators(await signAssertion(harness.key), env)).toBe(503);
    expect(denialReason()).toBe('keys_unreachable');
  });

  it('accepts another keys URL only if it and the host are loopback', async () => {
    const elsewhere = { ...harness.bindings(), ACCESS_KEYS_URL: 'https://evil.example/keys' };
    expect((await harness.send('/operators', {}, elsewhere)).status).toBe(503);
    const host = 'operators.example.com';
    const deployed = { ...harness.bindings(), OPERATORS_HOST: host };
    expect((await harness.send('/operators', { host }, deployed)).status).toBe(503);
    expect(logged.filter((line) => line.includes('ACCESS_KEYS_URL'))).toHaveLength(2);
  });
});

describe('the operators’ host', () => {
  it('serves no console page, and operators’ pages are served on no other host', async () => {
    for (const path of ['/sign-in', '/keys', '/language', '/hooks/secret-scanning', '/healthz']) {
      expect((await harness.send(path)).status).toBe(404);
    }
    for (const path of ['/operators', '/operators/health', '/operators/audit-log']) {
      expect((await harness.send(path, { host: 'localhost' })).status).toBe(404);
    }
  });

  it.each([
    'OPERATORS_HOST',
    'ACCESS_TEAM',
    'ACCESS_AUDIENCE',
    'OPERATOR_ROLES',
    'OPERATORS',
  ] as const)('answers 503 and logs the name while %s is missing', async (name) => {
    const { [name]: _, ...env } = harness.bindings();
    const response = await harness.send('/operators', {}, env);
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain(name);
    expect(logged.join('')).toContain(`"binding_missing","name":"${name}"`);
  });

  it.each([
    '{"root": ["a@example.com"]}',
    '{"admin": "a@example.com"}',
    '{"admin": ["everybody"]}',
    '[]',
    'no',
  ])('answers 503 while the roles can’t be parsed: %s', async (roles) => {
    const env = { ...harness.bindings(), OPERATOR_ROLES: roles };
    expect((await harness.send('/operators', {}, env)).status).toBe(503);
    expect(logged.join('')).toContain('OPERATOR_ROLES');
  });
});
