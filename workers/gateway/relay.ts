/**
 * One call: key, body, plan, hold, provider, response, settlement. `relay` holds all branching of a
 * call; each function it calls decides one thing. The hot path sends two messages to the account's
 * Durable Object: one before the provider is called, or beside it (early-send.ts), one after the
 * client has its response.
 */
import {
  checkHeaders,
  ENDPOINT_SPECS,
  parseRequest,
  type UpstreamEndpoint,
  type UrlTarget,
} from '@farebox/dialects';
import type { HoldRequest, KeyCredential } from '@farebox/ledger';
import {
  createMeter,
  type Meter,
  type UpstreamFailure,
  type UpstreamResult,
} from '@farebox/providers';
import { abortAfterDisconnect } from './abort-after-disconnect.ts';
import { replaceErrorEvent } from './answer-error.ts';
import { CopyingReader } from './answer-source.ts';
import { zeroBill } from './bill.ts';
import { respondBuffered } from './buffered-response.ts';
import { type Call, holdDeadline } from './call.ts';
import { ClientDisconnect } from './client-disconnect.ts';
import { type RequestContext, respondError } from './context.ts';
import { checkCostHeader, statesCost, streamCostWriter, withCostMember } from './cost-report.ts';
import { EarlyRequest } from './early-request.ts';
import type { Attempt } from './early-send.ts';
import { errorResponse } from './error-response.ts';
import { type Plan, planCall, repricePlan } from './plan.ts';
import { PriceRevision } from './price-revision.ts';
import { withQuota } from './quota-headers.ts';
import { isBilledRefusal, settleRefusedPrompt } from './refused-prompt.ts';
import { resolveModel } from './resolve-model.ts';
import type { UpstreamSuccess } from './response-headers.ts';
import { releaseHold, settleWithoutCharge } from './settle-call.ts';
import { respondStreaming } from './streamed-response.ts';
import { respondTruncated } from './truncated-response.ts';
import { upstreamErrorResponse } from './upstream-error.ts';
import { sendUpstream } from './upstream-request.ts';
import { type Body, withBody } from './with-caller.ts';
import { checkOffered } from './withdrawn-model.ts';

/** Builds the request of the hold that covers a planned call. */
export function buildHoldRequest(ctx: RequestContext, key: KeyCredential, plan: Plan): HoldRequest {
  const share = ctx.deps.accountShares.get(plan.provider);
  return {
    id: ctx.id,
    key,
    model: plan.model.name,
    provider: plan.provider.id,
    dialect: plan.facts.dialect,
    stream: plan.facts.stream,
    maxInputCost: plan.maxInputCost,
    maxOutputPrice: plan.maxOutputPrice,
    choices: plan.maxOutputs,
    output: plan.output,
    ...(share === undefined ? {} : { providerCallsPerMinute: share }),
    deadline: holdDeadline(ctx.deps.timeouts, ctx.clock()),
  };
}

function hasUsageOption({ facts }: Plan): boolean {
  return ENDPOINT_SPECS[facts.endpoint].request.hasUsageOption;
}

/** Builds the meter of a call's answer. */
export function buildMeter(
  call: Call,
  { contentType, servedTier }: Pick<UpstreamSuccess, 'contentType' | 'servedTier'>,
): Meter {
  const { plan } = call;
  const beforeLastWord = streamCostWriter(call);
  const meter = createMeter({
    provider: plan.provider,
    dialect: plan.facts.dialect,
    stream: plan.facts.stream,
    streamFormat: plan.facts.streamFormat,
    contentType,
    servedTier,
    model: plan.model.upstreamName,
    choices: plan.facts.choices,
    hideUsage: hasUsageOption(plan) && !plan.facts.usageRequested,
    replaceError: (event, error, reading) => replaceErrorEvent(call, event, error, reading),
    ...(beforeLastWord === undefined ? {} : { beforeLastWord }),
  });
  return withCostMember(call, meter);
}

/**
 * Responds with an answer. The headers of a stream go out at once, so that keep-alives can bridge
 * the provider's silence; anything else is read until it is known to be what the client asked for.
 */
async function respond(call: Call, upstream: UpstreamSuccess): Promise<Response> {
  const refusal = await checkOffered(call);
  if (refusal !== null) {
    call.abort.abort();
    const response = errorResponse(refusal, call.ctx.dialect, call.ctx);
    settleWithoutCharge(call, 'not_sent', response.status);
    return response;
  }
  // What states its cost is billed so, whatever becomes known later.
  if (statesCost(call)) await call.revision.whenKnown(0);
  const meter = buildMeter(call, upstream);
  const isEventStream = upstream.contentType?.includes('text/event-stream') === true;
  if (!call.plan.facts.stream || !isEventStream) return respondBuffered(call, upstream, meter);
  const reader = new CopyingReader(upstream.body);
  return respondStreaming(call, upstream, meter, { reader, reusesMemory: false, pieces: [] });
}

