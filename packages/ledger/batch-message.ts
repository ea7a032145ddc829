/**
 * A batch of one account's verbs as text: what a batch costs is the trip, and a text crosses RPC for
 * less than objects with bigints do (docs/decisions/0032-batches-per-account.md). The version comes
 * first, because gateway and ledger are deployed apart: `[1, [verb, request], ...]`, answered by
 * `[1, result, ...]` in the same order. Amounts are decimal text.
 */
import { amountFromJson, countFromJson, enumFromJson, MalformedValueError } from '@farebox/money';
import {
  BUDGET_PERIODS,
  type BudgetDecline,
  type CheckpointRequest,
  type CheckpointResult,
  type EarlyGrant,
  type HoldDecline,
  type HoldRequest,
  type HoldResult,
  type KeyQuota,
  type OutputLimit,
  RECORDED_DIALECTS,
  type SettleRequest,
  type SettleResult,
} from './contract/index.ts';
import { CALL_ID, parseBoolean, parseList, parseText, readField } from './json-fields.ts';
import { settlementFromJson, settlementToJson } from './settlement-message.ts';

const VERSION = 1;

/** A verb of a call and its request. */
export type CallVerb =
  | Readonly<{ name: 'hold'; request: HoldRequest }>
  | Readonly<{ name: 'checkpoint'; request: CheckpointRequest }>
  | Readonly<{ name: 'settle'; request: SettleRequest }>;

export type CallResult =
  | Readonly<{ name: 'hold'; result: HoldResult }>
  | Readonly<{ name: 'checkpoint'; result: CheckpointResult }>
  | Readonly<{ name: 'settle'; result: SettleResult }>;

const ANY_TEXT = /^/;
const SECRET_HASH = /^[0-9a-f]{64}$/;
const ISOLATE = /^[0-9a-f-]{1,36}$/;

function holdToJson(request: HoldRequest): unknown {
  const { maxInputCost, maxOutputPrice, outputPrice, ...rest } = request;
  return {
    ...rest,
    maxInputCost: maxInputCost.toString(),
    maxOutputPrice: maxOutputPrice.toString(),
    outputPrice: outputPrice?.toString(),
  };
}

function outputFromJson(value: unknown): OutputLimit {
  const kind = enumFromJson(['explicit', 'capped'], readField(value, 'kind'));
  const read = (name: string) => countFromJson(readField(value, name));
  return kind === 'explicit'
    ? { kind, tokens: read('tokens') }
    : { kind, max: read('max'), min: read('min') };
}

function holdFromJson(value: unknown): HoldRequest {
  const read = (name: string) => readField(value, name);
  const key = read('key');
  const share = read('providerCallsPerMinute');
  const outputPrice = read('outputPrice');
  return {
    id: parseText(read('id'), CALL_ID),
    key: {
      keyId: countFromJson(readField(key, 'keyId')),
      secretHash: parseText(readField(key, 'secretHash'), SECRET_HASH),
    },
    model: parseText(read('model'), ANY_TEXT),
    provider: parseText(read('provider'), ANY_TEXT),
    dialect: enumFromJson(RECORDED_DIALECTS, read('dialect')),
    stream: parseBoolean(read('stream')),
    maxInputCost: amountFromJson(read('maxInputCost')),
    maxOutputPrice: amountFromJson(read('maxOutputPrice')),
    ...(outputPrice === undefined ? {} : { outputPrice: amountFromJson(outputPrice) }),
    choices: countFromJson(read('choices')),
    output: outputFromJson(read('output')),
    ...(share === undefined ? {} : { providerCallsPerMinute: countFromJson(share) }),
    deadline: countFromJson(read('deadline')),
    ...earlySendFromJson(read('early')),
  };
}

function earlySendFromJson(value: unknown): Pick<HoldRequest, 'early'> {
  if (value === undefined) return {};
  const isolate = parseText(readField(value, 'isolate'), ISOLATE);
  return { early: { isolate, sent: parseBoolean(readField(value, 'sent')) } };
}

function checkpointFromJson(value: unknown): CheckpointRequest {
  return {
    id: parseText(readField(value, 'id'), CALL_ID),
    floor: amountFromJson(readField(value, 'floor')),
    deadline: countFromJson(readField(value, 'deadline')),
  };
}

function requestToJson(verb: CallVerb): unknown {
  switch (verb.name) {
    case 'hold':
      return holdToJson(verb.request);
    case 'checkpoint':
      return { ...verb.request, floor: verb.request.floor.toString() };
    case 'settle':
      return settlementToJson(verb.request);
  }
}

function verbFromJson(value: unknown): CallVerb {
  const [name, request] = parseList(value);
  switch (name) {
    case 'hold':
      return { name, request: holdFromJson(request) };
    case 'checkpoint':
      return { name, request: checkpointFromJson(request) };
    case 'settle':
      return { name, request: settlementFromJson(request) };
    default:
      throw new MalformedValueError();
  }
}

function withVersion(items: readonly unknown[]): string {
  return JSON.stringify([VERSION, ...items]);
}

function readVersioned(text: string): readonly unknown[] {
  const [version, ...items] = parseList(JSON.parse(text));
  if (version !== VERSION) throw new MalformedValueError();
  return items;
}

export function encodeVerbs(verbs: readonly CallVerb[]): string {
  return withVersion(verbs.map((verb) => [verb.name, requestToJson(verb)]));
}

/** Throws for a text that no `encodeVerbs` of a known version made. */
export function decodeVerbs(text: string): readonly CallVerb[] {
  return readVersioned(text).map(verbFromJson);
}

