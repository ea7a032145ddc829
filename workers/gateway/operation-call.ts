/**
 * One call to an operation: key, body, plan, hold, provider, response, settlement, as `relay` has it
 * for conversations. `OPERATION_SPECS` says everything that differs between operations.
 */
import {
  editOperation,
  OPERATION_SPECS,
  type Operation,
  type OperationFacts,
  type OperationResult,
  parseEmbedContent,
  parseOperation,
  toUpstreamPath,
  type UrlTarget,
} from '@farebox/dialects';
import type { HoldRequest, KeyCredential } from '@farebox/ledger';
import { send, type UpstreamResult } from '@farebox/providers';
import { abortAfterDisconnect } from './abort-after-disconnect.ts';
import { MAX_BODY_BYTES, MAX_FILE_BODY_BYTES } from './body-reader.ts';
import { holdDeadline, type OperationCall } from './call.ts';
import { ClientDisconnect } from './client-disconnect.ts';
import { type RequestContext, respondError } from './context.ts';
import { checkCostHeader } from './cost-report.ts';
import { errorResponse } from './error-response.ts';
import type { ApiError } from './errors.ts';
import { zeroOperationBill } from './operation-bill.ts';
import { type OperationPlan, planOperation, repriceOperation } from './operation-plan.ts';
import { respondCut, respondOperation } from './operation-response.ts';
import { PriceRevision } from './price-revision.ts';
import { withQuota } from './quota-headers.ts';
import { resolveModel } from './resolve-model.ts';
import { releaseHold, submitSettlement } from './settle-call.ts';
import { upstreamErrorResponse } from './upstream-error.ts';
import { type Body, withBody } from './with-caller.ts';
import { checkOffered } from './withdrawn-model.ts';

/** The whole amount is the input's: no output limit of a request bounds what these calls cost. */
function buildHoldRequest(
  ctx: RequestContext,
  key: KeyCredential,
  { facts, model, provider, maxCost, outputPrice }: OperationPlan,
): HoldRequest {
  const share = ctx.deps.accountShares.get(provider);
  return {
    id: ctx.id,
    key,
    model: model.name,
    provider: provider.id,
    dialect: facts.operation,
    stream: facts.stream,
    maxInputCost: maxCost,
    maxOutputPrice: 0n,
    outputPrice,
    choices: 1,
    output: { kind: 'explicit', tokens: 0 },
    ...(share === undefined ? {} : { providerCallsPerMinute: share }),
    deadline: holdDeadline(ctx.deps.timeouts, ctx.clock()),
  };
}

/** What follows the provider's URL where the caller's own names the model. */
function toPath({ urlTarget }: OperationFacts, model: string): Readonly<{ path?: string }> {
  return urlTarget === null ? {} : { path: toUpstreamPath({ ...urlTarget, model }) };
}

function sendOperation(call: OperationCall, body: Body): Promise<UpstreamResult> {
  const { ctx, plan } = call;
  const { facts, provider, model } = plan;
  return send({
    provider,
    endpoint: facts.endpoint,
    ...toPath(facts, model.upstreamName),
    query: '',
    headers: ctx.request.headers,
    body: editOperation(body.bytes, facts, model.upstreamName),
    contentType: facts.contentType,
    onBodySent: body.release,
    onRateStated: (rate) => ctx.deps.accountShares.learn(provider.id, rate, ctx.clock()),
    abort: call.abort,
    firstByteMs: ctx.deps.timeouts.firstByteMs,
    timer: ctx.timer,
  });
}

function respondFailure(
  call: OperationCall,
  result: Exclude<UpstreamResult, { ok: true }>,
): Response {
  if (result.reason === 'aborted') return respondCut(call, 'upstream_disconnected');
  const { ctx, plan } = call;
  const response = upstreamErrorResponse(result, plan.provider.id, ctx.dialect, ctx);
  if (result.reason === 'timeout') return respondCut(call, 'upstream_timeout', response);
  const reason = result.reason === 'rejected' ? 'upstream_refused' : 'waived_upstream_error';
  const bill = zeroOperationBill(plan, reason);
  submitSettlement(call, bill, response.status);
  return response;
}

