/** What the status page concludes from emails that wait. */
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect, type Database } from '../connection/connection.ts';
import { readStatusFacts } from './status-facts.ts';

const NOW = Date.UTC(2026, 10, 26, 12);
const MINUTE_MS = 60_000;

let database: EmptyDatabase;
let db: Database;

beforeAll(async () => {
  database = await createEmptyDatabase();
  db = connect(database.url);
}, 120_000);
afterAll(() => database?.close());
beforeEach(async () => {
  await db.execute(sql`delete from emails`);
});

const toIso = (minutes: number) => new Date(NOW - minutes * MINUTE_MS).toISOString();
let emails = 0;

async function insertQueued(minutesAgo: number): Promise<void> {
  emails += 1;
  await db.execute(sql`insert into emails (id, kind, state, queued_at)
    values (${emails.toString(16).padStart(32, '0')}, 'password_changed', 'queued',
      ${toIso(minutesAgo)}::timestamptz)`);
}

async function insertSent(minutesAgo: number): Promise<void> {
  emails += 1;
  await db.execute(sql`insert into emails (id, kind, state, queued_at, sent_at)
    values (${emails.toString(16).padStart(32, '0')}, 'password_changed', 'sent',
      ${toIso(minutesAgo)}::timestamptz, ${toIso(minutesAgo)}::timestamptz)`);
}

describe('emails that wait', () => {
  it('are counted if none was sent since', async () => {
    await insertQueued(30);
    await insertQueued(11);
    await insertQueued(9);
    await insertSent(40);
    expect(await readStatusFacts(db, NOW)).toMatchObject({ emailsStuck: 2 });
  });

  it('are not counted while others are sent', async () => {
    await insertQueued(30);
    await insertSent(3);
    expect(await readStatusFacts(db, NOW)).toMatchObject({ emailsStuck: 0 });
  });

  it('are not counted once the queue must have lost them', async () => {
    await insertQueued(5 * 60);
    expect(await readStatusFacts(db, NOW)).toMatchObject({ emailsStuck: 0 });
  });
});
