/**
 * A settlement on its way through the durable queue: the request as plain JSON, amounts as decimal
 * text (a queue may hold it as JSON, which has no bigint). Decoding refuses anything else, and
 * never reports what it found.
 */
import {
  amountFromJson,
  enumFromJson,
  MalformedValueError,
  usageFromJson,
  usageToJson,
} from '@farebox/money';
import { reportFromJson, reportToJson } from './call-columns.ts';
import { type AccountId, SETTLE_REASONS, type SettleRequest } from './contract/index.ts';
import { CALL_ID, parseText, readField } from './json-fields.ts';

const VERSION = 2;
/** Version 1 named a surcharge's price `price`. Such a message can still be in the queue. */
const VERSION_WITH_SHORT_PRICE = 1;

export type SettlementMessage = Readonly<{
  version: typeof VERSION;
  account: AccountId;
  /**
   * The report's properties as JSON (call-columns.ts), beside what names and prices the settlement.
   */
  request: Readonly<Record<string, unknown>>;
}>;

/** The settlement as plain JSON: amounts as decimal text. */
export function settlementToJson(request: SettleRequest): Readonly<Record<string, unknown>> {
  const { id, reason, cost, waivedCost, waivedUsage } = request;
  return {
    ...reportToJson(request),
    id,
    reason,
    cost: cost.toString(),
    waivedCost: waivedCost?.toString() ?? null,
    ...(waivedUsage === undefined ? {} : { waivedUsage: usageToJson(waivedUsage) }),
  };
}

export function encodeSettlement(account: AccountId, request: SettleRequest): SettlementMessage {
  return { version: VERSION, account, request: settlementToJson(request) };
}

function renamePrice(surcharge: unknown): unknown {
  return {
    kind: readField(surcharge, 'kind'),
    count: readField(surcharge, 'count'),
    nano_usd_per_million: readField(surcharge, 'price'),
  };
}

function upgradeRequest(request: unknown): unknown {
  const fees = readField(request, 'fees');
  if (!Array.isArray(fees)) throw new MalformedValueError();
  return { ...Object(request), fees: fees.map(renamePrice) };
}

function readRequest(body: unknown): unknown {
  const version = readField(body, 'version');
  const request = readField(body, 'request');
  if (version === VERSION) return request;
  if (version === VERSION_WITH_SHORT_PRICE) return upgradeRequest(request);
  throw new MalformedValueError();
}

/** Throws `MalformedValueError` unless `settlementToJson` of this release or the one before made it. */
export function settlementFromJson(request: unknown): SettleRequest {
  const waived = readField(request, 'waivedCost');
  // Releases before the calibrated estimates send none.
  const waivedUsage = readField(request, 'waivedUsage') ?? null;
  return {
    ...reportFromJson((property) => readField(request, property)),
    id: parseText(readField(request, 'id'), CALL_ID),
    reason: enumFromJson(SETTLE_REASONS, readField(request, 'reason')),
    cost: amountFromJson(readField(request, 'cost')),
    ...(waived === null ? {} : { waivedCost: amountFromJson(waived) }),
    ...(waivedUsage === null ? {} : { waivedUsage: usageFromJson(waivedUsage) }),
  };
}

function parseMessage(body: unknown): Readonly<{ account: AccountId; request: SettleRequest }> {
  return {
    account: parseText(readField(body, 'account'), /^[0-9a-f]{16}$/),
    request: settlementFromJson(readRequest(body)),
  };
}

/** Returns undefined for a body that no `encodeSettlement` made. */
export function decodeSettlement(
  body: unknown,
): Readonly<{ account: AccountId; request: SettleRequest }> | undefined {
  try {
    return parseMessage(body);
  } catch (thrown) {
    if (thrown instanceof MalformedValueError) return undefined;
    throw thrown;
  }
}
