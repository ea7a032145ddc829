/** The builder of the price list: which source wins, what is disputed, and the date that a list may have. */
import { describe, expect, it } from 'vitest';
import { type CuratedProvider, nanoPrices } from '../curated/curated-model.ts';
import { RELEASED } from '../index.ts';
import type { ListedModel, PriceList, PriceRule } from '../price-list.ts';
import { reportStale } from '../price-report.ts';
import {
  buildPriceList,
  checkListDate,
  nextVersion,
  type PriceListInput,
} from './build-price-list.ts';
import { findDisagreements } from './disagreements.ts';
import type { Source, StatedPrices } from './statement.ts';

const BASE_DATE = '2026-09-23';

function standard(input: string, output: string): PriceRule {
  return { id: 'standard', when: {}, prices: nanoPrices({ input_uncached: input, output }) };
}

function listed(id: string, changes: Partial<ListedModel> = {}): ListedModel {
  return {
    id,
    names: [id],
    patterns: [],
    displayName: id,
    limits: { context: 1000, output: 100 },
    hidesReasoning: false,
    capabilities: {},
    lifecycle: { released: null, deprecatedOn: null, retiresOn: null, successor: null },
    isFree: false,
    prices: [standard('2', '6')],
    factors: [],
    provenance: {
      source: 'base@1',
      sourceDate: BASE_DATE,
      confirmedOn: null,
      citation: null,
      disputed: false,
    },
    variants: [],
    ...changes,
  };
}

function buildBase(provider: string, models: readonly ListedModel[]): PriceList {
  return {
    version: BASE_DATE,
    date: BASE_DATE,
    sources: [{ name: 'base@1', publishedOn: BASE_DATE, upstream: 'base' }],
    calendars: {},
    margins: [],
    providers: [{ id: provider, models }],
  };
}

type SourceOptions = Readonly<{ on?: string; isReseller?: boolean; upstream?: string }>;

function source(name: string, prices: Partial<StatedPrices>, options: SourceOptions = {}): Source {
  const { on = '2026-11-10', isReseller = false, upstream = 'other' } = options;
  const statement = {
    prices: { input: 2, output: 6, cacheRead: undefined, cacheWrite: undefined, ...prices },
    tiers: [],
    displayName: 'A model',
    limits: { context: 2000, output: 200 },
    capabilities: { tools: true },
    released: '2026-01-02',
  };
  return {
    stamp: { name: `${upstream}@1`, publishedOn: on, upstream },
    isReseller,
    statements: new Map([[name, statement]]),
  };
}

const CITATION = { page: 'https://docs.x.ai/models', seenOn: '2026-11-01', firstHand: true };

function curated(rows: Partial<CuratedProvider>): PriceListInput['curated'] {
  const nothing = { models: [], lifecycles: [], factors: [], toolPrices: [], retiredNames: [] };
  return {
    providers: [{ id: 'xai', ...nothing, edges: [], notServed: undefined, ...rows }],
    calendars: {},
  };
}

function build(
  models: readonly ListedModel[],
  sources: readonly Source[],
  rows: Partial<CuratedProvider> = {},
  provider = 'xai',
): PriceList {
  return buildPriceList({ base: buildBase(provider, models), sources, curated: curated(rows) });
}

function getModels(list: PriceList): readonly ListedModel[] {
  return list.providers[0]?.models ?? [];
}

const ROW = {
  ...CITATION,
  id: 'a',
  displayName: 'A',
  limits: { context: 9000, output: 900 },
  hidesReasoning: false,
  capabilities: {},
  lifecycle: {},
  prices: [standard('3', '9')],
  factors: [],
};

