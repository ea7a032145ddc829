/**
 * The operators' deposits page: what each role may view and do, and the audit-log entries of it.
 */
import {
  haltChain,
  issueAddress,
  listOpenDifferences,
  pinKey,
  readCursor,
  recordDifferences,
  recordFinalTransfers,
  setCreditAmount,
  startCursor,
} from '@farebox/database/deposits';
import { listOperatorActions } from '@farebox/database/operators';
import { CHAIN_DEFAULTS, deriveAddress, parseWatchKey } from '@farebox/deposits';
import { HDKey } from '@scure/bip32';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createAccount,
  OPERATORS,
  type OperatorsHarness,
  REASON,
  startHarness,
} from './harness.testing.ts';

function buildKey(seed: number) {
  const text = HDKey.fromMasterSeed(new Uint8Array(32).fill(seed)).derive("m/44'/60'/0'");
  const result = parseWatchKey(text.publicExtendedKey);
  if (!result.ok) throw new Error(result.reason);
  return { text: text.publicExtendedKey, key: result.key };
}

const OLD = buildKey(1);
const NEXT = buildKey(2);
const PATH = '/operators/deposits';
const TX = `0x${'1'.repeat(64)}`;
const BLOCKED_SENDER = `0x${'b'.repeat(40)}`;

let harness: OperatorsHarness;
let env: object;
let account: string;
let address: string;

beforeAll(async () => {
  harness = await startHarness();
  vi.spyOn(console, 'log').mockImplementation(() => {});
  env = {
    ...harness.bindings(),
    XPUB_EVM: OLD.text,
    POLYGON_RPC_URLS: 'https://one.example,https://two.example',
  };
  ({ accountId: account } = await createAccount(harness.db));
  await pinKey(harness.db, 'evm', OLD.key.fingerprint, Date.now());
  const derive = (_: string, index: number) => deriveAddress(OLD.key, index);
  address = (await issueAddress(harness.db, account, 'evm', Date.now(), derive))?.address ?? '';
  await startCursor(harness.db, 'polygon', 5_000, 100);
});
afterAll(async () => {
  await harness.stop();
});

async function depositsPage(as: string = OPERATORS.support): Promise<string> {
  return (await harness.send(PATH, { as }, env)).text();
}

function submitAction(
  form: Readonly<Record<string, string>>,
  as: string = OPERATORS.finance,
  bindings = env,
) {
  return harness.send(PATH, { as, form: { reason: REASON, ...form } }, bindings);
}

async function outcomes(action: string): Promise<readonly string[]> {
  const entries = await listOperatorActions(harness.db, { before: 1e9, limit: 1_000 });
  return entries.filter((entry) => entry.action === action).map(({ outcome }) => outcome);
}

describe('a halted network', () => {
  it('is shown with its evidence and resumed only with the permission and a reason', async () => {
    await haltChain(harness.db, {
      chain: 'polygon',
      kind: 'finality_violated',
      blockNumber: 4_990,
      expected: `0x${'a'.repeat(64)}`,
      found: `0x${'c'.repeat(64)}`,
      provider: 1,
      now: Date.now(),
    });
    expect(await depositsPage()).toContain('Polygon PoS is halted');
    expect(await depositsPage()).toContain('a'.repeat(64));
    expect(await (await harness.send('/operators/health', {}, env)).text()).toContain('is halted');
    const form = { action: 'resume_chain', chain: 'polygon' };
    expect((await submitAction(form, OPERATORS.support)).status).toBe(403);
    expect((await submitAction({ ...form, reason: 'short' })).status).toBe(422);
    expect((await submitAction({ ...form, chain: 'solana' })).status).toBe(422);
    expect((await readCursor(harness.db, 'polygon'))?.haltedAt).not.toBeNull();
    expect((await submitAction(form)).headers.get('location')).toContain('done=resume_chain');
    expect(await readCursor(harness.db, 'polygon')).toMatchObject({
      haltedAt: null,
      nextBlock: 3_990,
    });
    expect((await submitAction(form)).status).toBe(409);
    expect(await outcomes('resume_chain')).toEqual([
      'rejected_already_decided',
      'requested',
      'resume_chain',
      'requested',
      'rejected_invalid_fields',
      'rejected_reason_required',
      'rejected_not_permitted',
    ]);
    expect(await depositsPage()).not.toContain('is halted');
  });
});

