/** The bytes of format 1, against the plain JSON that the format is described as. */
import { createHash } from 'node:crypto';
import { mapBuckets, SURCHARGE_KINDS } from '@farebox/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hashEntry,
  hashLine,
  type StatementCall,
  type StatementEntry,
  toStatementLine,
} from './statement-line.ts';

const PRICED = [
  ...['input_uncached', 'cache_read', 'cache_write_5m', 'cache_write_30m'],
  ...['cache_write_1h', 'cache_write_12h', 'output'],
];

const toTexts = (names: readonly string[], values: object | null) =>
  values === null
    ? null
    : Object.fromEntries(names.map((name) => [name, String(Reflect.get(values, name))]));
const toTime = (at: number) => new Date(at).toISOString();

/** Format 1 as one object: each property in its order, each number and amount as text. */
function writeCall(call: StatementCall): object {
  return {
    id: call.id,
    created_at: toTime(call.createdAt),
    key_id: String(call.keyId),
    model: call.model,
    provider: call.provider,
    dialect: call.dialect,
    stream: call.stream,
    status: call.httpStatus === null ? null : String(call.httpStatus),
    reason: call.reason,
    tokens: toTexts([...PRICED, 'output_reasoning'], call.usage),
    prices: toTexts(PRICED, call.prices),
    price_rule: call.priceRule ?? null,
    fees: call.fees.map(({ kind, count, nano_usd_per_million }) => ({
      kind,
      count: String(count),
      nano_usd_per_million: String(nano_usd_per_million),
    })),
    charged: String(call.charged),
    shortfall: String(call.shortfall),
  };
}

function writeLine(account: string, entry: StatementEntry, previous: string): string {
  return JSON.stringify({
    account,
    seq: String(entry.seq),
    previous,
    id: entry.id,
    kind: entry.kind,
    at: toTime(entry.at),
    amount: String(entry.delta),
    balance: String(entry.postedAfter),
    call: entry.call === null ? null : writeCall(entry.call),
  });
}

/** Texts with all that JSON escapes: quotes, controls, separators, halves of surrogate pairs. */
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('"', '\\', '\u0000\u001f\u007f', '\u2028\u2029', '\ud800', 'x\udfffy', '😀'),
);
const count = fc.oneof(fc.nat(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER));
const amount = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const at = fc.integer({ min: 0, max: 8_640_000_000_000_000 });
const usage = fc.record({
  ...mapBuckets(() => count),
  output_reasoning: count,
  // A count of a later release, which does not enter format 1.
  later: count,
});
const fee = fc.record({
  kind: fc.constantFrom(...SURCHARGE_KINDS),
  count,
  nano_usd_per_million: amount,
});
const call: fc.Arbitrary<StatementCall> = fc.record({
  id: text,
  createdAt: at,
  keyId: count,
  model: text,
  provider: fc.constantFrom('openai', 'anthropic'),
  dialect: fc.constantFrom('chat', 'messages', 'responses', 'gemini'),
  stream: fc.boolean(),
  httpStatus: fc.option(fc.integer({ min: 100, max: 599 })),
  reason: fc.constantFrom('provider_reported', 'estimated_after_disconnect', 'waived_empty', null),
  usage: fc.option(usage),
  prices: fc.option(fc.record(mapBuckets(() => amount))),
  priceRule: fc.option(text),
  fees: fc.array(fee, { maxLength: 4 }),
  charged: amount,
  shortfall: amount,
});
const entry: fc.Arbitrary<StatementEntry> = fc.record({
  seq: count,
  id: text,
  kind: fc.constantFrom('credit', 'charge', 'adjustment', 'refund'),
  delta: amount,
  postedAfter: amount,
  at,
  call: fc.option(call),
});

describe('toStatementLine', () => {
  it('writes the bytes of the plain JSON of format 1, for any entry', () => {
    fc.assert(
      fc.property(text, entry, text, (account, one, previous) => {
        expect(toStatementLine(account, one, previous)).toBe(writeLine(account, one, previous));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('hashLine', () => {
  it('is SHA-256 of the line in UTF-8, for lines of every length around a block', () => {
    for (let length = 0; length <= 200; length += 1) {
      const line = 'я'.repeat(length % 7) + 'x'.repeat(length);
      expect(hashLine(line)).toBe(createHash('sha256').update(line).digest('hex'));
    }
  });

  it('keeps the hash of a known entry', () => {
    const known: StatementEntry = {
      ...{ seq: 1, id: 'polygon:1', kind: 'credit', delta: 5n, postedAfter: 5n },
      ...{ at: Date.UTC(2026, 10, 27), call: null },
    };
    expect(hashEntry('0123456789abcdef', known, '0'.repeat(64))).toBe(
      '7808fb2deed00c91f66256574ab52e1323509c776fd9c8724290e106f6d7f011',
    );
  });
});