describe('buildPriceList', () => {
  it('prefers what was taken from the provider’s page, and names the page', () => {
    const [model] = getModels(build([listed('a')], [], { models: [ROW] }));
    expect(model?.prices).toEqual([standard('3', '9')]);
    expect(model?.provenance).toMatchObject({
      citation: CITATION.page,
      confirmedOn: '2026-11-01',
      disputed: false,
    });
  });

  it('does not call a row confirmed whose page only others quote', () => {
    const models = [{ ...ROW, firstHand: false }];
    const [model] = getModels(build([], [], { models }));
    expect(model?.provenance.confirmedOn).toBe(null);
  });

  it('gives a name that a curated model claims to no other, curated or not', () => {
    const models = [
      { ...ROW, id: 'b', names: ['latest'] },
      { ...ROW, id: 'a' },
    ];
    const list = build([listed('a', { names: ['a', 'latest'] })], [], { models });
    expect(getModels(list).map(({ id, names }) => [id, names])).toEqual([
      ['b', ['b', 'latest']],
      ['a', ['a']],
    ]);
  });

  it('marks a row as disputed where a newer independent source differs', () => {
    const [model] = getModels(build([listed('a')], [source('xai/a', { input: 1 })]));
    expect(model?.provenance.disputed).toBe(true);
    expect(model?.prices).toEqual([standard('2', '6')]);
  });

  it.each([
    ['agrees', source('xai/a', {})],
    ['is older than the row', source('xai/a', { input: 1 }, { on: '2026-05-01' })],
    ['is a reseller with a price of its own', source('xai/a', { input: 1 }, { isReseller: true })],
    ['states another model', source('xai/b', { input: 1 })],
  ])('does not dispute a row where a source %s', (_, other) => {
    expect(getModels(build([listed('a')], [other]))[0]?.provenance.disputed).toBe(false);
  });

  it('names the newest independent source that agrees', () => {
    const [model] = getModels(build([listed('a')], [source('xai/a', {})]));
    expect(model?.provenance).toMatchObject({ source: 'other@1', sourceDate: '2026-11-10' });
  });

  it('takes names, abilities and dates from the source that states them', () => {
    const [model] = getModels(build([listed('a')], [source('xai/a', {})]));
    expect(model).toMatchObject({
      displayName: 'A model',
      capabilities: { tools: true },
      lifecycle: { released: '2026-01-02' },
      limits: { context: 1000, output: 100 },
    });
  });

  it('makes a retired model of names that stopped answering, with its successor', () => {
    const retiredNames = [
      { ...CITATION, model: 'a', names: ['old'] as const, retiresOn: '2026-05-15', successor: 'a' },
    ];
    const list = build([listed('a', { names: ['a', 'old'] })], [], { retiredNames });
    expect(
      getModels(list).map(({ id, names, lifecycle }) => [id, names, lifecycle.successor]),
    ).toEqual([
      ['old', ['old'], 'a'],
      ['a', ['a'], null],
    ]);
  });

  it('states an edge of long input as the provider does', () => {
    const long: PriceRule = {
      ...standard('4', '12'),
      id: 'long-context',
      when: { input: { tokens: 200_000, inclusive: false } },
    };
    const edges = [{ ...CITATION, sourceTokens: 200_000, tokens: 200_000, inclusive: true }];
    const list = build([listed('a', { prices: [long, standard('2', '6')] })], [], { edges });
    expect(getModels(list)[0]?.prices[0]?.when.input).toEqual({ tokens: 200_000, inclusive: true });
  });

  it('leaves out prices that follow from others', () => {
    const prices = nanoPrices({ input_uncached: '2', cache_read: '2', output: '6' });
    const list = build([listed('a', { prices: [{ id: 'standard', when: {}, prices }] })], []);
    expect(getModels(list)[0]?.prices).toEqual([standard('2', '6')]);
  });
});

describe('the list of OpenRouter', () => {
  const refresh = (prices: Partial<StatedPrices>): ListedModel | undefined => {
    const own = source('openrouter/v/a', prices, { isReseller: true, upstream: 'openrouter' });
    return getModels(build([listed('v/a')], [own], {}, 'openrouter'))[0];
  };

  it('brings the base’s copy of it up to date', () => {
    const model = refresh({ input: 3, output: 5 });
    expect(model?.prices[0]?.prices).toMatchObject({ input_uncached: 3e9, output: 5e9 });
    expect(model?.provenance).toMatchObject({ confirmedOn: '2026-11-10', disputed: false });
  });

  it('charges a write to the cache at its stated price alone', () => {
    const model = refresh({ input: 3, cacheWrite: 0.0833 });
    expect(model?.prices[0]?.prices.cache_write_5m).toBe(83_300_000);
  });

  it('is not believed alone where a price falls to less than half', () => {
    const model = refresh({ input: 0.9 });
    expect(model?.prices).toEqual([standard('2', '6')]);
    expect(model?.provenance.disputed).toBe(true);
  });
});

