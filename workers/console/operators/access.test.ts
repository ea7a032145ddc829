/** Who gets through the operators' door: by the right signature in the right header, and nobody else. */
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { AUDIENCE, ISSUER, type Rig, signingKey, startRig, vouch, WHO } from './rig.testing.ts';

let rig: Rig;
let said: string[] = [];

beforeAll(async () => {
  rig = await startRig();
});
afterAll(async () => {
  await rig.stop();
});
beforeAll(() => {
  for (const stream of ['log', 'error'] as const) {
    vi.spyOn(console, stream).mockImplementation((line: unknown) => {
      said.push(String(line));
    });
  }
});
afterEach(() => {
  said = [];
  vi.useRealTimers();
});

function whyRefused(): unknown {
  const line = said.find((text) => text.includes('access_refused'));
  return line === undefined ? undefined : JSON.parse(line).reason;
}

async function knock(assertion: string | null, env?: object): Promise<number> {
  const answer = await rig.send('/operators', { assertion }, env);
  if (answer.status !== 200) expect(await answer.text()).toBe('You are not let in here.');
  return answer.status;
}

const SECOND = 1_000;

describe('an assertion', () => {
  it('of our team, for us, by a known key lets in', async () => {
    expect(await knock(await vouch(rig.key))).toBe(200);
    expect(whyRefused()).toBeUndefined();
  });

  it('is needed on every request, also for a stylesheet and for what is not there', async () => {
    for (const path of ['/', '/operators', '/style.css', '/healthz', '/nowhere']) {
      expect((await rig.send(path, { assertion: null })).status).toBe(403);
    }
    expect(whyRefused()).toBe('missing');
  });

  it('in the cookie alone is no assertion', async () => {
    const cookie = `CF_Authorization=${await vouch(rig.key)}`;
    const answer = await rig.send('/operators', { assertion: null, headers: { cookie } });
    expect(answer.status).toBe(403);
    expect(whyRefused()).toBe('missing');
  });

  it.each([
    ['another audience', { aud: 'b'.repeat(64) }, 'not_for_us'],
    ['another team', { iss: 'https://other.cloudflareaccess.com' }, 'not_for_us'],
    ['another issuer by a hair', { iss: `${ISSUER}/` }, 'not_for_us'],
    ["the organisation's own session", { type: 'org' }, 'nobody'],
    ['nobody, as a service token', { email: '' }, 'nobody'],
    ['somebody without a role', { email: WHO.nobody }, 'no_role'],
    ['a group that is not listed', { email: WHO.nobody, groups: ['staff'] }, 'no_role'],
  ])('of %s is refused', async (_, claims, reason) => {
    expect(await knock(await vouch(rig.key, claims))).toBe(403);
    expect(whyRefused()).toBe(reason);
  });

  it('of an hour ago is refused, and one of tomorrow', async () => {
    const now = Math.floor(Date.now() / SECOND);
    expect(await knock(await vouch(rig.key, { issuedAt: now - 3_600 }))).toBe(403);
    expect(whyRefused()).toBe('expired');
    said = [];
    expect(await knock(await vouch(rig.key, { notBefore: now + 3_600 }))).toBe(403);
    expect(whyRefused()).toBe('expired');
  });

  it('that never ends is refused', async () => {
    const endless = await new SignJWT({ email: WHO.admin, type: 'app' })
      .setProtectedHeader({ alg: 'RS256', kid: rig.key.kid })
      .setAudience(AUDIENCE)
      .setIssuer(ISSUER)
      .setIssuedAt()
      .sign(rig.key.privateKey);
    expect(await knock(endless)).toBe(403);
  });

  it('signed by a stranger under a known key’s name is refused', async () => {
    const forger = await signingKey(rig.key.kid);
    expect(await knock(await vouch(forger))).toBe(403);
    expect(whyRefused()).toBe('forged');
  });

  it('with a changed payload is refused', async () => {
    const [head, , mark] = (await vouch(rig.key)).split('.');
    const [, body] = (await vouch(rig.key, { email: WHO.admin })).split('.');
    expect(await knock(`${head}.${body}.${mark}`)).toBe(403);
    expect(whyRefused()).toBe('forged');
  });

  it('without a signature, or with a MAC made from our public key, is refused', async () => {
    const claims = { email: WHO.admin, type: 'app', aud: AUDIENCE, iss: ISSUER };
    const unsigned = new UnsecuredJWT(claims).setIssuedAt().setExpirationTime('10m').encode();
    expect(await knock(unsigned)).toBe(403);
    expect(whyRefused()).toBe('algorithm');
    said = [];
    const confused = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: rig.key.kid })
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(new TextEncoder().encode(JSON.stringify(rig.key.jwk)));
    expect(await knock(confused)).toBe(403);
    expect(whyRefused()).toBe('algorithm');
  });

  it('that is no token at all is refused without an error of ours', async () => {
    for (const junk of ['x', 'a.b.c', '..', 'e30.e30.', 'a'.repeat(20_000)]) {
      expect(await knock(junk)).toBe(403);
    }
    expect(said.some((line) => line.includes('unexpected'))).toBe(false);
    expect(said.join('')).not.toContain('aaaa');
  });

  it('names its groups in whatever letter case', async () => {
    const claims = { email: WHO.nobody, groups: ['WHEEL'] };
    expect(await knock(await vouch(rig.key, claims))).toBe(200);
  });
});

