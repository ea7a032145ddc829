/**
 * How a call ended, as one of a closed list: by the status that its client received and the reason of
 * its charge. Every call has exactly one ending. The condition in SQL says the same as the function;
 * a test compares the two for every status and reason.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';

export const CALL_ENDINGS = [
  'succeeded',
  'client_left',
  'provider_cut',
  'no_result',
  'provider_busy',
  'provider_timed_out',
  'provider_failed',
  'rejected',
] as const;

export type CallEndingKind = (typeof CALL_ENDINGS)[number];

/** nginx's code for a client that closed the connection first, which the gateway stores. */
const CLIENT_CLOSED = 499;
const GATEWAY_TIMEOUT = 504;
/** What the gateway answers where a provider is overloaded; 529 is Anthropic's status for it. */
const BUSY = [429, 503, 529] as const;

type Ended = Readonly<{ httpStatus: number | null; reason: string | null }>;

/** Returns whether a success carries an error that the provider sent in place of an answer. */
function isErrorInSuccess({ reason }: Ended): boolean {
  return reason === 'waived_upstream_error';
}

export function toEndingKind(ended: Ended): CallEndingKind {
  const { httpStatus, reason } = ended;
  if (reason === 'estimated_after_disconnect' || httpStatus === CLIENT_CLOSED) return 'client_left';
  if (reason === 'estimated_after_upstream_cut') return 'provider_cut';
  if (httpStatus === null || (reason === 'not_sent' && httpStatus >= 500)) return 'no_result';
  if (BUSY.some((status) => status === httpStatus)) return 'provider_busy';
  if (httpStatus === GATEWAY_TIMEOUT) return 'provider_timed_out';
  if (httpStatus >= 500) return 'provider_failed';
  if (httpStatus >= 400) return 'rejected';
  return isErrorInSuccess(ended) ? 'provider_failed' : 'succeeded';
}

/** The columns, of a table or of a subquery, that tell an ending. */
export type EndingColumns = Readonly<{ httpStatus: AnyPgColumn; reason: AnyPgColumn }>;

/**
 * The condition of calls with this ending; never null. A CASE of booleans, and not one that is compared
 * with the ending: PostgreSQL takes half of the rows for a match then, and reads along the index,
 * while it takes an equality with an expression for rare and sorts.
 */
export function matchEnding(ending: CallEndingKind, { httpStatus, reason }: EndingColumns): SQL {
  const is = (kind: CallEndingKind): SQL => sql.raw(String(kind === ending));
  return sql`(case
    when ${reason} = 'estimated_after_disconnect' or ${httpStatus} = ${CLIENT_CLOSED}
      then ${is('client_left')}
    when ${reason} = 'estimated_after_upstream_cut' then ${is('provider_cut')}
    when ${httpStatus} is null or (${reason} = 'not_sent' and ${httpStatus} >= 500)
      then ${is('no_result')}
    when ${httpStatus} in ${BUSY} then ${is('provider_busy')}
    when ${httpStatus} = ${GATEWAY_TIMEOUT} then ${is('provider_timed_out')}
    when ${httpStatus} >= 500 then ${is('provider_failed')}
    when ${httpStatus} >= 400 then ${is('rejected')}
    when ${reason} = 'waived_upstream_error' then ${is('provider_failed')}
    else ${is('succeeded')} end)`;
}
