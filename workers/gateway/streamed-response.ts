/**
 * Responses that are relayed as they arrive, and settled when they end: streams, and documents that
 * are too large to be kept.
 */
import { DIALECT_SPECS } from '@farebox/dialects';
import { concatBytes, type Meter, type Reading, withStage } from '@farebox/providers';
import { callErrorEvent, terminalError } from './answer-error.ts';
import type { AnswerSource } from './answer-source.ts';
import type { Call } from './call.ts';
import { CheckpointWriter } from './checkpoint-writer.ts';
import { streamCostWriter } from './cost-report.ts';
import type { EndReason } from './end-reason.ts';
import { HiddenReasoningTimer } from './hidden-reasoning-timer.ts';
import { buildResponseHeaders, type UpstreamSuccess } from './response-headers.ts';
import { callOutcome, EMPTY_READING, settleCall } from './settle-call.ts';
import { type Framing, StreamRelay } from './stream-relay.ts';
import { CLIENT_CLOSED_REQUEST } from './truncated-response.ts';

const ENCODER = new TextEncoder();

/**
 * Returns whether to wait for the usage after the client disconnected: the end is near, or an
 * estimate would be poor (hidden reasoning, input that could not be counted).
 */
function shouldDrain(call: Call, reading: Reading): boolean {
  const { facts, model } = call.plan;
  const inputUnknown = facts.maxInputTokens === 'context_window' && reading.usage === null;
  return reading.finished || model.hidesReasoning || inputUnknown;
}

/** Wraps `meter` so that the first output stops the reasoning timer. */
function withReasoningTimer(meter: Meter, reasoningTimer: HiddenReasoningTimer): Meter {
  return withStage(meter, {
    feed: (pieces) => {
      if (reasoningTimer.isRunning) reasoningTimer.hiddenGenerationMs(meter.reading());
      return pieces;
    },
  });
}

type RelayEnd = Readonly<{
  endReason: EndReason;
  hiddenMs: number;
  floor: bigint;
  /** True if anything of the answer went to the client. */
  hasDelivered: boolean;
  status: number;
}>;

/** Between the elements of an array white space may stand, and a bracket ends it. */
const ARRAY_FRAMING = { keepAliveBytes: ENCODER.encode('\n'), lastWord: '\n]' };

function buildFraming(call: Call, meter: Meter): Framing {
  const { dialect, streamFormat } = call.plan.facts;
  const { keepAliveBytes, lastWord } =
    streamFormat === 'array' ? ARRAY_FRAMING : DIALECT_SPECS[dialect].answer;
  const writeCost = streamCostWriter(call);
  const lastBytes = ENCODER.encode(lastWord);
  return {
    keepAliveBytes: keepAliveBytes.slice(),
    lastWord: () =>
      writeCost === undefined ? lastBytes : concatBytes([writeCost(meter.reading()), lastBytes]),
    terminalEvent: (endReason, stopReason) =>
      callErrorEvent(
        call,
        terminalError(call, meter.verdict(), endReason, stopReason),
        meter.reading(),
      ),
  };
}

/**
 * Settles a relayed call. What is no answer is not charged: nothing of it was delivered, but for
 * the beginning of a document that was too large to be kept.
 */
function settleRelayed(call: Call, meter: Meter, end: RelayEnd): Promise<void> {
  const { endReason, hiddenMs, floor, status } = end;
  const isDelivered = meter.verdict().kind === 'answer' || end.hasDelivered;
  const reading =
    isDelivered || endReason !== 'upstream_disconnected' ? meter.reading() : EMPTY_READING;
  const outcome = callOutcome(call, reading, endReason, hiddenMs, floor);
  const disconnected = endReason === 'client_disconnected';
  return settleCall(call, outcome, disconnected ? CLIENT_CLOSED_REQUEST : status);
}

/** What carries an answer to the client, and what it came with. */
export type StreamedAnswer = Readonly<{
  source: AnswerSource;
  client: WritableStream<Uint8Array>;
  /** The status of the response, for the call's record. */
  status: number;
}>;

/** A relayed answer: its settlement goes on, which no client waits for. */
export type RelayedAnswer = Readonly<{ settled: Promise<void> }>;

/** Relays the provider's answer to the client as it comes, and begins to settle it. */
export async function relayAnswer(
  call: Call,
  meter: Meter,
  { source, client, status }: StreamedAnswer,
): Promise<RelayedAnswer> {
  const { ctx, plan } = call;
  const reasoningTimer = new HiddenReasoningTimer(call);
  const checkpointWriter = new CheckpointWriter(call, reasoningTimer, meter);
  const streamRelay = new StreamRelay({
    source,
    client,
    disconnect: call.disconnect,
    abortUpstream: () => call.abort.abort(),
    meter: withReasoningTimer(meter, reasoningTimer),
    timeouts: ctx.deps.timeouts,
    framing: plan.facts.stream ? buildFraming(call, meter) : null,
    firstOutput: plan.facts.stream
      ? {
          hasArrived: () => meter.reading().estimatedOutputTokens > 0,
          record: (now) => ctx.times.recordOutput(now),
        }
      : null,
    shouldDrain: (reading) => shouldDrain(call, reading),
    checkpoint: () => checkpointWriter.record(),
    load: ctx.deps.streamLoad,
    clock: ctx.clock,
    timer: ctx.timer,
  });
  const endReason = await streamRelay.run();
  const settled = settleRelayed(call, meter, {
    endReason,
    hiddenMs: reasoningTimer.hiddenGenerationMs(meter.reading()),
    floor: checkpointWriter.floor,
    hasDelivered: streamRelay.hasDelivered,
    status,
  });
  return { settled };
}

/**
 * Responds with the provider's answer as it comes; `waitUntil` relays and settles it. `source` is
 * the answer, or its rest if the beginning was read already.
 */
export function respondStreaming(
  call: Call,
  upstream: UpstreamSuccess,
  meter: Meter,
  source: AnswerSource,
): Response {
  const { ctx, plan } = call;
  const { readable, writable } = new IdentityTransformStream();
  const { status } = upstream;
  const relayed = relayAnswer(call, meter, { source, client: writable, status });
  ctx.waitUntil(relayed.then(({ settled }) => settled));
  const headers = buildResponseHeaders(call, upstream);
  if (plan.facts.stream) headers['cache-control'] = 'no-cache';
  return new Response(readable, { status, headers });
}
