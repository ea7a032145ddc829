/** Cost breakdown, export columns, settlement reasons and filters of calls. */
import { SEARCHED_CALLS } from '@farebox/database/statements';
import { formatCurrency } from '@farebox/design';
import { LANGUAGES, messagesFor } from '@farebox/i18n';
import { type Generation, RECORDED_DIALECTS, SETTLE_REASONS } from '@farebox/ledger';
import { computeCost, NO_USAGE, SURCHARGE_KINDS } from '@farebox/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { breakDownBill } from './bill-lines.ts';
import { CallDetails } from './call-details.tsx';
import { CALL_HEADERS, toCsvRow } from './call-export.ts';
import { parseCallQuery, toQueryString } from './call-filters.ts';

const tokens = fc.integer({ min: 0, max: 2_000_000 });
const price = fc.bigInt({ min: 0n, max: 600_000_000_000n });
const usage = fc.record({
  input_uncached: tokens,
  cache_read: tokens,
  cache_write_5m: tokens,
  cache_write_30m: tokens,
  cache_write_1h: tokens,
  cache_write_12h: tokens,
  output: tokens,
  output_reasoning: tokens,
});
const prices = fc.record({
  input_uncached: price,
  cache_read: price,
  cache_write_5m: price,
  cache_write_30m: price,
  cache_write_1h: price,
  cache_write_12h: price,
  output: price,
});
const surcharges = fc.array(
  fc.record({
    kind: fc.constantFrom(...SURCHARGE_KINDS),
    count: fc.integer({ min: 0, max: 1000 }),
    nano_usd_per_million: price,
  }),
  { maxLength: 4 },
);

function buildGeneration(part: Partial<Generation>): Generation {
  return {
    id: 'a'.repeat(32),
    model: 'openai/gpt-4o-mini',
    provider: 'openai',
    dialect: 'chat',
    stream: false,
    httpStatus: 200,
    status: 'settled',
    reason: 'provider_reported',
    usage: null,
    prices: null,
    priceRule: '2026-11-23/standard',
    providerCost: null,
    marginBasisPoints: null,
    firstTokenMs: null,
    totalMs: null,
    fees: [],
    charged: 0n,
    shortfall: 0n,
    createdAt: 0,
    settledAt: 0,
    ...part,
  };
}

describe('the details of a call', () => {
  const apiUrl = new URL('https://api.farebox.example');

  it.each(LANGUAGES)('name its API and its provider, in %s, and not by their ids', (language) => {
    const messages = messagesFor(language);
    for (const dialect of RECORDED_DIALECTS) {
      const generation = buildGeneration({ dialect, provider: 'xai' });
      const call = { generation, keyId: 1 };
      const props = { call, correction: undefined, keyName: 'k', messages, language, apiUrl };
      const page = String(CallDetails(props));
      expect(page).not.toContain('id="correction"');
      const correction = { amount: 120_000_000n, at: 0 };
      const corrected = String(CallDetails({ ...props, correction }));
      expect(corrected).toContain(messages.calls.corrected);
      expect(corrected).toContain(formatCurrency(correction.amount, language));
      expect(page).toContain(`<dd>${messages.calls.dialects[dialect]}</dd>`);
      expect(page).not.toContain(`<dd>${dialect}</dd>`);
      expect(page).toContain('<dd>xAI</dd>');
    }
  });
});

