/** A deletion whose neighbours fail it at each step is finished by asking again, and never done halfway twice. */
import { connect, type Database, insertAccount } from '@farebox/database';
import { type EmptyDatabase, emptyDatabase } from '@farebox/local';
import type { QueuedLetter } from '@farebox/mail';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteAccount, finishDeletions } from './deletions.ts';

let database: EmptyDatabase;
let db: Database;
let made = 0;

beforeAll(async () => {
  database = await emptyDatabase();
  db = connect(database.url);
}, 120_000);
afterAll(() => database?.close());

async function account(): Promise<Readonly<{ id: string; email: string }>> {
  made += 1;
  const id = made.toString(16).padStart(16, '0');
  const email = `leaver-${made}@example.com`;
  const person = { email, emailKey: email, passwordHash: 'x', language: 'en', verified: true };
  await insertAccount(db, { accountId: id, ...person, now: Date.now() });
  return { id, email };
}

type Faults = { close?: number; mail?: number; wiped?: boolean };

/** A ledger and a queue that fail so many times, and a ledger that may not have wiped yet. */
function houseWith(faults: Faults) {
  const sent: QueuedLetter[] = [];
  const closed: string[] = [];
  const broken = (what: 'close' | 'mail') => {
    const left = faults[what] ?? 0;
    faults[what] = left - 1;
    if (left > 0) throw new Error('away');
  };
  const house = {
    identity: {
      db,
      accounts: { open: async () => {} },
      secret: new Uint8Array(32).fill(7),
      random: (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes)),
      now: Date.now,
    },
    accounts: {
      close: async (id: string) => {
        broken('close');
        closed.push(id);
        return { wiped: faults.wiped ?? true, posted: 5n, openCalls: 0 };
      },
    },
    mail: {
      sendBatch: async (batch: Iterable<{ body: QueuedLetter }>) => {
        broken('mail');
        for (const { body } of batch) sent.push(body);
      },
    },
  };
  return { house, sent, closed };
}

async function rowOf(id: string) {
  const { rows } = await db.execute<{ closed: boolean; wiped: boolean; person: boolean }>(
    `select closed_at is not null as closed, wiped_at is not null as wiped,
      exists (select 1 from identities where account_id = '${id}') as person
      from accounts where id = '${id}'`,
  );
  return rows[0];
}

describe('a deletion', () => {
  it('does all of it at once where everybody answers', async () => {
    const { id, email } = await account();
    const { house, sent } = houseWith({});
    const { receipt, closed } = await deleteAccount(house, id);
    expect(receipt).toMatch(/^[0-9a-f]{32}$/);
    expect(closed).toEqual({ wiped: true, posted: 5n, openCalls: 0 });
    expect(await rowOf(id)).toEqual({ closed: true, wiped: true, person: false });
    expect(sent.map(({ letter }) => [letter.kind, letter.to, letter.account])).toEqual([
      ['account_deleted', email, null],
    ]);
    await finishDeletions(house);
    expect(sent.length).toBe(1);
  });

  it('is closed and waits where the ledger is away, keeping the order of the steps', async () => {
    const { id } = await account();
    const { house, sent } = houseWith({ close: 2 });
    const { closed, receipt } = await deleteAccount(house, id);
    expect(closed).toBeNull();
    expect(await rowOf(id)).toEqual({ closed: true, wiped: false, person: true });
    await finishDeletions(house);
    expect(await rowOf(id)).toEqual({ closed: true, wiped: false, person: true });
    await finishDeletions(house);
    expect(await rowOf(id)).toEqual({ closed: true, wiped: true, person: false });
    expect(sent.length).toBe(1);
    expect((await deleteAccount(house, id)).receipt).toBe(receipt);
  });

  it('gives up the letter and not the erasure where the queue is away', async () => {
    const { id } = await account();
    const { house, sent } = houseWith({ mail: 1 });
    await deleteAccount(house, id);
    expect(await rowOf(id)).toEqual({ closed: true, wiped: true, person: false });
    expect(sent).toEqual([]);
    const { rows } = await db.execute(
      "select state, reason from mails where kind = 'account_deleted' and state = 'failed'",
    );
    expect(rows).toEqual([{ state: 'failed', reason: 'not_queued' }]);
  });

  it('is not finished before the object is wiped', async () => {
    const { id } = await account();
    const faults: Faults = { wiped: false };
    const { house, sent, closed } = houseWith(faults);
    await deleteAccount(house, id);
    await finishDeletions(house);
    expect(await rowOf(id)).toEqual({ closed: true, wiped: false, person: false });
    faults.wiped = true;
    await finishDeletions(house);
    expect(await rowOf(id)).toEqual({ closed: true, wiped: true, person: false });
    expect(closed).toEqual([id, id, id]);
    expect(sent.length).toBe(1);
  });

  it('that fails keeps no other waiting', async () => {
    const [one, two] = [await account(), await account()];
    const { house } = houseWith({ close: 3 });
    await deleteAccount(house, one.id);
    await deleteAccount(house, two.id);
    await finishDeletions(house);
    expect([await rowOf(one.id), await rowOf(two.id)].map((row) => row?.wiped).sort()).toEqual([
      false,
      true,
    ]);
  });
});
