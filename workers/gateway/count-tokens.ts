/**
 * The endpoints of the kind `count`: the provider's own count of a request's tokens, which is free
 * there, or our estimate where the provider has none. Requires a valid key, forwards the body with
 * only the model's name replaced, and holds and charges nothing.
 */
import type { Catalog, Model } from '@farebox/catalog';
import {
  checkHeaders,
  ENDPOINT_SPECS,
  type EstimatedInput,
  editModel,
  parseCountTokens,
  toUpstreamPath,
  type UpstreamEndpoint,
  type UrlTarget,
} from '@farebox/dialects';
import {
  estimateInputTokens,
  type Provider,
  readUpTo,
  send,
  type UpstreamFailure,
} from '@farebox/providers';
import { err, ok, type Result } from '@farebox/result';
import { baseHeaders } from './base-headers.ts';
import { ClientDisconnect } from './client-disconnect.ts';
import { type RequestContext, respondError } from './context.ts';
import type { ApiError } from './errors.ts';
import { checkKeyModel } from './key-models.ts';
import { findTarget, type TargetResult, unsupportedEndpointError } from './plan.ts';
import { resolveModel } from './resolve-model.ts';
import type { UpstreamSuccess } from './response-headers.ts';
import { refusedCode, upstreamErrorResponse } from './upstream-error.ts';
import type { AuthenticatedCaller, Body } from './with-caller.ts';
import { withBody } from './with-caller.ts';

function findCountTarget(
  { deps, clock }: RequestContext,
  catalog: Catalog,
  name: string,
): TargetResult {
  const target = findTarget(name, { ...deps, catalog }, clock());
  const isConversational = !target.ok || target.model.operations.length === 0;
  return isConversational ? target : unsupportedEndpointError(name, target);
}

/** Who counted the tokens: the provider, or we. */
const COUNT_HEADER = 'x-farebox-token-count';

type CountEndpoint = Extract<(typeof ENDPOINT_SPECS)[UpstreamEndpoint], { kind: 'count' }>;

/** Responds with our estimate, in the dialect's own shape and marked as what it is. */
function respondEstimate(
  ctx: RequestContext,
  { toCount }: CountEndpoint,
  estimatedInput: EstimatedInput,
  { provider, model }: Readonly<{ provider: Provider; model: Model }>,
): Response {
  const headers = baseHeaders(ctx.id);
  headers['content-type'] = 'application/json';
  headers[COUNT_HEADER] = 'estimated';
  const { calibration } = provider;
  const tokens = Math.ceil(estimateInputTokens(estimatedInput, calibration, model.upstreamName));
  return new Response(JSON.stringify({ ...toCount(tokens), estimated: true }), { headers });
}

async function checkModelAllowed(
  ctx: RequestContext,
  { account, key }: AuthenticatedCaller,
  model: Model,
): Promise<ApiError | null> {
  const keyStatus = await ctx.deps.ledger.key(account, key);
  if (!keyStatus.ok) return keyStatus;
  return checkKeyModel(keyStatus.value.limits, model, ctx.clock());
}

type CountRequest = Readonly<{
  provider: Provider;
  endpoint: UpstreamEndpoint;
  path?: string;
  body: readonly Uint8Array[];
}>;

/** Counts a refusal, and remembers why the key's next count is declined, if it is. */
async function countRefusal(
  { deps, clock }: RequestContext,
  { account, key }: AuthenticatedCaller,
): Promise<void> {
  const refused = await deps.ledger.refuse(account, key);
  if (refused.ok && refused.value !== null) {
    deps.declinedKeys.add(account, key, refused.value, clock());
  }
}

/** A count is one number and a few words about it. */
const MAX_COUNT_BYTES = 65_536;

/**
 * Reads a count, which is short, before the response begins: a provider that falls silent or breaks
 * off in the middle of it then has an error of its own, and does not leave the client waiting.
 */
async function readCount(
  { deps, timer }: RequestContext,
  upstream: UpstreamSuccess,
  abort: AbortController,
): Promise<Result<{ value: Uint8Array }, 'timeout' | 'unreachable'>> {
  let isTimedOut = false;
  const stopTimer = timer.start(deps.timeouts.idleMs, () => {
    isTimedOut = true;
    abort.abort();
  });
  const { bytes, isWhole } = await readUpTo(upstream.body, MAX_COUNT_BYTES);
  stopTimer();
  if (isWhole) return ok({ value: bytes });
  return err(isTimedOut ? 'timeout' : 'unreachable');
}