describe('a deposit in review', () => {
  it('is viewed with its account in the audit log, and released only with the permission', async () => {
    const transfer = {
      txHash: TX,
      logIndex: 3,
      blockNumber: 10,
      blockHash: TX,
      contract: CHAIN_DEFAULTS.polygon.token,
      sender: BLOCKED_SENDER,
      recipient: address,
      account,
      units: 2_500_000n,
    };
    await recordFinalTransfers(harness.db, 'polygon', [transfer], 'scan', Date.now());
    const { decimals, minimumUnits } = CHAIN_DEFAULTS.polygon;
    const valuation = { chain: 'polygon', decimals, minimumUnits, marginBasisPoints: 0 };
    await setCreditAmount(harness.db, valuation, transfer, 'blocked_sender');
    expect(await depositsPage()).toContain('Deposits in review: 1.');
    const health = await (await harness.send('/operators/health', {}, env)).text();
    expect(health).toContain('<data value="2500000000"');
    const path = `${PATH}/polygon/${TX}/3`;
    const page = await (await harness.send(path, { as: OPERATORS.support }, env)).text();
    expect(page).toContain('list of blocked senders');
    expect(page).not.toContain('Release deposit');
    const entries = await listOperatorActions(harness.db, {
      before: 1e9,
      limit: 5,
      subject: account,
    });
    expect(entries[0]).toMatchObject({ action: 'view_deposit', operator: OPERATORS.support });
    const form = { action: 'release_deposit', chain: 'polygon', transaction: TX, index: '3' };
    expect((await submitAction(form, OPERATORS.support)).status).toBe(403);
    expect((await submitAction({ ...form, index: '4' })).status).toBe(404);
    expect((await submitAction({ ...form, transaction: '0x1' })).status).toBe(422);
    expect((await submitAction(form)).status).toBe(303);
    const { rows } = await harness.db.execute('select state, reason from deposits');
    expect(rows).toEqual([{ state: 'final', reason: null }]);
    expect((await submitAction(form)).status).toBe(404);
    expect((await harness.send(path, {}, env)).status).toBe(404);
  });
});

describe('the treasury’s report', () => {
  const sweptRow = () => ({ chain: 'polygon', txHash: TX, address, units: '2500000' });
  const swept = async () =>
    (await harness.db.execute('select address, units from swept_deposits')).rows;

  it.each([
    ['nothing', ''],
    ['no list', '{"swept": 3}'],
    ['an empty list', '[]'],
    ['a number of units', '[{"chain":"polygon","txHash":"TX","address":"AD","units":5}]'],
    ['a negative amount', '[{"chain":"polygon","txHash":"TX","address":"AD","units":"-5"}]'],
    ['another network', '[{"chain":"ethereum","txHash":"TX","address":"AD","units":"5"}]'],
  ])('is rejected when it holds %s', async (_, text) => {
    const report = text.replace('TX', TX).replace('AD', address);
    expect((await submitAction({ action: 'report_sweep', report })).status).toBe(422);
    expect(await swept()).toEqual([]);
  });

  it('is imported once, completely or not at all, and only for our own addresses', async () => {
    const foreign = { ...sweptRow(), address: BLOCKED_SENDER };
    const both = JSON.stringify([sweptRow(), foreign]);
    expect((await submitAction({ action: 'report_sweep', report: both })).status).toBe(409);
    expect(await swept()).toEqual([]);
    const report = JSON.stringify({ swept: [sweptRow()] });
    expect((await submitAction({ action: 'report_sweep', report }, OPERATORS.support)).status).toBe(
      403,
    );
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect((await submitAction({ action: 'report_sweep', report })).status).toBe(303);
    }
    expect(await swept()).toEqual([{ address, units: '2500000' }]);
  });

  it('is limited to a thousand rows', async () => {
    const many = Array.from({ length: 1_000 }, (__, at) => ({
      ...sweptRow(),
      txHash: `0x${at.toString(16).padStart(64, '0')}`,
    }));
    const report = JSON.stringify(many);
    expect((await submitAction({ action: 'report_sweep', report })).status).toBe(303);
    expect(await swept()).toHaveLength(1_001);
    const more = JSON.stringify([...many, sweptRow()]);
    expect((await submitAction({ action: 'report_sweep', report: more })).status).toBe(422);
    const huge = { action: 'report_sweep', report: 'x'.repeat(600_000) };
    expect((await submitAction(huge)).status).toBe(413);
  });
});

