/** The gateway's routes. Maps each path to its handler; contains no call logic. */

import { MissingBindingError } from '@farebox/bindings';
import {
  type Dialect,
  detectDialect,
  ENDPOINT_SPECS,
  ENDPOINTS,
  findRefusedCollection,
  isStoredAnswerPath,
  OPERATION_SPECS,
  OPERATIONS,
  type UpstreamEndpoint,
} from '@farebox/dialects';
import { logEvent } from '@farebox/telemetry';
import { type Context, type Handler, Hono } from 'hono';
import { getPath } from 'hono/utils/url';
import { getCredits, getGeneration, getKey } from './account-endpoints.ts';
import { hasApiKeyInUrl } from './authenticate.ts';
import { CallTimes } from './call-times.ts';
import { type RequestContext, respondError } from './context.ts';
import { preflightResponse } from './cors.ts';
import { countTokens } from './count-tokens.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import { type Env, findSiteUrl, getDeps } from './env.ts';
import { errorResponse } from './error-response.ts';
import { estimateCost } from './estimate.ts';
import { callModelMethod } from './model-methods.ts';
import { getModel, getModels } from './models.ts';
import { serveOperation } from './operation-call.ts';
import { relay } from './relay.ts';
import { newCallId } from './request-id.ts';
import { canonicalPath, findIntendedEndpoint } from './request-path.ts';
import { isHttpsMissing } from './require-https.ts';
import { refreshCatalog } from './resolve-model.ts';
import { openSocket } from './response-socket.ts';
import { getStatementKeys } from './statement-keys.ts';
import { rejectUnread } from './with-caller.ts';

type AppEnv = { Bindings: Env };
type AppContext = Context<AppEnv>;
type ExecutionContext = AppContext['executionCtx'];

/** Handles the requests of one route whose path has no parameter. */
type RouteHandler = (ctx: RequestContext) => Promise<Response> | Response;

/**
 * Builds the request context, rejects plain http and keys in URLs, and runs `handler`. Errors are written in
 * `dialect`, or else in the one that path and headers suggest. One wrapper and no middleware:
 * composing middleware costs more than the routing itself.
 */
async function serve(
  {
    path,
    handler,
    dialect,
  }: Readonly<{ path: string; handler: RouteHandler; dialect?: Dialect | undefined }>,
  request: Request,
  env: Env,
  context: ExecutionContext,
): Promise<Response> {
  const deps = getDeps(env);
  const now = Date.now();
  const ctx: RequestContext = {
    deps,
    request,
    id: newCallId(now),
    dialect: dialect ?? detectDialect(path, request.headers),
    waitUntil: (work) => context.waitUntil(work),
    clock: Date.now,
    timer: new DeadlineTimer(Date.now),
    times: new CallTimes(now),
    refusals: { caller: null },
  };
  refreshCatalog(ctx);
  if (isHttpsMissing(request.url, deps.allowPlainHttp)) {
    return respondError(ctx, { reason: 'https_required' });
  }
  if (hasApiKeyInUrl(request.url, ctx.dialect))
    return rejectUnread(ctx, { reason: 'api_key_in_url' });
  return handler(ctx);
}

/** Wraps a handler for the router, which it may ask for the parameters of the path. */
function withRequestContext(
  handler: (ctx: RequestContext, c: AppContext) => Promise<Response> | Response,
  dialect?: Dialect,
): Handler<AppEnv> {
  return (c) => {
    const route = { path: c.req.path, handler: (ctx: RequestContext) => handler(ctx, c), dialect };
    return serve(route, c.req.raw, c.env, c.executionCtx);
  };
}

type Route = Readonly<{
  method: 'GET' | 'POST';
  path: string;
  handler: RouteHandler;
  dialect?: Dialect;
}>;

/** Returns whether requests to an endpoint name the model in their body. */
function isNamedInBody(endpoint: UpstreamEndpoint): boolean {
  const { kind, request } = ENDPOINT_SPECS[endpoint];
  return kind !== 'socket' && request.target === 'body';
}

/** The routes whose paths have no parameter. */
const ROUTES: readonly Route[] = [
  ...ENDPOINTS.filter(isNamedInBody).map((endpoint): Route => {
    const { path, dialect, kind } = ENDPOINT_SPECS[endpoint];
    const handle = kind === 'call' ? relay : countTokens;
    return { method: 'POST', path, handler: (ctx) => handle(ctx, endpoint, null), dialect };
  }),
  ...OPERATIONS.map(
    (operation): Route => ({
      method: 'POST',
      path: OPERATION_SPECS[operation].path,
      handler: serveOperation(operation),
      // Errors of all of them are in OpenAI's shape.
      dialect: 'chat',
    }),
  ),
  { method: 'POST', path: '/v1/estimate', handler: estimateCost },
  { method: 'GET', path: '/v1/models', handler: getModels },
  { method: 'GET', path: '/v1beta/models', handler: getModels, dialect: 'gemini' },
  { method: 'GET', path: '/v1/credits', handler: getCredits, dialect: 'chat' },
  { method: 'GET', path: '/v1/key', handler: getKey, dialect: 'chat' },
  {
    method: 'GET',
    path: '/.well-known/farebox-keys.json',
    handler: getStatementKeys,
    dialect: 'chat',
  },
];