/**
 * Settles a call that the provider did not answer and returns its error response. A failure, a
 * broken connection and a rejection are free, unless the provider bills prompts that it refuses.
 * Where the provider may have worked, because it was only silent, the call is waived within the
 * daily cap.
 */
function handleUpstreamFailure(call: Call, result: UpstreamFailure): Response {
  if (result.reason === 'aborted') return respondTruncated(call, 'upstream_disconnected');
  const { ctx, plan } = call;
  const response = upstreamErrorResponse(result, plan.provider.id, plan.facts.dialect, ctx);
  if (result.reason === 'timeout') return respondTruncated(call, 'upstream_timeout', response);
  if (result.reason === 'rejected' && isBilledRefusal(call, result)) {
    ctx.waitUntil(settleRefusedPrompt(call, result, response.status));
    return response;
  }
  const reason = result.reason === 'rejected' ? 'upstream_refused' : 'waived_upstream_error';
  settleWithoutCharge(call, reason, response.status);
  return response;
}

/**
 * Forwards an admitted call and builds its response. An exception in between still ends the hold.
 */
async function forwardCall(
  call: Call,
  body: Body,
  early: Promise<UpstreamResult> | null,
): Promise<Response> {
  const cancelAbortTimer = abortAfterDisconnect(call);
  const { ctx, plan, abort, hold } = call;
  try {
    const { maxOutput } = hold;
    const upstream = await (early ?? sendUpstream({ ctx, plan, abort, maxOutput }, body));
    body.release();
    if (!upstream.ok) return handleUpstreamFailure(call, upstream);
    return await respond(call, upstream);
  } catch (error) {
    abort.abort();
    settleWithoutCharge(call, 'not_sent', 500);
    throw error;
  } finally {
    cancelAbortTimer();
  }
}

/** Keeps an admitted call running after the client disconnects, because it has to be settled. */
function runToCompletion(
  call: Call,
  body: Body,
  early: Promise<UpstreamResult> | null,
): Promise<Response> {
  const completion = forwardCall(call, body, early);
  call.ctx.waitUntil(completion.catch(() => {}));
  return completion;
}

/** Sends the call before its hold is answered, if that is allowed. */
function startEarly(
  ctx: RequestContext,
  plan: Plan,
  body: Body,
  { maxOutput }: Attempt,
): EarlyRequest | null {
  return maxOutput === null ? null : new EarlyRequest(ctx, plan, body, maxOutput);
}

/**
 * Handles one call to a model at an endpoint of the kind `call`; `urlTarget` is what its URL says,
 * where the body does not name the model.
 */
export const relay = withBody(
  async (ctx, caller, body, endpoint: UpstreamEndpoint, urlTarget: UrlTarget | null) => {
    const { account, key } = caller;
    const { deps, request, clock } = ctx;
    const headerError =
      checkHeaders(ctx.dialect, request.headers) ?? checkCostHeader(request.headers);
    if (headerError !== null) return respondError(ctx, headerError);
    const parsed = parseRequest(endpoint, body.bytes, urlTarget);
    if (!parsed.ok) return respondError(ctx, parsed);
    const planResult = await resolveModel(ctx, (catalog, now) =>
      planCall(parsed.facts, request.headers, { ...deps, catalog }, now),
    );
    if (!planResult.ok) return respondError(ctx, planResult);
    const { plan } = planResult;
    const revision = new PriceRevision(plan, deps.catalog, repricePlan);
    const attempt = deps.earlySends.begin(account, buildHoldRequest(ctx, key, plan), clock());
    const early = startEarly(ctx, plan, body, attempt);
    const hold = await deps.ledger.hold(account, attempt.request, ctx.waitUntil, early?.due);
    const taken = hold.ok ? (early?.take(hold.maxOutput) ?? null) : null;
    deps.earlySends.end(account, attempt, { hold, isUsed: taken !== null, now: clock() });
    if (!hold.ok) {
      early?.discard();
      if (hold.reason === 'ledger_unreachable')
        ctx.waitUntil(releaseHold(ctx, account, zeroBill(plan, 'not_sent')));
      return withQuota(respondError(ctx, hold), hold.quota);
    }
    const disconnect = new ClientDisconnect(request.signal, clock);
    const { startedAt, abort } =
      early !== null && taken !== null
        ? early
        : { startedAt: clock(), abort: new AbortController() };
    const call: Call = { ctx, account, plan, revision, hold, abort, startedAt, disconnect };
    return withQuota(await runToCompletion(call, body, taken), hold.quota);
  },
);
