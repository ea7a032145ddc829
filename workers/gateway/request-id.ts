/** The id of a request, which is also that of its call. */
import type { CallId } from '@farebox/ledger';

/**
 * Returns 32 hexadecimal characters, a UUID of version 7 without its dashes (RFC 9562 section 5.7): the
 * milliseconds of `now`, then 74 random bits. Ids that grow with time are written side by side in the
 * indexes of the account's table and of Postgres; random ones change a page each.
 */
export function newCallId(now: number): CallId {
  const time = now.toString(16).padStart(12, '0');
  const random = crypto.randomUUID();
  return `${time}7${random.slice(15, 18)}${random.slice(19, 23)}${random.slice(24)}`;
}