function bigintToText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** A verb that threw has the result null. */
export function encodeResults(results: readonly (CallResult | null)[]): string {
  return JSON.stringify([VERSION, ...results.map((item) => item?.result ?? null)], bigintToText);
}

function renewingFromJson(value: unknown): Pick<BudgetDecline, 'renewing'> {
  if (value === undefined) return {};
  const retryAfter = readField(value, 'retryAfterSeconds');
  return {
    renewing: {
      period: enumFromJson(BUDGET_PERIODS, readField(value, 'period')),
      budget: amountFromJson(readField(value, 'budget')),
      resetsAt: countFromJson(readField(value, 'resetsAt')),
      retryAfterSeconds: retryAfter === null ? null : countFromJson(retryAfter),
    },
  };
}

function declineFromJson(value: unknown): HoldDecline {
  const reason = readField(value, 'reason');
  const readCount = (name: string) => countFromJson(readField(value, name));
  const readMissing = () => ({
    missingAmount: amountFromJson(readField(value, 'missingAmount')),
    affordableOutput: readCount('affordableOutput'),
  });
  switch (reason) {
    case 'invalid_api_key':
    case 'key_revoked':
    case 'key_expired':
    case 'model_not_allowed':
    case 'account_frozen':
    case 'account_closed':
    case 'key_paused':
    case 'conflict':
      return { reason };
    case 'model_too_expensive':
      return {
        reason,
        model: parseText(readField(value, 'model'), ANY_TEXT),
        outputPrice: amountFromJson(readField(value, 'outputPrice')),
        maxOutputPrice: amountFromJson(readField(value, 'maxOutputPrice')),
      };
    case 'key_limit_exceeded':
      return { reason, ...readMissing(), ...renewingFromJson(readField(value, 'renewing')) };
    case 'insufficient_balance':
      return { reason, ...readMissing() };
    case 'balance_held':
      return { reason, ...readMissing(), retryAfterSeconds: readCount('retryAfterSeconds') };
    case 'rate_limited':
    case 'too_many_concurrent_calls':
    case 'refusal_limit_exceeded':
    case 'refused_calls_slowed':
    case 'provider_share_exceeded':
      return { reason, retryAfterSeconds: readCount('retryAfterSeconds') };
    default:
      throw new MalformedValueError();
  }
}

function holdResultFromJson(value: unknown): HoldResult {
  const quota = quotaFromJson(readField(value, 'quota'));
  if (readField(value, 'ok') !== true) return { ok: false, ...declineFromJson(value), ...quota };
  return {
    ok: true,
    held: amountFromJson(readField(value, 'held')),
    maxOutput: countFromJson(readField(value, 'maxOutput')),
    deadline: countFromJson(readField(value, 'deadline')),
    ...earlyGrantFromJson(readField(value, 'early')),
    ...quota,
  };
}

function quotaFromJson(value: unknown): Readonly<{ quota?: KeyQuota }> {
  if (value === undefined) return {};
  const calls = readField(value, 'calls');
  const count = (item: unknown, name: string) => countFromJson(readField(item, name));
  const toCalls = () => ({
    limit: count(calls, 'limit'),
    left: count(calls, 'left'),
    resetSeconds: count(calls, 'resetSeconds'),
  });
  const budgets = parseList(readField(value, 'budgets')).map((item) => ({
    period: enumFromJson(BUDGET_PERIODS, readField(item, 'period')),
    budget: amountFromJson(readField(item, 'budget')),
    left: amountFromJson(readField(item, 'left')),
    resetSeconds: count(item, 'resetSeconds'),
  }));
  return { quota: { calls: calls === null ? null : toCalls(), budgets } };
}

function earlyGrantFromJson(value: unknown): Readonly<{ early?: EarlyGrant }> {
  if (value === undefined) return {};
  const risk = amountFromJson(readField(value, 'risk'));
  return { early: { risk, spendable: amountFromJson(readField(value, 'spendable')) } };
}

function checkpointResultFromJson(value: unknown): CheckpointResult {
  if (readField(value, 'ok') !== true)
    return { ok: false, reason: enumFromJson(['unknown', 'ended'], readField(value, 'reason')) };
  const stop = readField(value, 'stop');
  const reasons = ['key_revoked', 'account_frozen', 'account_closed'] as const;
  return { ok: true, stop: stop === null ? null : enumFromJson(reasons, stop) };
}

function settleResultFromJson(value: unknown): SettleResult {
  if (readField(value, 'ok') !== true)
    return { ok: false, reason: enumFromJson(['unknown', 'conflict'], readField(value, 'reason')) };
  return {
    ok: true,
    charged: amountFromJson(readField(value, 'charged')),
    shortfall: amountFromJson(readField(value, 'shortfall')),
    late: parseBoolean(readField(value, 'late')),
  };
}

function resultFromJson({ name }: CallVerb, value: unknown): CallResult | null {
  if (value === null) return null;
  switch (name) {
    case 'hold':
      return { name, result: holdResultFromJson(value) };
    case 'checkpoint':
      return { name, result: checkpointResultFromJson(value) };
    case 'settle':
      return { name, result: settleResultFromJson(value) };
  }
}

/** Reads the answer to `verbs`. Throws unless it has one result for each, of its verb's kind. */
export function decodeResults(
  verbs: readonly CallVerb[],
  text: string,
): readonly (CallResult | null)[] {
  const items = readVersioned(text);
  if (items.length !== verbs.length) throw new MalformedValueError();
  return verbs.map((verb, index) => resultFromJson(verb, items[index] ?? null));
}