describe('the sums of sweeps', () => {
  it('leave out confirmed ones older than the page says, and no others', async () => {
    const report = (days: number, state: string) =>
      harness.db.execute(
        `update swept_deposits set state = '${state}', reported_at = now() - interval '${days} days'`,
      );
    await report(29, 'confirmed');
    expect(await depositsPage()).toContain('<td>confirmed by every provider</td>');
    await report(31, 'confirmed');
    const page = await depositsPage();
    expect(page).not.toContain('<td>confirmed by every provider</td>');
    expect(page.replaceAll(/\s+/g, ' ')).toContain('the reports of the last 30 days.');
    await report(400, 'reported');
    expect(await depositsPage()).toContain('<td>reported, not confirmed</td>');
  });
});

describe('the extended public key', () => {
  it('is rotated by an admin only, and only to the configured key', async () => {
    const rotated = { ...env, XPUB_EVM: `${NEXT.text},${OLD.text}` };
    const form = { action: 'rotate_key', family: 'evm', fingerprint: NEXT.key.fingerprint };
    expect((await submitAction(form, OPERATORS.admin)).status).toBe(422);
    expect((await submitAction(form, OPERATORS.finance, rotated)).status).toBe(403);
    const page = await (await harness.send(PATH, { as: OPERATORS.admin }, rotated)).text();
    expect(page).toContain(`Rotate to ${NEXT.key.fingerprint}`);
    expect((await submitAction(form, OPERATORS.admin, rotated)).status).toBe(303);
    const { rows } = await harness.db.execute(
      'select fingerprint, current from deposit_keys order by pinned_at',
    );
    expect(rows).toEqual([
      { fingerprint: OLD.key.fingerprint, current: false },
      { fingerprint: NEXT.key.fingerprint, current: true },
    ]);
  });

  it('lists its addresses for the treasury without their accounts', async () => {
    const path = `${PATH}/addresses/${OLD.key.fingerprint}`;
    expect((await harness.send(path, { as: OPERATORS.support }, env)).status).toBe(403);
    const list = await (await harness.send(path, { as: OPERATORS.finance }, env)).text();
    expect(JSON.parse(list)).toEqual({ fingerprint: OLD.key.fingerprint, index: 0, address });
    expect(list).not.toContain(account);
  });
});

describe('a network whose scan is catching up', () => {
  it('shows how far it is behind', async () => {
    await harness.db.execute(
      'update chain_cursors set next_block = 5000, final = 6999, head = 7063',
    );
    const page = await depositsPage();
    expect(page).toContain('<td>2000 blocks, 59 min</td>');
    expect(page).toContain('Polygon PoS is 58 minutes behind.');
    await harness.db.execute('update chain_cursors set next_block = 7000');
    expect(await depositsPage()).not.toContain('behind.');
  });
});

describe('differences of the daily audit', () => {
  it('are listed at once and become an issue when they persist', async () => {
    const difference = {
      address,
      kind: 'balance',
      held: 5_000_000n,
      swept: 0n,
      recorded: 0n,
    } as const;
    await recordDifferences(harness.db, 'polygon', [difference], Date.now());
    expect(await depositsPage()).toContain('<td>address</td><td>5</td>');
    expect(await depositsPage()).not.toContain('Differences between');
    await harness.db.execute(
      "update deposit_differences set audited_at = now() - interval '1 hour'",
    );
    expect(await listOpenDifferences(harness.db, null, 5)).toHaveLength(1);
    expect(await depositsPage()).toContain('account ledgers: 1.');
  });
});
