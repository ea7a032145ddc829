/**
 * The operators' refund pages: what each role may view and do, and that no operator alone can have a
 * refund paid twice.
 */

import { listOperatorActions } from '@farebox/database/operators';
import {
  confirmRefund,
  findRefund,
  insertRefund,
  moveRefund,
  type RefundState,
} from '@farebox/database/refunds';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createAccount,
  OPERATORS,
  type OperatorsHarness,
  REASON,
  startHarness,
} from './harness.testing.ts';
import { ROLE_PERMISSIONS, ROLES } from './roles.ts';

const USD = 1_000_000_000n;
const PATH = '/operators/refunds';
const ADDRESS = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';

let harness: OperatorsHarness;
let env: object;
let count = 0;

beforeAll(async () => {
  harness = await startHarness();
  vi.spyOn(console, 'log').mockImplementation(() => {});
  env = {
    ...harness.bindings(),
    POLYGON_RPC_URLS: 'https://one.example,https://two.example',
  };
}, 120_000);
afterAll(async () => {
  await harness.stop();
});

/** A refund of an account of its own, in the state `reserved`. */
async function reserve(amount = 10n * USD): Promise<string> {
  const { accountId: account } = await createAccount(harness.db);
  count += 1;
  const id = count.toString(16).padStart(32, '0');
  const confirmationHash = count.toString(16).padStart(64, '0');
  const row = { id, account, chain: 'polygon', address: ADDRESS.toLowerCase(), amount };
  const now = Date.now();
  await insertRefund(harness.db, { ...row, fee: USD / 10n, confirmationHash, now });
  await confirmRefund(harness.db, { confirmationHash, requestedAfter: now - 1_000 }, now);
  await moveRefund(harness.db, { id, to: 'reserved', now });
  return id;
}

function decide(id: string, decision: string, as: string, fields: object = {}): Promise<Response> {
  const form = { decision, reason: REASON, ...fields };
  return harness.send(`${PATH}/${id}`, { as, form }, env);
}

function act(form: Readonly<Record<string, string>>, as: string): Promise<Response> {
  return harness.send(PATH, { as, form: { reason: REASON, ...form } }, env);
}

async function view(path: string, as: string): Promise<string> {
  return (await harness.send(path, { as }, env)).text();
}

async function state(id: string): Promise<RefundState | undefined> {
  return (await findRefund(harness.db, id))?.state;
}

/** A refund that `admin` approved and `finance` put into a file. */
async function exportOne(): Promise<string> {
  const id = await reserve();
  await decide(id, 'approve', OPERATORS.admin);
  await act({ action: 'export_refunds', chain: 'polygon' }, OPERATORS.finance);
  expect(await state(id)).toBe('exported');
  return id;
}

async function lastOutcomes(limit: number): Promise<readonly string[]> {
  const entries = await listOperatorActions(harness.db, { before: 1e9, limit });
  return entries.map(({ action, outcome }) => `${action} ${outcome}`);
}

