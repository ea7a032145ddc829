/**
 * Whether GitHub said it: ECDSA P-256 with SHA-256 over the body as it came, by one of the keys GitHub
 * publishes. The keys are public and kept in memory; a key nobody told us of makes us ask again, at most
 * once a minute.
 * https://docs.github.com/en/code-security/secret-scanning/secret-scanning-partnership-program/secret-scanning-partner-program
 */
const KEYS_WITHIN_MS = 5_000;
const LARGEST_ANSWER = 65_536;
const KEYS_FRESH_MS = 3_600_000;
const ASK_AT_MOST_EVERY_MS = 60_000;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;

export type SignatureRefusal = 'unsigned' | 'unknown_key' | 'forged' | 'keys_unreachable';
export type SignatureVerdict =
  | Readonly<{ ok: true }>
  | Readonly<{ ok: false; reason: SignatureRefusal }>;

type Published = ReadonlyMap<string, string>;

function publishedIn(value: unknown): Published | undefined {
  if (typeof value !== 'object' || value === null || !('public_keys' in value)) return undefined;
  const { public_keys: listed } = value;
  if (!Array.isArray(listed)) return undefined;
  const keys = new Map<string, string>();
  for (const entry of listed.slice(0, 100)) {
    const [id, key]: unknown[] = [entry?.key_identifier, entry?.key];
    if (typeof id === 'string' && typeof key === 'string') keys.set(id, key);
  }
  return keys;
}

async function fetchPublished(url: string): Promise<Published | undefined> {
  try {
    const answer = await globalThis.fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(KEYS_WITHIN_MS),
      // GitHub answers nobody without a user agent (docs.github.com/en/rest/using-the-rest-api).
      headers: { accept: 'application/json', 'user-agent': 'farebox' },
    });
    const text = await answer.text();
    if (answer.status !== 200 || text.length > LARGEST_ANSWER) return undefined;
    return publishedIn(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** One INTEGER of a DER signature as 32 bytes; DER drops zeros in front and adds one above 0x7f. */
function number32(
  der: Uint8Array,
  at: number,
): Readonly<{ value: Uint8Array; end: number }> | null {
  const length = der[at + 1] ?? 0;
  const end = at + 2 + length;
  if (der[at] !== 0x02 || length < 1 || length > 33 || end > der.length) return null;
  const digits = der.subarray(at + 2, end);
  if (length === 33 && digits[0] !== 0) return null;
  const trimmed = length === 33 ? digits.subarray(1) : digits;
  const value = new Uint8Array(32);
  value.set(trimmed, 32 - trimmed.length);
  return { value, end };
}

/** WebCrypto wants r and s side by side (IEEE P1363), GitHub sends them as ASN.1 (RFC 3279 section 2.2.3). */
function sideBySide(der: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return undefined;
  const r = number32(der, 2);
  const s = r === null ? null : number32(der, r.end);
  if (r === null || s === null || s.end !== der.length) return undefined;
  const both = new Uint8Array(64);
  both.set(r.value, 0);
  both.set(s.value, 32);
  return both;
}

async function keyOf(pem: string): Promise<CryptoKey | undefined> {
  const body = pem.replace(/-----(BEGIN|END) PUBLIC KEY-----/g, '').replace(/\s/g, '');
  const spki = bytesOf(body);
  if (spki === undefined) return undefined;
  try {
    return await crypto.subtle.importKey('spki', spki, ALGORITHM, false, ['verify']);
  } catch {
    return undefined;
  }
}

export class SigningKeys {
  readonly #url: string;
  #published: Published | undefined;
  #at = Number.NEGATIVE_INFINITY;
  #asked = Number.NEGATIVE_INFINITY;

  constructor(url: string) {
    this.#url = url;
  }

  async #find(id: string, now: number): Promise<string | undefined | null> {
    const fresh = now - this.#at < KEYS_FRESH_MS;
    if (
      (!fresh || this.#published?.has(id) !== true) &&
      now - this.#asked >= ASK_AT_MOST_EVERY_MS
    ) {
      this.#asked = now;
      const fetched = await fetchPublished(this.#url);
      if (fetched !== undefined) {
        this.#published = fetched;
        this.#at = now;
      }
    }
    return this.#published === undefined ? null : this.#published.get(id);
  }

  async verify(
    headers: Headers,
    body: Uint8Array<ArrayBuffer>,
    now: number,
  ): Promise<SignatureVerdict> {
    const id = headers.get('github-public-key-identifier');
    const sent = headers.get('github-public-key-signature');
    if (id === null || sent === null || id.length > 200 || sent.length > 200) {
      return { ok: false, reason: 'unsigned' };
    }
    const der = bytesOf(sent);
    const signature = der === undefined ? undefined : sideBySide(der);
    if (signature === undefined) return { ok: false, reason: 'forged' };
    const pem = await this.#find(id, now);
    if (pem === null) return { ok: false, reason: 'keys_unreachable' };
    if (pem === undefined) return { ok: false, reason: 'unknown_key' };
    const key = await keyOf(pem);
    if (key === undefined) return { ok: false, reason: 'unknown_key' };
    const how = { name: 'ECDSA', hash: 'SHA-256' };
    const good = await crypto.subtle.verify(how, key, signature, body);
    return good ? { ok: true } : { ok: false, reason: 'forged' };
  }
}
