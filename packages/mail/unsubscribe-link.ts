/**
 * The link that withdraws the consent to one group of emails without a sign-in, as RFC 8058
 * requires. It names the account and the group, with a MAC under a key of its own. Its holder can
 * withdraw that consent and do nothing else.
 */
import { constantTimeEqual, deriveKey, keyedHash } from '@farebox/crypto';
import { CONSENT_GROUPS, type ConsentGroup } from './contract.ts';

export type Unsubscription = Readonly<{ account: string; kind: ConsentGroup }>;

export function unsubscribeUrl(
  secret: Uint8Array,
  consoleUrl: URL,
  unsubscription: Unsubscription,
): string {
  const url = new URL('/unsubscribe', consoleUrl);
  url.searchParams.set('account', unsubscription.account);
  url.searchParams.set('kind', unsubscription.kind);
  url.searchParams.set('mac', computeMac(secret, unsubscription));
  return url.href;
}

/** Returns undefined for a link that isn't ours. */
export function parseUnsubscribeLink(
  secret: Uint8Array,
  query: URLSearchParams,
): Unsubscription | undefined {
  const account = query.get('account') ?? '';
  const kind = CONSENT_GROUPS.find((known) => known === query.get('kind'));
  if (kind === undefined || !/^[0-9a-f]{16}$/.test(account)) return undefined;
  const unsubscription = { account, kind };
  return constantTimeEqual(query.get('mac') ?? '', computeMac(secret, unsubscription))
    ? unsubscription
    : undefined;
}

function computeMac(secret: Uint8Array, { account, kind }: Unsubscription): string {
  return keyedHash(deriveKey(secret, 'farebox mail: unsubscribing'), [account, kind]);
}