describe('the keys', () => {
  it('are fetched once for many requests, and again for a new one, at most once a minute', async () => {
    const env = rig.bindings();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const before = rig.keys.asked();
    for (let times = 0; times < 3; times += 1) {
      expect(await knock(await vouch(rig.key), env)).toBe(200);
    }
    expect(rig.keys.asked() - before).toBe(1);
    const next = await signingKey('second');
    rig.publish([rig.key, next]);
    expect(await knock(await vouch(next), env)).toBe(403);
    expect(whyRefused()).toBe('unknown_key');
    expect(rig.keys.asked() - before).toBe(1);
    vi.setSystemTime(Date.now() + 61 * SECOND);
    expect(await knock(await vouch(next), env)).toBe(200);
    expect(rig.keys.asked() - before).toBe(2);
    // A flood of made-up names asks for nothing more within the minute.
    for (let times = 0; times < 5; times += 1) {
      expect(await knock(await vouch(await signingKey(`made-up-${times}`)), env)).toBe(403);
    }
    expect(rig.keys.asked() - before).toBe(2);
    rig.publish([rig.key]);
  });

  it('that were withdrawn are forgotten within the hour', async () => {
    const env = rig.bindings();
    const old = await signingKey('old');
    rig.publish([rig.key, old]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    expect(await knock(await vouch(old), env)).toBe(200);
    rig.publish([rig.key]);
    vi.setSystemTime(Date.now() + 3_601 * SECOND);
    expect(await knock(await vouch(old), env)).toBe(403);
  });

  it('that can’t be had let nobody in, and the answer says when to come back to it', async () => {
    const env = { ...rig.bindings(), ACCESS_KEYS_URL: 'http://127.0.0.1:9/keys' };
    expect(await knock(await vouch(rig.key), env)).toBe(503);
    expect(whyRefused()).toBe('keys_unreachable');
  });

  it('may come from elsewhere on one’s own machine only', async () => {
    const elsewhere = { ...rig.bindings(), ACCESS_KEYS_URL: 'https://evil.example/keys' };
    expect((await rig.send('/operators', {}, elsewhere)).status).toBe(503);
    const host = 'operators.example.com';
    const deployed = { ...rig.bindings(), OPERATORS_HOST: host };
    expect((await rig.send('/operators', { host }, deployed)).status).toBe(503);
    expect(said.filter((line) => line.includes('ACCESS_KEYS_URL'))).toHaveLength(2);
  });
});

describe('the two hosts', () => {
  it('have nothing of one another', async () => {
    for (const path of ['/sign-in', '/keys', '/language', '/hooks/secret-scanning', '/healthz']) {
      expect((await rig.send(path)).status).toBe(404);
    }
    for (const path of ['/operators', '/operators/health', '/operators/chain']) {
      expect((await rig.send(path, { host: 'localhost' })).status).toBe(404);
    }
  });

  it('may not be one', async () => {
    const env = { ...rig.bindings(), CONSOLE_URL: 'https://operators.localhost' };
    expect((await rig.send('/operators', {}, env)).status).toBe(503);
    expect(said.join('')).toContain('OPERATORS_HOST');
  });

  it('are one again where no operators’ host is set', async () => {
    const { OPERATORS_HOST: _, ...env } = rig.bindings();
    expect((await rig.send('/operators', {}, env)).status).toBe(404);
  });

  it.each([
    '{"root": ["a@example.com"]}',
    '{"admin": "a@example.com"}',
    '{"admin": ["everybody"]}',
    '[]',
    'no',
  ])('are closed while the roles are not understood: %s', async (roles) => {
    const env = { ...rig.bindings(), OPERATOR_ROLES: roles };
    expect((await rig.send('/operators', {}, env)).status).toBe(503);
    expect(said.join('')).toContain('OPERATOR_ROLES');
  });
});
