import { type JsonObject, mergeRunningUsage } from '@farebox/dialects';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunningUsage } from './running-usage.ts';

/** Numbers, words and texts with digits, quotes and backslashes in them. */
const value = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 1_200 }) },
  fc.constantFrom<unknown>(-1, -2, 0.5, 1.5, 12.25, 1e21, 2e21, 5e-7, 5e-8, null, true, ''),
  fc.constantFrom<unknown>('1', '2', 'v1', 'v2', '"7', '"8', '\\', '\\"9', '\\"8', [], [1], [2]),
);
const names = fc.constantFrom('a', 'b1', 'b2', '"c');
const object = fc.dictionary(names, value, { maxKeys: 3 });
const usage = fc.oneof(
  object,
  fc.record({ total: value, details: object }),
  fc.record({ total: fc.nat(), parts: fc.array(fc.record({ kind: names, count: value })) }),
);

/** What a stream reports: some counts again and again with other numbers, then other members. */
const reports = fc
  .array(fc.tuple(usage, fc.array(fc.nat({ max: 60 }), { maxLength: 4 })), { maxLength: 5 })
  .map((list) =>
    list.flatMap(([first, added]) => [
      first,
      ...added.map((more): JsonObject => ({ ...first, a: more, total: 2 * more })),
    ]),
  );

/** What merging each report at once comes to. */
function mergeAll(list: readonly JsonObject[]): JsonObject {
  return list.reduce((merged, next) => mergeRunningUsage(merged, next), {});
}

/** What the last one of those that cover each other comes to, merged where they do not. */
function mergeLate(list: readonly string[]): Readonly<{ usage: JsonObject; merges: number }> {
  const running = new RunningUsage();
  let merged: JsonObject = {};
  let merges = 0;
  const merge = () => {
    merges += 1;
    merged = mergeRunningUsage(merged, running.take() ?? {});
  };
  for (const text of list) {
    const bytes = Buffer.from(`[${text}]`);
    if (!running.isCoveredBy(bytes, 1, bytes.length - 1)) merge();
    running.keep(bytes, 1, bytes.length - 1);
  }
  merge();
  return { usage: merged, merges };
}

describe('usage that each event of a stream repeats', () => {
  it('comes to the same whether it is parsed at once or when it is asked for', () => {
    fc.assert(
      fc.property(reports, (list) => {
        const late = mergeLate(list.map((report) => JSON.stringify(report)));
        expect(late.usage).toEqual(mergeAll(list));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is parsed once for a stream whose counts grow', () => {
    const list = Array.from({ length: 300 }, (_, index) =>
      JSON.stringify({
        promptTokenCount: 9,
        candidatesTokenCount: index,
        totalTokenCount: 9 + index,
        promptTokensDetails: [{ modality: 'TEXT', tokenCount: 9 }],
      }),
    );
    const late = mergeLate(list);
    expect(late.merges).toBe(1);
    expect(late.usage).toMatchObject({ candidatesTokenCount: 299, totalTokenCount: 308 });
  });

  it.each([
    ['a lower count', '{"a":10}', '{"a":9}', { a: 10 }],
    ['another name with a digit', '{"a1":5}', '{"a2":6}', { a1: 5, a2: 6 }],
    ['a lower exponent', '{"a":50e1}', '{"a":500e-1}', { a: 500 }],
    ['a count in a text', '{"a":"8"}', '{"a":"007"}', { a: '8' }],
  ])('keeps what was larger before %s', (_, first, second, expected) => {
    expect(mergeLate([first, second]).usage).toEqual(expected);
  });
});
