/**
 * Checks the URL that an owner gives for a webhook, and before each attempt where its host leads:
 * a webhook must not be a way into a private network, nor to our own hosts
 * (docs/decisions/0052-webhooks.md says what a Worker can't know).
 */
import { getAddressLiteral, isPublicAddress } from './ip-addresses.ts';

/** The width of the column. */
const MAX_ENDPOINT_LENGTH = 255;
const PORTS: ReadonlySet<string> = new Set(['', '443', '8443']);

/**
 * Top-level names that no public DNS serves: RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476, and
 * `internal`, which ICANN reserved in 2024 and clouds use for their metadata.
 */
const SPECIAL_NAMES: ReadonlySet<string> = new Set([
  'alt',
  'arpa',
  'corp',
  'example',
  'home',
  'internal',
  'intranet',
  'invalid',
  'lan',
  'local',
  'localdomain',
  'localhost',
  'mail',
  'onion',
  'private',
  'test',
]);

export type EndpointRules = Readonly<{
  /** The origins of console, API and site; hosts below them are ours too. */
  ownUrls: readonly URL[];
  /** Local development: plain HTTP, any port, and addresses of this machine. */
  isLocal: boolean;
}>;

export type EndpointProblem =
  | 'malformed'
  | 'too_long'
  | 'not_https'
  | 'credentials'
  | 'port'
  | 'private_address'
  | 'own_host'
  | 'unresolved';

export type EndpointResult =
  | Readonly<{ ok: true; endpoint: string }>
  | Readonly<{ ok: false; problem: EndpointProblem }>;

/** A final dot makes a name absolute and does not change where it leads. */
function withoutFinalDot(hostname: string): string {
  return hostname.replace(/\.$/, '');
}

function isOwnHost(url: URL, { ownUrls, isLocal }: EndpointRules): boolean {
  if (isLocal) return ownUrls.some(({ host }) => host === url.host);
  const name = withoutFinalDot(url.hostname);
  return ownUrls.some(({ hostname }) => name === hostname || name.endsWith(`.${hostname}`));
}

/**
 * A name of the public DNS has at least two labels, none of them empty: `localhost..` would hide what
 * it ends in, here and from the check of our own hosts.
 */
function isPublicName(name: string): boolean {
  const labels = name.split('.');
  if (labels.length < 2 || labels.includes('')) return false;
  return !SPECIAL_NAMES.has(labels.at(-1) ?? '');
}

function checkHost(url: URL, rules: EndpointRules): EndpointProblem | undefined {
  if (isOwnHost(url, rules)) return 'own_host';
  if (rules.isLocal) return undefined;
  const literal = getAddressLiteral(url.hostname);
  const isPublic =
    literal === undefined ? isPublicName(withoutFinalDot(url.hostname)) : isPublicAddress(literal);
  return isPublic ? undefined : 'private_address';
}

function checkUrl(url: URL, rules: EndpointRules): EndpointProblem | undefined {
  const isAllowedProtocol =
    url.protocol === 'https:' || (rules.isLocal && url.protocol === 'http:');
  if (!isAllowedProtocol) return 'not_https';
  if (url.username !== '' || url.password !== '') return 'credentials';
  if (!rules.isLocal && !PORTS.has(url.port)) return 'port';
  return checkHost(url, rules) ?? (url.href.length > MAX_ENDPOINT_LENGTH ? 'too_long' : undefined);
}

/** Reads and normalizes the URL of a webhook. A fragment is dropped: it is never sent. */
export function parseEndpoint(text: string, rules: EndpointRules): EndpointResult {
  const url = URL.parse(text.trim());
  // Names are checked first: without a scheme, `example.com:8443/x` has the scheme `example.com`.
  if (url === null || url.hostname === '') return { ok: false, problem: 'malformed' };
  url.hash = '';
  const problem = checkUrl(url, rules);
  return problem === undefined ? { ok: true, endpoint: url.href } : { ok: false, problem };
}

/** Looks up the addresses of a name; an empty list where it has none or the look-up failed. */
export type ResolveHost = (name: string) => Promise<readonly string[]>;

/** Checks where the host of an endpoint leads now. An address literal was checked as text. */
export async function checkResolvedHost(
  endpoint: string,
  resolveHost: ResolveHost,
  rules: EndpointRules,
): Promise<'private_address' | 'unresolved' | undefined> {
  const { hostname } = new URL(endpoint);
  if (rules.isLocal || getAddressLiteral(hostname) !== undefined) return undefined;
  const addresses = await resolveHost(withoutFinalDot(hostname));
  if (addresses.length === 0) return 'unresolved';
  return addresses.every(isPublicAddress) ? undefined : 'private_address';
}