/** Ends a call whose model was withdrawn: nothing of its answer is passed on, or charged. */
function respondWithdrawn(call: OperationCall, refusal: ApiError): Response {
  call.abort.abort();
  const response = errorResponse(refusal, call.ctx.dialect, call.ctx);
  const bill = zeroOperationBill(call.plan, 'not_sent');
  submitSettlement(call, bill, response.status);
  return response;
}

/** Forwards an admitted call. An exception in between still ends the hold. */
async function forwardCall(call: OperationCall, body: Body): Promise<Response> {
  const cancelAbortTimer = abortAfterDisconnect(call);
  try {
    const upstream = await sendOperation(call, body);
    body.release();
    if (!upstream.ok) return respondFailure(call, upstream);
    const refusal = await checkOffered(call);
    return refusal === null
      ? await respondOperation(call, upstream)
      : respondWithdrawn(call, refusal);
  } catch (error) {
    call.abort.abort();
    const bill = zeroOperationBill(call.plan, 'not_sent');
    submitSettlement(call, bill, 500);
    throw error;
  } finally {
    cancelAbortTimer();
  }
}

/** Parses a body by the content type that the request states. */
type ParseBody = (bytes: Uint8Array, contentType: string) => OperationResult;

function serve(parse: ParseBody, maxBytes: number): (ctx: RequestContext) => Promise<Response> {
  return withBody(async (ctx, { account, key }, body) => {
    const { deps, request, clock } = ctx;
    const headerError = checkCostHeader(request.headers);
    if (headerError !== null) return respondError(ctx, headerError);
    const contentType = request.headers.get('content-type') ?? '';
    const parsed = parse(body.bytes, contentType);
    if (!parsed.ok) return respondError(ctx, parsed);
    const planResult = await resolveModel(ctx, (catalog, now) =>
      planOperation(parsed.facts, { ...deps, catalog }, now),
    );
    if (!planResult.ok) return respondError(ctx, planResult);
    const { plan } = planResult;
    const retryAfterSeconds =
      plan.maxCost === 0n ? deps.freeCallLimiter.tryAcquire(account, clock()) : 0;
    if (retryAfterSeconds > 0)
      return respondError(ctx, {
        reason: 'rate_limited',
        retryAfterSeconds,
        edgeLimit: deps.freeCallLimiter.toLimit('free-calls'),
      });
    const revision = new PriceRevision(plan, deps.catalog, repriceOperation);
    const holdRequest = buildHoldRequest(ctx, key, plan);
    const hold = await deps.ledger.hold(account, holdRequest, ctx.waitUntil);
    if (!hold.ok) {
      const bill = zeroOperationBill(plan, 'not_sent');
      if (hold.reason === 'ledger_unreachable') ctx.waitUntil(releaseHold(ctx, account, bill));
      return withQuota(respondError(ctx, hold), hold.quota);
    }
    const disconnect = new ClientDisconnect(request.signal, clock);
    const abort = new AbortController();
    const call: OperationCall = { ctx, account, plan, revision, hold, abort, disconnect };
    const completion = forwardCall(call, body);
    // The call has to be settled after its client disconnects, too.
    ctx.waitUntil(completion.catch(() => {}));
    return withQuota(await completion, hold.quota);
  }, maxBytes);
}

/** Returns the handler of an operation's endpoint. */
export function serveOperation(operation: Operation): (ctx: RequestContext) => Promise<Response> {
  const takesFiles = OPERATION_SPECS[operation].body !== 'json';
  return serve(
    (bytes, contentType) => parseOperation(operation, bytes, contentType),
    takesFiles ? MAX_FILE_BODY_BYTES : MAX_BODY_BYTES,
  );
}

/** Handles one request to a method of a model that embeds; `target` is what its URL says. */
export function embedContent(ctx: RequestContext, target: UrlTarget): Promise<Response> {
  return serve((bytes) => parseEmbedContent(bytes, target), MAX_BODY_BYTES)(ctx);
}
