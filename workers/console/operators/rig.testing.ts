/**
 * The console's door with a team of Cloudflare Access of our own making before it, a real database behind
 * it, and stand-ins for the ledger. Tests alone use it.
 */
import { createServer } from 'node:http';
import {
  activateKey,
  connect,
  type Database,
  insertAccount,
  insertPendingKey,
  markAccountOpened,
} from '@farebox/database';
import { type AdjustRequest, type AdjustResult, NO_LIMITS } from '@farebox/ledger';
import { emptyDatabase } from '@farebox/local';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { door } from '../door.ts';

export const HOST = 'operators.localhost';
export const ORIGIN = `https://${HOST}`;
export const ISSUER = 'https://team.cloudflareaccess.com';
export const AUDIENCE = 'a'.repeat(64);
export const REASON = 'ticket 4711, asked by its owner';
/** Who holds which role. */
export const WHO = {
  support: 'sue@farebox.example',
  finance: 'finn@farebox.example',
  other: 'fiona@farebox.example',
  admin: 'ada@farebox.example',
  nobody: 'ned@farebox.example',
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
  lasts?: number;
  notBefore?: number;
}>;

export function vouch(key: SigningKey, claims: Claims = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const { email = WHO.support, issuedAt = now, lasts = 600, notBefore = issuedAt } = claims;
  const custom = claims.groups === undefined ? {} : { custom: { groups: claims.groups } };
  return new SignJWT({ email, type: claims.type ?? 'app', ...custom })
    .setProtectedHeader({ alg: 'RS256', kid: key.kid, typ: 'JWT' })
    .setAudience([claims.aud ?? AUDIENCE])
    .setIssuer(claims.iss ?? ISSUER)
    .setIssuedAt(issuedAt)
    .setNotBefore(notBefore)
    .setExpirationTime(issuedAt + lasts)
    .sign(key.privateKey);
}

/** Serves whatever `body` gives at the moment, and counts how often it was asked. */
export async function serveJson(body: () => unknown) {
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    response.end(JSON.stringify(body()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/keys`,
    asked: () => asked,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** What the ledger was asked, and what it answers. */
export class LedgerStandIn {
  readonly asked: string[] = [];
  readonly moved = new Map<string, bigint>();
  adjusting: (request: AdjustRequest) => AdjustResult = ({ id, delta }) => {
    this.moved.set(id, delta);
    return { ok: true, posted: 0n };
  };

  readonly operators = {
    standing: async (account: string) => {
      this.asked.push(`standing ${account}`);
      const sums = { posted: 5_000_000_000n, held: 1n, openCalls: 1, pendingEntries: 2 };
      return { state: 'open', lowBalance: null, ...sums };
    },
    audit: async () => ({ posted: 1n, held: 0n, lastSeq: 3, acknowledgedSeq: 3, broken: [] }),
    freeze: async (account: string, frozen: boolean) => {
      this.asked.push(`freeze ${account} ${frozen}`);
    },
    adjust: async (account: string, request: AdjustRequest) => {
      this.asked.push(`adjust ${account} ${request.id} ${request.delta}`);
      return this.adjusting(request);
    },
  };

  readonly accounts = {
    revokeKey: async (account: string, keyId: number) => {
      this.asked.push(`revokeKey ${account} ${keyId}`);
      return keyId === 7 ? { ok: true } : { ok: false, reason: 'unknown' };
    },
    revokeLeaked: async (text: string) => {
      this.asked.push('revokeLeaked');
      return text.startsWith('fbx_')
        ? { ok: true, account: '0'.repeat(16), keyId: 1, alreadyRevoked: false }
        : { ok: false, reason: 'not_ours' };
    },
  };
}

export type Sent = Readonly<{
  as?: string;
  assertion?: string | null;
  form?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  host?: string;
}>;

export async function startRig(choice?: Parameters<typeof emptyDatabase>[0]) {
  const database = await emptyDatabase(choice);
  const db: Database = connect(database.url);
  const ledger = new LedgerStandIn();
  const key = await signingKey('first');
  let published: readonly SigningKey[] = [key];
  const keys = await serveJson(() => ({ keys: published.map(({ jwk }) => jwk) }));
  const bindings = () => ({
    DATABASE_URL: database.url,
    ACCOUNTS: ledger.accounts,
    OPERATORS: ledger.operators,
    MAIL: {},
    CONSOLE_SECRET: '00'.repeat(32),
    CONSOLE_URL: 'http://localhost:8788',
    API_URL: 'https://api.example.com',
    OPERATORS_HOST: HOST,
    ACCESS_TEAM: 'team',
    ACCESS_AUDIENCE: AUDIENCE,
    ACCESS_KEYS_URL: keys.url,
    OPERATOR_ROLES: JSON.stringify({
      support: [WHO.support],
      finance: [WHO.finance, WHO.other.toUpperCase()],
      admin: [WHO.admin, 'group:Wheel'],
    }),
  });
  const env = bindings();
  const send = async (path: string, sent: Sent = {}, to: object = env): Promise<Response> => {
    const headers = new Headers(sent.headers);
    const assertion =
      sent.assertion === undefined
        ? await vouch(key, { email: sent.as ?? WHO.support })
        : sent.assertion;
    if (assertion !== null) headers.set('cf-access-jwt-assertion', assertion);
    const url = `https://${sent.host ?? HOST}${path}`;
    if (sent.form === undefined) return door.request(url, { headers }, to);
    if (!headers.has('origin')) headers.set('origin', ORIGIN);
    const body = new URLSearchParams(sent.form);
    return door.request(url, { method: 'POST', headers, body }, to);
  };
  return {
    db,
    ledger,
    key,
    keys,
    bindings,
    send,
    publish: (now: readonly SigningKey[]) => {
      published = now;
    },
    stop: async () => {
      await keys.stop();
      await database.close();
    },
  };
}
export type Rig = Awaited<ReturnType<typeof startRig>>;

let made = 0;

/** An account with an owner and a key, in Postgres alone. */
export async function someone(db: Database, last4 = 'Ab3z') {
  made += 1;
  const accountId = made.toString(16).padStart(16, '0');
  const email = `Grace.Hopper${made}@example.com`;
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
    // A name may say who its owner is: it is on no operator's page.
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
