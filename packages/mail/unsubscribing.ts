/**
 * The link that withdraws one consent without a sign-in, as RFC 8058 needs it. Whoever holds the letter
 * may do that and nothing else: the link says which account and which kind, under a MAC of its own key.
 */
import { CONSENT_KINDS, type ConsentKind } from './contract.ts';
import { keyedHash } from './secrets.ts';

export type Unsubscription = Readonly<{ account: string; kind: ConsentKind }>;

export function unsubscribeUrl(secret: Uint8Array, consoleUrl: URL, of: Unsubscription): string {
  const url = new URL('/unsubscribe', consoleUrl);
  url.searchParams.set('account', of.account);
  url.searchParams.set('kind', of.kind);
  url.searchParams.set('mac', macOf(secret, of));
  return url.href;
}

/** Undefined for what is not a link of ours. */
export function readUnsubscription(
  secret: Uint8Array,
  query: URLSearchParams,
): Unsubscription | undefined {
  const account = query.get('account') ?? '';
  const kind = CONSENT_KINDS.find((known) => known === query.get('kind'));
  if (kind === undefined || !/^[0-9a-f]{16}$/.test(account)) return undefined;
  const of = { account, kind };
  return isSame(query.get('mac') ?? '', macOf(secret, of)) ? of : undefined;
}

function macOf(secret: Uint8Array, { account, kind }: Unsubscription): string {
  return keyedHash(secret, 'unsubscribing', [account, kind]);
}

/** In a time that says nothing of where they differ. */
function isSame(given: string, right: string): boolean {
  if (given.length !== right.length) return false;
  let difference = 0;
  for (let i = 0; i < right.length; i += 1) difference |= given.charCodeAt(i) ^ right.charCodeAt(i);
  return difference === 0;
}
