/** What the form of a correction accepts as the period of its calls, and as amounts. */
import { describe, expect, it } from 'vitest';
import { parseCorrectionScope, parseRuleCalls } from './correction-plan.ts';

const parsePeriod = (from: string, until: string) => {
  const fields = new Map(Object.entries({ model: 'a/b', price_rule: 'a/b#1', from, until }));
  const parsed = parseRuleCalls((name) => fields.get(name) ?? '');
  return parsed && [parsed.from, parsed.until];
};

describe('the period of a correction', () => {
  it('begins and ends at days or times in UTC', () => {
    const [from, until] = [Date.UTC(2028, 1, 29), Date.UTC(2028, 2, 1, 14, 30, 5)];
    expect(parsePeriod('2028-02-29', '2028-03-01T14:30:05')).toEqual([from, until]);
    expect(parsePeriod('2028-02-29', '2100-01-01')).toEqual([from, Date.UTC(2100, 0, 1)]);
  });

  it.each(['2027-02-29', '2026-02-30T10:00', '2026-11-31', '2026-13-01', '2026-11-27T25:00', '1'])(
    'does not end at %s, which is no moment',
    (until) => {
      expect(parsePeriod('2026-01-01', until)).toBeUndefined();
    },
  );
});

describe('the amounts of a correction', () => {
  const parseCost = (cost: string) => {
    const fields = new Map(Object.entries({ scope: 'call', call: 'a'.repeat(32), cost }));
    const scope = parseCorrectionScope((name) => fields.get(name) ?? '');
    return scope?.kind === 'call' ? scope.cost : undefined;
  };
  const parsePrice = (price: string) => {
    const calls = { model: 'a/b', price_rule: 'a/b#1', from: '2026-01-01', until: '2026-02-01' };
    const fields = new Map(Object.entries({ ...calls, scope: 'rule', price_output: price }));
    const scope = parseCorrectionScope((name) => fields.get(name) ?? '');
    return scope?.kind === 'rule' ? scope.rule.prices.output : undefined;
  };

  it.each([parseCost, parsePrice])(
    'can be typed with a comma, groups or a dollar sign',
    (parse) => {
      expect(parse('2,5')).toBe(2_500_000_000n);
      expect(parse(' $1,000.50')).toBe(1_000_500_000_000n);
    },
  );

  it.each([parseCost, parsePrice])('are none if they can be read in two ways', (parse) => {
    expect(parse('1,000')).toBeUndefined();
  });
});
