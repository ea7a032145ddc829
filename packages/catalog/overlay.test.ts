/** The price list with what operators changed: validated whole, in effect by its moments. */
import { describe, expect, it } from 'vitest';
import { openCatalog } from './catalog.ts';
import type { CatalogOverlay, OverlayModel } from './contract.ts';
import { findModelById, RELEASED, resolvePrices, standardTerms } from './index.ts';
import { applyOverlay, findInvalidVersions, type ParsedOverlay, parseOverlay } from './overlay.ts';
import type { ListedModel, PriceList } from './price-list.ts';

const NOW = Date.UTC(2026, 10, 26, 12);
const HOUR_MS = 3_600_000;
const NO_TOKENS = {
  input_uncached: 0,
  cache_read: 0,
  cache_write_5m: 0,
  cache_write_30m: 0,
  cache_write_1h: 0,
  cache_write_12h: 0,
  output: 0,
  output_reasoning: 0,
};

const MODEL: ListedModel = {
  id: 'gpt-next',
  names: ['gpt-next', 'gpt-next-2026-11-26'],
  patterns: [],
  displayName: 'GPT Next',
  limits: { context: 400_000, output: 64_000 },
  hidesReasoning: true,
  capabilities: {},
  lifecycle: { released: '2026-11-26', deprecatedOn: null, retiresOn: null, successor: null },
  isFree: false,
  prices: [
    { id: 'standard', when: {}, prices: { input_uncached: 2_000_000_000, output: 8_000_000_000 } },
  ],
  factors: [],
  provenance: {
    source: 'operators',
    sourceDate: '2026-11-26',
    confirmedOn: '2026-11-26',
    citation: 'https://platform.openai.com/docs/models/gpt-next',
    disputed: false,
  },
  variants: [],
};

const withInput = (price: unknown): unknown => ({
  ...MODEL,
  prices: [{ id: 'standard', when: {}, prices: { input_uncached: price, output: 8_000_000_000 } }],
});

function row(version: number, fields: Partial<OverlayModel> = {}): OverlayModel {
  return {
    version,
    effectiveAt: NOW,
    provider: 'openai',
    id: 'gpt-next',
    status: 'defined',
    definition: MODEL,
    ...fields,
  };
}

function overlay(models: readonly OverlayModel[], margins: CatalogOverlay['margins'] = []) {
  const versions = [...models, ...margins].map(({ version, effectiveAt }) => ({
    version,
    effectiveAt,
  }));
  return {
    latestVersion: Math.max(0, ...versions.map((v) => v.version)),
    versions,
    models,
    margins,
  };
}

function parse(value: CatalogOverlay): ParsedOverlay {
  const parsed = parseOverlay(RELEASED, value);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.overlay;
}

function listAt(value: CatalogOverlay, now: number): PriceList {
  return applyOverlay(RELEASED, parse(value), now).list;
}

function inputPrice(list: PriceList, name: string): bigint | undefined {
  const model = openCatalog(list).findModel(name, ['openai']);
  return model && resolvePrices(model, standardTerms(NOW), NO_TOKENS).prices.input_uncached;
}

describe('parseOverlay', () => {
  it.each([
    ['a negative price', withInput(-1)],
    ['a price of zero', withInput(0)],
    ['a fraction', withInput(0.5)],
    ['an absurd price', withInput(20_000_000_000_000)],
    ['a price as text', withInput('2')],
    [
      'an unknown unit',
      { ...MODEL, prices: [{ id: 'standard', when: {}, prices: { per_mile: 1, output: 1 } }] },
    ],
    ['no prices', { ...MODEL, prices: [] }],
    ['an unknown tier', { ...MODEL, prices: [{ ...MODEL.prices[0], when: { tier: 'gold' } }] }],
    ['no limits', { ...MODEL, limits: { context: 0, output: 1 } }],
    ['another id', { ...MODEL, id: 'gpt-other' }],
    ['no object', 7],
    ['a null definition', null],
  ])('refuses a model with %s and names its version', (_, definition) => {
    const value = overlay([
      row(1, { id: 'gpt-good', definition: { ...MODEL, id: 'gpt-good' } }),
      row(2, { definition }),
    ]);
    expect(findInvalidVersions(RELEASED, value)).toEqual([2]);
  });

  it('refuses a provider that the release does not have', () => {
    expect(findInvalidVersions(RELEASED, overlay([row(3, { provider: 'acme' })]))).toEqual([3]);
  });

  it.each([
    ['all', -1],
    ['all', 10_001],
    ['top_ups', 5_001],
    ['acme', 100],
    ['openai', 0.5],
  ])('refuses a margin of %s of %s basis points', (scope, basisPoints) => {
    const margin = { version: 4, effectiveAt: NOW, scope, basisPoints };
    expect(parseOverlay(RELEASED, overlay([], [margin])).ok).toBe(false);
  });

  it('accepts every model of the release as a change of itself', () => {
    const models = RELEASED.providers.flatMap(({ id: provider, models: listed }) =>
      listed.slice(0, 5).map((definition) => row(1, { provider, id: definition.id, definition })),
    );
    expect(findInvalidVersions(RELEASED, overlay(models))).toEqual([]);
  });
});