describe('findDisagreements', () => {
  it('names the price, both values, the source and its date', () => {
    const other = source('xai/a', { input: 1, cacheRead: 0.1 });
    expect(findDisagreements('xai', listed('a'), [other])).toEqual([
      {
        model: 'xai/a',
        price: 'input_uncached',
        ours: '2',
        theirs: '1',
        source: 'other@1',
        statedOn: '2026-11-10',
        weight: 'newer',
      },
      expect.objectContaining({ price: 'cache_read', ours: '2', theirs: '0.1' }),
    ]);
  });

  it('calls a statement older that another source contradicts later', () => {
    const sources = [
      source('xai/a', { input: 1 }, { on: '2026-10-01' }),
      source('xai/a', {}, { upstream: 'third' }),
    ];
    expect(findDisagreements('xai', listed('a'), sources).map(({ weight }) => weight)).toEqual([
      'older',
    ]);
  });

  it('finds an edge of long input that only one of them has', () => {
    const long: PriceRule = {
      ...standard('4', '12'),
      id: 'long-context',
      when: { input: { tokens: 200_000, inclusive: false } },
    };
    const model = listed('a', { prices: [long, standard('2', '6')] });
    expect(findDisagreements('xai', model, [source('xai/a', {})])).toMatchObject([
      { price: 'long-context tokens', ours: '200000', theirs: '-' },
    ]);
  });
});

describe('reportStale', () => {
  const NOW = Date.parse('2026-11-26T00:00:00Z');

  it('names the rows whose newest evidence is too old, and no others', () => {
    const old = { ...listed('old').provenance, sourceDate: '2026-08-01' };
    const list = buildBase('xai', [
      listed('old', { provenance: old }),
      listed('seen', { provenance: { ...old, confirmedOn: '2026-11-01' } }),
      listed('agreed', { provenance: old }),
    ]);
    const report = reportStale(list, ['xai'], [source('xai/agreed', {})], NOW).join('\n');
    expect(report).toContain('xai/old');
    expect(report).not.toMatch(/xai\/(seen|agreed)/);
  });
});

describe('the date of a list', () => {
  const NOW = Date.parse('2026-11-26T00:00:00Z');
  const list = build([listed('a')], [source('xai/a', {})], { models: [ROW] });

  it('is that of its newest content, whatever the day', () => {
    expect(list.date).toBe('2026-11-10');
    expect(checkListDate(list, NOW)).toBeUndefined();
  });

  it('of this release is its newest content’s', () => {
    expect(checkListDate(RELEASED, Date.parse(RELEASED.date))).toBeUndefined();
  });

  it('is refused if it is newer than the content', () => {
    expect(checkListDate({ ...list, date: '2026-11-26' }, NOW)).toMatch('2026-11-10');
  });

  it('is refused if the content is still to come', () => {
    expect(checkListDate(list, Date.parse('2026-11-09T00:00:00Z'))).toMatch('to come');
  });

  it('is counted on where a list of other content has it', () => {
    const other = { ...list, margins: [{ topUps: true, basisPoints: 10 }] as const };
    expect(nextVersion(undefined, list)).toBe('2026-11-10');
    expect(nextVersion({ ...list, version: '2026-11-10' }, list)).toBe('2026-11-10');
    const { sources, ...rest } = list;
    expect(nextVersion({ sources, ...rest, version: '2026-11-10.4' }, list)).toBe('2026-11-10.4');
    expect(nextVersion({ ...other, version: '2026-11-10' }, list)).toBe('2026-11-10.2');
    expect(nextVersion({ ...other, version: '2026-11-10.2' }, list)).toBe('2026-11-10.3');
  });
});
