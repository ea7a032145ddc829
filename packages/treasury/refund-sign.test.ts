/** The payments of refunds, offline: what is planned, what is signed, and what is refused. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHAIN_DEFAULTS, type ChainName, formatAddress } from '@farebox/deposits';
import { afterAll, describe, expect, it } from 'vitest';
import { GAS_PATH, PAYOUT_PATH } from './contract.ts';
import { createKeyring } from './keyring.ts';
import { checkRefundList } from './refund-list.ts';
import {
  parseRefundList,
  parseRefundPlan,
  type RefundList,
  type RefundPlan,
  type RefundStep,
  refundPlanId,
} from './refund-plan-file.ts';
import { appendRecord, readRecord } from './refund-record.ts';
import { type RefundSignOptions, signRefunds } from './refund-sign.ts';
import { createBuilder } from './transaction-builder.ts';

const KEYS = createKeyring(`${'abandon '.repeat(11)}about`);
const NOW = 1_795_000_000_000;
const HOUR = 3_600_000;
const STRANGER = `0x${'b'.repeat(40)}`;
const RECIPIENT = `0x${'7'.repeat(40)}`;

function buildList(chain: ChainName, count = 2): RefundList {
  const { family } = CHAIN_DEFAULTS[chain];
  const refunds = Array.from({ length: count }, (_, at) => ({
    refund: at.toString(16).padStart(32, 'a'),
    attempt: 1,
    // The same address and amount twice: each is a payment of its own.
    address: formatAddress(family, RECIPIENT),
    units: '19900000',
  }));
  return { version: 1, chain, refunds };
}

type StepChange = Partial<RefundStep & { units: string; nonce: number }>;

function buildPlan(list: RefundList, change: StepChange = {}, planChange: object = {}): RefundPlan {
  const defaults = CHAIN_DEFAULTS[list.chain];
  const chain = { ...defaults, providers: [], startBlock: null };
  const account = KEYS.account(chain.family);
  const options = { chain, now: NOW, validMs: HOUR };
  const block = { number: 70_000_000, hash: `0x${'c'.repeat(64)}` };
  const builder = createBuilder(options, 100n, { chainId: 0, gasPrice: 100n, block });
  const steps = list.refunds.map(({ refund, attempt, units }, at): RefundStep => {
    const from = account.addressAt(PAYOUT_PATH);
    const { to = RECIPIENT, nonce = at } = change;
    const paid = { from, to, units: BigInt(change.units ?? units), gas: 65_000n, nonce };
    const raw = builder.tokenTransfer(paid);
    const head = { refund, attempt, kind: 'refund', signer: PAYOUT_PATH } as const;
    return { ...head, from, to, units, raw, ...change };
  });
  const content = {
    version: 1 as const,
    ...{ chain: list.chain, chainId: chain.chainId, token: chain.token },
    ...{ fingerprint: account.fingerprint, plannedAt: NOW, expiresAt: NOW + HOUR },
    ...{ maxFee: '1', steps, ...planChange },
  };
  const plan = parseRefundPlan({ ...content, id: refundPlanId(content) });
  if (plan === null) throw new Error('not a plan');
  return plan;
}

function sign(plan: RefundPlan, list: RefundList, change: Partial<RefundSignOptions> = {}) {
  return signRefunds(plan, {
    ...{ keys: KEYS, list, record: [], confirmed: 39_800_000n, maxFee: 10n ** 18n, now: NOW },
    ...change,
  });
}

function getReason(result: ReturnType<typeof signRefunds>): string {
  return result.ok ? 'signed' : result.reason;
}

describe.each(['bsc', 'tron'] as const)('the payments of refunds on %s', (chain) => {
  const list = buildList(chain);

  it('are signed as listed, equal ones as transactions of their own', () => {
    const result = sign(buildPlan(list), list);
    if (!result.ok) throw new Error(result.reason);
    expect(result.attempts.map(({ refund, attempt }) => [refund, attempt])).toEqual(
      list.refunds.map(({ refund, attempt }) => [refund, attempt]),
    );
    expect(new Set(result.signed.steps.map(({ txHash }) => txHash)).size).toBe(2);
  });

  it('are the same transactions when the same plan is signed again', () => {
    const first = sign(buildPlan(list), list);
    if (!first.ok) throw new Error(first.reason);
    expect(sign(buildPlan(list), list, { record: first.attempts })).toEqual(first);
  });

  it('are refused in another plan once an attempt was signed, and signed for the next attempt', () => {
    const first = sign(buildPlan(list), list);
    if (!first.ok) throw new Error(first.reason);
    const options = { record: first.attempts.slice(1) };
    const other = buildPlan(list, { nonce: 7 });
    expect(getReason(sign(buildPlan(buildList(chain, 2), {}), list, options))).toBe('signed');
    const single = { ...list, refunds: list.refunds.slice(1) };
    const again = buildPlan(single, { nonce: 7 });
    const confirmed = 19_900_000n;
    expect(sign(again, single, { ...options, confirmed })).toMatchObject({
      reason: 'already_signed',
      refund: single.refunds[0]?.refund,
    });
    const next = { ...single, refunds: single.refunds.map((one) => ({ ...one, attempt: 2 })) };
    const retried = buildPlan(next, { nonce: 7 });
    expect(getReason(sign(retried, next, { ...options, confirmed }))).toBe('signed');
    expect(getReason(sign(other, list))).toBe('same_transaction');
  });

  it.each([
    ['another recipient', { to: STRANGER }, 'wrong_recipient'],
    ['another recipient in its bytes only', { raw: 'stranger' }, 'wrong_recipient'],
    ['more than is listed', { units: '19900001' }, 'wrong_amount'],
    ['another attempt', { attempt: 2 }, 'not_the_list'],
    ['another refund', { refund: 'f'.repeat(32) }, 'not_the_list'],
    ['one refund twice', { refund: `${'a'.repeat(31)}0` }, 'not_the_list'],
    ['bytes that are no transaction', { raw: '0x00' }, 'not_canonical'],
    ['a signer of deposits', { signer: { chain: 0, index: 1 } }, 'foreign_signer'],
    ['the gas account as signer', { signer: GAS_PATH }, 'foreign_signer'],
  ] as const)('are refused with %s', (_, change, reason) => {
    const stranger = buildPlan(list, { to: STRANGER }).steps[0]?.raw ?? '';
    const step = 'raw' in change && change.raw === 'stranger' ? { raw: stranger } : change;
    expect(getReason(sign(buildPlan(list, step), list))).toBe(reason);
  });

  it.each([
    ['a changed field', { plan: { maxFee: '2' } }, 'plan_id_mismatch'],
    [
      'another total than was typed',
      { options: { confirmed: 39_800_001n } },
      'total_not_confirmed',
    ],
    ['fees above the limit', { options: { maxFee: 1n } }, 'fees_too_high'],
    ['a time after their plan', { options: { now: NOW + HOUR } }, 'expired'],
    ['a plan of more than a day', { options: { now: NOW - 24 * HOUR } }, 'valid_too_long'],
  ])('are refused with %s', (_, { plan, options }: { plan?: object; options?: object }, reason) => {
    expect(getReason(sign({ ...buildPlan(list), ...plan }, list, options))).toBe(reason);
  });

  it('are refused for a shorter list, and for one of another network', () => {
    const shorter = { ...list, refunds: list.refunds.slice(1) };
    expect(getReason(sign(buildPlan(list), shorter))).toBe('not_the_list');
    const other = buildList(chain === 'tron' ? 'bsc' : 'polygon');
    expect(getReason(sign(buildPlan(list), other))).not.toBe('signed');
  });
});

describe('a list of refunds', () => {
  const list = buildList('bsc', 1);
  const own = [KEYS.account('evm').addressAt(PAYOUT_PATH)];

  it.each([
    ['a wrong EIP-55 checksum', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD', 'malformed_address'],
    ['an address of TRON', 'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH', 'malformed_address'],
    ['the token’s contract', CHAIN_DEFAULTS.bsc.token, 'unspendable_address'],
    ['nobody’s address', `0x${'0'.repeat(40)}`, 'unspendable_address'],
    ['an address of the treasury', own[0], 'unspendable_address'],
  ])('with %s is refused', (_, address, reason) => {
    const refunds = list.refunds.map((one) => ({ ...one, address: address ?? '' }));
    expect(checkRefundList({ ...list, refunds }, own)).toMatchObject({ ok: false, reason });
  });

  it('with a refund twice is refused', () => {
    const refunds = [...list.refunds, ...list.refunds];
    expect(checkRefundList({ ...list, refunds }, own)).toMatchObject({
      reason: 'duplicate_refund',
    });
  });

  it.each(['0', '-1', '1.5', '01', ''])('with the amount "%s" is none', (units) => {
    const refunds = list.refunds.map((one) => ({ ...one, units }));
    expect(parseRefundList({ ...list, refunds })).toBeNull();
    expect(parseRefundList(list)).toEqual(list);
  });
});

describe('the record of signed attempts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-record-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'record.jsonl');
  const line = (attempt: number) => ({
    ...{ refund: 'a'.repeat(32), attempt, txHash: `0x${'1'.repeat(64)}` },
  });

  it('has to exist, so that a mistyped path signs nothing', () => {
    expect(() => readRecord(path)).toThrow('create it');
  });

  it('keeps what is appended, and drops a line that a crash cut short', () => {
    writeFileSync(path, '');
    appendRecord(path, [line(1), line(2)]);
    truncateSync(path, readFileSync(path).length - 5);
    expect(readRecord(path)).toEqual([line(1)]);
    appendRecord(path, [line(3)]);
    expect(readRecord(path)).toEqual([line(1), line(3)]);
  });

  it('is refused where a line in it is damaged', () => {
    writeFileSync(path, `{"refund":1}\n${JSON.stringify(line(1))}\n`);
    expect(() => readRecord(path)).toThrow('line 1 is damaged');
  });
});
