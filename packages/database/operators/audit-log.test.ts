/**
 * The audit log and the rule of two operators, on a real PostgreSQL where there is one: races need
 * it.
 */
import { createEmptyDatabase, startPostgres } from '@farebox/local';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Database } from '../connection/index.ts';
import { recordReconciliation } from '../ledger/index.ts';
import { insertAccount } from '../users/index.ts';
import {
  appendOperatorAction,
  decideAdjustment,
  findAdjustment,
  listOperatorActions,
  type Proposal,
  proposeAdjustment,
  readHealth,
  verifyAuditLog,
} from './index.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const LIMIT = 50_000_000_000n;
const OPERATOR_LIMIT = 200_000_000_000n;
const ACCOUNT = 'a'.repeat(16);

const postgres = await startPostgres();
if (postgres === null) process.stdout.write('No PostgreSQL on this machine: PGlite only.\n');
let empty: Awaited<ReturnType<typeof createEmptyDatabase>>;
let db: Database;

beforeAll(async () => {
  empty = await createEmptyDatabase(
    postgres === null ? undefined : { postgres: postgres.connectionString },
  );
  db = connect(empty.url);
  await insertAccount(db, {
    accountId: ACCOUNT,
    email: 'a@example.com',
    emailKey: 'a@example.com',
    passwordHash: 'x',
    language: 'en',
    verified: true,
    now: NOW,
  });
});
afterAll(async () => {
  await empty.close();
  await postgres?.stop();
});

function appendAction(reason: string) {
  const base = { at: NOW, operator: 'a@farebox.example', subject: ACCOUNT };
  return appendOperatorAction(db, { ...base, action: 'look', reason, outcome: 'done' });
}

/** Bypasses the trigger, as anyone with the database's credentials could. */
async function tamper(statement: ReturnType<typeof sql>): Promise<void> {
  await db.batch([
    db.execute(sql`set local session_replication_role = replica`),
    db.execute(statement),
  ]);
}

const columns = sql.raw('seq, at, operator, action, subject, reason, outcome, previous_hash, hash');

/** The untouched entry, from a copy made before tampering. */
async function restore(seq: number): Promise<void> {
  await tamper(sql`delete from operator_actions where seq = ${seq}`);
  await tamper(sql`insert into operator_actions (${columns})
    select ${columns} from as_it_was where seq = ${seq}`);
  expect(await verifyAuditLog(db)).toMatchObject({ ok: true, entries: 15 });
}

describe('the audit log', () => {
  it('numbers entries without gaps when many are appended at once', async () => {
    await Promise.all(Array.from({ length: 12 }, (_, index) => appendAction(`at once ${index}`)));
    const check = await verifyAuditLog(db);
    expect(check).toMatchObject({ ok: true, entries: 12, lastSeq: 12 });
    const entries = await listOperatorActions(db, { before: 100, limit: 100 });
    expect(new Set(entries.map(({ reason }) => reason)).size).toBe(12);
    expect(entries[0]?.hash).toBe(check.ok ? check.lastHash : '');
  });

  it('stores any text, and verifies its newest entries alone', async () => {
    const texts = ['“quotes”, \\ and "these"', 'ё 中文 🙂', ' spaces '];
    for (const text of texts) await appendAction(text);
    expect(await verifyAuditLog(db, { latest: 2 })).toMatchObject({
      ok: true,
      entries: 2,
      lastSeq: 15,
    });
    expect(await verifyAuditLog(db)).toMatchObject({ ok: true, entries: 15 });
    await db.execute(sql`create table as_it_was as select * from operator_actions`);
  });

  it('refuses to change or delete an entry', async () => {
    for (const change of [
      sql`update operator_actions set reason = 'x' where seq = 3`,
      sql`delete from operator_actions where seq = 15`,
      sql`truncate operator_actions`,
    ]) {
      await expect(db.execute(change)).rejects.toThrow();
    }
    expect(await verifyAuditLog(db)).toMatchObject({ ok: true, entries: 15 });
  });

  it('reports the first altered entry when the trigger was bypassed', async () => {
    for (const column of ['reason', 'operator', 'outcome', 'action', 'subject']) {
      const name = sql.identifier(column);
      await tamper(sql`update operator_actions set ${name} = 'changed' where seq = 5`);
      expect(await verifyAuditLog(db)).toEqual({ ok: false, seq: 5, problem: 'altered' });
      await restore(5);
    }
  });

  it('reports a removed entry and an entry with another predecessor', async () => {
    await tamper(sql`delete from operator_actions where seq = 7`);
    expect(await verifyAuditLog(db)).toEqual({ ok: false, seq: 7, problem: 'missing' });
    await restore(7);
    await tamper(sql`update operator_actions set previous_hash = ${'0'.repeat(64)} where seq = 9`);
    expect(await verifyAuditLog(db)).toEqual({ ok: false, seq: 9, problem: 'unlinked' });
    await restore(9);
  });

  it('has hashes that PostgreSQL computes alike, over more than one page', async () => {
    // PostgreSQL's own SHA-256 of the documented text (docs/operators.md).
    await db.execute(sql`do $$
      declare last operator_actions; made text;
      begin
        select * into last from operator_actions order by seq desc limit 1;
        for n in last.seq + 1 .. last.seq + 1100 loop
          made := encode(sha256(convert_to(format(
            '[%s,"2026-11-24T12:00:00.000Z","a@x.example","look",null,"because","done","%s"]',
            n, last.hash), 'UTF8')), 'hex');
          insert into operator_actions
            (seq, at, operator, action, reason, outcome, previous_hash, hash)
            values (n, '2026-11-24T12:00:00Z', 'a@x.example', 'look', 'because', 'done', last.hash, made)
            returning * into last;
        end loop;
      end $$`);
    expect(await verifyAuditLog(db)).toMatchObject({ ok: true, entries: 1_115, lastSeq: 1_115 });
    await tamper(sql`update operator_actions set reason = 'another' where seq = 1100`);
    expect(await verifyAuditLog(db)).toEqual({ ok: false, seq: 1_100, problem: 'altered' });
    expect(await verifyAuditLog(db, { latest: 5 })).toMatchObject({ ok: true });
  });
});

