/** The catalog's versions and proposals, on PGlite and on a real PostgreSQL where there is one. */
import { createEmptyDatabase, type EmptyDatabase, startPostgres } from '@farebox/local';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  acceptCatalogProposal,
  findCatalogProposal,
  insertCatalogProposal,
  listCatalogVersions,
  listModelVersions,
  listOpenCatalogProposals,
  type NewCatalogProposal,
  readCatalog,
  readCatalogOfVersion,
  readLatestCatalogVersion,
  readTopUpMargin,
  rejectCatalogProposal,
} from './catalog/index.ts';
import { connect, type Database } from './connection/index.ts';

const NOW = Date.UTC(2026, 10, 26, 12);
const HOUR_MS = 3_600_000;
const ADA = 'ada@farebox.example';
const FINN = 'Finn@farebox.example';

let proposalCount = 0;

function proposal(fields: Partial<NewCatalogProposal> = {}): NewCatalogProposal {
  proposalCount += 1;
  return {
    id: proposalCount.toString(16).padStart(32, '0'),
    author: ADA,
    reason: 'the provider published a price',
    changes: { models: [], margins: [] },
    needsApproval: false,
    baseVersion: 0,
    effectiveAt: null,
    now: NOW,
    ...fields,
  };
}

const define = (id: string, mark: string) => ({
  models: [{ provider: 'openai', id, status: 'defined', definition: { mark } }] as const,
  margins: [],
});

const postgres = await startPostgres();
afterAll(async () => postgres?.stop());
const choices = [
  { name: 'PGlite', choice: 'pglite-memory' as const },
  ...(postgres === null
    ? []
    : [{ name: 'PostgreSQL', choice: { postgres: postgres.connectionString } }]),
];

