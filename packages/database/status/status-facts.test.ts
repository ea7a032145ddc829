/** What the status page concludes from calls, and from emails that wait. */
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

describe('calls of a provider', () => {
  it('are counted with the accounts that they are of, and those that saw a failure', async () => {
    // The rows belong to no ledger: only what is counted of them is tested here.
    await db.batch([
      db.execute(sql`set local session_replication_role = replica`),
      db.execute(sql`insert into calls (account_id, id, seq, key_id, model, provider, dialect, stream,
          http_status, status, reason, fees, charged, shortfall, created_at)
        select lpad(to_hex(case when i > 8 then i else 1 end), 16, '0'), lpad(to_hex(i), 32, '0'), i, 1,
          'openai/m', 'openai', 'chat', false, 200, 'settled',
          case when i <= 9 then 'estimated_after_upstream_cut' else 'provider_reported' end, '[]', 0, 0,
          ${toIso(1)}::timestamptz from generate_series(1, 11) i`),
    ]);
    expect((await readStatusFacts(db, NOW)).providers).toEqual([
      { provider: 'openai', calls: 11, failed: 9, accounts: 4, failedAccounts: 2 },
    ]);
  });
});
