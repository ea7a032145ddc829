/** The parser of price lists: it accepts the released list, and refuses what would bill wrongly. */
import { describe, expect, it } from 'vitest';
import type { ListedModel, PriceRule } from './price-list.ts';
import { parseListedModel, parsePriceList } from './price-list-parser.ts';
import { PRICED_PROVIDERS } from './priced-providers.ts';
import prices from './prices.generated.json' with { type: 'json' };

const STANDARD: PriceRule = {
  id: 'standard',
  when: {},
  prices: { input_uncached: 100, output: 500 },
};

const MODEL: ListedModel = {
  id: 'm',
  names: ['m'],
  patterns: [['^m-']],
  displayName: 'M',
  limits: { context: 1000, output: 100 },
  hidesReasoning: false,
  capabilities: {},
  lifecycle: { released: null, deprecatedOn: null, retiresOn: null, successor: null },
  isFree: false,
  prices: [STANDARD],
  factors: [],
  provenance: {
    source: 's',
    sourceDate: '2026-01-01',
    confirmedOn: null,
    citation: null,
    disputed: false,
  },
  variants: [],
};

const LIST = {
  version: '2026-11-26',
  date: '2026-11-26',
  sources: [],
  calendars: {},
  margins: [],
  providers: [{ id: 'p', models: [MODEL] }],
};

function withRules(...rules: readonly unknown[]) {
  return { ...MODEL, prices: [STANDARD, ...rules] };
}

function rule(id: string, when: object, prices: object = { output: 600 }) {
  return { id, when, prices };
}

function withPrices(overrides: object) {
  return { ...MODEL, prices: [{ ...STANDARD, prices: { ...STANDARD.prices, ...overrides } }] };
}

describe('parseListedModel', () => {
  it.each([
    ['a day that no month has', { from: '2026-02-30' }],
    ['a moment of such a day', { until: '2026-04-31T00:00:00Z' }],
    ['a year far from ours', { from: '9999-01-01' }],
    ['a window that is empty', { schedule: { windows: [[3600, 3600]] } }],
    ['a window that begins where the day has ended', { schedule: { windows: [[86_400, 3600]] } }],
  ])('refuses %s', (_, when) => {
    expect(parseListedModel(withRules(rule('dated', when)), {}).ok).toBe(false);
  });

  it('refuses a limit that would make every hold absurd', () => {
    const limits = { context: 100_000_001, output: 100 };
    expect(parseListedModel({ ...MODEL, limits }, {}).ok).toBe(false);
    const largest = { context: 100_000_000, output: 100 };
    expect(parseListedModel({ ...MODEL, limits: largest }, {}).ok).toBe(true);
  });
});

describe('parsePriceList', () => {
  it('accepts the released price list, whose rules are in order', () => {
    const providers = PRICED_PROVIDERS.map(([id]) => id);
    expect(parsePriceList(prices, providers)).toEqual({ ok: true, list: prices });
  });

  it.each([
    ['an unknown provider', LIST, 'providers.0.id'],
    [
      'a provider listed twice',
      { ...LIST, providers: [...LIST.providers, ...LIST.providers] },
      'providers.1.id',
    ],
    [
      'a margin of an unknown provider',
      { ...LIST, margins: [{ provider: 'x', model: null, basisPoints: 1 }] },
      'margins.0',
    ],
    [
      'a margin above 100 %',
      { ...LIST, margins: [{ topUps: true, basisPoints: 10_001 }] },
      'margins.0',
    ],
    [
      'two margins for the same',
      {
        ...LIST,
        margins: [
          { provider: null, model: null, basisPoints: 1 },
          { provider: null, model: null, basisPoints: 2 },
        ],
      },
      'margins.1',
    ],
    ['an unknown property', { ...LIST, price: 1 }, 'price'],
    ['a date that is none', { ...LIST, date: 'today' }, 'date'],
  ])('refuses %s and names its path', (_, list, path) => {
    const parsed = parsePriceList(
      list,
      ['q', 'p'].slice(list === LIST ? 0 : 1, list === LIST ? 1 : 2),
    );
    expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.path)).toContainEqual(
      expect.stringContaining(path),
    );
  });

  it('returns every problem of every model', () => {
    const bad = withPrices({ output: 0 });
    const parsed = parsePriceList({ ...LIST, providers: [{ id: 'p', models: [bad, MODEL, bad] }] });
    expect(parsed).toMatchObject({
      ok: false,
      problems: [
        { path: 'providers.0.models.0.prices.0' },
        { path: 'providers.0.models.2.prices.0' },
      ],
    });
  });
});

