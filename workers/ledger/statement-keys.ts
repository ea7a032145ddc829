/**
 * The keys that sign statements: Ed25519 seeds by version, which only this Worker has. The newest
 * signs; all of them are published, so that older statements stay verifiable.
 */
import type { StatementKey, StatementKeys } from '@farebox/ledger';
import { type Env, statementSecrets } from './env.ts';

const ED25519 = 'Ed25519';
/** The PKCS #8 frame of an Ed25519 seed (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export type StatementSigner = (line: string) => Promise<string>;

type SigningKey = Readonly<{ privateKey: CryptoKey; publicKey: StatementKey }>;

async function importSeed(version: number, seed: Uint8Array): Promise<SigningKey> {
  const pkcs8 = Buffer.concat([PKCS8_PREFIX, seed]);
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, ED25519, true, ['sign']);
  const jwk = await crypto.subtle.exportKey('jwk', privateKey);
  if (!('x' in jwk) || jwk.x === undefined) throw new TypeError('a key without a public part');
  const kid = String(version);
  const publicKey = {
    kty: 'OKP',
    crv: 'Ed25519',
    alg: 'EdDSA',
    use: 'sig',
    kid,
    x: jwk.x,
  } as const;
  return { privateKey, publicKey };
}

async function importKeys(env: Env): Promise<readonly SigningKey[]> {
  const versions = [...statementSecrets(env)].sort(([a], [b]) => b - a);
  return Promise.all(versions.map(([version, seed]) => importSeed(version, seed)));
}

const imported = new WeakMap<Env, Promise<readonly SigningKey[]>>();

/** Newest first. A failed import is not kept: the next request tries again. */
function signingKeys(env: Env): Promise<readonly SigningKey[]> {
  const cached = imported.get(env);
  if (cached !== undefined) return cached;
  const keys = importKeys(env);
  imported.set(env, keys);
  keys.catch(() => imported.delete(env));
  return keys;
}

export async function listStatementKeys(env: Env): Promise<StatementKeys> {
  return { keys: (await signingKeys(env)).map(({ publicKey }) => publicKey) };
}

function toBase64url(content: string | ArrayBuffer): string {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  return bytes.toString('base64url');
}

/** Returns a function that signs a line as a JSON Web Signature in compact form (RFC 7515, 8037). */
export async function createStatementSigner(env: Env): Promise<StatementSigner> {
  const [newest] = await signingKeys(env);
  if (newest === undefined) throw new RangeError('There is no key for statements.');
  const { privateKey, publicKey } = newest;
  const header = { alg: 'EdDSA', kid: publicKey.kid, typ: 'farebox-statement' };
  const encodedHeader = toBase64url(JSON.stringify(header));
  return async (line) => {
    const signed = `${encodedHeader}.${toBase64url(line)}`;
    const signature = await crypto.subtle.sign(ED25519, privateKey, Buffer.from(signed));
    return `${signed}.${toBase64url(signature)}`;
  };
}