let proposals = 0;

function buildProposal(delta: bigint, by = 'finn@farebox.example', accountId = ACCOUNT): Proposal {
  proposals += 1;
  const id = proposals.toString(16).padStart(32, '0');
  const limits = { account: LIMIT, operator: OPERATOR_LIMIT };
  return { id, accountId, delta, reason: 'ticket 4711', by, now: NOW, limits };
}

async function newAccount(): Promise<string> {
  proposals += 1;
  const accountId = proposals.toString(16).padStart(16, '0');
  const email = `${proposals}@example.com`;
  const row = { accountId, email, emailKey: email, passwordHash: 'x', language: 'en' };
  await insertAccount(db, { ...row, verified: true, now: NOW });
  return accountId;
}

async function stateAfter(request: Proposal): Promise<string> {
  const proposed = await proposeAdjustment(db, request);
  return proposed.ok ? proposed.adjustment.state : proposed.reason;
}

describe('an adjustment', () => {
  it('needs one operator up to the limit and two above it, in either direction', async () => {
    expect(await stateAfter(buildProposal(LIMIT, 'a@x.example', await newAccount()))).toBe(
      'approved',
    );
    expect(await stateAfter(buildProposal(-LIMIT, 'a@x.example', await newAccount()))).toBe(
      'approved',
    );
    expect(await stateAfter(buildProposal(LIMIT + 1n, 'a@x.example', await newAccount()))).toBe(
      'proposed',
    );
    expect(await stateAfter(buildProposal(-LIMIT - 1n, 'a@x.example', await newAccount()))).toBe(
      'proposed',
    );
  });

  it('counts the adjustments of a day together, also when they are concurrent', async () => {
    const account = await newAccount();
    const halves = await Promise.all(
      Array.from({ length: 6 }, () =>
        stateAfter(buildProposal(LIMIT / 2n, 'a@x.example', account)),
      ),
    );
    expect(halves.filter((state) => state === 'approved')).toHaveLength(2);
    const tomorrow = { ...buildProposal(LIMIT, 'a@x.example', account), now: NOW + 86_400_001 };
    expect(await stateAfter(tomorrow)).toBe('approved');
  });

  it('counts the adjustments of an operator on all accounts together, in any letter case', async () => {
    const names = ['many@x.example', 'Many@X.example', 'MANY@x.example'];
    const states: string[] = [];
    for (let index = 0; index < 6; index += 1) {
      const by = names[index % names.length];
      const delta = index % 2 === 0 ? LIMIT : -LIMIT;
      states.push(await stateAfter(buildProposal(delta, by, await newAccount())));
    }
    expect(states.slice(0, 4)).toEqual(['approved', 'approved', 'approved', 'approved']);
    expect(states.slice(4)).toEqual(['proposed', 'proposed']);
    const other = buildProposal(LIMIT, 'other@x.example', await newAccount());
    expect(await stateAfter(other)).toBe('approved');
    const account = await newAccount();
    const tomorrow = { ...buildProposal(LIMIT, 'many@x.example', account), now: NOW + 86_400_001 };
    expect(await stateAfter(tomorrow)).toBe('approved');
  });

  it('holds an operator’s limit when concurrent proposals concern different accounts', async () => {
    const accounts = await Promise.all(Array.from({ length: 12 }, newAccount));
    const states = await Promise.all(
      accounts.map((account) => stateAfter(buildProposal(LIMIT, 'quick@x.example', account))),
    );
    expect(states.filter((state) => state === 'approved')).toHaveLength(4);
    expect(states.filter((state) => state === 'proposed')).toHaveLength(8);
  });

  it('counts neither what a second operator approved nor what was rejected', async () => {
    const by = 'paired@x.example';
    const large = buildProposal(LIMIT * 3n, by, await newAccount());
    expect(await stateAfter(large)).toBe('proposed');
    const approval = { id: large.id, by: 'second@x.example', approved: true, now: NOW };
    expect(await decideAdjustment(db, approval)).toMatchObject({ ok: true });
    const withdrawn = buildProposal(LIMIT * 4n, by, await newAccount());
    expect(await stateAfter(withdrawn)).toBe('proposed');
    await decideAdjustment(db, { id: withdrawn.id, by, approved: false, now: NOW });
    const alone: string[] = [];
    for (let index = 0; index < 4; index += 1) {
      alone.push(await stateAfter(buildProposal(LIMIT, by, await newAccount())));
    }
    expect(alone).toEqual(['approved', 'approved', 'approved', 'approved']);
  });

  it('is proposed once if sent twice, and refuses its id for another proposal', async () => {
    const request = buildProposal(1n, 'twice@x.example', await newAccount());
    expect(await stateAfter(request)).toBe('approved');
    expect(await stateAfter(request)).toBe('approved');
    expect(await stateAfter({ ...request, delta: 2n })).toBe('conflict');
    expect(await stateAfter({ ...request, by: 'b@x.example' })).toBe('conflict');
  });

  it('can’t be approved by its proposer, whatever the letter case of the name', async () => {
    const request = buildProposal(LIMIT * 2n, 'Finn@Farebox.example');
    await proposeAdjustment(db, request);
    for (const by of ['Finn@Farebox.example', 'finn@farebox.example', 'FINN@FAREBOX.EXAMPLE']) {
      const decision = { id: request.id, by, approved: true, now: NOW };
      expect(await decideAdjustment(db, decision)).toEqual({ ok: false, reason: 'own_proposal' });
    }
    expect((await findAdjustment(db, request.id))?.state).toBe('proposed');
    const withdrawal = { id: request.id, by: 'finn@farebox.example', approved: false, now: NOW };
    expect(await decideAdjustment(db, withdrawal)).toMatchObject({ ok: true });
  });

  it('is decided once when two operators decide at the same time', async () => {
    const request = buildProposal(LIMIT * 2n);
    await proposeAdjustment(db, request);
    const decisions = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        decideAdjustment(db, {
          id: request.id,
          by: `${index}@x.example`,
          approved: index % 2 === 0,
          now: NOW,
        }),
      ),
    );
    expect(decisions.filter(({ ok }) => ok)).toHaveLength(1);
    const others = decisions.flatMap((decision) => (decision.ok ? [] : [decision.reason]));
    expect(new Set(others)).toEqual(new Set(['already_decided']));
  });
});

