/** Announcements of legal texts, on a database: one email per account and version, in any failure. */
import { connect, type Database } from '@farebox/database';
import { insertAccount } from '@farebox/database/users';
import type { LegalVersion } from '@farebox/i18n';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import type { QueuedEmail } from '@farebox/mail';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { announceLegalVersions } from './legal-announcements.ts';

const ANNOUNCED = Date.UTC(2027, 0, 10);
const DAY_MS = 86_400_000;
const EARLY_ACCOUNTS = 230;

const version = (number: number, announcedOn: string | null): LegalVersion => ({
  document: 'terms',
  version: number,
  effectiveFrom: '2027-02-01',
  announcedOn,
});
const SECOND = version(2, '2027-01-10');

let database: EmptyDatabase;
let db: Database;

async function createAccount(index: number, now: number, language: string): Promise<void> {
  const email = `reader-${index}@example.com`;
  const accountId = index.toString(16).padStart(16, '0');
  const fields = { email, emailKey: email, passwordHash: 'x', language, verified: true };
  await insertAccount(db, { accountId, ...fields, now });
}

beforeAll(async () => {
  database = await createEmptyDatabase();
  db = connect(database.url);
  for (let index = 1; index <= EARLY_ACCOUNTS; index += 1) {
    await createAccount(index, ANNOUNCED - DAY_MS, index % 2 === 0 ? 'ru' : 'en');
  }
  await createAccount(EARLY_ACCOUNTS + 1, ANNOUNCED + 1, 'en');
}, 120_000);
afterAll(() => database?.close());

/** A queue that fails `failures` times, each time after the message was taken. */
function createDeps(now: number, failures = 0) {
  const sent: QueuedEmail[] = [];
  let left = failures;
  const deps = {
    identity: { db, secret: new Uint8Array(32).fill(7), now: () => now },
    mail: {
      sendBatch: async (batch: Iterable<{ body: QueuedEmail }>) => {
        for (const { body } of batch) sent.push(body);
        left -= 1;
        if (left >= 0) throw new Error('away');
      },
    },
  };
  return { deps, sent };
}

async function countRows(): Promise<number> {
  const { rows } = await db.execute<{ count: string }>(
    "select count(*) as count from emails where kind = 'legal_text_changed'",
  );
  return Number(rows[0]?.count);
}

describe('the announcement of a legal text', () => {
  it('is not sent before its day, nor for a version that is not announced', async () => {
    const { deps, sent } = createDeps(ANNOUNCED - 1);
    await announceLegalVersions(deps, [version(1, null), SECOND]);
    expect(sent).toEqual([]);
    expect(await countRows()).toBe(0);
  });

  it('repeats a batch under the same ids if the queue failed', async () => {
    const { deps, sent } = createDeps(ANNOUNCED, 1);
    await expect(announceLegalVersions(deps, [SECOND])).rejects.toThrow('away');
    await announceLegalVersions(deps, [SECOND]);
    const ids = sent.map(({ id }) => id);
    expect(ids.slice(0, 100)).toEqual(ids.slice(100));
    expect(await countRows()).toBe(100);
  });

  it('reaches each account that existed once, in bounded batches, and then ends', async () => {
    const { deps, sent } = createDeps(ANNOUNCED + DAY_MS);
    const sizes: number[] = [];
    for (let run = 0; run < 4; run += 1) {
      const before = sent.length;
      await announceLegalVersions(deps, [SECOND]);
      sizes.push(sent.length - before);
    }
    expect(sizes).toEqual([100, 30, 0, 0]);
    expect(await countRows()).toBe(EARLY_ACCOUNTS);
    expect(sent.at(-1)?.email).toEqual({
      kind: 'legal_text_changed',
      facts: { document: 'terms', version: 2, from: '2027-02-01' },
      to: `reader-${EARLY_ACCOUNTS}@example.com`,
      language: 'ru',
      account: EARLY_ACCOUNTS.toString(16).padStart(16, '0'),
    });
  });

  it('is sent again for the next version, under other ids', async () => {
    const { deps, sent } = createDeps(ANNOUNCED + 2 * DAY_MS);
    await announceLegalVersions(deps, [SECOND, version(3, '2027-01-11')]);
    expect(sent.length).toBe(100);
    expect(await countRows()).toBe(EARLY_ACCOUNTS + 100);
  });
});
