/**
 * Refunds from the link to the end, on the real tables, with a ledger whose answers get lost: every
 * step can be repeated, and nothing is reserved or released twice.
 */
import { connect, type Database } from '@farebox/database';
import {
  approveRefund,
  CANCELLABLE_STATES,
  confirmRefund,
  exportApproved,
  findRefund,
  insertRefund,
  moveRefund,
  type Refund,
  recordSentRefunds,
  reportFailedPayment,
  retryRefund,
} from '@farebox/database/refunds';
import { insertAccount } from '@farebox/database/users';
import { CHAIN_DEFAULTS, checkRefundAddress } from '@farebox/deposits';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import type { QueuedEmail } from '@farebox/mail';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { finishRefunds, REFUND_LINK_MS, reserveConfirmed } from './finish-refunds.ts';

const USD = 1_000_000_000n;
const ADDRESS = `0x${'7'.repeat(40)}`;
const LIMITS = { account: 50n * USD, operator: 200n * USD };

let database: EmptyDatabase;
let db: Database;
let count = 0;

beforeAll(async () => {
  database = await createEmptyDatabase();
  db = connect(database.url);
}, 120_000);
beforeEach(async () => {
  await db.execute('delete from refunds');
});
afterAll(() => database?.close());

/** A ledger that carries a verb out and loses its answer as often as `lost` says. */
function createDeps(balance: bigint, lost = 0) {
  const refunds = new Map<string, 'reserved' | 'released'>();
  const sent: QueuedEmail[] = [];
  let left = lost;
  const answer = <T>(value: T): T => {
    left -= 1;
    if (left >= 0) throw new Error('the answer is lost');
    return value;
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
      reserveRefund: async (_: string, { id, amount }: { id: string; amount: bigint }) => {
        if (amount > balance) return answer({ ok: false, reason: 'insufficient' } as const);
        refunds.set(id, 'reserved');
        return answer({ ok: true } as const);
      },
      releaseRefund: async (_: string, id: string) => {
        if (!refunds.has(id)) return answer({ ok: false, reason: 'unknown' } as const);
        refunds.set(id, 'released');
        return answer({ ok: true } as const);
      },
    },
    mail: {
      sendBatch: async (batch: Iterable<{ body: QueuedEmail }>) => {
        for (const { body } of batch) sent.push(body);
      },
    },
  };
  return { deps, refunds, sent };
}

type Requested = Readonly<{ id: string; account: string; hash: string }>;

async function request(amount = 20n * USD, now = Date.now()): Promise<Requested> {
  count += 1;
  const account = count.toString(16).padStart(16, '0');
  const email = `refund-${count}@example.com`;
  const user = { email, emailKey: email, passwordHash: 'x', language: 'en', verified: true };
  await insertAccount(db, { accountId: account, ...user, now });
  const id = count.toString(16).padStart(32, '0');
  const hash = count.toString(16).padStart(64, '0');
  const row = { id, account, chain: 'polygon', address: ADDRESS, amount, fee: USD / 10n };
  expect(await insertRefund(db, { ...row, confirmationHash: hash, now })).toBe(true);
  return { id, account, hash };
}

function confirm({ hash }: Requested): Promise<Refund | undefined> {
  const link = { confirmationHash: hash, requestedAfter: Date.now() - REFUND_LINK_MS };
  return confirmRefund(db, link, Date.now());
}

async function state(id: string): Promise<string | undefined> {
  return (await findRefund(db, id))?.state;
}

/** A refund that its owner confirmed and the ledger reserved. */
async function reserve(amount = 20n * USD): Promise<Refund> {
  const requested = await request(amount);
  await confirm(requested);
  await moveRefund(db, { id: requested.id, to: 'reserved', now: Date.now() });
  const refund = await findRefund(db, requested.id);
  if (refund === undefined) throw new Error('no refund');
  return refund;
}

function approve(refund: Refund, by: string) {
  return approveRefund(db, { refund, by, now: Date.now(), limits: LIMITS });
}

