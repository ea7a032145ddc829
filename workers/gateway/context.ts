/** What every handler receives with a request. */
import type { Dialect } from '@farebox/dialects';
import type { CallId } from '@farebox/ledger';
import type { CallTimes } from './call-times.ts';
import type { DeadlineTimer } from './deadline-timer.ts';
import type { GatewayDeps } from './env.ts';
import { errorResponse } from './error-response.ts';
import type { ApiError } from './errors.ts';
import type { RefusalOwner } from './refused-calls.ts';

export type RequestContext = Readonly<{
  deps: GatewayDeps;
  request: Request;
  /** The `x-request-id` of the response, and the id of the call if there is one. */
  id: CallId;
  /** The dialect in which errors are written. */
  dialect: Dialect;
  /** Keeps the isolate at work after the response, for at most 30 s. */
  waitUntil: (work: Promise<unknown>) => void;
  /** Returns milliseconds since the epoch. */
  clock: () => number;
  /** The timeout that all deadlines of the request share. */
  timer: DeadlineTimer;
  times: CallTimes;
  refusals: RefusalOwner;
}>;

/**
 * Builds the error response to the request of `ctx`, in its dialect, and counts the refused call to its
 * key once that is known. A call that was admitted has an entry and is not counted.
 */
export function respondError(ctx: RequestContext, apiError: ApiError): Response {
  const { deps, refusals, clock, waitUntil } = ctx;
  if (refusals.caller !== null)
    deps.refusedCalls.count(refusals, apiError.reason, { now: clock(), waitUntil });
  return errorResponse(apiError, ctx.dialect, ctx);
}
