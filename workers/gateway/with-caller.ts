/** What handlers have in common before their own work: an authenticated caller, and a body. */
import { authenticate, type Caller } from './authenticate.ts';
import { type BodyOwner, type BodyResult, MAX_BODY_BYTES } from './body-reader.ts';
import { type RequestContext, respondError } from './context.ts';
import type { ApiError } from './errors.ts';

export type AuthenticatedCaller = Extract<Caller, { ok: true }>;

/** `release` returns the body's bytes to the memory budget; it may be called early. */
export type Body = Extract<BodyResult, { ok: true }>;

/** Responds with an error to a request whose body has not been read. */
export async function rejectUnread(ctx: RequestContext, apiError: ApiError): Promise<Response> {
  const { bodyReader } = ctx.deps;
  await bodyReader.drain(ctx.request);
  return bodyReader.respond(ctx.request, respondError(ctx, apiError));
}

/**
 * Authenticates the caller, then runs `handler`. The body of a rejected request is drained, so that
 * its sender gets to read the error. Not async: it adds no promise to the hot path.
 */
export function withCaller<Rest extends readonly unknown[]>(
  handler: (ctx: RequestContext, caller: AuthenticatedCaller, ...rest: Rest) => Promise<Response>,
): (ctx: RequestContext, ...rest: Rest) => Promise<Response> {
  return (ctx, ...rest) => {
    const caller = authenticate(ctx.deps, ctx.request.headers, ctx.clock());
    if (caller.ok) return handler(ctx, caller, ...rest);
    if ('caller' in caller) ctx.refusals.caller = caller.caller;
    return rejectUnread(ctx, caller);
  };
}

/**
 * Asks the account whether a large body of its caller is worth reading: a key that is not valid, or
 * an account without a balance, must not take memory from others. Returns the error, or null.
 */
async function checkBalance(
  { deps }: RequestContext,
  { account, key }: AuthenticatedCaller,
): Promise<ApiError | null> {
  const balance = await deps.ledger.credits(account, key);
  if (!balance.ok) return balance;
  const { posted, held } = balance.value;
  if (posted - held > 0n) return null;
  const missing = { missingAmount: held - posted + 1n, affordableOutput: 0 };
  return posted > 0n
    ? { reason: 'balance_held', ...missing, retryAfterSeconds: 1 }
    : { reason: 'insufficient_balance', ...missing };
}

function bodyOwner(ctx: RequestContext, caller: AuthenticatedCaller): BodyOwner {
  let answer: Promise<ApiError | null> | undefined;
  return {
    account: caller.account,
    checkLargeBody: () => {
      answer ??= checkBalance(ctx, caller);
      return answer;
    },
  };
}

/** Sends the counts of earlier refused calls, if any wait for this call. */
function flushRefused(
  { deps, clock, waitUntil }: RequestContext,
  { account }: AuthenticatedCaller,
) {
  if (!deps.refusedCalls.isEmpty) deps.refusedCalls.flush(account, { now: clock(), waitUntil });
}

/**
 * Authenticates the caller and reads the body, of at most `maxBytes`, then runs `handler` and
 * releases the body.
 */
export function withBody<Rest extends readonly unknown[]>(
  handler: (
    ctx: RequestContext,
    caller: AuthenticatedCaller,
    body: Body,
    ...rest: Rest
  ) => Promise<Response>,
  maxBytes: number = MAX_BODY_BYTES,
): (ctx: RequestContext, ...rest: Rest) => Promise<Response> {
  return withCaller(async (ctx, caller, ...rest: Rest) => {
    ctx.refusals.caller = caller;
    flushRefused(ctx, caller);
    const { bodyReader } = ctx.deps;
    const owner = bodyOwner(ctx, caller);
    const body = await bodyReader.read(ctx.request, owner, ctx.timer, maxBytes);
    if (!body.ok) return bodyReader.respond(ctx.request, respondError(ctx, body));
    try {
      return await handler(ctx, caller, body, ...rest);
    } finally {
      body.release();
    }
  });
}
