/** The id of a request, which is also that of its call. */
import type { CallId } from '@farebox/ledger';

/** Returns 32 hexadecimal characters, 122 bits of them random (RFC 9562 section 5.4). */
export function newCallId(): CallId {
  return crypto.randomUUID().replaceAll('-', '');
}