describe('the cost breakdown of a call', () => {
  it('has line items that add up to the cost, rounded up once', () => {
    fc.assert(
      fc.property(usage, prices, surcharges, (used, priced, extra) => {
        const cost = computeCost(used, priced, extra);
        const breakdown = breakDownBill(
          buildGeneration({ usage: used, prices: priced, fees: extra, charged: cost }),
        );
        const sum = breakdown.lineItems.reduce((all, one) => all + one.millionths, 0n);
        expect(breakdown.sum).toBe(sum);
        expect(breakdown.cost).toBe(cost);
        expect(cost * 1_000_000n - sum).toBeGreaterThanOrEqual(0n);
        expect(cost * 1_000_000n - sum).toBeLessThan(1_000_000n);
        expect(breakdown.difference).toBe(0n);
      }),
      { seed: 3 },
    );
  });

  it('states the shortfall and the adjustment of a bounded estimate', () => {
    const used = { ...NO_USAGE, output: 10 };
    const priced = { ...ZERO_PRICES, output: 1_000_000n };
    const withShortfall = breakDownBill(
      buildGeneration({ usage: used, prices: priced, charged: 4n, shortfall: 6n }),
    );
    expect(withShortfall).toMatchObject({ cost: 10n, difference: 0n });
    expect(
      breakDownBill(buildGeneration({ usage: used, prices: priced, charged: 7n })).difference,
    ).toBe(-3n);
  });

  it('is empty for a call without usage', () => {
    expect(breakDownBill(buildGeneration({}))).toEqual({
      lineItems: [],
      sum: 0n,
      cost: 0n,
      difference: 0n,
      margin: null,
    });
  });

  it('is exported under the documented headers, in their order', () => {
    expect(CALL_HEADERS.join(',')).toBe(
      'id,created_at,settled_at,key_id,key_name,model,provider,dialect,stream,http_status,status,' +
        'reason,input_uncached,cache_read,cache_write_5m,cache_write_30m,cache_write_1h,' +
        'cache_write_12h,output,output_reasoning,' +
        'input_uncached_nano_usd_per_million,cache_read_nano_usd_per_million,' +
        'cache_write_5m_nano_usd_per_million,cache_write_30m_nano_usd_per_million,' +
        'cache_write_1h_nano_usd_per_million,cache_write_12h_nano_usd_per_million,' +
        'output_nano_usd_per_million,price_rule,fees,charged_usd,charged_nano_usd,shortfall_nano_usd,' +
        'provider_cost_nano_usd,margin_basis_points,first_token_ms,total_ms,cost_at_provider_prices_nano_usd',
    );
  });

  it('is exported with its margin, its durations and the cost at the provider’s own prices', () => {
    const generation = buildGeneration({
      usage: { ...NO_USAGE, output: 1000 },
      prices: { ...ZERO_PRICES, output: 1_025_000_000n },
      marginBasisPoints: 250,
      firstTokenMs: 320,
      totalMs: 1_900,
      charged: 1_000_000n,
      shortfall: 25_000n,
    });
    expect(toCsvRow({ keyId: 1, generation }, 'Main').slice(-4)).toEqual([
      250,
      320,
      1_900,
      1_000_000n,
    ]);
    const older = buildGeneration({ usage: NO_USAGE, prices: ZERO_PRICES });
    expect(toCsvRow({ keyId: 1, generation: older }, 'Main').slice(-4)).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('has one cell per column of the CSV file', () => {
    expect(toCsvRow({ keyId: 1, generation: buildGeneration({}) }, 'Main')).toHaveLength(
      CALL_HEADERS.length,
    );
  });
});

const ZERO_PRICES = {
  input_uncached: 0n,
  cache_read: 0n,
  cache_write_5m: 0n,
  cache_write_30m: 0n,
  cache_write_1h: 0n,
  cache_write_12h: 0n,
  output: 0n,
};

describe('settlement reasons', () => {
  it('each have a distinct text in every language', () => {
    const explanations = ['en', 'ru', 'zh'].map((language) => {
      const messages = SETTLE_REASONS.map((reason) => messagesFor(language).reasons[reason]);
      expect(new Set(messages).size).toBe(SETTLE_REASONS.length);
      return messages;
    });
    expect(new Set(explanations.flat()).size).toBe(3 * SETTLE_REASONS.length);
    expect(explanations[1]?.every((text) => /[а-я]/.test(text))).toBe(true);
    expect(explanations[2]?.every((text) => /\p{Script=Han}/u.test(text))).toBe(true);
  });
});

function parse(query: string) {
  const params = new URLSearchParams(query);
  return parseCallQuery((name) => params.get(name) ?? undefined);
}

describe('call filters', () => {
  it('are the same after formatting and parsing', () => {
    const query = `?key=7&model=openai%2Fgpt-4o-mini&outcome=failed&ending=provider_busy&from=2026-11-01&to=2026-11-24&before=1764000000000-${'b'.repeat(32)}`;
    const read = parse(query);
    expect(toQueryString(read, read.before)).toBe(query);
    expect(toQueryString(parse(''), null)).toBe('');
  });

  it('say how many calls are searched on the first page only, and never more than may be', () => {
    const read = parse('?ending=rejected&searched=1000');
    expect(toQueryString(read, null)).toBe('?ending=rejected&searched=1000');
    const older = toQueryString(read, { at: 7, id: 'b'.repeat(32) });
    expect(older).toBe(`?ending=rejected&before=7-${'b'.repeat(32)}`);
    expect(parse('?searched=999999').searched).toBe(SEARCHED_CALLS);
  });

  it('ignore invalid values', () => {
    const read = parse(
      "?key=4294967296&model=a b&outcome=x&ending=cut&searched=0&from=2026-02-30&before=1-zz'--",
    );
    expect(toQueryString(read, read.before)).toBe('');
  });
});
