/** What a change does to prices: the property that a large move is always found. */
import { applyOverlay, findModelById, type ListedModel, RELEASED } from '@farebox/catalog';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChange } from './catalog-change.ts';
import { comparePrices, type PriceMove } from './price-moves.ts';

const SEED = 20261126;
const LIMIT = { sharePercent: 20 };
const OPENAI = RELEASED.providers.find(({ id }) => id === 'openai')?.models ?? [];

/** The moves of a change to the list of the release. */
function listMoves(value: unknown): readonly PriceMove[] {
  const parsed = parseChange(RELEASED, value, '2026-11-26');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { change } = parsed;
  const effect = { version: 1, effectiveAt: 0 };
  const overlay = {
    latestVersion: 1,
    versions: [effect],
    models: change.models.map((model) => ({
      ...effect,
      provider: model.provider,
      id: model.id,
      model: model.status === 'defined' ? model.model : null,
    })),
    margins: change.margins.map((margin) => ({ ...effect, ...margin })),
  };
  const after = applyOverlay(RELEASED, overlay, 1).list;
  return comparePrices(change, RELEASED, after, LIMIT);
}

function needsApproval(value: unknown): boolean {
  return listMoves(value).some((move) => move.needsApproval);
}

const define = (definition: object) => ({ models: [{ provider: 'openai', definition }] });

function getModel(id: string): ListedModel {
  const model = findModelById(RELEASED, { provider: 'openai', id });
  if (model === undefined) throw new Error(id);
  return model;
}

describe('comparePrices', () => {
  it('finds no move in a model that is defined as it was', () => {
    for (const model of OPENAI) {
      const moves = listMoves(define(model));
      expect(moves.filter(({ before, after }) => before !== after)).toEqual([]);
      expect(moves.some((move) => move.needsApproval)).toBe(false);
    }
  });

  it('asks for no second operator where a model with patterns gets a name that is free', () => {
    const model = OPENAI.find(({ patterns }) => patterns.length > 0);
    if (model === undefined) throw new Error('no model has patterns');
    const named = { ...model, names: [...model.names, 'a-free-name'] };
    expect(needsApproval(define(named))).toBe(false);
    expect(listMoves(define(named))).toContainEqual(
      expect.objectContaining({ modelBefore: null, modelAfter: `openai/${model.id}` }),
    );
  });

  it('asks for a second operator exactly where one price moves by more than the limit', () => {
    const models = OPENAI.filter(({ isFree }) => !isFree);
    fc.assert(
      fc.property(
        fc.nat(models.length - 1),
        fc.nat(),
        fc.integer({ min: 1, max: 300 }),
        (at, ruleAt, percent) => {
          const model = models[at];
          const rule = model?.prices[ruleAt % (model?.prices.length ?? 1)];
          const price = rule?.prices.output;
          if (model === undefined || rule === undefined || price === undefined) return;
          const moved = Math.round((price * percent) / 100);
          const changed = { ...rule, prices: { ...rule.prices, output: moved } };
          const prices = model.prices.map((other) => (other === rule ? changed : other));
          const isLarge = Math.abs(moved - price) * 100 > price * LIMIT.sharePercent;
          expect(needsApproval(define({ ...model, prices }))).toBe(isLarge);
        },
      ),
      { seed: SEED, numRuns: 200 },
    );
  });

  it.each([
    [
      'a price that is left out',
      (model: ListedModel) => ({
        ...model,
        prices: [
          {
            id: 'standard',
            when: {},
            prices: { input_uncached: 150_000_000, output: 600_000_000 },
          },
        ],
      }),
    ],
    [
      'a window in which a new price holds',
      (model: ListedModel) => ({
        ...model,
        prices: [
          {
            id: 'peak',
            when: { schedule: { windows: [[0, 3600]] } },
            prices: { output: 60_000_000_000 },
          },
          ...model.prices,
        ],
      }),
    ],
    [
      'a factor',
      (model: ListedModel) => ({
        ...model,
        factors: [{ id: 'flex', when: { tier: 'flex' }, numerator: 1, denominator: 100 }],
      }),
    ],
    ['patterns', (model: ListedModel) => ({ ...model, patterns: [['^gpt']] })],
  ])('asks for a second operator where %s moves what callers pay', (_, edit) => {
    expect(needsApproval(define(edit(getModel('gpt-4o-mini'))))).toBe(true);
  });

  it('asks for a second operator where an existing rule holds at other times', () => {
    const found = RELEASED.providers.flatMap(({ id: provider, models }) =>
      models
        .filter(({ prices }) => prices.some(({ when }) => when.input !== undefined))
        .map((model) => ({ provider, model })),
    );
    for (const { provider, model } of found.slice(0, 5)) {
      const prices = model.prices.map((rule) =>
        rule.when.input === undefined
          ? rule
          : { ...rule, when: { ...rule.when, input: { ...rule.when.input, tokens: 7 } } },
      );
      expect(needsApproval({ models: [{ provider, definition: { ...model, prices } }] })).toBe(
        true,
      );
    }
    expect(found.length).toBeGreaterThan(0);
  });

  it('compares names: one that moves to another model moves its price', () => {
    const model = getModel('gpt-4o-mini');
    const taker = { ...model, id: 'taker', names: ['taker', 'gpt-4o'], patterns: [] };
    const moves = listMoves(define(taker)).filter((move) => move.needsApproval);
    expect(moves.map(({ modelBefore, modelAfter }) => `${modelBefore} ${modelAfter}`)).toContain(
      'openai/gpt-4o openai/taker',
    );
  });

  it('counts a margin as a move of every price', () => {
    const margin = (basis_points: number) => ({ margins: [{ scope: 'openai', basis_points }] });
    expect(needsApproval(margin(2000))).toBe(false);
    expect(needsApproval(margin(2001))).toBe(true);
    expect(listMoves(margin(500))[0]?.factorThousandths).toBe(1050n);
    expect(needsApproval({ margins: [{ scope: 'top_ups', basis_points: 2001 }] })).toBe(true);
  });
});

describe('parseChange', () => {
  it.each([
    ['nothing', {}],
    ['a text', 'add a model'],
    ['an unknown property', { models: [], prices: [] }],
    [
      'a model twice',
      { models: [define(getModel('gpt-4o')).models[0], define(getModel('gpt-4o')).models[0]] },
    ],
    ['an unknown provider', { models: [{ provider: 'acme', id: 'x', status: 'withdrawn' }] }],
    ['a withdrawal without an id', { models: [{ provider: 'openai', status: 'withdrawn' }] }],
    [
      'an id beside another in the definition',
      { models: [{ provider: 'openai', id: 'x', definition: getModel('gpt-4o') }] },
    ],
    ['a margin that is no number', { margins: [{ scope: 'all', basis_points: 'much' }] }],
  ])('refuses %s', (_, value) => {
    expect(parseChange(RELEASED, value, '2026-11-26')).toMatchObject({
      ok: false,
      reason: 'invalid_change',
    });
  });
});
