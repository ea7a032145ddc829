/** Parses the filters of the list of calls from a query string, which is untrusted input. Pure. */

import {
  CALL_ENDINGS,
  type CallCursor,
  type CallFilter,
  type CallOutcome,
  SEARCHED_CALLS,
} from '@farebox/database/statements';
import { parseIsoDay, toIsoDay } from '@farebox/design';
import { DAY_MS } from '@farebox/ledger';

export type CallQuery = Readonly<{
  filter: CallFilter;
  before: CallCursor | null;
  /** The newest calls of the period that are searched; the most that are allowed if absent. */
  searched?: number | undefined;
}>;

export const OUTCOMES: readonly CallOutcome[] = ['succeeded', 'cut', 'failed'];

type QueryReader = (name: string) => string | undefined;

const MAX_KEY_ID = 0xffff_ffff;

function parseKeyId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const keyId = Number(text);
  return keyId <= MAX_KEY_ID ? keyId : undefined;
}

function parseCursor(text: string | undefined): CallCursor | null {
  const match = /^(\d{1,13})-([0-9a-f]{32})$/.exec(text ?? '');
  if (match?.[2] === undefined) return null;
  return { at: Number(match[1]), id: match[2] };
}

export function formatCursor({ at, id }: CallCursor): string {
  return `${at}-${id}`;
}

function parseSearched(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9]\d{0,5}$/.test(text)) return undefined;
  return Math.min(Number(text), SEARCHED_CALLS);
}

/** Invalid filters are ignored. */
export function parseCallQuery(query: QueryReader): CallQuery {
  const model = query('model');
  const [outcome, ending] = [query('outcome'), query('ending')];
  const from = parseIsoDay(query('from') ?? '');
  const to = parseIsoDay(query('to') ?? '');
  return {
    filter: {
      keyId: parseKeyId(query('key')),
      model: model !== undefined && /^[!-~]{1,128}$/.test(model) ? model : undefined,
      outcome: OUTCOMES.find((known) => known === outcome),
      ending: CALL_ENDINGS.find((known) => known === ending),
      from: from === undefined ? undefined : from * DAY_MS,
      until: to === undefined ? undefined : (to + 1) * DAY_MS,
    },
    before: parseCursor(query('before')),
    searched: parseSearched(query('searched')),
  };
}

/**
 * Builds the query string of the same filters for the page that starts at `before`. How many calls
 * are searched is said of the newest only: older pages search on.
 */
export function toQueryString({ filter, searched }: CallQuery, before: CallCursor | null): string {
  const { keyId, model, outcome, ending, from, until } = filter;
  const query = new URLSearchParams();
  if (keyId !== undefined) query.set('key', String(keyId));
  if (model !== undefined) query.set('model', model);
  if (outcome !== undefined) query.set('outcome', outcome);
  if (ending !== undefined) query.set('ending', ending);
  if (from !== undefined) query.set('from', toIsoDay(from / DAY_MS));
  if (until !== undefined) query.set('to', toIsoDay(until / DAY_MS - 1));
  if (before !== null) query.set('before', formatCursor(before));
  else if (searched !== undefined) query.set('searched', String(searched));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}
