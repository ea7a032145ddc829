/**
 * A settlement on its way through the durable queue: the request as plain JSON, amounts as decimal
 * text (a queue may hold it as JSON, which knows no bigint). Reading refuses whatever is not exactly
 * that, and must never say what it found.
 */
import { BUCKETS, type Prices, SURCHARGE_KINDS, type Surcharge, type Usage } from '@farebox/money';
import { type AccountId, SETTLE_REASONS, type SettleRequest } from './contract/index.ts';

export type SettlementMessage = Readonly<{
  version: 1;
  account: AccountId;
  request: Readonly<{
    id: string;
    reason: string;
    httpStatus: number;
    usage: Usage;
    prices: Readonly<Record<string, string>>;
    fees: readonly Readonly<{ kind: string; count: number; price: string }>[];
    cost: string;
    waivedCost: string | null;
  }>;
}>;

export function encodeSettlement(account: AccountId, request: SettleRequest): SettlementMessage {
  const { id, reason, httpStatus, usage, prices, fees, cost, waivedCost } = request;
  return {
    version: 1,
    account,
    request: {
      id,
      reason,
      httpStatus,
      usage,
      prices: Object.fromEntries(BUCKETS.map((bucket) => [bucket, prices[bucket].toString()])),
      fees: fees.map((surcharge) => ({
        kind: surcharge.kind,
        count: surcharge.count,
        price: surcharge.nano_usd_per_million.toString(),
      })),
      cost: cost.toString(),
      waivedCost: waivedCost?.toString() ?? null,
    },
  };
}

class MalformedMessage extends Error {}

function readField(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) throw new MalformedMessage();
  return Reflect.get(value, name);
}

function parseText(value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw new MalformedMessage();
  return value;
}

function parseCount(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new MalformedMessage();
  return value;
}

function parseAmount(value: unknown): bigint {
  return BigInt(parseText(value, /^\d{1,30}$/));
}

function parseEnum<T extends string>(allowed: readonly T[], value: unknown): T {
  const match = allowed.find((candidate) => candidate === value);
  if (match === undefined) throw new MalformedMessage();
  return match;
}

function parseUsage(value: unknown): Usage {
  return {
    input_uncached: parseCount(readField(value, 'input_uncached')),
    cache_read: parseCount(readField(value, 'cache_read')),
    cache_write_5m: parseCount(readField(value, 'cache_write_5m')),
    cache_write_1h: parseCount(readField(value, 'cache_write_1h')),
    output: parseCount(readField(value, 'output')),
    output_reasoning: parseCount(readField(value, 'output_reasoning')),
  };
}

function parsePrices(value: unknown): Prices {
  return {
    input_uncached: parseAmount(readField(value, 'input_uncached')),
    cache_read: parseAmount(readField(value, 'cache_read')),
    cache_write_5m: parseAmount(readField(value, 'cache_write_5m')),
    cache_write_1h: parseAmount(readField(value, 'cache_write_1h')),
    output: parseAmount(readField(value, 'output')),
  };
}

function parseSurcharges(value: unknown): readonly Surcharge[] {
  if (!Array.isArray(value)) throw new MalformedMessage();
  return value.map((surcharge: unknown) => ({
    kind: parseEnum(SURCHARGE_KINDS, readField(surcharge, 'kind')),
    count: parseCount(readField(surcharge, 'count')),
    nano_usd_per_million: parseAmount(readField(surcharge, 'price')),
  }));
}

function parseMessage(body: unknown): Readonly<{ account: AccountId; request: SettleRequest }> {
  if (readField(body, 'version') !== 1) throw new MalformedMessage();
  const request = readField(body, 'request');
  const waived = readField(request, 'waivedCost');
  return {
    account: parseText(readField(body, 'account'), /^[0-9a-f]{16}$/),
    request: {
      id: parseText(readField(request, 'id'), /^[0-9a-f]{32}$/),
      reason: parseEnum(SETTLE_REASONS, readField(request, 'reason')),
      httpStatus: parseCount(readField(request, 'httpStatus')),
      usage: parseUsage(readField(request, 'usage')),
      prices: parsePrices(readField(request, 'prices')),
      fees: parseSurcharges(readField(request, 'fees')),
      cost: parseAmount(readField(request, 'cost')),
      ...(waived === null ? {} : { waivedCost: parseAmount(waived) }),
    },
  };
}

export function decodeSettlement(
  body: unknown,
): Readonly<{ account: AccountId; request: SettleRequest }> | undefined {
  try {
    return parseMessage(body);
  } catch (thrown) {
    if (thrown instanceof MalformedMessage) return undefined;
    throw thrown;
  }
}
