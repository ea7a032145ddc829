/** An isolate's catalog: refreshed behind calls, never waited for once it was read. */
import { describe, expect, it } from 'vitest';
import type { CatalogOverlay, CatalogRead, CatalogRpc } from './contract.ts';
import { type CatalogEvent, CatalogHolder } from './holder.ts';
import { findModelById, RELEASED } from './index.ts';

const NOW = Date.UTC(2026, 10, 26, 12);
const SECOND = 1000;
const HOUR = 3600 * SECOND;
const listed = findModelById(RELEASED, { provider: 'openai', id: 'gpt-4o-mini' });

function overlay(
  changes: readonly Readonly<{ version: number; effectiveAt: number; price?: number }>[],
): CatalogOverlay {
  return {
    latestVersion: Math.max(...changes.map(({ version }) => version)),
    versions: changes.map(({ version, effectiveAt }) => ({ version, effectiveAt })),
    models: changes.map(({ version, effectiveAt, price = 1_000_000_000 }) => ({
      version,
      effectiveAt,
      provider: 'openai',
      id: 'added',
      status: 'defined',
      definition: {
        ...listed,
        id: 'added',
        names: ['added'],
        prices: [{ id: 'standard', when: {}, prices: { input_uncached: price, output: price } }],
      },
    })),
    margins: [],
  };
}

/** A source whose answers the test sets; it records the versions that it was asked with. */
class FakeSource implements CatalogRpc {
  readonly asked: (number | null)[] = [];
  answer: () => Promise<CatalogRead> = async () => ({ changed: false });

  read(knownVersion: number | null): Promise<CatalogRead> {
    this.asked.push(knownVersion);
    return this.answer();
  }

  serve(value: CatalogOverlay): void {
    this.answer = async () =>
      this.asked.at(-1) === value.latestVersion
        ? { changed: false }
        : { changed: true, overlay: value };
  }
}

function setUp() {
  const source = new FakeSource();
  const events: CatalogEvent[] = [];
  const holder = new CatalogHolder({
    released: RELEASED,
    source,
    providers: ['openai'],
    refreshMs: 30 * SECOND,
    logEvent: (event) => events.push(event),
  });
  const version = (now: number) => holder.at(now).list.version;
  const hasModel = (now: number) =>
    holder.at(now).catalog.findModel('added', ['openai']) !== undefined;
  return { source, events, holder, version, hasModel };
}