describe('the operators’ refund pages', () => {
  it.each(ROLES)('are shown to %s only with the permission to adjust', async (role) => {
    const id = await reserve();
    const status = ROLE_PERMISSIONS[role].includes('adjust') ? 200 : 403;
    for (const path of [PATH, `${PATH}/${id}`]) {
      expect((await harness.send(path, { as: OPERATORS[role] }, env)).status).toBe(status);
    }
  });

  it('offer what its owner reads if a refund is declined, in words', async () => {
    const page = await view(`${PATH}/${await reserve()}`, OPERATORS.admin);
    expect(page).toContain('<option value="under_review">The account is under review.</option>');
    expect(page).toContain('<option value="ask_support">Please write to us.</option>');
  });

  it.each(ROLES)('let %s approve and decline only with the permission to approve', async (role) => {
    const permitted = ROLE_PERMISSIONS[role].includes('approve');
    const [approved, declined] = [await reserve(), await reserve()];
    const why = { why: 'ask_support' };
    const status = permitted ? 303 : 403;
    expect((await decide(approved, 'approve', OPERATORS[role])).status).toBe(status);
    expect(await state(approved)).toBe(permitted ? 'approved' : 'reserved');
    expect((await decide(declined, 'decline', OPERATORS[role], why)).status).toBe(status);
    expect(await state(declined)).toBe(permitted ? 'declined' : 'reserved');
    const released = harness.ledger.requests.some((text) => text.endsWith(declined));
    expect(released).toBe(permitted);
  });

  it('let support neither make files, download nor report them', async () => {
    const id = await exportOne();
    const at = (await findRefund(harness.db, id))?.exportedAt;
    const file = `${PATH}/files/polygon/${at}`;
    expect((await harness.send(file, { as: OPERATORS.support }, env)).status).toBe(403);
    const report = JSON.stringify([
      { refund: id, chain: 'polygon', txHash: `0x${'1'.repeat(64)}` },
    ]);
    for (const form of [{ action: 'export_refunds', chain: 'polygon' }, { report }])
      expect((await act(form, OPERATORS.support)).status).toBe(403);
    expect(await state(id)).toBe('exported');
    expect(await view(PATH, OPERATORS.finance)).toContain(file);
  });

  it('put what is paid after the fee, the address and the attempt into the file', async () => {
    const id = await exportOne();
    const at = (await findRefund(harness.db, id))?.exportedAt;
    const text = await view(`${PATH}/files/polygon/${at}`, OPERATORS.finance);
    expect(JSON.parse(text)).toEqual({
      version: 1,
      chain: 'polygon',
      refunds: [{ refund: id, attempt: 1, address: ADDRESS, units: '9900000' }],
    });
  });

  it('take a report twice and no report of another transaction', async () => {
    const id = await exportOne();
    const buildReport = (digit: string) =>
      JSON.stringify([{ refund: id, chain: 'polygon', txHash: `0x${digit.repeat(64)}` }]);
    for (const _ of ['first', 'again'])
      expect((await act({ report: buildReport('2') }, OPERATORS.finance)).status).toBe(303);
    expect((await act({ report: buildReport('3') }, OPERATORS.finance)).status).toBe(404);
    expect((await act({ report: '[{"refund":1}]' }, OPERATORS.finance)).status).toBe(422);
    expect(await findRefund(harness.db, id)).toMatchObject({
      state: 'sent',
      txHash: `0x${'2'.repeat(64)}`,
    });
  });
});

describe('an approval of a refund above the limit', () => {
  it('takes two operators, in whatever letter case their names are', async () => {
    const id = await reserve(60n * USD);
    expect((await decide(id, 'approve', OPERATORS.finance)).headers.get('location')).toContain(
      'refund_waiting',
    );
    expect((await decide(id, 'approve', OPERATORS.finance.toUpperCase())).status).toBe(403);
    expect(await state(id)).toBe('half_approved');
    expect((await decide(id, 'approve', OPERATORS.otherFinance)).status).toBe(303);
    expect(await state(id)).toBe('approved');
  });
});

