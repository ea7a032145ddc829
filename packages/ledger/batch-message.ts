/**
 * A batch of one account's verbs as text: what a batch costs is the trip, and a text crosses RPC for
 * less than objects with bigints do (docs/decisions/0032-batches-per-account.md). The version comes
 * first, because gateway and ledger are deployed apart: `[1, [verb, request], ...]`, answered by
 * `[1, result, ...]` in the same order. Amounts are decimal text.
 */
import {
  amountFromJson,
  countFromJson,
  enumFromJson,
  type JsonFields,
  MalformedValueError,
  parseFields,
} from '@farebox/money';
import {
  BUDGET_PERIODS,
  type CheckpointRequest,
  type CheckpointResult,
  type EarlyGrant,
  type EarlySend,
  type HoldDecline,
  type HoldRequest,
  type HoldResult,
  type KeyCredential,
  type KeyQuota,
  type OutputLimit,
  RECORDED_DIALECTS,
  type RenewingBudget,
  type SettleRequest,
  type SettleResult,
} from './contract/index.ts';
import {
  CALL_ID,
  parseAnyText,
  parseBoolean,
  parseList,
  parseText,
  type Writable,
} from './json-fields.ts';
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

const SECRET_HASH = /^[0-9a-f]{64}$/;
const ISOLATE = /^[0-9a-f-]{1,36}$/;

/** `JSON.stringify` leaves out what is absent. */
function holdToJson(request: HoldRequest): Readonly<Record<keyof HoldRequest, unknown>> {
  return {
    id: request.id,
    key: request.key,
    model: request.model,
    provider: request.provider,
    dialect: request.dialect,
    stream: request.stream,
    maxInputCost: request.maxInputCost.toString(),
    maxOutputPrice: request.maxOutputPrice.toString(),
    outputPrice: request.outputPrice?.toString(),
    choices: request.choices,
    output: request.output,
    providerCallsPerMinute: request.providerCallsPerMinute,
    deadline: request.deadline,
    early: request.early,
  };
}

function keyFromJson(value: unknown): KeyCredential {
  const { keyId, secretHash } = parseFields(value);
  return { keyId: countFromJson(keyId), secretHash: parseText(secretHash, SECRET_HASH) };
}

function outputFromJson(value: unknown): OutputLimit {
  const { kind, tokens, max, min } = parseFields(value);
  return enumFromJson(['explicit', 'capped'], kind) === 'explicit'
    ? { kind: 'explicit', tokens: countFromJson(tokens) }
    : { kind: 'capped', max: countFromJson(max), min: countFromJson(min) };
}

function holdFromJson(value: unknown): HoldRequest {
  const fields = parseFields(value);
  const { outputPrice, providerCallsPerMinute, early } = fields;
  const request: Writable<HoldRequest> = {
    id: parseText(fields.id, CALL_ID),
    key: keyFromJson(fields.key),
    model: parseAnyText(fields.model),
    provider: parseAnyText(fields.provider),
    dialect: enumFromJson(RECORDED_DIALECTS, fields.dialect),
    stream: parseBoolean(fields.stream),
    maxInputCost: amountFromJson(fields.maxInputCost),
    maxOutputPrice: amountFromJson(fields.maxOutputPrice),
    choices: countFromJson(fields.choices),
    output: outputFromJson(fields.output),
    deadline: countFromJson(fields.deadline),
  };
  if (outputPrice !== undefined) request.outputPrice = amountFromJson(outputPrice);
  if (providerCallsPerMinute !== undefined)
    request.providerCallsPerMinute = countFromJson(providerCallsPerMinute);
  if (early !== undefined) request.early = earlySendFromJson(early);
  return request;
}

function earlySendFromJson(value: unknown): EarlySend {
  const { isolate, sent } = parseFields(value);
  return { isolate: parseText(isolate, ISOLATE), sent: parseBoolean(sent) };
}