describe('a refund', () => {
  it('is confirmed by its link once, and by no other', async () => {
    const requested = await request();
    expect(await confirm({ ...requested, hash: 'f'.repeat(64) })).toBeUndefined();
    expect(await confirm(requested)).toMatchObject({ state: 'confirmed' });
    expect(await confirm(requested)).toBeUndefined();
  });

  it('is not confirmed by a link that is an hour old, and then expires without an email', async () => {
    const requested = await request(20n * USD, Date.now() - REFUND_LINK_MS);
    expect(await confirm(requested)).toBeUndefined();
    const { deps, sent } = createDeps(100n * USD);
    await finishRefunds(deps);
    expect(await state(requested.id)).toBe('expired');
    expect(sent).toEqual([]);
  });

  it('replaces a request that was not confirmed, and waits for one that was', async () => {
    const first = await request();
    const again = {
      chain: 'polygon',
      address: ADDRESS,
      amount: 30n * USD,
      fee: 0n,
      now: Date.now(),
    };
    const second = {
      ...again,
      account: first.account,
      id: 'a'.repeat(32),
      confirmationHash: 'a'.repeat(64),
    };
    expect(await insertRefund(db, second)).toBe(true);
    expect(await state(first.id)).toBe('cancelled');
    expect(await confirm(first)).toBeUndefined();
    await confirm({ ...first, hash: second.confirmationHash });
    const third = { ...second, id: 'b'.repeat(32), confirmationHash: 'b'.repeat(64) };
    expect(await insertRefund(db, third)).toBe(false);
  });

  it('is reserved once, though the answers of the ledger are lost', async () => {
    const requested = await request();
    await confirm(requested);
    const { deps, refunds } = createDeps(100n * USD, 2);
    for (const expected of ['confirmed', 'confirmed', 'reserved', 'reserved']) {
      await finishRefunds(deps);
      expect(await state(requested.id)).toBe(expected);
    }
    expect(refunds.get(requested.id)).toBe('reserved');
  });

  it('is reserved by the next run though a hundred older ones get no answer in every run', async () => {
    const stuck = new Set<string>();
    for (let older = 0; older < 100; older += 1) {
      const requested = await request();
      await confirm(requested);
      stuck.add(requested.account);
    }
    const newer = await request();
    await confirm(newer);
    const { deps, refunds } = createDeps(100n * USD);
    const { reserveRefund } = deps.accounts;
    deps.accounts.reserveRefund = async (account, refund) => {
      if (stuck.has(account)) throw new Error('no answer');
      return await reserveRefund(account, refund);
    };
    await finishRefunds(deps);
    await finishRefunds(deps);
    expect(await state(newer.id)).toBe('reserved');
    expect([...refunds.keys()]).toEqual([newer.id]);
    const newest = await request();
    await confirm(newest);
    await finishRefunds(deps);
    expect(await state(newest.id)).toBe('reserved');
  }, 60_000);

  it('that was cancelled and released while its amount was on its way is not left reserved', async () => {
    const requested = await request();
    const confirmed = await confirm(requested);
    if (confirmed === undefined) throw new Error('no refund');
    await finishRefunds(createDeps(USD).deps);
    const { deps, refunds } = createDeps(100n * USD);
    await finishRefunds(deps);
    expect(await findRefund(db, requested.id)).not.toMatchObject({ releasedAt: null });
    expect(await reserveConfirmed(deps, confirmed)).toBe(false);
    expect(refunds.get(requested.id)).toBe('released');
  });

  it('that is reserved stays so where a slower answer says that its amount is gone', async () => {
    const confirmed = await confirm(await request());
    if (confirmed === undefined) throw new Error('no refund');
    expect(await reserveConfirmed(createDeps(100n * USD).deps, confirmed)).toBe(true);
    expect(await reserveConfirmed(createDeps(USD).deps, confirmed)).toBe(true);
    expect(await state(confirmed.id)).toBe('reserved');
  });

  it('can’t be cancelled by its owner while its amount is about to be reserved', async () => {
    const { id } = await request();
    const cancel = () =>
      moveRefund(db, { id, from: CANCELLABLE_STATES, to: 'cancelled', now: Date.now() });
    await db.execute(`update refunds set state = 'confirmed' where id = '${id}'`);
    expect(await cancel()).toBeUndefined();
    await db.execute(`update refunds set state = 'half_approved' where id = '${id}'`);
    expect(await cancel()).toMatchObject({ state: 'cancelled' });
  });

  it('is cancelled where the balance was spent before the confirmation', async () => {
    const requested = await request();
    await confirm(requested);
    await finishRefunds(createDeps(USD).deps);
    expect(await findRefund(db, requested.id)).toMatchObject({
      state: 'cancelled',
      reason: 'insufficient',
    });
  });

  it('that was declined is released and its owner told once, though a step fails in between', async () => {
    const refund = await reserve();
    const { deps, refunds, sent } = createDeps(100n * USD, 1);
    refunds.set(refund.id, 'reserved');
    const step = { id: refund.id, to: 'declined', reason: 'ask_support', now: Date.now() } as const;
    expect(await moveRefund(db, { ...step, by: 'ada@example.com' })).toBeDefined();
    expect(await moveRefund(db, { ...step, by: 'bob@example.com' })).toBeUndefined();
    for (let runs = 0; runs < 3; runs += 1) await finishRefunds(deps);
    expect(refunds.get(refund.id)).toBe('released');
    expect(sent.map(({ email }) => email.kind)).toEqual(['refund_not_paid']);
  });

  it.each([
    ['tron', 'd'.repeat(64)],
    ['bsc', `0x${'d'.repeat(64)}`],
  ])(
    'that was paid on %s is told with the transaction as its explorer has it',
    async (chain, shown) => {
      const { id } = await reserve();
      await db.execute(`update refunds set state = 'paid', chain = '${chain}', ended_at = now(),
      tx_hash = '0x${'d'.repeat(64)}' where id = '${id}'`);
      const { deps, sent } = createDeps(100n * USD);
      await finishRefunds(deps);
      const facts = { amount: '19.90', transaction: shown };
      expect(sent.map(({ email }) => email)).toMatchObject([{ kind: 'refund_paid', facts }]);
    },
  );

  it('that nobody decides within 30 days is released', async () => {
    const refund = await reserve();
    await db.execute(
      `update refunds set requested_at = now() - interval '31 days' where id = '${refund.id}'`,
    );
    const { deps, refunds } = createDeps(100n * USD);
    refunds.set(refund.id, 'reserved');
    await finishRefunds(deps);
    expect(await state(refund.id)).toBe('expired');
    expect(refunds.get(refund.id)).toBe('released');
  });

  it('is approved alone up to the limit of the account and day', async () => {
    const refund = await reserve(50n * USD);
    expect(await approve(refund, 'ada@example.com')).toMatchObject({
      state: 'approved',
      attempt: 1,
    });
    expect(await approve(refund, 'bob@example.com')).toMatchObject({ state: 'approved' });
  });

  it('above the limit needs a second operator, whatever the case of their names', async () => {
    const refund = await reserve(51n * USD);
    expect(await approve(refund, 'ada@example.com')).toMatchObject({ state: 'half_approved' });
    const half = await findRefund(db, refund.id);
    if (half === undefined) throw new Error('no refund');
    expect(await approve(half, 'Ada@Example.com')).toBe('own_approval');
    expect(await approve(half, 'bob@example.com')).toMatchObject({
      state: 'approved',
      approvedBy: 'ada@example.com',
      decidedBy: 'bob@example.com',
    });
  });

  it('is in one file, can’t be taken back then, and is reported once', async () => {
    const refund = await reserve();
    await approve(refund, 'cyd@example.com');
    const now = Date.now();
    const file = { chain: 'polygon', by: 'ada@example.com', now };
    expect((await exportApproved(db, file)).map(({ id }) => id)).toContain(refund.id);
    expect(await exportApproved(db, { ...file, now: now + 1 })).toEqual([]);
    for (const to of ['declined', 'cancelled', 'expired'] as const)
      expect(await moveRefund(db, { id: refund.id, to, now })).toBeUndefined();
    const line = { id: refund.id, chain: 'polygon', txHash: `0x${'c'.repeat(64)}` };
    expect(await recordSentRefunds(db, [line])).toBe('recorded');
    expect(await recordSentRefunds(db, [line])).toBe('recorded');
    expect(await recordSentRefunds(db, [{ ...line, txHash: `0x${'d'.repeat(64)}` }])).toBe(
      'unknown',
    );
    expect(await findRefund(db, refund.id)).toMatchObject({ state: 'sent', txHash: line.txHash });
  });

  it.each([
    ['is reported as failed', 'sent', 'exported'],
    ['is paid already, and stays so', 'paid', 'paid'],
  ])('whose transaction %s', async (_, before, after) => {
    const { id } = await reserve();
    await db.execute(`update refunds set state = '${before}', attempt = 1,
      ended_at = ${before === 'paid' ? 'now()' : 'null'}, tx_hash = '0x${before === 'paid' ? 'a'.repeat(64) : 'b'.repeat(64)}' where id = '${id}'`);
    const report = { id, attempt: 1, by: 'ada@example.com' };
    const reported = await reportFailedPayment(db, report);
    expect(reported?.state).toBe(after === 'paid' ? undefined : after);
    const refund = await findRefund(db, id);
    expect([refund?.state, refund?.txHash === null]).toEqual([after, after === 'exported']);
  });

  it('is released for another payment by an operator who neither made the file nor reported the failure', async () => {
    const { id } = await reserve();
    const current = async () => {
      const refund = await findRefund(db, id);
      if (refund === undefined) throw new Error('no refund');
      return refund;
    };
    const release = async (by: string) => retryRefund(db, { refund: await current(), by });
    await approve(await current(), 'cyd@example.com');
    const file = { chain: 'polygon', by: 'ada@example.com', now: Date.now() };
    await exportApproved(db, file);
    expect(await release('bob@example.com')).toBe('not_reported');
    const report = { id, attempt: 1, by: 'bob@example.com' };
    expect(await reportFailedPayment(db, { ...report, attempt: 2 })).toBeUndefined();
    expect(await reportFailedPayment(db, report)).toMatchObject({ state: 'exported' });
    expect(await release('Bob@Example.com')).toBe('own_report');
    expect(await release('ADA@example.com')).toBe('own_report');
    const stale = await current();
    expect(await release('cyd@example.com')).toMatchObject({
      state: 'approved',
      attempt: 2,
      exportedBy: null,
      failureReportedBy: null,
    });
    await exportApproved(db, file);
    await reportFailedPayment(db, { ...report, attempt: 2 });
    expect(await retryRefund(db, { refund: stale, by: 'cyd@example.com' })).toBeUndefined();
    expect(await current()).toMatchObject({ state: 'exported', attempt: 2 });
  });

  it('with a payment reported as failed can still be reported as paid, and is not released then', async () => {
    const refund = await reserve();
    await approve(refund, 'cyd@example.com');
    await exportApproved(db, { chain: 'polygon', by: 'ada@example.com', now: Date.now() });
    await reportFailedPayment(db, { id: refund.id, attempt: 1, by: 'ada@example.com' });
    const line = { id: refund.id, chain: 'polygon', txHash: `0x${'e'.repeat(64)}` };
    expect(await recordSentRefunds(db, [line])).toBe('recorded');
    const sent = await findRefund(db, refund.id);
    expect(sent).toMatchObject({ state: 'sent', failureReportedBy: null });
    if (sent === undefined) throw new Error('no refund');
    expect(await retryRefund(db, { refund: sent, by: 'bob@example.com' })).toBe('not_reported');
  });
});

describe('the address of a refund', () => {
  const chain = CHAIN_DEFAULTS.bsc;
  const tron = CHAIN_DEFAULTS.tron;
  const blocked = `0x${'b'.repeat(40)}`;

  it.each([
    [
      'with a valid EIP-55 checksum is accepted',
      chain,
      '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
      'ok',
    ],
    [
      'with a wrong EIP-55 checksum is refused',
      chain,
      '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD',
      'malformed',
    ],
    ['of another network is refused', chain, 'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH', 'malformed'],
    ['with a valid Base58Check is accepted', tron, 'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH', 'ok'],
    [
      'with a wrong Base58Check is refused',
      tron,
      'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdh',
      'malformed',
    ],
    ['that is the token’s contract is refused', chain, CHAIN_DEFAULTS.bsc.token, 'not_yours'],
    ['that nobody has is refused', chain, `0x${'0'.repeat(40)}`, 'not_yours'],
    ['that the operator blocked is refused', chain, blocked, 'blocked'],
  ] as const)('%s', async (_, network, text, expected) => {
    const checked = await checkRefundAddress(db, [blocked], network, text);
    expect(checked.ok ? 'ok' : checked.reason).toBe(expected);
  });
});
