/** What handlers have in common before their own work: an authenticated caller, and a body. */
import { authenticate, type Caller } from './authenticate.ts';
import { type BodyResult, drainBody } from './body-reader.ts';
import { type RequestContext, respondError } from './context.ts';

export type AuthenticatedCaller = Extract<Caller, { ok: true }>;

/** `release` returns the body's bytes to the memory budget; it may be called early. */
export type Body = Extract<BodyResult, { ok: true }>;

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
    return drainBody(ctx.request).then(() => respondError(ctx, caller));
  };
}

/** Authenticates the caller and reads the body, then runs `handler` and releases the body. */
export function withBody(
  handler: (ctx: RequestContext, caller: AuthenticatedCaller, body: Body) => Promise<Response>,
): (ctx: RequestContext) => Promise<Response> {
  return withCaller(async (ctx, caller) => {
    const body = await ctx.deps.bodyReader.read(ctx.request);
    if (!body.ok) return respondError(ctx, body);
    try {
      return await handler(ctx, caller, body);
    } finally {
      body.release();
    }
  });
}
