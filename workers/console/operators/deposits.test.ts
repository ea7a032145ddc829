/** Operators and the networks: what each may see and do, that it does what it says, and that each is in the chain. */
import {
  haltChain,
  issueAddress,
  listOperatorActions,
  noteDifferences,
  openDifferences,
  pinKey,
  readCursor,
  recordFinal,
  startCursor,
  valueDeposit,
} from '@farebox/database';
import { CHAIN_DEFAULTS, deriveAddress, readWatchKey } from '@farebox/deposits';
import { HDKey } from '@scure/bip32';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { REASON, type Rig, someone, startRig, WHO } from './rig.testing.ts';

function keyOf(seed: number) {
  const text = HDKey.fromMasterSeed(new Uint8Array(32).fill(seed)).derive("m/44'/60'/0'");
  const read = readWatchKey(text.publicExtendedKey);
  if (!read.ok) throw new Error(read.reason);
  return { text: text.publicExtendedKey, key: read.key };
}

const OLD = keyOf(1);
const NEXT = keyOf(2);
const PATH = '/operators/deposits';
const TX = `0x${'1'.repeat(64)}`;
const BARRED = `0x${'b'.repeat(40)}`;

let rig: Rig;
let env: object;
let account: string;
let address: string;

beforeAll(async () => {
  rig = await startRig();
  vi.spyOn(console, 'log').mockImplementation(() => {});
  env = {
    ...rig.bindings(),
    XPUB_EVM: OLD.text,
    POLYGON_RPC_URLS: 'https://one.example,https://two.example',
  };
  ({ accountId: account } = await someone(rig.db));
  await pinKey(rig.db, 'evm', OLD.key.fingerprint, Date.now());
  const derive = (_: string, index: number) => deriveAddress(OLD.key, index);
  address = (await issueAddress(rig.db, account, 'evm', Date.now(), derive))?.address ?? '';
  await startCursor(rig.db, 'polygon', 5_000, 100);
});
afterAll(async () => {
  await rig.stop();
});

async function seen(as: string = WHO.support): Promise<string> {
  return (await rig.send(PATH, { as }, env)).text();
}

function deed(form: Readonly<Record<string, string>>, as: string = WHO.finance, to = env) {
  return rig.send(PATH, { as, form: { reason: REASON, ...form } }, to);
}

async function outcomes(action: string): Promise<readonly string[]> {
  const lines = await listOperatorActions(rig.db, { before: 1e9, most: 1_000 });
  return lines.filter((line) => line.action === action).map(({ outcome }) => outcome);
}

describe('a halted network', () => {
  it('is said with its evidence, and goes on where somebody who may has said why', async () => {
    await haltChain(rig.db, {
      chain: 'polygon',
      kind: 'finality_violated',
      blockNumber: 4_990,
      expected: `0x${'a'.repeat(64)}`,
      found: `0x${'c'.repeat(64)}`,
      provider: 1,
      now: Date.now(),
    });
    expect(await seen()).toContain('polygon is halted');
    expect(await seen()).toContain('a'.repeat(64));
    expect(await (await rig.send('/operators/health', {}, env)).text()).toContain('is halted');
    const form = { deed: 'resume_chain', chain: 'polygon' };
    expect((await deed(form, WHO.support)).status).toBe(403);
    expect((await deed({ ...form, reason: 'short' })).status).toBe(422);
    expect((await deed({ ...form, chain: 'solana' })).status).toBe(422);
    expect((await readCursor(rig.db, 'polygon'))?.haltedAt).not.toBeNull();
    expect((await deed(form)).headers.get('location')).toContain('done=resume_chain');
    expect(await readCursor(rig.db, 'polygon')).toMatchObject({ haltedAt: null, nextBlock: 3_990 });
    expect((await deed(form)).status).toBe(409);
    expect(await outcomes('resume_chain')).toEqual([
      'refused_decided',
      'asked',
      'resume_chain',
      'asked',
      'refused_bad_fields',
      'refused_no_reason',
      'refused_not_permitted',
    ]);
    expect(await seen()).not.toContain('is halted');
  });
});

describe('a held deposit', () => {
  it('is looked at, with its account in the chain, and let go by who may', async () => {
    const transfer = {
      txHash: TX,
      logIndex: 3,
      blockNumber: 10,
      blockHash: TX,
      contract: CHAIN_DEFAULTS.polygon.token,
      sender: BARRED,
      recipient: address,
      account,
      units: 2_500_000n,
    };
    await recordFinal(rig.db, 'polygon', [transfer], 'scan', Date.now());
    const { decimals, minimumUnits } = CHAIN_DEFAULTS.polygon;
    const worth = { chain: 'polygon', decimals, minimumUnits };
    await valueDeposit(rig.db, worth, transfer, 'barred_sender');
    expect(await seen()).toContain('Deposits held until somebody has looked: 1');
    const health = await (await rig.send('/operators/health', {}, env)).text();
    expect(health).toContain('<data value="2500000000"');
    const path = `${PATH}/polygon/${TX}/3`;
    const page = await (await rig.send(path, { as: WHO.support }, env)).text();
    expect(page).toContain('list of barred senders');
    expect(page).not.toContain('Let it be credited');
    const lines = await listOperatorActions(rig.db, { before: 1e9, most: 5, subject: account });
    expect(lines[0]).toMatchObject({ action: 'look_at_deposit', operator: WHO.support });
    const form = { deed: 'release_deposit', chain: 'polygon', transaction: TX, index: '3' };
    expect((await deed(form, WHO.support)).status).toBe(403);
    expect((await deed({ ...form, index: '4' })).status).toBe(404);
    expect((await deed({ ...form, transaction: '0x1' })).status).toBe(422);
    expect((await deed(form)).status).toBe(303);
    const { rows } = await rig.db.execute('select state, reason from deposits');
    expect(rows).toEqual([{ state: 'final', reason: null }]);
    expect((await deed(form)).status).toBe(404);
    expect((await rig.send(path, {}, env)).status).toBe(404);
  });
});