describe.each(choices)('the catalog in Postgres, on $name', ({ choice }) => {
  let database: EmptyDatabase;
  let db: Database;

  /** Proposes and accepts as one operator; returns the version. */
  async function change(fields: Partial<NewCatalogProposal>): Promise<number> {
    const request = proposal(fields);
    await insertCatalogProposal(db, request);
    const latestVersion = await readLatestCatalogVersion(db);
    const result = await acceptCatalogProposal(db, {
      id: request.id,
      by: request.author,
      latestVersion,
      now: request.now,
    });
    if (!result.ok) throw new Error(result.reason);
    return result.version;
  }

  beforeAll(async () => {
    database = await createEmptyDatabase(choice);
    db = connect(database.url);
  });
  afterAll(() => database.close());

  it('is empty at first', async () => {
    expect(await readCatalog(db, NOW)).toEqual({
      latestVersion: 0,
      versions: [],
      models: [],
      margins: [],
    });
    expect(await readTopUpMargin(db, NOW)).toBe(0);
  });

  it('gives what is in effect and what follows, each model by the latest effect', async () => {
    const first = await change({ changes: define('a', 'first') });
    const dated = await change({ changes: define('a', 'dated'), effectiveAt: NOW + HOUR_MS });
    const later = await change({ changes: define('a', 'second'), now: NOW + 1 });
    const other = await change({ changes: define('b', 'b'), now: NOW + 2 });
    const rows = await readCatalog(db, NOW + 3);
    expect(rows.latestVersion).toBe(other);
    expect(rows.versions).toEqual([
      { version: other, effectiveAt: NOW + 2 },
      { version: dated, effectiveAt: NOW + HOUR_MS },
    ]);
    expect(rows.models).toMatchObject([
      { version: later, id: 'a', definition: { mark: 'second' }, effectiveAt: NOW + 1 },
      { version: other, id: 'b', definition: { mark: 'b' } },
      { version: dated, id: 'a', definition: { mark: 'dated' }, effectiveAt: NOW + HOUR_MS },
    ]);
    expect((await readCatalog(db, NOW + HOUR_MS)).models).toMatchObject([
      { id: 'b' },
      { version: dated, id: 'a' },
    ]);
    expect((await readCatalogOfVersion(db, first)).models).toMatchObject([
      { id: 'a', definition: { mark: 'first' } },
    ]);
    expect((await readCatalogOfVersion(db, dated)).models).toMatchObject([
      { id: 'b' },
      { id: 'a', definition: { mark: 'dated' } },
    ]);
    expect(await listModelVersions(db, { provider: 'openai', id: 'a' }, 9)).toMatchObject([
      { version: later, author: ADA, approvedBy: null },
      { version: dated, effectiveAt: NOW + HOUR_MS },
      { version: first },
    ]);
  });

  it('keeps withdrawn models and released ones apart from defined ones', async () => {
    const status = (value: 'withdrawn' | 'released') => ({
      models: [{ provider: 'openai', id: 'c', status: value, definition: null }],
      margins: [],
    });
    await change({ changes: status('withdrawn') });
    await change({ changes: status('released'), now: NOW + 1 });
    const { models } = await readCatalog(db, NOW + 1);
    expect(models.find(({ id }) => id === 'c')).toMatchObject({
      status: 'released',
      definition: null,
    });
  });

  it('sets the margin on top-ups from its moment', async () => {
    const margin = (basis_points: number) => ({
      models: [],
      margins: [{ scope: 'top_ups', basis_points }],
    });
    await change({ changes: margin(250) });
    await change({ changes: margin(0), effectiveAt: NOW + HOUR_MS });
    expect(await readTopUpMargin(db, NOW)).toBe(250);
    expect(await readTopUpMargin(db, NOW + HOUR_MS)).toBe(0);
  });

  it('accepts a change that needs approval from another operator only', async () => {
    const request = proposal({ needsApproval: true, changes: define('d', 'd') });
    await insertCatalogProposal(db, request);
    const latestVersion = await readLatestCatalogVersion(db);
    const accept = (by: string) =>
      acceptCatalogProposal(db, { id: request.id, by, latestVersion, now: NOW });
    expect(await accept(ADA)).toEqual({ ok: false, reason: 'own_proposal' });
    expect(await accept('ADA@Farebox.example')).toEqual({ ok: false, reason: 'own_proposal' });
    expect(await listOpenCatalogProposals(db, 9)).toMatchObject([{ id: request.id }]);
    const accepted = await accept(FINN);
    expect(accepted).toMatchObject({ ok: true });
    expect(await accept(FINN)).toEqual({ ok: false, reason: 'already_decided' });
    const [newest] = await listCatalogVersions(db, 1);
    expect(newest).toMatchObject({ author: ADA, approvedBy: FINN });
    expect(await findCatalogProposal(db, request.id)).toMatchObject({ state: 'accepted' });
  });

  it('never accepts a rejected proposal', async () => {
    const request = proposal({ needsApproval: true });
    await insertCatalogProposal(db, request);
    const decision = { id: request.id, by: ADA, now: NOW };
    expect(await rejectCatalogProposal(db, decision)).toEqual({ ok: true });
    expect(await rejectCatalogProposal(db, decision)).toMatchObject({ reason: 'already_decided' });
    const latestVersion = await readLatestCatalogVersion(db);
    expect(await acceptCatalogProposal(db, { ...decision, by: FINN, latestVersion })).toEqual({
      ok: false,
      reason: 'already_decided',
    });
  });

  it('answers a repeated proposal as the first, and another one of the same id with conflict', async () => {
    const request = proposal({ changes: define('e', 'e') });
    const first = await insertCatalogProposal(db, request);
    expect(await insertCatalogProposal(db, request)).toEqual(first);
    const other = { ...request, changes: define('e', 'other') };
    expect(await insertCatalogProposal(db, other)).toEqual({ ok: false, reason: 'conflict' });
  });

  it('gives each of several concurrent changes a number of its own', async () => {
    const before = await readLatestCatalogVersion(db);
    const requests = Array.from({ length: 8 }, (_, index) =>
      proposal({ changes: define(`concurrent-${index}`, 'x') }),
    );
    await Promise.all(requests.map((request) => insertCatalogProposal(db, request)));
    const acceptOne = async ({ id }: NewCatalogProposal): Promise<void> => {
      for (;;) {
        const latestVersion = await readLatestCatalogVersion(db);
        const result = await acceptCatalogProposal(db, { id, by: ADA, latestVersion, now: NOW });
        if (result.ok) return;
        expect(result.reason).toBe('stale');
      }
    };
    await Promise.all(requests.map(acceptOne));
    expect(await readLatestCatalogVersion(db)).toBe(before + 8);
  });

  it.each([
    'update catalog_versions set effective_at = now()',
    'delete from catalog_models',
    'update catalog_margins set basis_points = 1',
  ])('refuses to change a version: %s', async (statement) => {
    await expect(db.execute(sql.raw(statement))).rejects.toThrow();
  });
});
