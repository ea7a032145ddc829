/**
 * One client's WebSocket: each `response.create` on it is a call, with a hold, a settlement and an id
 * of its own. Calls are made one after another; the provider's socket stays open between them, because
 * it holds the state that the next one may continue.
 */
import { parseRequest, type RequestFacts } from '@farebox/dialects';
import type { AccountId, KeyCredential } from '@farebox/ledger';
import { totalInputTokens } from '@farebox/money';
import { connectSocket, type Meter, type UpstreamFailure } from '@farebox/providers';
import { err, ok, type Result } from '@farebox/result';
import { authenticate } from './authenticate.ts';
import { zeroBill } from './bill.ts';
import type { Call } from './call.ts';
import { ClientDisconnect } from './client-disconnect.ts';
import { type RequestContext, respondError } from './context.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import type { ApiError } from './errors.ts';
import { type Plan, type PlanResult, planCall } from './plan.ts';
import { PriceRevision } from './price-revision.ts';
import { buildHoldRequest, buildMeter, handleUpstreamFailure } from './relay.ts';
import { resolveModel } from './resolve-model.ts';
import { releaseHold, settleWithoutCharge } from './settle-call.ts';
import { createMessageStream } from './socket-messages.ts';
import { relayAnswer } from './streamed-response.ts';
import { buildCallBody } from './upstream-request.ts';
import { UpstreamSocket } from './upstream-socket.ts';

/** Messages that wait for the response under way; a client that sends more is told so. */
const MAX_WAITING = 8;

const ENCODER = new TextEncoder();
const ID_DIGITS = 32;

/**
 * Returns the id of the call with this number on a connection: the first has that of the handshake,
 * which its client knows, and each further the next number.
 */
export function toTurnId(handshakeId: string, turn: number): string {
  const next = BigInt(`0x${handshakeId}`) + BigInt(turn);
  return BigInt.asUintN(4 * ID_DIGITS, next)
    .toString(16)
    .padStart(ID_DIGITS, '0');
}

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

type Admitted = Readonly<{ call: Call; body: Uint8Array }>;

export class SocketSession {
  readonly #ctx: RequestContext;
  readonly #account: AccountId;
  readonly #client: WebSocket;
  #upstream: UpstreamSocket | null = null;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #turns = 0;
  readonly #gone = new AbortController();

  /** `account` is that of the handshake's key, to which the memory of messages counts. */
  constructor(ctx: RequestContext, account: AccountId, client: WebSocket) {
    this.#ctx = ctx;
    this.#account = account;
    this.#client = client;
    client.addEventListener('message', ({ data }) => this.#enqueue(data));
    client.addEventListener('close', () => this.#onClose());
    client.addEventListener('error', () => this.#onClose());
  }

  #onClose(): void {
    this.#gone.abort();
    this.#ctx.waitUntil(this.#last.then(() => this.#upstream?.close()));
  }

  #enqueue(data: string | ArrayBuffer): void {
    if (this.#waiting >= MAX_WAITING) {
      this.#reject({ reason: 'too_many_concurrent_calls', retryAfterSeconds: 1 });
      return;
    }
    const bytes = typeof data === 'string' ? ENCODER.encode(data) : new Uint8Array(data);
    const message = this.#ctx.deps.bodyReader.admit(bytes, this.#account);
    if (!message.ok) {
      this.#reject(message);
      return;
    }
    this.#waiting += 1;
    this.#last = this.#last
      .then(() => this.#handle(message.bytes))
      .catch(() => this.#sendError(this.#ctx, { reason: 'internal' }))
      .finally(() => {
        this.#waiting -= 1;
        message.release();
      });
    this.#ctx.waitUntil(this.#last);
  }

  #reject(error: ApiError): void {
    this.#ctx.waitUntil(this.#sendError(this.#ctx, error));
  }

  #send(message: string): void {
    this.#client.send(message);
  }

  /** Sends an error as an event, in the words and with the status that HTTP has. */
  async #sendError(ctx: RequestContext, error: ApiError): Promise<void> {
    await this.#sendErrorResponse(respondError(ctx, error));
  }

  async #sendErrorResponse(response: Response): Promise<void> {
    const body: object = await response.json();
    if (this.#gone.signal.aborted) return;
    this.#send(JSON.stringify({ type: 'error', status: response.status, ...body }));
  }