export const app = new Hono<AppEnv>({ getPath: (request) => canonicalPath(getPath(request)) });

for (const route of ROUTES) {
  app.on(route.method, route.path, withRequestContext(route.handler, route.dialect));
}
app.get(ENDPOINT_SPECS.responses_socket.path, withRequestContext(openSocket, 'responses'));
app.get(
  '/v1/models/:id{.+}',
  withRequestContext((ctx, c) => getModel(ctx, c.req.param('id') ?? '')),
);
app.get(
  '/v1beta/models/:id{.+}',
  withRequestContext((ctx, c) => getModel(ctx, c.req.param('id') ?? ''), 'gemini'),
);
for (const prefix of ['/v1beta/models', '/v1/models']) {
  const handler = withRequestContext((ctx, c) => callModelMethod(ctx, c.req.path), 'gemini');
  app.post(`${prefix}/:modelAndMethod{.+:.+}`, handler);
}
app.get(
  '/v1/generation/:id',
  withRequestContext((ctx, c) => getGeneration(ctx, c.req.param('id') ?? ''), 'chat'),
);
app.get('/healthz', (c) => c.text('ok'));
app.options('*', (c) => preflightResponse(c.req.raw));

/** The method of each path without a parameter, for the response to a wrong one. */
const ALLOWED_METHODS: ReadonlyMap<string, string> = new Map([
  ...ROUTES.map(({ path, method }) => [path, method] as const),
  ['/healthz', 'GET'],
]);

/** The same for the paths with one: a model, a method of a model, a generation. */
const ALLOWED_METHOD_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/^\/v1(beta)?\/models\/.+:\w+$/, 'POST'],
  [/^\/v1(beta)?\/models\/./, 'GET'],
  [/^\/v1\/generation\/[^/]+$/, 'GET'],
];

function findAllowedMethod(path: string): string | undefined {
  const pattern = ALLOWED_METHOD_PATTERNS.find(([candidate]) => candidate.test(path));
  return ALLOWED_METHODS.get(path) ?? pattern?.[1];
}

app.all(
  '*',
  withRequestContext(async (ctx, c) => {
    const allowed = findAllowedMethod(c.req.path);
    if (allowed !== undefined) return rejectUnread(ctx, { reason: 'method_not_allowed', allowed });
    const refused = findRefusedCollection(c.req.path, ctx.dialect);
    if (refused !== undefined) return rejectUnread(ctx, refused);
    if (isStoredAnswerPath(c.req.path)) return rejectUnread(ctx, { reason: 'answer_not_stored' });
    const endpoint = findIntendedEndpoint(c.req.path);
    if (endpoint === undefined) return rejectUnread(ctx, { reason: 'not_found' });
    return rejectUnread(ctx, { reason: 'wrong_base_url', endpoint });
  }),
);

/** Drops the text of an unexpected error: it may hold anything, a prompt too. */
function handleUnexpected(error: unknown, path: string, request: Request, env: Env): Response {
  if (!(error instanceof MissingBindingError))
    logEvent({ event: 'unexpected', where: 'gateway', call: null });
  const dialect = detectDialect(path, request.headers);
  const deps = { siteUrl: findSiteUrl(env) };
  return errorResponse({ reason: 'internal' }, dialect, { id: newCallId(Date.now()), deps });
}

app.onError((error, c) => handleUnexpected(error, c.req.path, c.req.raw, c.env));

const ROUTES_BY_NAME: ReadonlyMap<string, Route> = new Map(
  ROUTES.map((route) => [`${route.method} ${route.path}`, route]),
);

/** A path that names a model and a method of Gemini's, in its documented spelling. */
const MODEL_METHOD_PATH = /^\/v1(?:beta)?\/models\/[^/%]+$/;

/** Returns the route of a request whose path is written as documented. */
function findRoute({ method, url }: Request): Route | undefined {
  const pathStart = url.indexOf('/', url.indexOf('//') + 2);
  const queryStart = url.indexOf('?', pathStart);
  const path = queryStart < 0 ? url.slice(pathStart) : url.slice(pathStart, queryStart);
  const route = ROUTES_BY_NAME.get(`${method} ${path}`);
  if (route !== undefined || method !== 'POST' || !MODEL_METHOD_PATH.test(path)) return route;
  return { method, path, handler: (ctx) => callModelMethod(ctx, path), dialect: 'gemini' };
}

/**
 * Responds to a request. Most requests name a route exactly and need one look-up; the router
 * handles the others, which have parameters or another spelling of a path.
 */
export async function handleRequest(
  request: Request,
  env: Env,
  context: ExecutionContext,
): Promise<Response> {
  const route = findRoute(request);
  if (route === undefined) return app.fetch(request, env, context);
  try {
    return await serve(route, request, env, context);
  } catch (error) {
    return handleUnexpected(error, route.path, request, env);
  }
}
