/**
 * Identifies the operator from the assertion that Cloudflare Access signs. Only the header counts
 * (other pages of the host could set the cookie), only RS256, only for this application, from our
 * team, and unexpired. The keys are fetched here, not by jose: its remote key set shared a promise
 * between requests and hung in Workers (jose#509). Here no two requests share a promise, and every
 * fetch has a timeout.
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

/**
 * Names as the identity provider gives them, in lower case, so that two spellings are one operator.
 */
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
/** Far above the length of any real assertion, so that no request makes us decode a megabyte. */
const MAX_ASSERTION_LENGTH = 16_384;
const MAX_KEY_SET_LENGTH = 65_536;
const KEYS_TIMEOUT_MS = 5_000;
/**
 * Access rotates its keys every six weeks and honours old ones for a week, so an hour is enough.
 */
const KEYS_TTL_MS = 3_600_000;
/** The age up to which keys are used while no newer ones can be fetched. */
const KEYS_MAX_STALE_MS = 86_400_000;
const MIN_REFETCH_INTERVAL_MS = 60_000;
/** Without any keys every request is denied, so they are fetched again sooner. */
const EMPTY_RETRY_INTERVAL_MS = 5_000;
/** Tolerates a small difference between clocks. */
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

/** Caches the public keys of Access for the life of the isolate. */
export class AccessKeyCache {
  readonly #url: string;
  #cached: KeySet | undefined;
  #lastFetchAt = Number.NEGATIVE_INFINITY;

  constructor(url: string) {
    this.#url = url;
  }

  /** Checks whether the keys are stale or lack `kid`, at most once per interval. */
  #shouldFetch(kid: string, now: number): boolean {
    const elapsedMs = now - this.#lastFetchAt;
    if (this.#cached === undefined) return elapsedMs >= EMPTY_RETRY_INTERVAL_MS;
    const stale = now - this.#cached.fetchedAt >= KEYS_TTL_MS;
    return (stale || !this.#cached.kids.has(kid)) && elapsedMs >= MIN_REFETCH_INTERVAL_MS;
  }

  /** Returns the key set to verify `kid` with; undefined while no usable keys can be fetched. */
  async get(kid: string, now: number): Promise<KeySet | undefined> {
    if (this.#shouldFetch(kid, now)) {
      // Without any keys, concurrent requests fetch too: they have nothing else to verify with.
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

/**
 * Access puts a claim of the identity provider, such as `groups`, below `custom` if it is
 * configured.
 */
function getGroups(payload: JWTPayload): readonly string[] {
  const { custom } = payload;
  const customGroups =
    typeof custom === 'object' && custom !== null ? Reflect.get(custom, 'groups') : [];
  return [...toStrings(payload.groups), ...toStrings(customGroups)].map((group) =>
    group.toLowerCase(),
  );
}

/**
 * Denies service tokens, which have no email, and sessions of the organisation, whose type is not
 * `app`.
 */
function toAccessResult(payload: JWTPayload): AccessResult {
  const { email, type } = payload;
  const hasEmail = typeof email === 'string' && email.length <= 254 && /^\S+@\S+$/.test(email);
  if (!hasEmail || type !== 'app') return { ok: false, reason: 'no_identity' };
  return { ok: true, email: email.toLowerCase(), groups: getGroups(payload) };
}

/**
 * Verifies the assertion of a request; `now` is in milliseconds. Never throws for a bad assertion.
 */
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
  // Checked before any key is looked up, so that `none` and a MAC keyed with our public key are
  // denied.
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
