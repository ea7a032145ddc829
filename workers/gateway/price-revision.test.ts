/** Prices of calls that an isolate plans with an old catalog: no wait, and the bill of the day. */
import {
  CatalogHolder,
  type CatalogOverlay,
  type CatalogRead,
  findModelById,
  RELEASED,
} from '@farebox/catalog';
import { parseRequest } from '@farebox/dialects';
import { configureProviders } from '@farebox/providers';
import { describe, expect, it, vi } from 'vitest';
import type { RequestContext } from './context.ts';
import { type Plan, planCall, repricePlan } from './plan.ts';
import { PriceRevision } from './price-revision.ts';
import { resolveModel } from './resolve-model.ts';
import { NOTHING_READ, priceUsage } from './usage-prices.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const MINUTE = 60_000;
const MODEL = 'gpt-changing';
const providers = configureProviders({ apiKeys: { openai: 'k' }, baseUrls: {}, extra: [] });
const USAGE = {
  input_uncached: 1000,
  cache_read: 0,
  cache_write_5m: 0,
  cache_write_30m: 0,
  cache_write_1h: 0,
  cache_write_12h: 0,
  output: 1000,
  output_reasoning: 0,
};

const LISTED = findModelById(RELEASED, { provider: 'openai', id: 'gpt-4o-mini' });

type Version = Readonly<{ version: number; effectiveAt: number; usd: number | null }>;

/** What is in effect or to come, one price in USD per million each; null withdraws the model. */
function buildOverlay(versions: readonly Version[]): CatalogOverlay {
  return {
    latestVersion: Math.max(...versions.map(({ version }) => version)),
    versions,
    models: versions.map(({ version, effectiveAt, usd }) => {
      const price = (usd ?? 0) * 1_000_000_000;
      const definition = {
        ...LISTED,
        id: MODEL,
        names: [MODEL],
        prices: [{ id: 'standard', when: {}, prices: { input_uncached: price, output: price } }],
      };
      return {
        version,
        effectiveAt,
        provider: 'openai',
        id: MODEL,
        status: usd === null ? 'withdrawn' : 'defined',
        definition: usd === null ? null : definition,
      };
    }),
    margins: [],
  };
}