describe('the health query', () => {
  it('sums the reconciliation runs of a day and deletes those older than 30 days', async () => {
    const run = { accounts: 10, behind: 1, pending: 4, broken: 0, unfinished: 0 };
    await recordReconciliation(db, { ...run, at: NOW - 40 * 86_400_000 });
    await recordReconciliation(db, { ...run, at: NOW - 600_000 });
    await recordReconciliation(db, { ...run, at: NOW - 600_000 });
    await recordReconciliation(db, { ...run, at: NOW - 300_000 });
    const { reconciliation } = await readHealth(db, NOW);
    expect(reconciliation).toEqual({
      runs: 2,
      latest: NOW - 300_000,
      accounts: 20,
      behind: 2,
      pending: 8,
      broken: 0,
      unfinished: 0,
    });
    const { rows } = await db.execute(sql`select count(*) as count from reconciliation_runs`);
    expect(Number(rows[0]?.count)).toBe(2);
  });

  it('reads every table by an index', async () => {
    const queries = [
      sql`select count(*) from calls where shortfall > 0 and created_at > now()`,
      sql`select kind, count(*) from notifications where at > now() group by kind`,
      sql`select kind, state, count(*) from emails where queued_at > now() group by kind, state`,
      sql`select count(*) from emails where state = 'queued' and queued_at < now()`,
      sql`select count(*) from accounts where closed_at is not null and wiped_at is null`,
      sql`select account_id from calls where id = 'x'`,
      sql`select account_id from api_keys where last4 = 'x'`,
    ];
    for (const statement of queries) {
      const [, plan] = await db.batch([
        db.execute(sql`set local enable_seqscan = off`),
        db.execute(sql`explain ${statement}`),
      ]);
      expect(JSON.stringify(plan.rows)).not.toContain('Seq Scan');
    }
  });
});
