/** Emails about corrected bills, on a database: one per account and correction, in any failure. */
import { connect, type Database } from '@farebox/database';
import { insertAccount } from '@farebox/database/users';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import type { QueuedEmail } from '@farebox/mail';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emailCorrectedAccounts } from './correction-emails.ts';

const NOW = Date.UTC(2026, 10, 27);
const ACCOUNTS = 130;

let database: EmptyDatabase;
let db: Database;

function toAccountId(index: number): string {
  return index.toString(16).padStart(16, '0');
}

beforeAll(async () => {
  database = await createEmptyDatabase();
  db = connect(database.url);
  for (let index = 1; index <= ACCOUNTS; index += 1) {
    const email = `payer-${index}@example.com`;
    const accountId = toAccountId(index);
    const language = ['en', 'ru', 'zh'][index % 3] ?? 'en';
    const fields = { email, emailKey: email, passwordHash: 'x', language, verified: true };
    await insertAccount(db, { accountId, ...fields, now: NOW });
  }
}, 120_000);
afterAll(() => database?.close());

let correctionCount = 0;

/** Stores a correction that gave back 3 and 4 nano-USD for two calls of each account. */
async function storeCorrection(state: string, accounts: readonly number[]): Promise<string> {
  correctionCount += 1;
  const id = correctionCount.toString(16).padStart(32, 'e');
  await db.execute(`insert into corrections (id, calls, accounts, amount, reason, state, proposed_by,
      proposed_at, decided_by, decided_at)
    values ('${id}', 1, 1, 1, 'a wrong price', '${state}', 'ada@example.com', now(),
      'ada@example.com', now())`);
  for (const index of accounts) {
    const account = toAccountId(index);
    const call = (part: number) => `${correctionCount}${part}${account}`.padStart(32, '0');
    await db.execute(`insert into correction_calls (account_id, call_id, correction_id, amount,
        state, ended_at)
      values ('${account}', '${call(1)}', '${id}', 3, 'applied', now()),
        ('${account}', '${call(2)}', '${id}', 4, 'applied', now()),
        ('${account}', '${call(3)}', '${id}', 9, 'refused', now())`);
  }
  return id;
}

/** A queue that fails `failures` times, each time after the messages were taken. */
function createDeps(failures = 0) {
  const sent: QueuedEmail[] = [];
  let left = failures;
  const deps = {
    identity: { db, secret: new Uint8Array(32).fill(7), now: () => NOW },
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

describe('the email about a corrected bill', () => {
  it('says what was given back, in the owner’s language, and nothing else', async () => {
    await storeCorrection('applied', [1]);
    const { deps, sent } = createDeps();
    await emailCorrectedAccounts(deps);
    expect(sent.map(({ email }) => email)).toEqual([
      {
        kind: 'bill_corrected',
        facts: { calls: 2, amount: '0.000000007', model: '–' },
        to: 'payer-1@example.com',
        language: 'ru',
        account: toAccountId(1),
      },
    ]);
  });

  it('waits until the correction is finished', async () => {
    const id = await storeCorrection('approved', [2]);
    const { deps, sent } = createDeps();
    await emailCorrectedAccounts(deps);
    expect(sent).toEqual([]);
    await db.execute(`update corrections set state = 'applied' where id = '${id}'`);
    await emailCorrectedAccounts(deps);
    expect(sent.map(({ email }) => email.to)).toEqual(['payer-2@example.com']);
  });

  it('is sent once per account and correction, also after a failure of the queue', async () => {
    const all = Array.from({ length: ACCOUNTS }, (_, index) => index + 1);
    await storeCorrection('applied', all);
    await storeCorrection('applied', [5]);
    const { deps, sent } = createDeps(1);
    await expect(emailCorrectedAccounts(deps)).rejects.toThrow('away');
    for (let run = 0; run < 4; run += 1) await emailCorrectedAccounts(deps);
    const distinct = new Map(sent.map(({ id, email }) => [id, email.to]));
    expect(sent).toHaveLength(100 + ACCOUNTS + 1);
    expect(distinct.size).toBe(ACCOUNTS + 1);
    expect([...distinct.values()].filter((to) => to === 'payer-5@example.com')).toHaveLength(2);
    const { rows } = await db.execute<{ count: string }>(`select count(*)::text as count
      from corrections where state = 'applied' and notified_at is null`);
    expect(rows[0]?.count).toBe('0');
  });
});