  async #handle(bytes: Uint8Array): Promise<void> {
    if (this.#gone.signal.aborted) return;
    const id = toTurnId(this.#ctx.id, this.#turns);
    const ctx = { ...this.#ctx, id, timer: new DeadlineTimer(this.#ctx.clock) };
    const admitted = await this.#admit(ctx, bytes);
    if (!admitted.ok) {
      await this.#sendError(ctx, admitted);
      return;
    }
    this.#turns += 1;
    try {
      await this.#run(admitted);
    } finally {
      ctx.timer.stop();
    }
  }

  /** Plans a call and holds its worst case, or returns why it can't be made. */
  async #admit(ctx: RequestContext, bytes: Uint8Array): Promise<Result<Admitted, ApiError>> {
    const { deps, request, clock } = ctx;
    // A key may have been revoked since the handshake, and each call counts for its rate.
    const caller = authenticate(deps, request.headers, clock());
    if (!caller.ok) return caller;
    const planned = await this.#plan(ctx, bytes);
    if (!planned.ok) return planned;
    const { plan } = planned;
    return this.#hold(ctx, caller.account, caller.key, plan, bytes);
  }

  async #hold(
    ctx: RequestContext,
    account: AccountId,
    key: KeyCredential,
    plan: Plan,
    body: Uint8Array,
  ): Promise<Result<Admitted, ApiError>> {
    const revision = new PriceRevision(plan, ctx.deps.catalog);
    const request = buildHoldRequest(ctx, key, plan);
    const hold = await ctx.deps.ledger.hold(account, request, ctx.waitUntil);
    if (!hold.ok) {
      if (hold.reason === 'ledger_unreachable') {
        ctx.waitUntil(releaseHold(ctx, account, zeroBill(plan, 'not_sent')));
      }
      return hold;
    }
    const disconnect = new ClientDisconnect(this.#gone.signal, ctx.clock);
    const abort = new AbortController();
    const startedAt = ctx.clock();
    const call = { ctx, account, plan, revision, hold, abort, startedAt, disconnect };
    return ok({ call, body });
  }

  async #plan(ctx: RequestContext, bytes: Uint8Array): Promise<PlanResult> {
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
    const isUnsupported = !planned.ok && planned.reason === 'model_not_supported_on_endpoint';
    return isUnsupported ? err('websocket_not_supported') : planned;
  }

  #findTokens(responseId: string): number | undefined {
    return this.#upstream?.isOpen === true ? this.#upstream.findTokens(responseId) : undefined;
  }

  async #run({ call, body }: Admitted): Promise<void> {
    const upstream = await this.#connect(call).catch((error: unknown) => {
      call.ctx.waitUntil(settleWithoutCharge(call, 'not_sent', 500));
      throw error;
    });
    if (!(upstream instanceof UpstreamSocket)) {
      await this.#sendErrorResponse(handleUpstreamFailure(call, upstream));
      return;
    }
    const meter = buildMeter(call, { contentType: 'text/event-stream', servedTier: null });
    // Nothing but the end of its connection stops a provider that generates.
    call.abort.signal.addEventListener('abort', () => upstream.close());
    try {
      upstream.send(buildCallBody({ ...call, maxOutput: call.hold.maxOutput }, body));
    } catch {
      upstream.close();
    }
    const reader = upstream.read(() => meter.hasEnded);
    const source = { reader, reusesMemory: false, pieces: [] };
    const client = createMessageStream((message) => this.#send(message));
    await relayAnswer(call, meter, { source, client, status: 200 });
    upstream.recordTokens(countTokens(call, meter));
  }

  /** Returns the socket to the call's provider, a new one if there is none yet or no more. */
  async #connect(call: Call): Promise<UpstreamSocket | UpstreamFailure> {
    const { plan, ctx } = call;
    const known = this.#upstream;
    if (known?.isOpen === true && known.provider.id === plan.provider.id) return known;
    known?.close();
    const abort = new AbortController();
    const cancel = ctx.timer.start(ctx.deps.timeouts.firstByteMs, () => abort.abort());
    const beta = ctx.request.headers.get('openai-beta');
    const result = await connectSocket({
      provider: plan.provider,
      endpoint: plan.facts.endpoint,
      beta: beta?.startsWith('responses_websockets=') === true ? beta : null,
      abort,
    });
    cancel();
    if (!result.ok) return result;
    this.#upstream = new UpstreamSocket(plan.provider, result.socket);
    return this.#upstream;
  }
}