describe('parseListedModel', () => {
  it('returns the rules with the most specific first', () => {
    const long = rule('long', { input: { tokens: 10, inclusive: true } });
    const longest = rule('longest', { input: { tokens: 20, inclusive: true } });
    const parsed = parseListedModel(withRules(long, longest), {});
    expect(parsed.ok && parsed.model.prices.map(({ id }) => id)).toEqual([
      'longest',
      'long',
      'standard',
    ]);
  });

  it.each([
    ['a negative price', withPrices({ output: -1 })],
    ['a price of zero of a model that is not free', withPrices({ cache_read: 0 })],
    ['a price of 10,000 USD a million tokens and more', withPrices({ output: 1e13 + 1 })],
    ['a price of a search above 100 USD', withPrices({ web_search: 1e17 + 2e4 })],
    ['a fraction of a nano-USD', withPrices({ output: 1.5 })],
    ['a price as text', withPrices({ output: '500' })],
    ['an unknown bucket', withPrices({ cache_write_2h: 5 })],
    ['a surcharge that has its bucket’s price', withPrices({ compaction_input: 5 })],
    ['an unknown tier', withRules(rule('x', { tier: 'turbo' }))],
    ['an unknown condition', withRules(rule('x', { weather: 'fine' }))],
    [
      'an unknown calendar',
      withRules(rule('x', { schedule: { windows: [[0, 10]], except: 'cn' } })),
    ],
    ['a window beyond the day', withRules(rule('x', { schedule: { windows: [[0, 86_401]] } }))],
    ['an eighth weekday', withRules(rule('x', { schedule: { windows: [[0, 1]], weekdays: [8] } }))],
    [
      'a date that ends before it begins',
      withRules(rule('x', { from: '2027-01-01', until: '2026-01-01' })),
    ],
    ['a rule that never holds', withRules(rule('x', { schedule: { windows: [[5, 5]] } }))],
    [
      'two rules with the same conditions',
      withRules(rule('x', { tier: 'flex' }), rule('y', { tier: 'flex' })),
    ],
    [
      'two rules of one id',
      withRules(rule('x', { tier: 'flex' }), rule('x', { tier: 'priority' })),
    ],
    [
      'two rules that hold together without one for exactly that',
      withRules(rule('x', { tier: 'flex' }), rule('y', { region: 'us' })),
    ],
    [
      'an intersection that leaves out what both rules state',
      withRules(
        rule('x', { tier: 'flex' }),
        rule('y', { region: 'us' }),
        rule('xy', { tier: 'flex', region: 'us' }, { input_uncached: 1 }),
      ),
    ],
    [
      'a name of a rule that a bill has no room for',
      withRules(rule('x'.repeat(41), { tier: 'flex' })),
    ],
    ['no rule that always holds', { ...MODEL, prices: [rule('x', { tier: 'flex' })] }],
    [
      'a base rule without a price of output',
      { ...MODEL, prices: [rule('x', {}, { input_uncached: 1 })] },
    ],
    [
      'a factor of nothing',
      { ...MODEL, factors: [{ id: 'x', when: {}, numerator: 1, denominator: 2 }] },
    ],
    [
      'a factor of zero',
      { ...MODEL, factors: [{ id: 'x', when: { tier: 'flex' }, numerator: 0, denominator: 2 }] },
    ],
    [
      'two factors of one tier at one time',
      {
        ...MODEL,
        factors: [
          { id: 'x', when: { tier: 'flex' }, numerator: 1, denominator: 2 },
          { id: 'y', when: { tier: 'flex' }, numerator: 1, denominator: 3 },
        ],
      },
    ],
    ['a pattern of no kind', { ...MODEL, patterns: [['m-']] }],
    ['a broken regular expression', { ...MODEL, patterns: [['/(']] }],
    ['a name in upper case', { ...MODEL, names: ['M'] }],
    ['a window of no tokens', { ...MODEL, limits: { context: 0, output: 1 } }],
    ['nothing', null],
  ])('refuses %s', (_, model) => {
    expect(parseListedModel(model, {})).toMatchObject({ ok: false });
  });

  it('accepts a price of zero of a model that is declared free', () => {
    const free = { ...withPrices({ input_uncached: 0, output: 0 }), isFree: true };
    expect(parseListedModel(free, {})).toMatchObject({ ok: true });
  });
});