describe('CatalogHolder', () => {
  it('serves the list of the release until the first answer', async () => {
    const { source, holder, version, hasModel } = setUp();
    source.serve(overlay([{ version: 3, effectiveAt: NOW - HOUR }]));
    const refresh = holder.refreshIfDue(NOW);
    expect(version(NOW)).toBe(RELEASED.version);
    await refresh;
    expect(version(NOW)).toBe(`${RELEASED.version}+3`);
    expect(hasModel(NOW)).toBe(true);
  });

  it('reads at most once per interval, and asks with the version that it knows', async () => {
    const { source, holder } = setUp();
    source.serve(overlay([{ version: 3, effectiveAt: NOW - HOUR }]));
    await holder.refreshIfDue(NOW);
    expect(holder.refreshIfDue(NOW + 29 * SECOND)).toBeUndefined();
    await holder.refreshIfDue(NOW + 30 * SECOND);
    expect(source.asked).toEqual([null, 3]);
  });

  it('switches to a dated version at its moment, without another read', async () => {
    const { source, holder, version } = setUp();
    source.serve(
      overlay([
        { version: 1, effectiveAt: NOW - HOUR },
        { version: 2, effectiveAt: NOW + HOUR },
      ]),
    );
    await holder.refreshIfDue(NOW);
    expect(version(NOW + HOUR - 1)).toBe(`${RELEASED.version}+1`);
    expect(version(NOW + HOUR)).toBe(`${RELEASED.version}+2`);
    expect(source.asked).toHaveLength(1);
  });

  it('refuses an overlay with one bad row as a whole and goes on with the old one', async () => {
    const { source, events, holder, version } = setUp();
    source.serve(overlay([{ version: 1, effectiveAt: NOW - HOUR }]));
    await holder.refreshIfDue(NOW);
    source.serve(
      overlay([
        { version: 2, effectiveAt: NOW - 1 },
        { version: 3, effectiveAt: NOW - 1, price: -5 },
      ]),
    );
    await holder.refreshIfDue(NOW + 30 * SECOND);
    expect(version(NOW + 30 * SECOND)).toBe(`${RELEASED.version}+1`);
    expect(events).toEqual([{ event: 'catalog_refused', version: 3 }]);
    await holder.refreshIfDue(NOW + 60 * SECOND);
    expect(events).toHaveLength(1);
    source.serve(overlay([{ version: 4, effectiveAt: NOW - 1 }]));
    await holder.refreshIfDue(NOW + 90 * SECOND);
    expect(version(NOW + 90 * SECOND)).toBe(`${RELEASED.version}+4`);
  });

  it('goes on while the ledger can’t be read, logs it once, and alerts after an hour', async () => {
    const { source, events, holder, version } = setUp();
    source.serve(overlay([{ version: 1, effectiveAt: NOW - HOUR }]));
    await holder.refreshIfDue(NOW);
    source.answer = () => Promise.reject(new Error('not here'));
    await holder.refreshIfDue(NOW + 30 * SECOND);
    await holder.refreshIfDue(NOW + 60 * SECOND);
    expect(events).toEqual([{ event: 'catalog_unreachable' }]);
    await holder.refreshIfDue(NOW + HOUR);
    await holder.refreshIfDue(NOW + HOUR + 30 * SECOND);
    expect(events.slice(1)).toEqual([{ event: 'catalog_stale', ageSeconds: 3600 }]);
    expect(version(NOW + HOUR)).toBe(`${RELEASED.version}+1`);
  });

  it('counts an overlay that it refused as no fresh one', async () => {
    const { source, events, holder } = setUp();
    source.serve(overlay([{ version: 1, effectiveAt: NOW - HOUR, price: -1 }]));
    await holder.refreshIfDue(NOW);
    await holder.refreshIfDue(NOW + HOUR);
    expect(events.map(({ event }) => event)).toEqual(['catalog_refused', 'catalog_stale']);
  });

  it('lets a list of models wait for the first answer, but only for a moment', async () => {
    const { source, holder, version } = setUp();
    source.answer = () => new Promise(() => {});
    const startedAt = performance.now();
    await holder.whenCurrent(NOW);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    const again = performance.now();
    await holder.whenCurrent(NOW);
    expect(performance.now() - again).toBeLessThan(100);
    expect(version(NOW)).toBe(RELEASED.version);
  });

  it('names the read under way to calls of an isolate that is new or had none for a minute', async () => {
    const { source, holder } = setUp();
    const first = holder.refreshIfDue(NOW);
    expect(holder.outdatedUntil(NOW)).toBeInstanceOf(Promise);
    await first;
    expect(holder.outdatedUntil(NOW)).toBeUndefined();
    void holder.refreshIfDue(NOW + 60 * SECOND);
    expect(holder.outdatedUntil(NOW + 60 * SECOND)).toBeUndefined();
    source.answer = () => Promise.reject(new Error('not here'));
    await holder.refreshIfDue(NOW + 90 * SECOND);
    const late = holder.refreshIfDue(NOW + 200 * SECOND);
    expect(holder.outdatedUntil(NOW + 200 * SECOND)).toBeInstanceOf(Promise);
    await late;
    expect(holder.outdatedUntil(NOW + 201 * SECOND)).toBeUndefined();
  });

  it('reads for an unknown name, at most once in three seconds', async () => {
    const { source, holder, hasModel } = setUp();
    source.serve(overlay([{ version: 1, effectiveAt: NOW + 10 * HOUR }]));
    await holder.refreshIfDue(NOW);
    source.serve(overlay([{ version: 2, effectiveAt: NOW }]));
    expect(await holder.readAgain(NOW + SECOND)).toBe(false);
    expect(await holder.readAgain(NOW + 3 * SECOND)).toBe(true);
    expect(hasModel(NOW + 3 * SECOND)).toBe(true);
  });

  it('finds an added model at the first call of a new isolate, whose read is under way', async () => {
    const { source, holder, hasModel } = setUp();
    source.serve(overlay([{ version: 1, effectiveAt: NOW - HOUR }]));
    void holder.refreshIfDue(NOW);
    expect(hasModel(NOW)).toBe(false);
    expect(await holder.readAgain(NOW)).toBe(true);
    expect(hasModel(NOW)).toBe(true);
    expect(source.asked).toHaveLength(1);
  });
});
