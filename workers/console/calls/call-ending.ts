/** How a call ended, in one word of a closed list, with the badge that shows it. Pure. */
import type { BadgeKind } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { Generation } from '@farebox/ledger';

export type CallEndingKind = keyof Messages['calls']['endings'];

type Ended = Pick<Generation, 'httpStatus'> & Readonly<{ reason: string | null }>;

/** nginx's code for a client that closed the connection first; the gateway stores it as well. */
export const CLIENT_CLOSED = 499;

export function toEndingKind({ httpStatus, reason }: Ended): CallEndingKind {
  if (reason === 'estimated_after_disconnect' || httpStatus === CLIENT_CLOSED) return 'client_left';
  if (reason === 'estimated_after_upstream_cut') return 'provider_cut';
  if (httpStatus === null) return 'no_result';
  if (httpStatus === 429) return 'provider_busy';
  if (httpStatus >= 500) return 'provider_failed';
  return httpStatus >= 400 ? 'rejected' : 'succeeded';
}

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
  provider_failed: 'bad',
  rejected: 'bad',
};

export function toBadgeKind(ending: CallEndingKind): BadgeKind {
  return BADGES[ending];
}
