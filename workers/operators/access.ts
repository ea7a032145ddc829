/**
 * Who an operator is, by what Cloudflare Access signed: the header alone (never the cookie, which other
 * pages of the host could set), RS256 alone, for our application, from our team, not expired. The keys
 * are fetched here and not by jose, whose remote set once hung across Workers' requests (jose#509): no
 * promise is shared between two requests, and every fetch has an end.
 * https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
 */
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from 'jose';

export type AccessSettings = Readonly<{
  /** `https://<team>.cloudflareaccess.com` */
  issuer: string;
  audience: string;
  keysUrl: string;
}>;

/** As the identity provider names them, in lower case: two spellings are one person. */
export type AccessIdentity = Readonly<{ email: string; groups: readonly string[] }>;

export type AccessDenialReason =
  | 'missing'
  | 'malformed'
  | 'algorithm'
  | 'unknown_key'
  | 'bad_signature'
  | 'expired'
  | 'wrong_audience_or_issuer'
  | 'no_identity'
  | 'keys_unreachable';

export type AccessResult =
  | (Readonly<{ ok: true }> & AccessIdentity)
  | Readonly<{ ok: false; reason: AccessDenialReason }>;

const HEADER = 'cf-access-jwt-assertion';
/** Far above any real one: nobody makes us decode a megabyte. */
const MAX_ASSERTION_LENGTH = 16_384;
const MAX_KEY_SET_LENGTH = 65_536;
const KEYS_TIMEOUT_MS = 5_000;
/** Access changes its keys every six weeks and honours old ones for a week: an hour is soon enough. */
const KEYS_TTL_MS = 3_600_000;
/** As long as they are believed where no newer ones can be had. */
const KEYS_MAX_STALE_MS = 86_400_000;
const MIN_REFETCH_INTERVAL_MS = 60_000;
/** While there are no keys at all, nobody gets in: then it is asked again sooner. */
const EMPTY_RETRY_INTERVAL_MS = 5_000;
/** Clocks differ a little. */
const CLOCK_TOLERANCE_SECONDS = 5;

type KeySet = Readonly<{
  kids: ReadonlySet<string>;
  find: ReturnType<typeof createLocalJWKSet>;
  fetchedAt: number;
}>;

function isKeySet(value: unknown): value is JSONWebKeySet {
  return (
    typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys)
  );
}

async function fetchKeys(url: string, now: number): Promise<KeySet | undefined> {
  try {
    const signal = AbortSignal.timeout(KEYS_TIMEOUT_MS);
    const response = await globalThis.fetch(url, { redirect: 'manual', signal });
    const text = await response.text();
    if (response.status !== 200 || text.length > MAX_KEY_SET_LENGTH) return undefined;
    const parsed: unknown = JSON.parse(text);
    if (!isKeySet(parsed)) return undefined;
    const kids = parsed.keys.flatMap(({ kid }) => (typeof kid === 'string' ? [kid] : []));
    return { kids: new Set(kids), find: createLocalJWKSet(parsed), fetchedAt: now };
  } catch {
    return undefined;
  }
}

/** Access's public keys, as long as the isolate lives. */
export class AccessKeyCache {
  readonly #url: string;
  #cached: KeySet | undefined;
  #lastFetchAt = Number.NEGATIVE_INFINITY;

  constructor(url: string) {
    this.#url = url;
  }

  /** Whether it is time: for a key that we have, or for one nobody told us of. */
  #shouldFetch(kid: string, now: number): boolean {
    const elapsedMs = now - this.#lastFetchAt;
    if (this.#cached === undefined) return elapsedMs >= EMPTY_RETRY_INTERVAL_MS;
    const stale = now - this.#cached.fetchedAt >= KEYS_TTL_MS;
    return (stale || !this.#cached.kids.has(kid)) && elapsedMs >= MIN_REFETCH_INTERVAL_MS;
  }

  async get(kid: string, now: number): Promise<KeySet | undefined> {
    if (this.#shouldFetch(kid, now)) {
      // Without any keys, those who come meanwhile ask too: nobody could tell them anything else.
      if (this.#cached !== undefined) this.#lastFetchAt = now;
      const fetched = await fetchKeys(this.#url, now);
      this.#lastFetchAt = now;
      this.#cached = fetched ?? this.#cached;
    }
    if (this.#cached === undefined || now - this.#cached.fetchedAt >= KEYS_MAX_STALE_MS)
      return undefined;
    return this.#cached;
  }
}

function parseHeader(assertion: string): Readonly<{ alg: unknown; kid: unknown }> | undefined {
  try {
    const { alg, kid } = decodeProtectedHeader(assertion);
    return { alg, kid };
  } catch {
    return undefined;
  }
}

function toDenialReason(error: unknown): AccessDenialReason {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === 'nbf' || error.claim === 'exp' ? 'expired' : 'wrong_audience_or_issuer';
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'bad_signature';
  if (error instanceof errors.JWKSNoMatchingKey) return 'unknown_key';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'algorithm';
  return 'malformed';
}

function toStrings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** Groups are there where the identity provider's claim was added to the token: then below `custom`. */
function getGroups(payload: JWTPayload): readonly string[] {
  const { custom } = payload;
  const customGroups =
    typeof custom === 'object' && custom !== null ? Reflect.get(custom, 'groups') : [];
  return [...toStrings(payload.groups), ...toStrings(customGroups)].map((group) =>
    group.toLowerCase(),
  );
}

/** A service token has no address, and a session of the whole organisation is not one of this application. */
function toAccessResult(payload: JWTPayload): AccessResult {
  const { email, type } = payload;
  const hasEmail = typeof email === 'string' && email.length <= 254 && /^\S+@\S+$/.test(email);
  if (!hasEmail || type !== 'app') return { ok: false, reason: 'no_identity' };
  return { ok: true, email: email.toLowerCase(), groups: getGroups(payload) };
}

export async function verifyAccess(
  settings: AccessSettings,
  keys: AccessKeyCache,
  headers: Headers,
  now: number,
): Promise<AccessResult> {
  const assertion = headers.get(HEADER);
  if (assertion === null || assertion === '') return { ok: false, reason: 'missing' };
  if (assertion.length > MAX_ASSERTION_LENGTH) return { ok: false, reason: 'malformed' };
  const header = parseHeader(assertion);
  if (header === undefined) return { ok: false, reason: 'malformed' };
  // Asked before any key is looked for: "none" and a MAC made with our public key have no business here.
  if (header.alg !== 'RS256') return { ok: false, reason: 'algorithm' };
  if (typeof header.kid !== 'string') return { ok: false, reason: 'unknown_key' };
  const set = await keys.get(header.kid, now);
  if (set === undefined) return { ok: false, reason: 'keys_unreachable' };
  if (!set.kids.has(header.kid)) return { ok: false, reason: 'unknown_key' };
  try {
    const { payload } = await jwtVerify(assertion, set.find, {
      algorithms: ['RS256'],
      audience: settings.audience,
      issuer: settings.issuer,
      requiredClaims: ['exp', 'iat'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(now),
    });
    return toAccessResult(payload);
  } catch (error) {
    return { ok: false, reason: toDenialReason(error) };
  }
}
