/**
 * A settlement on its way through the durable queue: the request as plain JSON, amounts as decimal
 * text (a queue may hold it as JSON, which has no bigint). Decoding refuses anything else, and
 * never reports what it found.
 */
import {
  amountFromJson,
  enumFromJson,
  MalformedValueError,
  parseFields,
  usageFromJson,
  usageToJson,
} from '@farebox/money';
import { reportFromJson, reportToJson } from './call-columns.ts';
import { type AccountId, SETTLE_REASONS, type SettleRequest } from './contract/index.ts';
import { CALL_ID, parseList, parseText, type Writable } from './json-fields.ts';

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
  const json = {
    ...reportToJson(request),
    ...{ id, reason, cost: cost.toString(), waivedCost: waivedCost?.toString() ?? null },
  };
  return waivedUsage === undefined ? json : { ...json, waivedUsage: usageToJson(waivedUsage) };
}

export function encodeSettlement(account: AccountId, request: SettleRequest): SettlementMessage {
  return { version: VERSION, account, request: settlementToJson(request) };
}

function renamePrice(surcharge: unknown): unknown {
  const { kind, count, price } = parseFields(surcharge);
  return { kind, count, nano_usd_per_million: price };
}

function upgradeRequest(request: unknown): unknown {
  const fields = parseFields(request);
  return { ...fields, fees: parseList(fields.fees).map(renamePrice) };
}

function readRequest(body: unknown): unknown {
  const { version, request } = parseFields(body);
  if (version === VERSION) return request;
  if (version === VERSION_WITH_SHORT_PRICE) return upgradeRequest(request);
  throw new MalformedValueError();
}

/** Throws `MalformedValueError` unless `settlementToJson` of this release or the one before made it. */
export function settlementFromJson(request: unknown): SettleRequest {
  const { id, reason, cost, waivedCost, waivedUsage = null } = parseFields(request);
  const settlement: Writable<SettleRequest> = {
    ...reportFromJson(request),
    id: parseText(id, CALL_ID),
    reason: enumFromJson(SETTLE_REASONS, reason),
    cost: amountFromJson(cost),
  };
  if (waivedCost !== null) settlement.waivedCost = amountFromJson(waivedCost);
  // Releases before the calibrated estimates send none.
  if (waivedUsage !== null) settlement.waivedUsage = usageFromJson(waivedUsage);
  return settlement;
}

function parseMessage(body: unknown): Readonly<{ account: AccountId; request: SettleRequest }> {
  const { account } = parseFields(body);
  return {
    account: parseText(account, /^[0-9a-f]{16}$/),
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
