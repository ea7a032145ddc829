/**
 * Account deletion with failures at each step: repeating it finishes it, and no step runs twice.
 */
import { connect, type Database } from '@farebox/database';
import { insertAccount } from '@farebox/database/users';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import type { QueuedEmail } from '@farebox/mail';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteAccount, finishDeletions } from './account-deletion.ts';

let database: EmptyDatabase;
let db: Database;
let accountCount = 0;

beforeAll(async () => {
  database = await createEmptyDatabase();
  db = connect(database.url);
}, 120_000);
afterAll(() => database?.close());

async function createAccount(): Promise<Readonly<{ id: string; email: string }>> {
  accountCount += 1;
  const id = accountCount.toString(16).padStart(16, '0');
  const email = `leaver-${accountCount}@example.com`;
  const userFields = { email, emailKey: email, passwordHash: 'x', language: 'en', verified: true };
  await insertAccount(db, { accountId: id, ...userFields, now: Date.now() });
  return { id, email };
}

type Faults = { close?: number; mail?: number; wiped?: boolean };

/** A ledger and a queue that fail a number of times, and a ledger that may not have wiped yet. */
function createDeps(faults: Faults) {
  const sent: QueuedEmail[] = [];
  const closed: string[] = [];
  const maybeFail = (step: 'close' | 'mail') => {
    const left = faults[step] ?? 0;
    faults[step] = left - 1;
    if (left > 0) throw new Error('away');
  };
  const deps = {
    identity: {
      db,
      accounts: { open: async () => {} },
      secret: new Uint8Array(32).fill(7),
      random: (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes)),
      now: Date.now,
    },
    accounts: {
      close: async (id: string) => {
        maybeFail('close');
        closed.push(id);
        return { wiped: faults.wiped ?? true, posted: 5n, openCalls: 0 };
      },
    },
    mail: {
      sendBatch: async (batch: Iterable<{ body: QueuedEmail }>) => {
        maybeFail('mail');
        for (const { body } of batch) sent.push(body);
      },
    },
  };
  return { deps, sent, closed };
}

async function getAccountRow(id: string) {
  const { rows } = await db.execute<{ closed: boolean; wiped: boolean; user: boolean }>(
    `select closed_at is not null as closed, wiped_at is not null as wiped,
      exists (select 1 from identities where account_id = '${id}') as "user"
      from accounts where id = '${id}'`,
  );
  return rows[0];
}

describe('account deletion', () => {
  it('runs all steps at once when every system is available', async () => {
    const { id, email } = await createAccount();
    const { deps, sent } = createDeps({});
    const { receipt, closed } = await deleteAccount(deps, id);
    expect(receipt).toMatch(/^[0-9a-f]{32}$/);
    expect(closed).toEqual({ wiped: true, posted: 5n, openCalls: 0 });
    expect(await getAccountRow(id)).toEqual({ closed: true, wiped: true, user: false });
    expect(sent.map(({ email }) => [email.kind, email.to, email.account])).toEqual([
      ['account_deleted', email, null],
    ]);
    await finishDeletions(deps);
    expect(sent.length).toBe(1);
  });

  it('stops after closing the rows when the ledger is unavailable, and continues in order', async () => {
    const { id } = await createAccount();
    const { deps, sent } = createDeps({ close: 2 });
    const { closed, receipt } = await deleteAccount(deps, id);
    expect(closed).toBeNull();
    expect(await getAccountRow(id)).toEqual({ closed: true, wiped: false, user: true });
    await finishDeletions(deps);
    expect(await getAccountRow(id)).toEqual({ closed: true, wiped: false, user: true });
    await finishDeletions(deps);
    expect(await getAccountRow(id)).toEqual({ closed: true, wiped: true, user: false });
    expect(sent.length).toBe(1);
    expect((await deleteAccount(deps, id)).receipt).toBe(receipt);
  });

  it('erases the user without a final email when the queue is unavailable', async () => {
    const { id } = await createAccount();
    const { deps, sent } = createDeps({ mail: 1 });
    await deleteAccount(deps, id);
    expect(await getAccountRow(id)).toEqual({ closed: true, wiped: true, user: false });
    expect(sent).toEqual([]);
    const { rows } = await db.execute(
      "select state, reason from emails where kind = 'account_deleted' and state = 'failed'",
    );
    expect(rows).toEqual([{ state: 'failed', reason: 'not_queued' }]);
  });

  it('is not finished before the account object is wiped', async () => {
    const { id } = await createAccount();
    const faults: Faults = { wiped: false };
    const { deps, sent, closed } = createDeps(faults);
    await deleteAccount(deps, id);
    await finishDeletions(deps);
    expect(await getAccountRow(id)).toEqual({ closed: true, wiped: false, user: false });
    faults.wiped = true;
    await finishDeletions(deps);
    expect(await getAccountRow(id)).toEqual({ closed: true, wiped: true, user: false });
    expect(closed).toEqual([id, id, id]);
    expect(sent.length).toBe(1);
  });

  it('does not delay other deletions when it fails', async () => {
    const [first, second] = [await createAccount(), await createAccount()];
    const { deps } = createDeps({ close: 3 });
    await deleteAccount(deps, first.id);
    await deleteAccount(deps, second.id);
    await finishDeletions(deps);
    expect(
      [await getAccountRow(first.id), await getAccountRow(second.id)]
        .map((row) => row?.wiped)
        .sort(),
    ).toEqual([false, true]);
  });
});
