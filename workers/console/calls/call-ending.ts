/** How the endings of calls are shown: the badge of each, and which of them were cut. Pure. */
import type { CallEndingKind } from '@farebox/database/statements';
import type { BadgeKind } from '@farebox/design';

/** nginx's code for a client that closed the connection first; the gateway stores it as well. */
export const CLIENT_CLOSED = 499;

/** An answer that began and did not end, or that the client did not wait for. */
export function isCut(ending: CallEndingKind): boolean {
  return ending === 'client_left' || ending === 'provider_cut';
}

const BADGES: Readonly<Record<CallEndingKind, BadgeKind>> = {
  succeeded: 'good',
  client_left: 'warn',
  provider_cut: 'warn',
  no_result: 'bad',
  provider_busy: 'bad',
  provider_timed_out: 'bad',
  provider_failed: 'bad',
  rejected: 'bad',
};

export function toBadgeKind(ending: CallEndingKind): BadgeKind {
  return BADGES[ending];
}