describe('a refund whose payment failed', () => {
  const attempt = { attempt: '1' };

  it('is not released before the failure is reported', async () => {
    const id = await exportOne();
    expect(await view(`${PATH}/${id}`, OPERATORS.otherFinance)).not.toContain('value="retry"');
    const refused = await decide(id, 'retry', OPERATORS.otherFinance, attempt);
    expect(refused.status).toBe(409);
    expect(await refused.text()).toContain('Report that on the refund’s page first');
    expect(await lastOutcomes(1)).toEqual(['retry_refund rejected_failure_not_reported']);
    expect(await state(id)).toBe('exported');
  });

  it('is not released while its transaction is reported and not confirmed, and says why', async () => {
    const id = await exportOne();
    const line = { refund: id, chain: 'polygon', txHash: `0x${'6'.repeat(64)}` };
    await act({ report: JSON.stringify([line]) }, OPERATORS.finance);
    const refused = await decide(id, 'retry', OPERATORS.otherFinance, attempt);
    expect(refused.status).toBe(409);
    expect(await refused.text()).toContain('Nobody has reported this payment as failed');
    expect(await state(id)).toBe('sent');
  });

  it('is released neither by who reported the failure nor by who made the file', async () => {
    const id = await exportOne();
    expect((await decide(id, 'report_failure', OPERATORS.admin, attempt)).status).toBe(303);
    for (const as of [OPERATORS.admin, 'ADA@farebox.example', OPERATORS.finance])
      expect((await decide(id, 'retry', as, attempt)).status).toBe(403);
    expect(await lastOutcomes(1)).toEqual(['retry_refund rejected_own_report']);
    expect(await state(id)).toBe('exported');
    expect((await decide(id, 'retry', OPERATORS.otherFinance, attempt)).status).toBe(303);
    expect(await findRefund(harness.db, id)).toMatchObject({ state: 'approved', attempt: 2 });
    expect(await lastOutcomes(2)).toEqual([
      'retry_refund refund_released',
      'retry_refund requested',
    ]);
  });

  it('is released by the second of two operators, where the first made the file and reports', async () => {
    const id = await exportOne();
    await decide(id, 'report_failure', OPERATORS.otherFinance, attempt);
    await decide(id, 'report_failure', OPERATORS.finance, attempt);
    expect((await decide(id, 'retry', OPERATORS.otherFinance, attempt)).status).toBe(303);
  });

  it('with a reported transaction that failed is released by two operators, once it is reported', async () => {
    const id = await exportOne();
    const hash = `0x${id.padStart(64, 'e')}`;
    const report = (refund: string) =>
      act(
        { report: JSON.stringify([{ refund, chain: 'polygon', txHash: hash }]) },
        OPERATORS.finance,
      );
    expect((await report(id)).status).toBe(303);
    expect(await state(id)).toBe('sent');
    const other = await exportOne();
    // No other refund is paid by the same transaction.
    expect((await report(other)).status).toBe(404);
    expect(await state(other)).toBe('exported');
    expect((await decide(id, 'retry', OPERATORS.otherFinance, attempt)).status).not.toBe(303);
    expect((await decide(id, 'report_failure', OPERATORS.admin, attempt)).status).toBe(303);
    expect(await findRefund(harness.db, id)).toMatchObject({ state: 'exported', txHash: null });
    expect((await decide(id, 'retry', OPERATORS.admin, attempt)).status).toBe(403);
    expect((await decide(id, 'retry', OPERATORS.otherFinance, attempt)).status).toBe(303);
  });

  it('is released once by concurrent requests, and by no form of an earlier attempt', async () => {
    const id = await exportOne();
    await decide(id, 'report_failure', OPERATORS.finance, attempt);
    const answers = await Promise.all(
      [OPERATORS.otherFinance, OPERATORS.admin].map((as) => decide(id, 'retry', as, attempt)),
    );
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
    await act({ action: 'export_refunds', chain: 'polygon' }, OPERATORS.finance);
    for (const decision of ['report_failure', 'retry'])
      expect((await decide(id, decision, OPERATORS.admin, attempt)).status).toBe(422);
    expect(await findRefund(harness.db, id)).toMatchObject({ state: 'exported', attempt: 2 });
  });

  it.each(ROLES)(
    'is reported as failed by %s only with the permission to approve',
    async (role) => {
      const id = await exportOne();
      const permitted = ROLE_PERMISSIONS[role].includes('approve');
      const { status } = await decide(id, 'report_failure', OPERATORS[role], attempt);
      expect(status).toBe(permitted ? 303 : 403);
      expect((await findRefund(harness.db, id))?.failureReportedBy ?? null).toBe(
        permitted ? OPERATORS[role] : null,
      );
    },
  );
});
