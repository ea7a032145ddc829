/**
 * The request to the provider: the edits that the model and the provider need, and one more try
 * without a field of ours that the provider turns out to refuse.
 */
import {
  type Edits,
  ENDPOINT_SPECS,
  editRequest,
  getOutputLimitField,
  hasOutputLimit,
  toUpstreamPath,
} from '@farebox/dialects';
import {
  concatBytes,
  findRefusedFields,
  type LearnableField,
  send,
  type UpstreamRequest,
  type UpstreamResult,
} from '@farebox/providers';
import type { RequestContext } from './context.ts';
import type { Plan } from './plan.ts';
import type { Body } from './with-caller.ts';

/** What a request to the provider is made of, admitted or sent early (early-send.ts). */
export type OutgoingCall = Readonly<{
  ctx: RequestContext;
  plan: Plan;
  /** Aborts the request. */
  abort: AbortController;
  /** The output limit to enforce. */
  maxOutput: number;
}>;

/**
 * Injects our output limit if the request has none. A limit under a name that the provider may not
 * know (`max_completion_tokens` where only `max_tokens` is documented) is repeated under the
 * documented one: otherwise nothing would bound the output that the hold covers.
 */
function outputLimitEdit({ facts, output, provider }: Plan, tokens: number): Edits['maxOutput'] {
  const field = getOutputLimitField(facts.endpoint, provider.outputLimitField);
  if (field === undefined) return null;
  if (output.kind === 'capped') return { field, tokens };
  const { outputLimitFieldVaries } = ENDPOINT_SPECS[facts.endpoint].request;
  const needsInjection =
    outputLimitFieldVaries && field === 'max_tokens' && !hasOutputLimit(facts, field);
  return needsInjection ? { field, tokens: facts.maxOutput ?? tokens } : null;
}

/**
 * The fields of a request that the provider may refuse and that can be sent otherwise: not
 * `stream_options` of the caller's own.
 */
function listLearnableFields({ plan }: OutgoingCall, edits: Edits): LearnableField[] {
  const { facts } = plan;
  const fields: LearnableField[] = [];
  const { streamOptions, nonObjectStreamOptions } = facts.positions;
  const isOurs = streamOptions === null && nonObjectStreamOptions === null;
  if (edits.includeUsage && isOurs) fields.push('stream_options');
  const { outputLimitFieldVaries } = ENDPOINT_SPECS[facts.endpoint].request;
  const keepsName = outputLimitFieldVaries && !edits.renameMaxTokens;
  if (keepsName && hasOutputLimit(facts, 'max_tokens')) fields.push('max_tokens');
  return fields;
}

/** Returns the fields that the provider gets with a value of ours, each with it. */
export function getDefaultValues({ facts, provider }: Plan): Record<string, string> {
  const sent = facts.positions.defaults.filter(
    ({ field }) => field !== 'max_tool_calls' || provider.limitsToolCalls === true,
  );
  return Object.fromEntries(sent.map(({ field, json }) => [field, json]));
}

/** `refused` are fields that this call was rejected for. */
function buildEdits(
  { ctx, plan, maxOutput }: OutgoingCall,
  refused: readonly LearnableField[] = [],
): Edits {
  const { facts, model, provider } = plan;
  const { request } = ENDPOINT_SPECS[facts.endpoint];
  const isAccepted = (field: LearnableField) =>
    refused.includes(field)
      ? false
      : ctx.deps.learnedFields.isAccepted(provider.id, model.upstreamName, field);
  const acceptsOptions = isAccepted('stream_options') ?? provider.acceptsStreamOptions;
  const acceptsMaxTokens =
    isAccepted('max_tokens') ?? provider.refusesMaxTokens?.test(model.upstreamName) !== true;
  return {
    model: model.upstreamName,
    maxOutput: outputLimitEdit(plan, maxOutput),
    renameMaxTokens: request.outputLimitFieldVaries && !acceptsMaxTokens,
    includeUsage: request.hasUsageOption && facts.stream && acceptsOptions,
    defaults: Object.keys(getDefaultValues(plan)),
  };
}

/** Returns the whole body for the provider, in one piece. */
export function buildCallBody(call: OutgoingCall, body: Uint8Array): Uint8Array {
  return concatBytes(editRequest(body, call.plan.facts, buildEdits(call)));
}

/** Returns what `URL.search` would: a request's URL has no fragment, and parsing it costs 20 us. */
function getQuery(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at);
}

/** What follows the endpoint's URL: the caller's query, or what its URL says of the call. */
function toUpstreamUrl({ ctx, plan }: OutgoingCall): Pick<UpstreamRequest, 'path' | 'query'> {
  const { urlTarget } = plan.facts;
  if (urlTarget === null) return { query: getQuery(ctx.request.url) };
  const target = { ...urlTarget, model: plan.model.upstreamName };
  return { path: toUpstreamPath(target), query: '' };
}

function sendEdited(
  call: OutgoingCall,
  body: Body,
  edits: Edits,
  onBodySent: () => void,
): Promise<UpstreamResult> {
  const { ctx, plan } = call;
  return send({
    provider: plan.provider,
    endpoint: plan.facts.endpoint,
    headers: ctx.request.headers,
    body: editRequest(body.bytes, plan.facts, edits),
    onBodySent,
    onRateStated: (rate) => ctx.deps.accountShares.learn(plan.provider.id, rate, ctx.clock()),
    abort: call.abort,
    firstByteMs: ctx.deps.timeouts.firstByteMs,
    timer: ctx.timer,
    ...toUpstreamUrl(call),
  });
}

/**
 * Sends a call. The body's memory is released as soon as it is sent, unless it may have
 * to be sent again.
 */
export async function sendUpstream(call: OutgoingCall, body: Body): Promise<UpstreamResult> {
  const { provider, model } = call.plan;
  const { learnedFields } = call.ctx.deps;
  const edits = buildEdits(call);
  const fields = listLearnableFields(call, edits);
  const mayRepeat = fields.some(
    (field) => learnedFields.isAccepted(provider.id, model.upstreamName, field) !== true,
  );
  const remember = learnedFields.remember.bind(learnedFields, provider.id, model.upstreamName);
  const first = await sendEdited(call, body, edits, mayRepeat ? () => {} : body.release);
  const refused = mayRepeat ? findRefusedFields(fields, first) : [];
  if (refused.length === 0) {
    body.release();
    if (first.ok && mayRepeat) remember(fields, true);
    return first;
  }
  const second = await sendEdited(call, body, buildEdits(call, refused), body.release);
  if (second.ok) remember(refused, false);
  return second;
}