describe('applyOverlay', () => {
  it('adds a model and names its version', () => {
    const list = listAt(overlay([row(7)]), NOW);
    expect(list.version).toBe(`${RELEASED.version}+7`);
    expect(inputPrice(list, 'gpt-next-2026-11-26')).toBe(2_000_000_000n);
    expect(inputPrice(RELEASED, 'gpt-next-2026-11-26')).toBeUndefined();
  });

  it('leaves the list of the release as it is before anything takes effect', () => {
    const { list, nextChangeAt } = applyOverlay(RELEASED, parse(overlay([row(7)])), NOW - 1);
    expect(list).toBe(RELEASED);
    expect(nextChangeAt).toBe(NOW);
  });

  it('takes, of two versions of a model, the one that takes effect later, at its moment', () => {
    const dated = { definition: withInput(4_000_000_000), effectiveAt: NOW + HOUR_MS };
    const value = overlay([row(1, dated), row(2)]);
    expect(inputPrice(listAt(value, NOW + HOUR_MS - 1), 'gpt-next')).toBe(2_000_000_000n);
    expect(listAt(value, NOW + HOUR_MS - 1).version).toBe(`${RELEASED.version}+2`);
    expect(inputPrice(listAt(value, NOW + HOUR_MS), 'gpt-next')).toBe(4_000_000_000n);
    expect(listAt(value, NOW + HOUR_MS).version).toBe(`${RELEASED.version}+1`);
    const { nextChangeAt } = applyOverlay(RELEASED, parse(value), NOW);
    expect(nextChangeAt).toBe(NOW + HOUR_MS);
  });

  it('takes the higher of two versions with the same moment', () => {
    const value = overlay([row(1), row(2, { definition: withInput(5_000_000_000) })]);
    expect(inputPrice(listAt(value, NOW), 'gpt-next')).toBe(5_000_000_000n);
  });

  it('withdraws a model of the release, and returns it', () => {
    const withdrawn = { id: 'gpt-4o-mini', status: 'withdrawn', definition: null };
    const returned = { ...withdrawn, status: 'released', effectiveAt: NOW + HOUR_MS };
    const value = overlay([row(1, withdrawn), row(2, returned)]);
    const named = { provider: 'openai', id: 'gpt-4o-mini' };
    expect(findModelById(listAt(value, NOW), named)).toBeUndefined();
    expect(findModelById(listAt(value, NOW + HOUR_MS), named)).toBe(findModelById(RELEASED, named));
  });

  it('gives a name to the changed model, also if another model of the release has it', () => {
    const definition = { ...MODEL, names: ['gpt-next', 'gpt-4o-mini'] };
    const list = listAt(overlay([row(1, { definition })]), NOW);
    expect(inputPrice(list, 'gpt-4o-mini')).toBe(2_000_000_000n);
  });

  it('adds the margin of the most specific scope to prices, and none to a scope set to zero', () => {
    const margin = (version: number, scope: string, basisPoints: number) => ({
      version,
      effectiveAt: NOW,
      scope,
      basisPoints,
    });
    const priceWith = (margins: CatalogOverlay['margins']) =>
      inputPrice(listAt(overlay([row(1)], margins), NOW), 'gpt-next');
    expect(priceWith([margin(2, 'all', 100)])).toBe(2_020_000_000n);
    expect(priceWith([margin(2, 'all', 100), margin(3, 'openai', 200)])).toBe(2_040_000_000n);
    expect(priceWith([margin(2, 'all', 100), margin(3, 'openai/gpt-next', 0)])).toBe(
      2_000_000_000n,
    );
    expect(priceWith([margin(2, 'top_ups', 500)])).toBe(2_000_000_000n);
  });
});
