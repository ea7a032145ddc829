/** Past balances, compared with a walk over all entries. */
import type { Entry } from '@farebox/ledger';
import { createEmptyDatabase } from '@farebox/local';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Database } from '../connection/index.ts';
import { ingestEntries } from '../ledger/index.ts';
import { listPastBalances } from './index.ts';

const FIRST = Date.UTC(2026, 0, 31, 23, 59, 59, 990);

describe('the balances of the past', () => {
  let empty: Awaited<ReturnType<typeof createEmptyDatabase>>;
  let db: Database;
  let accounts = 0;

  beforeAll(async () => {
    empty = await createEmptyDatabase();
    db = connect(empty.url);
  });
  afterAll(() => empty.close());

  async function newAccount(): Promise<string> {
    accounts += 1;
    const account = accounts.toString(16).padStart(16, '0');
    await db.execute(sql`insert into accounts (id, created_at) values (${account}, now())`);
    return account;
  }

  it('are those of the last entry before each time, also where entries share a millisecond', async () => {
    const compare = async (waits: readonly number[], times: readonly number[]) => {
      const account = await newAccount();
      const entries: Entry[] = [];
      let at = FIRST;
      for (const [index, wait] of waits.entries()) {
        at += wait;
        const seq = index + 1;
        const line = {
          id: `local:${seq}`,
          kind: 'credit',
          delta: BigInt(seq),
          call: null,
        } as const;
        entries.push({ ...line, seq, postedAfter: BigInt((seq * (seq + 1)) / 2), at });
      }
      expect(await ingestEntries(db, account, entries)).toMatchObject({ ok: true });
      const sorted = [...new Set(times)].sort((a, b) => a - b).map((time) => FIRST + time);
      const expected = sorted.map((before) => {
        const last = entries.findLast((entry) => entry.at < before);
        return { before, posted: last?.postedAfter ?? 0n, seq: last?.seq ?? 0 };
      });
      expect(await listPastBalances(db, account, sorted)).toEqual(expected);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3), { maxLength: 40 }),
        fc.array(fc.integer({ min: -2, max: 90 }), { minLength: 1, maxLength: 13 }),
        compare,
      ),
      { seed: 15, numRuns: 25 },
    );
  });
});
