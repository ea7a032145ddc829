/** Operators change the catalog: preview, second operator, audit, and what may not pass. */
import { RELEASED } from '@farebox/catalog';
import { readListInEffect } from '@farebox/catalog-changes';
import { listCatalogVersions, listOpenCatalogProposals } from '@farebox/database/catalog';
import { listOperatorActions } from '@farebox/database/operators';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATORS, type OperatorsHarness, REASON, startHarness } from './harness.testing.ts';

let harness: OperatorsHarness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

const DEFINITION = {
  id: 'gpt-screen',
  names: ['gpt-screen'],
  limits: { context: 128_000, output: 16_000 },
  prices: [
    {
      id: 'standard',
      when: {},
      prices: { input_uncached: 1_000_000_000, output: 4_000_000_000 },
    },
  ],
};

type Fields = Readonly<Record<string, string>>;

/** The values of the hidden fields of a page's form. */
function hiddenFields(html: string): Record<string, string> {
  const fields = [...html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return Object.fromEntries(
    fields.map(([, name = '', value = '']) => [
      name,
      value.replaceAll('&quot;', '"').replaceAll('&amp;', '&'),
    ]),
  );
}

async function preview(fields: Fields, as: string = OPERATORS.finance) {
  const response = await harness.send('/operators/catalog/preview', { as, form: fields });
  return { status: response.status, html: await response.text() };
}

/** Previews a change and submits what the page offers; returns the response. */
async function change(fields: Fields, as: string = OPERATORS.finance): Promise<Response> {
  const { html } = await preview(fields, as);
  const form = { ...hiddenFields(html), effective_at: fields.effective_at ?? '', reason: REASON };
  return harness.send('/operators/catalog/changes', { as, form });
}

const addModel = (definition: object = DEFINITION): Fields => ({
  kind: 'definition',
  provider: 'openai',
  definition: JSON.stringify(definition),
});
const setPrice = (usd: string): Fields => ({
  kind: 'price',
  provider: 'openai',
  model: 'gpt-screen',
  rule: 'standard',
  key: 'output',
  usd,
});

async function readOutputPrice(): Promise<number | undefined> {
  const list = await readListInEffect({ db: harness.db, released: RELEASED }, Date.now());
  const models = list.providers.find(({ id }) => id === 'openai')?.models ?? [];
  return models.find(({ id }) => id === 'gpt-screen')?.prices[0]?.prices.output;
}

async function lastActions(count: number) {
  const entries = await listOperatorActions(harness.db, { before: 1e9, limit: count });
  return entries.map(({ action, outcome }) => `${action} ${outcome}`);
}

describe('the catalog of the operators’ application', () => {
  it('adds a model at once, with its preview before and its versions after', async () => {
    const { html } = await preview(addModel());
    expect(html).toContain('not offered → openai/gpt-screen');
    expect(html).toContain('$4');
    const response = await change(addModel());
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toContain('done=catalog_changed');
    expect(await readOutputPrice()).toBe(4_000_000_000);
    const page = await harness.send('/operators/catalog/models/openai/gpt-screen', {
      as: OPERATORS.support,
    });
    expect(await page.text()).toContain(REASON);
    expect(await lastActions(9)).toContain('change_catalog catalog_changed');
  });

  it('shows the factor of every price that moves', async () => {
    expect((await preview(setPrice('4,400'))).status).toBe(422);
    const { html } = await preview(setPrice('4,40'));
    expect(html).toContain('× 1.100');
    expect(html).not.toContain('A second operator has to approve it');
  });

  it('lets one operator move a price by the limit, and not again in steps within a day', async () => {
    const first = await change(setPrice('4.80'));
    expect(first.headers.get('location')).toContain('done=catalog_changed');
    const second = await change(setPrice('5.76'));
    expect(second.headers.get('location')).toContain('done=catalog_changed');
  });

  it('waits for a second operator where a price moves further', async () => {
    const before = await readOutputPrice();
    const { html } = await preview(setPrice('9'));
    expect(html).toContain('A second operator has to approve it');
    const response = await change(setPrice('9'));
    const location = response.headers.get('location') ?? '';
    expect(location).toContain('done=catalog_waiting');
    expect(await readOutputPrice()).toBe(before);
    const path = location.replace(/\?.*/, '');
    const decide = (as: string, decision = 'approve') =>
      harness.send(path, { as, form: { decision, reason: REASON } });
    expect((await decide(OPERATORS.finance)).status).toBe(403);
    expect((await decide(OPERATORS.support)).status).toBe(403);
    expect((await decide(OPERATORS.otherFinance, 'maybe')).status).toBe(422);
    expect(await readOutputPrice()).toBe(before);
    const own = await harness.send(path, { as: OPERATORS.finance });
    expect(await own.text()).not.toContain('Approve and apply');
    const shown = await harness.send(path, { as: OPERATORS.otherFinance });
    expect(await shown.text()).toContain('Approve and apply');
    const approved = await decide(OPERATORS.otherFinance);
    expect(approved.headers.get('location')).toContain('done=catalog_changed');
    expect(await readOutputPrice()).toBe(9_000_000_000);
    expect((await decide(OPERATORS.otherFinance)).status).toBe(409);
    const [newest] = await listCatalogVersions(harness.db, 1);
    expect(newest).toMatchObject({
      author: OPERATORS.finance,
      approvedBy: OPERATORS.otherFinance.toLowerCase(),
    });
    expect(await lastActions(12)).toContain('approve_catalog_change rejected_own_proposal');
  });

  it('refuses to approve what another version has changed since', async () => {
    const waiting = await change(setPrice('1'));
    const path = (waiting.headers.get('location') ?? '').replace(/\?.*/, '');
    await change({ kind: 'alias', provider: 'openai', model: 'gpt-screen', alias: 'gpt-alias' });
    const form = { decision: 'approve', reason: REASON };
    const response = await harness.send(path, { as: OPERATORS.otherFinance, form });
    expect(response.status).toBe(409);
    expect(await response.text()).toContain('preview it again');
    await harness.send(path, {
      as: OPERATORS.finance,
      form: { decision: 'reject', reason: REASON },
    });
    expect(await listOpenCatalogProposals(harness.db, 9)).toEqual([]);
  });

  it.each([
    [
      'a name of another model with other prices',
      addModel({ ...DEFINITION, id: 'gpt-taker', names: ['gpt-taker', 'gpt-4o'] }),
    ],
    [
      'a pattern of names',
      addModel({
        ...DEFINITION,
        id: 'gpt-pattern',
        names: ['gpt-pattern'],
        patterns: [['^gpt-pattern']],
      }),
    ],
    ['a margin above the limit', { kind: 'margin', scope: 'openai', basis_points: '2500' }],
  ])('waits for a second operator where a change has %s', async (_, fields) => {
    const { status, html } = await preview(fields);
    expect(status).toBe(200);
    expect(html).toContain('A second operator has to approve it');
  });

  it.each([
    ['a negative price', { input_uncached: -1, output: 1 }],
    ['a price of zero', { input_uncached: 0, output: 1 }],
    ['an absurd price', { input_uncached: 1, output: 10_000_000_000_001 }],
    ['an unknown unit', { input_uncached: 1, output: 1, per_page: 1 }],
    ['a fraction', { input_uncached: 0.5, output: 1 }],
  ])('refuses %s with its path, and stores nothing', async (_, prices) => {
    const definition = { ...DEFINITION, prices: [{ id: 'standard', when: {}, prices }] };
    const { status, html } = await preview(addModel(definition));
    expect(status).toBe(422);
    expect(html).toContain('models.0.prices.0');
    const versions = (await listCatalogVersions(harness.db, 1))[0]?.version;
    const form = {
      change: 'f'.repeat(32),
      content: JSON.stringify({ models: [{ provider: 'openai', definition }] }),
      effective_at: '',
      reason: REASON,
    };
    const response = await harness.send('/operators/catalog/changes', {
      as: OPERATORS.finance,
      form,
    });
    expect(response.status).toBe(422);
    expect((await listCatalogVersions(harness.db, 1))[0]?.version).toBe(versions);
  });

  it('dates a change, and says what replaces another change later', async () => {
    // More than a day after the moves before it, which count together within a day.
    const at = new Date(Date.now() + 90_000_000).toISOString().slice(0, 16);
    const dated = { ...setPrice('9.5'), effective_at: at };
    expect((await change(dated)).headers.get('location')).toContain('done=catalog_changed');
    expect(await readOutputPrice()).toBe(9_000_000_000);
    const { html } = await preview(setPrice('9.1'));
    expect(html).toMatch(/Version \d+ replaces openai\/gpt-screen on/);
    expect((await preview({ ...setPrice('9'), effective_at: 'tomorrow' })).status).toBe(422);
  });

  it('gives the same result when a form is sent twice', async () => {
    const { html } = await preview(setPrice('9.2'));
    const form = { ...hiddenFields(html), effective_at: '', reason: REASON };
    const send = () => harness.send('/operators/catalog/changes', { as: OPERATORS.finance, form });
    expect((await send()).status).toBe(303);
    const version = (await listCatalogVersions(harness.db, 1))[0]?.version;
    expect((await send()).status).toBe(303);
    expect((await listCatalogVersions(harness.db, 1))[0]?.version).toBe(version);
  });

  it('requires a reason, and a role that may change the catalog', async () => {
    const { html } = await preview(setPrice('9.3'));
    const form = { ...hiddenFields(html), effective_at: '', reason: 'short' };
    const send = (as: string, fields: Fields) =>
      harness.send('/operators/catalog/changes', { as, form: fields });
    expect((await send(OPERATORS.finance, form)).status).toBe(422);
    expect((await send(OPERATORS.support, { ...form, reason: REASON })).status).toBe(403);
    expect((await preview(setPrice('9.3'), OPERATORS.support)).status).toBe(403);
    expect(await lastActions(3)).toContain('change_catalog rejected_not_permitted');
  });

  it('withdraws a model and returns it to the price list of the release', async () => {
    const listedAt = (provider: string) =>
      RELEASED.providers.find(({ id }) => id === provider)?.models ?? [];
    const resold = new Set(listedAt('openrouter').flatMap(({ names }) => names));
    // What a reseller has under the same name would be served instead, at another price.
    const own = listedAt('openai').find(({ id }) => !resold.has(`openai/${id}`));
    const named = { provider: 'openai', model: own?.id ?? '' };
    await change({ ...named, kind: 'withdrawn' });
    const list = async () => readListInEffect({ db: harness.db, released: RELEASED }, Date.now());
    const hasModel = async () =>
      (await list()).providers
        .find(({ id }) => id === 'openai')
        ?.models.some(({ id }) => id === named.model);
    expect(await hasModel()).toBe(false);
    await change({ ...named, kind: 'released' });
    expect(await hasModel()).toBe(true);
  });

  it('finds models, and shows versions and margins on its first page', async () => {
    await change({ kind: 'margin', scope: 'top_ups', basis_points: '150' });
    const page = await harness.send('/operators/catalog?q=gpt-screen', { as: OPERATORS.support });
    const html = await page.text();
    expect(html).toContain('/operators/catalog/models/openai/gpt-screen');
    expect(html).toContain('1.5%');
    expect(html).not.toContain('Add a model');
    const unknown = await harness.send('/operators/catalog/models/openai/none', {
      as: OPERATORS.support,
    });
    expect(unknown.status).toBe(404);
  });
});