describe('what the treasury moved', () => {
  const line = () => ({ chain: 'polygon', txHash: TX, address, units: '2500000' });
  const swept = async () =>
    (await rig.db.execute('select address, units from swept_deposits')).rows;

  it.each([
    ['nothing', ''],
    ['no list', '{"swept": 3}'],
    ['an empty list', '[]'],
    ['a number of units', '[{"chain":"polygon","txHash":"TX","address":"AD","units":5}]'],
    ['a negative amount', '[{"chain":"polygon","txHash":"TX","address":"AD","units":"-5"}]'],
    ['another network', '[{"chain":"ethereum","txHash":"TX","address":"AD","units":"5"}]'],
  ])('is not taken in where it is %s', async (_, text) => {
    const report = text.replace('TX', TX).replace('AD', address);
    expect((await deed({ deed: 'report_sweep', report })).status).toBe(422);
    expect(await swept()).toEqual([]);
  });

  it('is taken in once, whole or not at all, and only of our own addresses', async () => {
    const foreign = { ...line(), address: BARRED };
    const both = JSON.stringify([line(), foreign]);
    expect((await deed({ deed: 'report_sweep', report: both })).status).toBe(409);
    expect(await swept()).toEqual([]);
    const report = JSON.stringify({ swept: [line()] });
    expect((await deed({ deed: 'report_sweep', report }, WHO.support)).status).toBe(403);
    for (let time = 0; time < 2; time += 1) {
      expect((await deed({ deed: 'report_sweep', report })).status).toBe(303);
    }
    expect(await swept()).toEqual([{ address, units: '2500000' }]);
  });

  it('can be of a thousand addresses, and no more', async () => {
    const many = Array.from({ length: 1_000 }, (__, at) => ({
      ...line(),
      txHash: `0x${at.toString(16).padStart(64, '0')}`,
    }));
    const report = JSON.stringify(many);
    expect((await deed({ deed: 'report_sweep', report })).status).toBe(303);
    expect(await swept()).toHaveLength(1_001);
    const more = JSON.stringify([...many, line()]);
    expect((await deed({ deed: 'report_sweep', report: more })).status).toBe(422);
    const huge = { deed: 'report_sweep', report: 'x'.repeat(600_000) };
    expect((await deed(huge)).status).toBe(413);
  });
});

describe('the public key', () => {
  it('is followed by another only where that is configured, and an admin says so', async () => {
    const rotated = { ...env, XPUB_EVM: `${NEXT.text},${OLD.text}` };
    const form = { deed: 'rotate_key', family: 'evm', fingerprint: NEXT.key.fingerprint };
    expect((await deed(form, WHO.admin)).status).toBe(422);
    expect((await deed(form, WHO.finance, rotated)).status).toBe(403);
    const page = await (await rig.send(PATH, { as: WHO.admin }, rotated)).text();
    expect(page).toContain(`Let ${NEXT.key.fingerprint} take over`);
    expect((await deed(form, WHO.admin, rotated)).status).toBe(303);
    const { rows } = await rig.db.execute(
      'select fingerprint, current from deposit_keys order by pinned_at',
    );
    expect(rows).toEqual([
      { fingerprint: OLD.key.fingerprint, current: false },
      { fingerprint: NEXT.key.fingerprint, current: true },
    ]);
  });

  it('lists its addresses for the treasury, and not whose they are', async () => {
    const path = `${PATH}/addresses/${OLD.key.fingerprint}`;
    expect((await rig.send(path, { as: WHO.support }, env)).status).toBe(403);
    const list = await (await rig.send(path, { as: WHO.finance }, env)).text();
    expect(JSON.parse(list)).toEqual({ fingerprint: OLD.key.fingerprint, index: 0, address });
    expect(list).not.toContain(account);
  });
});

describe('a network that is caught up with', () => {
  it('shows how far it is behind', async () => {
    await rig.db.execute('update chain_cursors set next_block = 5000, final = 6999, head = 7063');
    const page = await seen();
    expect(page).toContain('<td>2000 blocks, 59 min</td>');
    expect(page).toContain('polygon is read 58 minutes behind.');
    await rig.db.execute('update chain_cursors set next_block = 7000');
    expect(await seen()).not.toContain('behind.');
  });
});

describe('differences', () => {
  it('are listed, and said once they lasted', async () => {
    const one = { address, kind: 'balance', held: 5_000_000n, swept: 0n, recorded: 0n } as const;
    await noteDifferences(rig.db, 'polygon', [one], Date.now());
    expect(await seen()).toContain('<td>the address</td><td>5</td>');
    expect(await seen()).not.toContain('Differences between');
    await rig.db.execute("update deposit_differences set audited_at = now() - interval '1 hour'");
    expect(await openDifferences(rig.db, null, 5)).toHaveLength(1);
    expect(await seen()).toContain('and the books: 1.');
  });
});
