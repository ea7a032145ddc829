/**
 * The calls of one WebSocket: each event `response.create` is planned, held, sent on the socket of its
 * provider and settled (docs/decisions/0037-responses-over-websocket.md).
 */
import { parseRequest, type RequestFacts } from '@farebox/dialects';
import { totalInputTokens } from '@farebox/money';
import { connectSocket, type Meter, type UpstreamFailure } from '@farebox/providers';
import { err, ok, type Result } from '@farebox/result';
import { authenticate } from './authenticate.ts';
import { zeroBill } from './bill.ts';
import type { Call } from './call.ts';
import { ClientDisconnect } from './client-disconnect.ts';
import { type RequestContext, respondError } from './context.ts';
import { statesCost } from './cost-report.ts';
import { errorResponse } from './error-response.ts';
import type { ApiError } from './errors.ts';
import { type Plan, planCall, repricePlan } from './plan.ts';
import { PriceRevision } from './price-revision.ts';
import { buildHoldRequest, buildMeter } from './relay.ts';
import { resolveModel } from './resolve-model.ts';
import { releaseHold, settleWithoutCharge } from './settle-call.ts';
import { createMessageStream } from './socket-messages.ts';
import { relayAnswer } from './streamed-response.ts';
import { CLIENT_CLOSED_REQUEST } from './truncated-response.ts';
import { upstreamErrorResponse } from './upstream-error.ts';
import { buildCallBody } from './upstream-request.ts';
import { UpstreamSocket } from './upstream-socket.ts';
import type { AuthenticatedCaller, Body } from './with-caller.ts';
import { checkOffered } from './withdrawn-model.ts';

/** Adds what an earlier response brings into the prompt. */
function withEarlierTokens(facts: RequestFacts, tokens: number): RequestFacts {
  const { maxInputTokens, estimatedInput } = facts;
  const textTokens = estimatedInput.textTokens + tokens;
  return {
    ...facts,
    stream: true,
    maxInputTokens: maxInputTokens === 'context_window' ? maxInputTokens : maxInputTokens + tokens,
    estimatedInput: { ...estimatedInput, textTokens },
  };
}

/** The tokens that a response brings into one that continues it, at most. */
function countTokens({ plan, hold }: Call, meter: Meter): number {
  const { usage } = meter.reading();
  if (usage === null) return plan.maxInputTokens + hold.maxOutput;
  return totalInputTokens(usage) + usage.output;
}

/** Settles a call of which nothing was sent, and returns what its client is told. */
function respondUnsent(
  call: Call,
  response: Response,
  reason: 'upstream_refused' | 'not_sent' = 'not_sent',
): Response {
  const status = call.disconnect.at === null ? response.status : CLIENT_CLOSED_REQUEST;
  settleWithoutCharge(call, reason, status);
  return response;
}

/** Ends a call for which the provider gave no socket. */
function respondUnconnected(call: Call, failure: UpstreamFailure): Response {
  const { ctx, plan } = call;
  const response = upstreamErrorResponse(failure, plan.provider.id, plan.facts.dialect, ctx);
  return respondUnsent(
    call,
    response,
    failure.reason === 'rejected' ? 'upstream_refused' : 'not_sent',
  );
}

type PlannedCall = Readonly<{ plan: Plan; caller: AuthenticatedCaller }>;

/** What is ready to be sent. */
type PreparedCall = Readonly<{ upstream: UpstreamSocket; meter: Meter; message: string }>;

type SocketClient = Readonly<{
  /** Aborted when the client has left. */
  gone: AbortSignal;
  /** Sends a message of the provider to the client. */
  send: (message: string) => void;
}>;

export class SocketCalls {
  readonly #client: SocketClient;
  #upstream: UpstreamSocket | null = null;

  constructor(client: SocketClient) {
    this.#client = client;
  }

  /** Closes the provider's socket, if there is one: its state is lost. */
  close(): void {
    this.#upstream?.close();
    this.#upstream = null;
  }

  /** Plans the call of an event, or returns why it can't be made. */
  async plan(ctx: RequestContext, bytes: Uint8Array): Promise<Result<PlannedCall, ApiError>> {
    // A key may have been revoked since the handshake, and each call counts for its rate.
    const caller = authenticate(ctx.deps, ctx.request.headers, ctx.clock());
    if (!caller.ok) return caller;
    const parsed = parseRequest('responses_socket', bytes);
    if (!parsed.ok) return parsed;
    const { previousResponseId } = parsed.facts;
    const tokens = previousResponseId === null ? 0 : this.#findTokens(previousResponseId);
    if (tokens === undefined)
      return err('unsupported_feature', {
        field: 'previous_response_id',
        explanation: 'no response of this id was made on this connection; send all of the input',
        sdkCode: 'previous_response_not_found',
      });
    const facts = withEarlierTokens(parsed.facts, tokens);
    const planned = await resolveModel(ctx, (catalog, now) =>
      planCall(facts, ctx.request.headers, { ...ctx.deps, catalog }, now),
    );
    if (planned.ok) return ok({ plan: planned.plan, caller });
    const isUnsupported = planned.reason === 'model_not_supported_on_endpoint';
    return isUnsupported ? err('websocket_not_supported') : planned;
  }