/** An isolate's holder whose reads the test answers one by one. */
function setUp() {
  const answers: ((answer: CatalogRead) => void)[] = [];
  const holder = new CatalogHolder({
    released: RELEASED,
    source: { read: () => new Promise((resolve) => answers.push(resolve)) },
    providers: ['openai'],
    refreshMs: MINUTE / 2,
    logEvent: () => {},
  });
  const answer = async (versions: readonly Version[]) => {
    answers.shift()?.({ changed: true, overlay: buildOverlay(versions) });
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  return { holder, answer };
}

function plan(holder: CatalogHolder, now: number): Plan {
  const body = { model: MODEL, max_tokens: 1000, messages: [{ role: 'user', content: 'Hello.' }] };
  const parsed = parseRequest('chat', new TextEncoder().encode(JSON.stringify(body)));
  if (!parsed.ok) throw new Error(parsed.reason);
  const { catalog } = holder.at(now);
  const planned = planCall(
    parsed.facts,
    new Headers(),
    { catalog, providers, defaultMaxOutput: 1000 },
    now,
  );
  if (!planned.ok) throw new Error(planned.reason);
  return planned.plan;
}

/** An isolate that read version 1, at 2 USD, then had no call for two minutes. */
async function sleepingIsolate() {
  const { holder, answer } = setUp();
  void holder.refreshIfDue(NOW - 2 * MINUTE);
  const first = { version: 1, effectiveAt: NOW - 10 * MINUTE, usd: 2 };
  await answer([first]);
  void holder.refreshIfDue(NOW);
  const revision = new PriceRevision(plan(holder, NOW), holder, repricePlan);
  const price = (held: bigint) => revision.price(held, (by) => priceUsage(by, USAGE, NOTHING_READ));
  return { holder, answer, first, revision, price };
}

describe('a call of an isolate that slept for two minutes', () => {
  it.each([
    ['lower', 1],
    ['higher', 3],
  ])('is billed by a %s price that took effect meanwhile', async (_, usd) => {
    const { answer, revision, price } = await sleepingIsolate();
    expect(revision.isPending).toBe(true);
    await answer([{ version: 2, effectiveAt: NOW - MINUTE, usd }]);
    await revision.whenKnown();
    expect(price(100_000_000n)).toMatchObject({
      cost: 2_000_000n * BigInt(usd),
      priceRule: `${RELEASED.version}+2/standard`,
    });
  });

  it('is billed as planned where the change takes effect after its hold', async () => {
    const { answer, first, revision, price } = await sleepingIsolate();
    await answer([first, { version: 2, effectiveAt: NOW + 1, usd: 1 }]);
    await revision.whenKnown();
    expect(price(100_000_000n).priceRule).toBe(`${RELEASED.version}+1/standard`);
  });

  it('is billed as planned where its hold does not cover the price in effect', async () => {
    const { answer, revision, price } = await sleepingIsolate();
    await answer([{ version: 2, effectiveAt: NOW - MINUTE, usd: 3 }]);
    await revision.whenKnown();
    expect(price(5_999_999n).cost).toBe(4_000_000n);
    expect(price(6_000_000n).cost).toBe(6_000_000n);
  });

  it('is billed as planned where the model was withdrawn meanwhile', async () => {
    const { answer, revision, price } = await sleepingIsolate();
    await answer([{ version: 2, effectiveAt: NOW - MINUTE, usd: null }]);
    await revision.whenKnown();
    expect(price(100_000_000n).cost).toBe(4_000_000n);
  });

  it('keeps the price of its hold, whatever a later read says', async () => {
    const { holder, answer, revision, price } = await sleepingIsolate();
    await answer([{ version: 2, effectiveAt: NOW - MINUTE, usd: 3 }]);
    void holder.refreshIfDue(NOW + 10 * MINUTE);
    await answer([{ version: 3, effectiveAt: NOW + 5 * MINUTE, usd: 7 }]);
    await revision.whenKnown();
    expect(price(100_000_000n).cost).toBe(6_000_000n);
  });
});

describe('a call while the ledger does not answer', () => {
  it('is planned at once with the catalog that the isolate has', async () => {
    const { holder } = setUp();
    void holder.refreshIfDue(NOW);
    const startedAt = performance.now();
    const ctx: RequestContext = Object({ deps: { catalog: holder }, clock: () => NOW });
    const { version } = await resolveModel(ctx, (catalog) => ({
      ok: true,
      version: catalog.findModel('gpt-4o-mini', ['openai'])?.prices.version,
    }));
    expect(version).toBe(RELEASED.version);
    expect(performance.now() - startedAt).toBeLessThan(100);
  });

  it('is settled by its plan after ten seconds', async () => {
    vi.useFakeTimers();
    const { revision, price } = await sleepingIsolate();
    const known = revision.whenKnown();
    await vi.advanceTimersByTimeAsync(9_000);
    expect(revision.isPending).toBe(true);
    await vi.advanceTimersByTimeAsync(1_000);
    await known;
    vi.useRealTimers();
    expect(revision.isPending).toBe(false);
    expect(price(100_000_000n).priceRule).toBe(`${RELEASED.version}+1/standard`);
  });
});

describe('a call of an isolate with a catalog of the last minute', () => {
  it('waits for nothing and is billed by its plan', async () => {
    const { holder, answer } = setUp();
    void holder.refreshIfDue(NOW - MINUTE / 2);
    await answer([{ version: 1, effectiveAt: NOW - 10 * MINUTE, usd: 2 }]);
    void holder.refreshIfDue(NOW);
    const revision = new PriceRevision(plan(holder, NOW), holder, repricePlan);
    expect(revision.isPending).toBe(false);
    await answer([{ version: 2, effectiveAt: NOW - 1, usd: 1 }]);
    expect(revision.price(10n ** 9n, (by) => priceUsage(by, USAGE, NOTHING_READ)).cost).toBe(
      4_000_000n,
    );
  });
});
