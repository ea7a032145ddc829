/**
 * Verifies GitHub's signature: ECDSA P-256 with SHA-256 over the raw body, by one of the keys
 * GitHub publishes. The keys are cached in memory; an unknown key id triggers a new fetch, at most
 * once a minute.
 * https://docs.github.com/en/code-security/secret-scanning/secret-scanning-partnership-program/secret-scanning-partner-program
 */
import { base64 } from '@farebox/crypto';
import * as v from 'valibot';

const KEYS_TIMEOUT_MS = 5_000;
const MAX_RESPONSE_LENGTH = 65_536;
const MAX_PUBLIC_KEYS = 100;
const KEYS_TTL_MS = 3_600_000;
const MIN_REFETCH_INTERVAL_MS = 60_000;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;

export type SignatureError = 'unsigned' | 'unknown_key' | 'forged' | 'keys_unreachable';
export type SignatureResult =
  | Readonly<{ ok: true }>
  | Readonly<{ ok: false; reason: SignatureError }>;

type PublicKeys = ReadonlyMap<string, string>;

/** Entries that are not keys are skipped. */
const PUBLIC_KEYS = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ public_keys: v.array(v.unknown()) }),
);
const PUBLIC_KEY = v.object({ key_identifier: v.string(), key: v.string() });

function parsePublicKeys(text: string): PublicKeys | undefined {
  const parsed = v.safeParse(PUBLIC_KEYS, text);
  if (!parsed.success) return undefined;
  const keys = parsed.output.public_keys
    .slice(0, MAX_PUBLIC_KEYS)
    .filter((entry) => v.is(PUBLIC_KEY, entry));
  return new Map(keys.map(({ key_identifier: id, key }) => [id, key]));
}

async function fetchPublicKeys(url: string): Promise<PublicKeys | undefined> {
  try {
    const response = await globalThis.fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(KEYS_TIMEOUT_MS),
      // GitHub rejects requests without a user agent (docs.github.com/en/rest/using-the-rest-api).
      headers: { accept: 'application/json', 'user-agent': 'farebox' },
    });
    const text = await response.text();
    if (response.status !== 200 || text.length > MAX_RESPONSE_LENGTH) return undefined;
    return parsePublicKeys(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads an INTEGER of a DER signature as 32 bytes; DER drops leading zeros and adds one above 0x7f.
 */
function readDerInteger(
  der: Uint8Array,
  offset: number,
): Readonly<{ value: Uint8Array; end: number }> | null {
  const length = der[offset + 1] ?? 0;
  const end = offset + 2 + length;
  if (der[offset] !== 0x02 || length < 1 || length > 33 || end > der.length) return null;
  const digits = der.subarray(offset + 2, end);
  if (length === 33 && digits[0] !== 0) return null;
  const trimmed = length === 33 ? digits.subarray(1) : digits;
  const value = new Uint8Array(32);
  value.set(trimmed, 32 - trimmed.length);
  return { value, end };
}

/**
 * Converts a signature from ASN.1 (RFC 3279 section 2.2.3) to the concatenated r and s of
 * WebCrypto.
 */
function derToP1363(der: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return undefined;
  const r = readDerInteger(der, 2);
  const s = r === null ? null : readDerInteger(der, r.end);
  if (r === null || s === null || s.end !== der.length) return undefined;
  const concatenated = new Uint8Array(64);
  concatenated.set(r.value, 0);
  concatenated.set(s.value, 32);
  return concatenated;
}

async function importPublicKey(pem: string): Promise<CryptoKey | undefined> {
  const body = pem.replace(/-----(BEGIN|END) PUBLIC KEY-----/g, '').replace(/\s/g, '');
  const spki = base64.decode(body);
  if (spki === undefined) return undefined;
  try {
    return await crypto.subtle.importKey('spki', spki, ALGORITHM, false, ['verify']);
  } catch {
    return undefined;
  }
}

export class SigningKeys {
  readonly #url: string;
  #publicKeys: PublicKeys | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #requestedAt = Number.NEGATIVE_INFINITY;

  constructor(url: string) {
    this.#url = url;
  }

  async #findKey(id: string, now: number): Promise<string | undefined | null> {
    const isFresh = now - this.#fetchedAt < KEYS_TTL_MS;
    if (
      (!isFresh || this.#publicKeys?.has(id) !== true) &&
      now - this.#requestedAt >= MIN_REFETCH_INTERVAL_MS
    ) {
      this.#requestedAt = now;
      const fetched = await fetchPublicKeys(this.#url);
      if (fetched !== undefined) {
        this.#publicKeys = fetched;
        this.#fetchedAt = now;
      }
    }
    return this.#publicKeys === undefined ? null : this.#publicKeys.get(id);
  }

  async verify(
    headers: Headers,
    body: Uint8Array<ArrayBuffer>,
    now: number,
  ): Promise<SignatureResult> {
    const id = headers.get('github-public-key-identifier');
    const encodedSignature = headers.get('github-public-key-signature');
    if (
      id === null ||
      encodedSignature === null ||
      id.length > 200 ||
      encodedSignature.length > 200
    ) {
      return { ok: false, reason: 'unsigned' };
    }
    const der = base64.decode(encodedSignature);
    const signature = der === undefined ? undefined : derToP1363(der);
    if (signature === undefined) return { ok: false, reason: 'forged' };
    const pem = await this.#findKey(id, now);
    if (pem === null) return { ok: false, reason: 'keys_unreachable' };
    if (pem === undefined) return { ok: false, reason: 'unknown_key' };
    const key = await importPublicKey(pem);
    if (key === undefined) return { ok: false, reason: 'unknown_key' };
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
    const isValid = await crypto.subtle.verify(algorithm, key, signature, body);
    return isValid ? { ok: true } : { ok: false, reason: 'forged' };
  }
}
