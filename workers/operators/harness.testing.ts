/**
 * The operators' application behind a Cloudflare Access of our own, with a real database and fake
 * ledger. Only tests use it.
 */
import { createServer } from 'node:http';
import { connect, type Database } from '@farebox/database';
import { activateKey, insertPendingKey } from '@farebox/database/ledger';
import { insertAccount, markAccountOpened } from '@farebox/database/users';
import { type AdjustRequest, type AdjustResult, NO_LIMITS } from '@farebox/ledger';
import { createEmptyDatabase } from '@farebox/local';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { app } from './app.ts';

export const HOST = 'operators.localhost';
export const ORIGIN = `https://${HOST}`;
export const ISSUER = 'https://team.cloudflareaccess.com';
export const AUDIENCE = 'a'.repeat(64);
export const REASON = 'ticket 4711, requested by the owner';
/** The operators by their role. */
export const OPERATORS = {
  support: 'sue@farebox.example',
  finance: 'finn@farebox.example',
  otherFinance: 'fiona@farebox.example',
  admin: 'ada@farebox.example',
  withoutRole: 'ned@farebox.example',
} as const;

export type SigningKey = Readonly<{ kid: string; privateKey: CryptoKey; jwk: JWK }>;

export async function signingKey(kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' };
  return { kid, privateKey, jwk };
}

export type Claims = Readonly<{
  email?: string | undefined;
  aud?: string;
  iss?: string;
  type?: string;
  groups?: readonly string[];
  issuedAt?: number;
  lifetimeSeconds?: number;
  notBefore?: number;
}>;

export function signAssertion(key: SigningKey, claims: Claims = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const {
    email = OPERATORS.support,
    issuedAt = now,
    lifetimeSeconds = 600,
    notBefore = issuedAt,
  } = claims;
  const custom = claims.groups === undefined ? {} : { custom: { groups: claims.groups } };
  return new SignJWT({ email, type: claims.type ?? 'app', ...custom })
    .setProtectedHeader({ alg: 'RS256', kid: key.kid, typ: 'JWT' })
    .setAudience([claims.aud ?? AUDIENCE])
    .setIssuer(claims.iss ?? ISSUER)
    .setIssuedAt(issuedAt)
    .setNotBefore(notBefore)
    .setExpirationTime(issuedAt + lifetimeSeconds)
    .sign(key.privateKey);
}

/** Serves the current value of `body` as JSON and counts the requests. */
export async function serveJson(body: () => unknown) {
  let requestCount = 0;
  const server = createServer((_, response) => {
    requestCount += 1;
    response.end(JSON.stringify(body()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/keys`,
    requestCount: () => requestCount,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** A ledger that records its requests and gives configurable answers. */
export class FakeLedger {
  readonly requests: string[] = [];
  readonly adjustments = new Map<string, bigint>();
  onAdjust: (request: AdjustRequest) => AdjustResult = ({ id, delta }) => {
    this.adjustments.set(id, delta);
    return { ok: true, posted: 0n };
  };

  readonly operators = {
    status: async (account: string) => {
      this.requests.push(`status ${account}`);
      const sums = { posted: 5_000_000_000n, held: 1n, openCalls: 1, pendingEntries: 2 };
      return { state: 'open', lowBalance: null, ...sums };
    },
    audit: async () => ({ posted: 1n, held: 0n, lastSeq: 3, acknowledgedSeq: 3, violations: [] }),
    freeze: async (account: string, frozen: boolean) => {
      this.requests.push(`freeze ${account} ${frozen}`);
    },
    adjust: async (account: string, request: AdjustRequest) => {
      this.requests.push(`adjust ${account} ${request.id} ${request.delta}`);
      return this.onAdjust(request);
    },
    releaseRefund: async (account: string, id: string) => {
      this.requests.push(`releaseRefund ${account} ${id}`);
      return { ok: true };
    },
    revokeKey: async (account: string, keyId: number) => {
      this.requests.push(`revokeKey ${account} ${keyId}`);
      return keyId === 7 ? { ok: true } : { ok: false, reason: 'unknown' };
    },
  };
}

export type RequestOptions = Readonly<{
  as?: string;
  assertion?: string | null;
  form?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  host?: string;
}>;

export async function startHarness(databaseOptions?: Parameters<typeof createEmptyDatabase>[0]) {
  const database = await createEmptyDatabase(databaseOptions);
  const db: Database = connect(database.url);
  const ledger = new FakeLedger();
  const key = await signingKey('first');
  let published: readonly SigningKey[] = [key];
  const keys = await serveJson(() => ({ keys: published.map(({ jwk }) => jwk) }));
  const bindings = () => ({
    DATABASE_URL: database.url,
    OPERATORS: ledger.operators,
    OPERATORS_HOST: HOST,
    ACCESS_TEAM: 'team',
    ACCESS_AUDIENCE: AUDIENCE,
    ACCESS_KEYS_URL: keys.url,
    OPERATOR_ROLES: JSON.stringify({
      support: [OPERATORS.support],
      finance: [OPERATORS.finance, OPERATORS.otherFinance.toUpperCase()],
      admin: [OPERATORS.admin, 'group:Wheel'],
    }),
  });
  const env = bindings();
  const send = async (
    path: string,
    options: RequestOptions = {},
    workerEnv: object = env,
  ): Promise<Response> => {
    const headers = new Headers(options.headers);
    const assertion =
      options.assertion === undefined
        ? await signAssertion(key, { email: options.as ?? OPERATORS.support })
        : options.assertion;
    if (assertion !== null) headers.set('cf-access-jwt-assertion', assertion);
    const url = `https://${options.host ?? HOST}${path}`;
    if (options.form === undefined) return app.request(url, { headers }, workerEnv);
    if (!headers.has('origin')) headers.set('origin', ORIGIN);
    const body = new URLSearchParams(options.form);
    return app.request(url, { method: 'POST', headers, body }, workerEnv);
  };
  return {
    db,
    ledger,
    key,
    keys,
    bindings,
    send,
    publishKeys: (keySet: readonly SigningKey[]) => {
      published = keySet;
    },
    stop: async () => {
      await keys.stop();
      await database.close();
    },
  };
}
export type OperatorsHarness = Awaited<ReturnType<typeof startHarness>>;

let accountCount = 0;

/** Creates an account with an owner and a key, in Postgres only. */
export async function createAccount(db: Database, last4 = 'Ab3z') {
  accountCount += 1;
  const accountId = accountCount.toString(16).padStart(16, '0');
  const email = `Grace.Hopper${accountCount}@example.com`;
  await insertAccount(db, {
    accountId,
    email,
    emailKey: email.toLowerCase(),
    passwordHash: '$argon2id$',
    language: 'en',
    verified: true,
    now: Date.now(),
  });
  await insertPendingKey(db, {
    accountId,
    keyId: 7,
    // A key's name may identify its owner, so it is on no operators' page.
    name: email,
    last4,
    secretHash: '0'.repeat(64),
    limits: NO_LIMITS,
    now: Date.now(),
  });
  await activateKey(db, accountId, 7, Date.now());
  await markAccountOpened(db, accountId, Date.now());
  return { accountId, email };
}