  #findTokens(responseId: string): number | undefined {
    return this.#upstream?.isOpen === true ? this.#upstream.findTokens(responseId) : undefined;
  }

  /**
   * Holds the worst case of a call, makes it and begins to settle it. Returns the error of one that
   * was not sent; what happens later is told by the events of the stream.
   */
  async run(
    ctx: RequestContext,
    { plan, caller }: PlannedCall,
    body: Body,
  ): Promise<Response | null> {
    const held = await this.#hold(ctx, caller, plan);
    if (!held.ok) return respondError(ctx, held);
    const { call } = held;
    const prepared = await this.#prepare(call, body.bytes).catch((error: unknown) => {
      settleWithoutCharge(call, 'not_sent', 500);
      throw error;
    });
    if (prepared instanceof Response) return prepared;
    await this.#relay(call, prepared, body.release);
    return null;
  }

  async #hold(
    ctx: RequestContext,
    { account, key }: AuthenticatedCaller,
    plan: Plan,
  ): Promise<Result<{ call: Call }, ApiError>> {
    const revision = new PriceRevision(plan, ctx.deps.catalog, repricePlan);
    const request = buildHoldRequest(ctx, key, plan);
    const hold = await ctx.deps.ledger.hold(account, request, ctx.waitUntil);
    if (!hold.ok) {
      if (hold.reason === 'ledger_unreachable')
        ctx.waitUntil(releaseHold(ctx, account, zeroBill(plan, 'not_sent')));
      return hold;
    }
    const disconnect = new ClientDisconnect(this.#client.gone, ctx.clock);
    const abort = new AbortController();
    const startedAt = ctx.clock();
    return ok({ call: { ctx, account, plan, revision, hold, abort, startedAt, disconnect } });
  }

  /** Makes ready to send. Returns the error of a call that can't be sent, which it settles. */
  async #prepare(call: Call, bytes: Uint8Array): Promise<PreparedCall | Response> {
    const upstream = await this.#connect(call);
    if (!(upstream instanceof UpstreamSocket)) return respondUnconnected(call, upstream);
    const { ctx } = call;
    const refusal = await checkOffered(call);
    if (refusal !== null) return respondUnsent(call, errorResponse(refusal, ctx.dialect, ctx));
    if (this.#client.gone.aborted)
      return respondUnsent(call, errorResponse({ reason: 'incomplete_body' }, ctx.dialect, ctx));
    // What states its cost is billed so, whatever becomes known later.
    if (statesCost(call)) await call.revision.whenKnown(0);
    const meter = buildMeter(call, { contentType: 'text/event-stream', servedTier: null });
    const sent = buildCallBody({ ...call, maxOutput: call.hold.maxOutput }, bytes);
    return { upstream, meter, message: new TextDecoder().decode(sent) };
  }

  async #relay(
    call: Call,
    { upstream, meter, message }: PreparedCall,
    onSent: () => void,
  ): Promise<void> {
    // Nothing but the end of its connection stops a provider that generates.
    call.abort.signal.addEventListener('abort', () => {
      if (!meter.hasEnded) upstream.close();
    });
    try {
      upstream.send(message);
    } catch {
      upstream.close();
    }
    onSent();
    const reader = upstream.read(() => meter.hasEnded);
    const source = { reader, reusesMemory: false, pieces: [] };
    const client = createMessageStream(this.#client.send);
    try {
      const { settled } = await relayAnswer(call, meter, { source, client, status: 200 });
      call.ctx.waitUntil(settled);
      // The settlement is in line then, and goes before the hold of the next event, which takes it
      // along; its answer is not waited for.
      await call.revision.whenKnown();
    } finally {
      // Of a response that did not end by itself more may come, which would end the next one: an
      // error may come as two events.
      const { ended, failed } = meter.reading();
      if (ended && !failed) upstream.endResponse(countTokens(call, meter));
      else upstream.close();
    }
  }

  /** Returns the socket to the call's provider, a new one if there is none yet or no more. */
  async #connect(call: Call): Promise<UpstreamSocket | UpstreamFailure> {
    const { plan, ctx, abort } = call;
    const known = this.#upstream;
    if (known?.isOpen === true && known.provider.id === plan.provider.id) return known;
    this.close();
    let isTimedOut = false;
    const cancel = ctx.timer.start(ctx.deps.timeouts.firstByteMs, () => {
      isTimedOut = true;
      abort.abort();
    });
    const removeListener = call.disconnect.onDisconnect(() => abort.abort());
    const beta = ctx.request.headers.get('openai-beta');
    const result = await connectSocket({
      provider: plan.provider,
      endpoint: plan.facts.endpoint,
      beta: beta?.startsWith('responses_websockets=') === true ? beta : null,
      abort,
    });
    cancel();
    removeListener();
    if (!result.ok)
      return isTimedOut && result.reason === 'aborted' ? { ok: false, reason: 'timeout' } : result;
    this.#upstream = new UpstreamSocket(plan.provider, result.socket);
    return this.#upstream;
  }
}