/**
 * Responds with the provider's failure. A count has no entry, so its owner sees the failure among the
 * refused calls.
 */
function respondFailure(
  ctx: RequestContext,
  failure: UpstreamFailure,
  { provider }: CountRequest,
): Response {
  const { deps, refusals, clock, waitUntil } = ctx;
  const code = refusedCode(failure, provider.id);
  if (code !== null) deps.refusedCalls.count(refusals, code, { now: clock(), waitUntil });
  return upstreamErrorResponse(failure, provider.id, ctx.dialect, ctx);
}

async function forwardCount(
  ctx: RequestContext,
  caller: AuthenticatedCaller,
  count: CountRequest,
): Promise<Response> {
  const { deps, request, id } = ctx;
  const abort = new AbortController();
  new ClientDisconnect(request.signal, ctx.clock).onDisconnect(() => abort.abort());
  const query = count.path === undefined ? new URL(request.url).search : '';
  const timeout = { abort, firstByteMs: deps.timeouts.idleMs, timer: ctx.timer };
  const upstream = await send({ ...count, query, headers: request.headers, ...timeout });
  if (!upstream.ok && upstream.reason === 'rejected') ctx.waitUntil(countRefusal(ctx, caller));
  if (!upstream.ok) return respondFailure(ctx, upstream, count);
  const answer = await readCount(ctx, upstream, abort);
  if (!answer.ok) return respondFailure(ctx, answer, count);
  const headers = baseHeaders(id);
  headers['content-type'] = upstream.contentType ?? 'application/json';
  headers[COUNT_HEADER] = 'provider';
  return new Response(answer.value, { status: upstream.status, headers });
}

function toPath(urlTarget: UrlTarget | null, model: string): Pick<CountRequest, 'path'> {
  return urlTarget === null ? {} : { path: toUpstreamPath({ ...urlTarget, model }) };
}

async function count(
  ctx: RequestContext,
  caller: AuthenticatedCaller,
  body: Body,
  endpoint: UpstreamEndpoint,
  urlTarget: UrlTarget | null,
): Promise<Response> {
  const spec = ENDPOINT_SPECS[endpoint];
  if (spec.kind !== 'count') throw new Error('the endpoint does not count');
  const parsed = parseCountTokens(endpoint, body.bytes, urlTarget);
  if (!parsed.ok) return respondError(ctx, parsed);
  const target = await resolveModel(ctx, (catalog) => findCountTarget(ctx, catalog, parsed.model));
  if (!target.ok) return respondError(ctx, target);
  const { provider, model } = target;
  const refusal = await checkModelAllowed(ctx, caller, model);
  if (refusal !== null) return respondError(ctx, refusal);
  if (provider.endpoints[endpoint] === undefined)
    return respondEstimate(ctx, spec, parsed.estimatedInput, target);
  const decline = ctx.deps.declinedKeys.find(caller.account, caller.key, ctx.clock());
  if (decline !== null) return respondError(ctx, decline);
  const retryAfterSeconds = ctx.deps.freeCallLimiter.tryAcquire(caller.account, ctx.clock());
  if (retryAfterSeconds > 0)
    return respondError(ctx, {
      reason: 'rate_limited',
      retryAfterSeconds,
      edgeLimit: ctx.deps.freeCallLimiter.toLimit('free-calls'),
    });
  const { upstreamName } = model;
  const name = spec.toModelName?.(upstreamName) ?? upstreamName;
  return forwardCount(ctx, caller, {
    provider,
    endpoint,
    ...toPath(urlTarget, upstreamName),
    body: editModel(body.bytes, parsed.modelSpan, name),
  });
}

/** Handles one request at an endpoint of the kind `count`; `urlTarget` is as for a call. */
export const countTokens = withBody(
  (ctx, caller, body, endpoint: UpstreamEndpoint, urlTarget: UrlTarget | null) => {
    const headerError = checkHeaders(ctx.dialect, ctx.request.headers);
    if (headerError !== null) return Promise.resolve(respondError(ctx, headerError));
    return count(ctx, caller, body, endpoint, urlTarget);
  },
);
