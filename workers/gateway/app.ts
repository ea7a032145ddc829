/** The gateway's routes. Maps each path to its handler; contains no call logic. */
import { DIALECT_SPECS, DIALECTS, type Dialect, detectDialect } from '@farebox/dialects';
import { type Context, type Handler, Hono } from 'hono';
import { getPath } from 'hono/utils/url';
import { getCredits, getGeneration, getKey } from './account-endpoints.ts';
import { type RequestContext, respondError } from './context.ts';
import { preflightResponse, withCors } from './cors.ts';
import { countTokens } from './count-tokens.ts';
import { type Env, getDeps } from './env.ts';
import { estimateCost } from './estimate.ts';
import { getModel, getModels } from './models.ts';
import { relay } from './relay.ts';
import { newCallId } from './request-id.ts';
import { canonicalPath, findIntendedEndpoint } from './request-path.ts';
import { isHttpsMissing } from './require-https.ts';
import { rejectUnread } from './with-caller.ts';

type AppEnv = { Bindings: Env };

type RouteHandler = (ctx: RequestContext, c: Context<AppEnv>) => Promise<Response> | Response;

/**
 * Builds the request context, rejects plain http and adds the CORS headers. Errors are written in
 * `dialect`, or else in the one that path and headers suggest. One wrapper and no middleware:
 * composing middleware costs more than the routing itself.
 */
function withRequestContext(handler: RouteHandler, dialect?: Dialect): Handler<AppEnv> {
  return async (c) => {
    const deps = getDeps(c.env);
    const request = c.req.raw;
    const ctx: RequestContext = {
      deps,
      request,
      id: newCallId(),
      dialect: dialect ?? detectDialect(c.req.path, request.headers),
      waitUntil: (work) => c.executionCtx.waitUntil(work),
      clock: Date.now,
    };
    const refresh = deps.catalog.refreshIfDue(ctx.clock());
    if (refresh !== undefined) ctx.waitUntil(refresh);
    if (isHttpsMissing(request.url, deps.allowPlainHttp)) {
      return withCors(respondError(ctx, { reason: 'https_required' }));
    }
    return withCors(await handler(ctx, c));
  };
}

export const app = new Hono<AppEnv>({ getPath: (request) => canonicalPath(getPath(request)) });

for (const dialect of DIALECTS) {
  app.post(DIALECT_SPECS[dialect].path, withRequestContext(relay, dialect));
}
app.post('/v1/messages/count_tokens', withRequestContext(countTokens, 'messages'));
app.post('/v1/estimate', withRequestContext(estimateCost));
app.get('/v1/models', withRequestContext(getModels));
app.get(
  '/v1/models/:id{.+}',
  withRequestContext((ctx, c) => getModel(ctx, c.req.param('id') ?? '')),
);
app.get('/v1/credits', withRequestContext(getCredits, 'chat'));
app.get('/v1/key', withRequestContext(getKey, 'chat'));
app.get(
  '/v1/generation/:id',
  withRequestContext((ctx, c) => getGeneration(ctx, c.req.param('id') ?? ''), 'chat'),
);
app.get('/healthz', (c) => c.text('ok'));
app.options('*', (c) => preflightResponse(c.req.raw));

/** The method of each path, for the response to a wrong one. */
const ALLOWED_METHODS: ReadonlyMap<string, string> = new Map([
  ...DIALECTS.map((dialect) => [DIALECT_SPECS[dialect].path, 'POST'] as const),
  ['/v1/messages/count_tokens', 'POST'],
  ['/v1/estimate', 'POST'],
  ['/v1/models', 'GET'],
  ['/v1/credits', 'GET'],
  ['/v1/key', 'GET'],
]);

app.all(
  '*',
  withRequestContext(async (ctx, c) => {
    const allowed = ALLOWED_METHODS.get(c.req.path);
    if (allowed !== undefined) return rejectUnread(ctx, { reason: 'method_not_allowed', allowed });
    const endpoint = findIntendedEndpoint(c.req.path);
    if (endpoint === undefined) return rejectUnread(ctx, { reason: 'not_found' });
    return rejectUnread(ctx, { reason: 'wrong_base_url', endpoint });
  }),
);