function checkpointFromJson(value: unknown): CheckpointRequest {
  const { id, floor, deadline } = parseFields(value);
  return {
    id: parseText(id, CALL_ID),
    floor: amountFromJson(floor),
    deadline: countFromJson(deadline),
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

function readVersioned(text: string): readonly unknown[] {
  const list = parseList(JSON.parse(text));
  if (list[0] !== VERSION) throw new MalformedValueError();
  return list.slice(1);
}

export function encodeVerbs(verbs: readonly CallVerb[]): string {
  const items: unknown[] = [VERSION];
  for (const verb of verbs) items.push([verb.name, requestToJson(verb)]);
  return JSON.stringify(items);
}

/** Throws for a text that no `encodeVerbs` of a known version made. */
export function decodeVerbs(text: string): readonly CallVerb[] {
  return readVersioned(text).map(verbFromJson);
}

function bigintToText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/**
 * The result as JSON. What ends a call well has its amounts turned into text here: with a replacer
 * `JSON.stringify` calls it for each member.
 */
function resultToText(item: CallResult | null): string {
  if (item === null) return 'null';
  if (item.name === 'settle' && item.result.ok) {
    const { ok, charged, shortfall, late } = item.result;
    const amounts = { charged: charged.toString(), shortfall: shortfall.toString() };
    return JSON.stringify({ ok, ...amounts, late });
  }
  if (item.name === 'hold' && item.result.ok && item.result.quota === undefined) {
    const { ok, held, maxOutput, deadline, early } = item.result;
    return JSON.stringify({
      ...{ ok, held: held.toString(), maxOutput, deadline },
      early: early && { risk: early.risk.toString(), spendable: early.spendable.toString() },
    });
  }
  return JSON.stringify(item.result, bigintToText);
}

/** A verb that threw has the result null. */
export function encodeResults(results: readonly (CallResult | null)[]): string {
  let text = `[${VERSION}`;
  for (const item of results) text += `,${resultToText(item)}`;
  return `${text}]`;
}

function renewingFromJson(value: unknown): RenewingBudget {
  const { period, budget, resetsAt, retryAfterSeconds } = parseFields(value);
  return {
    period: enumFromJson(BUDGET_PERIODS, period),
    budget: amountFromJson(budget),
    resetsAt: countFromJson(resetsAt),
    retryAfterSeconds: retryAfterSeconds === null ? null : countFromJson(retryAfterSeconds),
  };
}

function missingFromJson({ missingAmount, affordableOutput }: JsonFields) {
  return {
    missingAmount: amountFromJson(missingAmount),
    affordableOutput: countFromJson(affordableOutput),
  };
}

function declineFromJson(fields: JsonFields): HoldDecline {
  const { reason, renewing, retryAfterSeconds } = fields;
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
        model: parseAnyText(fields.model),
        outputPrice: amountFromJson(fields.outputPrice),
        maxOutputPrice: amountFromJson(fields.maxOutputPrice),
      };
    case 'key_limit_exceeded': {
      const missing = { reason, ...missingFromJson(fields) } as const;
      return renewing === undefined
        ? missing
        : { ...missing, renewing: renewingFromJson(renewing) };
    }
    case 'insufficient_balance':
      return { reason, ...missingFromJson(fields) };
    case 'balance_held':
      return {
        reason,
        ...missingFromJson(fields),
        retryAfterSeconds: countFromJson(retryAfterSeconds),
      };
    case 'rate_limited':
    case 'too_many_concurrent_calls':
    case 'refusal_limit_exceeded':
    case 'refused_calls_slowed':
    case 'provider_share_exceeded':
      return { reason, retryAfterSeconds: countFromJson(retryAfterSeconds) };
    default:
      throw new MalformedValueError();
  }
}

function holdResultFromJson(value: unknown): HoldResult {
  const fields = parseFields(value);
  const { ok, early } = fields;
  const quota = fields.quota === undefined ? undefined : quotaFromJson(fields.quota);
  if (ok !== true) {
    const declined = { ok: false, ...declineFromJson(fields) } as const;
    return quota === undefined ? declined : { ...declined, quota };
  }
  const admitted: Writable<Extract<HoldResult, { ok: true }>> = {
    ok,
    held: amountFromJson(fields.held),
    maxOutput: countFromJson(fields.maxOutput),
    deadline: countFromJson(fields.deadline),
  };
  if (early !== undefined) admitted.early = earlyGrantFromJson(early);
  if (quota !== undefined) admitted.quota = quota;
  return admitted;
}

function callQuotaFromJson(value: unknown): NonNullable<KeyQuota['calls']> {
  const { limit, left, resetSeconds } = parseFields(value);
  return {
    limit: countFromJson(limit),
    left: countFromJson(left),
    resetSeconds: countFromJson(resetSeconds),
  };
}

function budgetQuotaFromJson(value: unknown): KeyQuota['budgets'][number] {
  const { period, budget, left, resetSeconds } = parseFields(value);
  return {
    period: enumFromJson(BUDGET_PERIODS, period),
    budget: amountFromJson(budget),
    left: amountFromJson(left),
    resetSeconds: countFromJson(resetSeconds),
  };
}

function quotaFromJson(value: unknown): KeyQuota {
  const { calls, budgets } = parseFields(value);
  return {
    calls: calls === null ? null : callQuotaFromJson(calls),
    budgets: parseList(budgets).map(budgetQuotaFromJson),
  };
}

function earlyGrantFromJson(value: unknown): EarlyGrant {
  const { risk, spendable } = parseFields(value);
  return { risk: amountFromJson(risk), spendable: amountFromJson(spendable) };
}

const STOP_REASONS = ['key_revoked', 'account_frozen', 'account_closed'] as const;

function checkpointResultFromJson(value: unknown): CheckpointResult {
  const { ok, reason, stop } = parseFields(value);
  if (ok !== true) return { ok: false, reason: enumFromJson(['unknown', 'ended'], reason) };
  return { ok, stop: stop === null ? null : enumFromJson(STOP_REASONS, stop) };
}

function settleResultFromJson(value: unknown): SettleResult {
  const { ok, reason, charged, shortfall, late } = parseFields(value);
  if (ok !== true) return { ok: false, reason: enumFromJson(['unknown', 'conflict'], reason) };
  return {
    ok,
    charged: amountFromJson(charged),
    shortfall: amountFromJson(shortfall),
    late: parseBoolean(late),
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
