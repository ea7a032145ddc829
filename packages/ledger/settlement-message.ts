/**
 * A settlement on its way through the durable queue: the request as plain JSON, amounts as decimal
 * text (a queue may hold it as JSON, which knows no bigint). Reading refuses whatever is not exactly
 * that, and must never say what it found.
 */
import { BUCKETS, FEE_KINDS, type Fee, type Prices, type Usage } from '@farebox/money';
import { type AccountId, SETTLE_REASONS, type SettleRequest } from './contract.ts';

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
      fees: fees.map((fee) => ({
        kind: fee.kind,
        count: fee.count,
        price: fee.nano_usd_per_million.toString(),
      })),
      cost: cost.toString(),
      waivedCost: waivedCost?.toString() ?? null,
    },
  };
}

class Malformed extends Error {}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) throw new Malformed();
  return Reflect.get(value, name);
}

function text(value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw new Malformed();
  return value;
}

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new Malformed();
  return value;
}

function amount(value: unknown): bigint {
  return BigInt(text(value, /^\d{1,30}$/));
}

function oneOf<T extends string>(known: readonly T[], value: unknown): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw new Malformed();
  return found;
}

function usageOf(value: unknown): Usage {
  return {
    input_uncached: count(fieldOf(value, 'input_uncached')),
    cache_read: count(fieldOf(value, 'cache_read')),
    cache_write_5m: count(fieldOf(value, 'cache_write_5m')),
    cache_write_1h: count(fieldOf(value, 'cache_write_1h')),
    output: count(fieldOf(value, 'output')),
    output_reasoning: count(fieldOf(value, 'output_reasoning')),
  };
}

function pricesOf(value: unknown): Prices {
  return {
    input_uncached: amount(fieldOf(value, 'input_uncached')),
    cache_read: amount(fieldOf(value, 'cache_read')),
    cache_write_5m: amount(fieldOf(value, 'cache_write_5m')),
    cache_write_1h: amount(fieldOf(value, 'cache_write_1h')),
    output: amount(fieldOf(value, 'output')),
  };
}

function feesOf(value: unknown): readonly Fee[] {
  if (!Array.isArray(value)) throw new Malformed();
  return value.map((fee: unknown) => ({
    kind: oneOf(FEE_KINDS, fieldOf(fee, 'kind')),
    count: count(fieldOf(fee, 'count')),
    nano_usd_per_million: amount(fieldOf(fee, 'price')),
  }));
}

function read(body: unknown): Readonly<{ account: AccountId; request: SettleRequest }> {
  if (fieldOf(body, 'version') !== 1) throw new Malformed();
  const request = fieldOf(body, 'request');
  const waived = fieldOf(request, 'waivedCost');
  return {
    account: text(fieldOf(body, 'account'), /^[0-9a-f]{16}$/),
    request: {
      id: text(fieldOf(request, 'id'), /^[0-9a-f]{32}$/),
      reason: oneOf(SETTLE_REASONS, fieldOf(request, 'reason')),
      httpStatus: count(fieldOf(request, 'httpStatus')),
      usage: usageOf(fieldOf(request, 'usage')),
      prices: pricesOf(fieldOf(request, 'prices')),
      fees: feesOf(fieldOf(request, 'fees')),
      cost: amount(fieldOf(request, 'cost')),
      ...(waived === null ? {} : { waivedCost: amount(waived) }),
    },
  };
}

export function decodeSettlement(
  body: unknown,
): Readonly<{ account: AccountId; request: SettleRequest }> | undefined {
  try {
    return read(body);
  } catch (thrown) {
    if (thrown instanceof Malformed) return undefined;
    throw thrown;
  }
}
