/** The gateway's table of routes. Everything it knows about a call is which room to send it to. */
import { isLoopback } from '@farebox/bindings';
import { type Context, type Handler, Hono } from 'hono';
import { getCredits, getGeneration, getKey } from './account-endpoints.ts';
import { drainBody } from './body-reader.ts';
import type { RequestContext } from './call.ts';
import { countTokens } from './count-tokens.ts';
import { type Env, getDeps } from './env.ts';
import { detectDialect, errorResponse } from './errors.ts';
import { estimateCost } from './estimate.ts';
import { getModel, getModels } from './models.ts';
import { relay } from './relay.ts';

type AppEnv = { Bindings: Env };

/** 32 hexadecimal characters, 122 bits of them random (RFC 9562 section 5.4). */
export function newCallId(): string {
  return crypto.randomUUID().replaceAll('-', '');
}

/** A key sent in the clear has leaked already, and a redirect would leak it twice: so it is refused. */
function isPlainHttp(url: string, allowPlainHttp: boolean): boolean {
  return url.startsWith('http:') && !allowPlainHttp && !isLoopback(new URL(url).hostname);
}

/** What a page may read besides the body; the SDKs decide by the last two whether to repeat a call. */
const EXPOSED_HEADERS = [
  'x-request-id',
  'request-id',
  'x-farebox-cost-usd',
  'x-farebox-max-output-tokens',
  'x-should-retry',
  'retry-after',
].join(', ');

/**
 * Any page may call with a key of its own, and read the answer: there are no cookies here that it could
 * ride on. On every answer, so that no cache can keep one that lacks it.
 */
export function withCors(response: Response): Response {
  response.headers.set('access-control-allow-origin', '*');
  response.headers.set('access-control-expose-headers', EXPOSED_HEADERS);
  return response;
}

const MAX_REQUESTED_HEADERS_LENGTH = 4_096;
/** RFC 9110 section 5.6.2, as browsers write it: lower case. */
const FIELD_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;

/**
 * A browser asks before it sends a key. SDKs send more fields than one could list (authorization,
 * x-api-key, anthropic-*, x-stainless-*), and `*` never covers authorization (Fetch standard, CORS
 * protocol): what was asked for is allowed, since fields we do not know are dropped anyway.
 */
function preflight(request: Request): Response {
  const requestedHeaders = request.headers.get('access-control-request-headers') ?? '';
  const names = requestedHeaders.slice(0, MAX_REQUESTED_HEADERS_LENGTH).toLowerCase().split(',');
  const allowed = names.map((name) => name.trim()).filter((name) => FIELD_NAME.test(name));
  const headers = new Headers({
    'access-control-allow-methods': 'GET, POST',
    'access-control-max-age': '86400',
    vary: 'access-control-request-headers',
  });
  if (allowed.length > 0) headers.set('access-control-allow-headers', allowed.join(', '));
  return withCors(new Response(null, { status: 204, headers }));
}

type RouteHandler = (ctx: RequestContext, c: Context<AppEnv>) => Promise<Response> | Response;

/**
 * Opens the door to a room: the visit's id, the refusal of plain http, and the headers a page in a
 * browser needs. One wrapper and no middleware: composing those costs more than the routing itself.
 */
function withRequestContext(handler: RouteHandler): Handler<AppEnv> {
  return async (c) => {
    const deps = getDeps(c.env);
    const request = c.req.raw;
    const waitUntil = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
    const ctx: RequestContext = { deps, request, id: newCallId(), waitUntil, clock: Date.now };
    const plainHttp = isPlainHttp(request.url, deps.allowPlainHttp);
    return withCors(
      plainHttp
        ? errorResponse(
            { reason: 'https_required' },
            detectDialect(c.req.path, request.headers),
            ctx.id,
          )
        : await handler(ctx, c),
    );
  };
}

export const app = new Hono<AppEnv>();

app.post(
  '/v1/chat/completions',
  withRequestContext((ctx) => relay(ctx, 'chat')),
);
app.post(
  '/v1/messages',
  withRequestContext((ctx) => relay(ctx, 'messages')),
);
app.post('/v1/messages/count_tokens', withRequestContext(countTokens));
app.post('/v1/estimate', withRequestContext(estimateCost));
app.get('/v1/models', withRequestContext(getModels));
app.get(
  '/v1/models/:id{.+}',
  withRequestContext((ctx, c) => getModel(ctx, c.req.param('id') ?? '')),
);
app.get('/v1/credits', withRequestContext(getCredits));
app.get('/v1/key', withRequestContext(getKey));
app.get(
  '/v1/generation/:id',
  withRequestContext((ctx, c) => getGeneration(ctx, c.req.param('id') ?? '')),
);
app.get('/healthz', (c) => c.text('ok'));
app.options('*', (c) => preflight(c.req.raw));

/** Paths that exist, with the method they take: a wrong method is told which one is right. */
const ALLOWED_METHODS: ReadonlyMap<string, string> = new Map([
  ['/v1/chat/completions', 'POST'],
  ['/v1/messages', 'POST'],
  ['/v1/messages/count_tokens', 'POST'],
  ['/v1/estimate', 'POST'],
  ['/v1/models', 'GET'],
  ['/v1/credits', 'GET'],
  ['/v1/key', 'GET'],
]);

app.all(
  '*',
  withRequestContext(async (ctx, c) => {
    await drainBody(ctx.request);
    const dialect = detectDialect(c.req.path, ctx.request.headers);
    const allowedMethod = ALLOWED_METHODS.get(c.req.path);
    if (allowedMethod === undefined) return errorResponse({ reason: 'not_found' }, dialect, ctx.id);
    return errorResponse({ reason: 'method_not_allowed', allowed: allowedMethod }, dialect, ctx.id);
  }),
);
