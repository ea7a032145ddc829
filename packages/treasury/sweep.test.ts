/**
 * Sweeps on a local EVM chain from plan to report: each balance moves once, even when steps are
 * repeated, and only to the destination. And `signPlan` with plans that were tampered with.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHAIN_DEFAULTS, httpTransport, type RpcTransport } from '@farebox/deposits';
import { anvilPath, type LocalChains, startChains } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { broadcast, type StepOutcome } from './broadcast.ts';
import { GAS_PATH, type Plan, type PlanOptions, type SignedPlan, type Step } from './contract.ts';
import * as evm from './evm-transaction.ts';
import { createKeyring } from './keyring.ts';
import type { Network } from './network.ts';
import { makePlan } from './plan.ts';
import { planId } from './plan-id.ts';
import { makeReport } from './report.ts';
import { type SignOptions, signPlan } from './sign.ts';
import { encodeTransfer } from './token-transfer.ts';

const KEYS = createKeyring(`${'abandon '.repeat(11)}about`);
const EVM = KEYS.account('evm');
const DESTINATION = '0x00000000000000000000000000000000000c01d0';
const STRANGER = '0x00000000000000000000000000000000000bad00';
const USDT = 10n ** 18n;
const COIN = 10n ** 18n;
const HOUR = 3_600_000;
const BSC = CHAIN_DEFAULTS.bsc;
const GAS = EVM.addressAt(GAS_PATH);

const anvil = anvilPath();
if (anvil === null)
  process.stdout.write('anvil is not available on this platform: sweeps are not tested.\n');

function at(index: number): string {
  return EVM.addressAt({ chain: 0, index });
}

function buildSignOptions(change: Partial<SignOptions> = {}): SignOptions {
  return {
    keys: KEYS,
    allowed: [DESTINATION],
    confirmed: DESTINATION,
    maxFee: COIN,
    now: Date.now(),
    ...change,
  };
}

describe.skipIf(anvil === null)('an EVM sweep', () => {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-sweep-'));
  let chains: LocalChains;
  let network: Network;

  beforeAll(async () => {
    chains = await startChains(anvil ?? '', { stateDir: folder, blockSeconds: null });
    const provider = { url: chains.urls.bsc };
    network = { provider, rpcTransport: httpTransport(fetch), post: async () => null };
    await chains.callAnvil('bsc', 'anvil_setBalance', [GAS, `0x${COIN.toString(16)}`]);
    await chains.mine('bsc', 1);
  }, 60_000);
  afterAll(async () => {
    await chains?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function payDeposit(index: number, units: bigint): Promise<void> {
    await chains.pay('bsc', at(index), units);
    await chains.mine('bsc', 1);
  }

  function buildPlanOptions(
    indexes: readonly number[],
    change: Partial<PlanOptions> = {},
  ): PlanOptions {
    return {
      chain: { ...BSC, providers: [network.provider], startBlock: null },
      xpub: EVM.xpub,
      addresses: indexes.map((index) => ({ index, address: at(index) })),
      destination: DESTINATION,
      minimumUnits: USDT,
      coinNanoUsd: 600n * 10n ** 9n,
      marginPercent: 50n,
      validMs: 12 * HOUR,
      now: Date.now(),
      ...change,
    };
  }

  async function createPlan(indexes: readonly number[], change: Partial<PlanOptions> = {}) {
    const made = await makePlan(network, buildPlanOptions(indexes, change));
    if (!made.ok) throw new Error(made.reason);
    return made;
  }

  async function signed(indexes: readonly number[]): Promise<SignedPlan> {
    const result = signPlan((await createPlan(indexes)).plan, buildSignOptions());
    if (!result.ok) throw new Error(result.reason);
    return result.signed;
  }

  async function readBalance(address: string): Promise<bigint> {
    const data = `0x70a08231${address.slice(2).padStart(64, '0')}`;
    const answer = await chains.callAnvil('bsc', 'eth_call', [{ to: BSC.token, data }, 'latest']);
    return BigInt(String(answer));
  }

  /** Broadcasts, mining a block at each of `polls` polls. */
  async function send(plan: SignedPlan, polls = 5, targetNetwork: Network = network) {
    const reported: StepOutcome[] = [];
    let left = polls;
    const outcomes = await broadcast(targetNetwork, plan, {
      now: Date.now,
      wait: async () => {
        await chains.mine('bsc', 1);
        left -= 1;
        return left > 0;
      },
      onOutcome: (outcome) => reported.push(outcome),
    });
    expect(reported).toHaveLength(outcomes.length);
    return outcomes.map(({ step, state }) => `${step.kind} ${state}`);
  }

  it('moves every balance above the minimum, funds its gas, and reports it from its events', async () => {
    await payDeposit(0, 25n * USDT);
    await payDeposit(1, 7n * USDT);
    await payDeposit(2, USDT / 2n);
    const { plan, skipped } = await createPlan([0, 1, 2, 3]);
    expect(
      plan.steps.map(({ kind, from, units }) => [kind, from, kind === 'sweep' ? units : '']),
    ).toEqual([
      ['fund', GAS, ''],
      ['fund', GAS, ''],
      ['sweep', at(0), (25n * USDT).toString()],
      ['sweep', at(1), (7n * USDT).toString()],
    ]);
    expect(skipped.map(({ address, reason: why }) => [address, why])).toEqual([
      [at(2), 'below_minimum'],
      [at(3), 'empty'],
    ]);
    const result = signPlan(plan, buildSignOptions());
    if (!result.ok) throw new Error(result.reason);
    const before = await readBalance(DESTINATION);
    expect(await send(result.signed)).toEqual([
      'fund mined',
      'fund mined',
      'sweep mined',
      'sweep mined',
    ]);
    expect((await readBalance(DESTINATION)) - before).toBe(32n * USDT);
    expect((await makeReport(network, result.signed))?.unfinished).toHaveLength(2);
    await chains.mine('bsc', 70);
    expect(await makeReport(network, result.signed)).toEqual({
      plan: plan.id,
      swept: result.signed.steps.slice(2).map(({ txHash, from, units }) => ({
        ...{ chain: 'bsc', txHash, address: from, units },
      })),
      unfinished: [],
    });
  });

  it('moves money once when the broadcast is interrupted and repeated', async () => {
    await payDeposit(4, 30n * USDT);
    const plan = await signed([4]);
    const before = await readBalance(DESTINATION);
    // The fund isn't mined, so the sweep isn't sent.
    const stuck = await broadcast(network, plan, {
      now: Date.now,
      wait: async () => false,
      onOutcome: () => {},
    });
    expect(stuck.map(({ state }) => state)).toEqual(['waiting', 'skipped']);
    await chains.mine('bsc', 1);
    expect(await send(plan)).toEqual(['fund mined', 'sweep mined']);
    expect(await send(plan)).toEqual(['fund mined', 'sweep mined']);
    expect((await readBalance(DESTINATION)) - before).toBe(30n * USDT);
    expect(await readBalance(at(4))).toBe(0n);
  });

  it('moves money once when two plans sweep the same address', async () => {
    await payDeposit(5, 11n * USDT);
    const [one, other] = [await signed([5]), await signed([5])];
    const before = await readBalance(DESTINATION);
    await send(one);
    await send(other);
    expect((await readBalance(DESTINATION)) - before).toBe(11n * USDT);
  });

  it('does not send a plan that has expired', async () => {
    await payDeposit(6, 11n * USDT);
    const plan = await signed([6]);
    const outcomes = await broadcast(network, plan, {
      now: () => plan.expiresAt,
      wait: async () => false,
      onOutcome: () => {},
    });
    expect(outcomes.map(({ state }) => state)).toEqual(['expired', 'skipped']);
  });

  it('reports a step that the network rejects, and sends no step that depends on it', async () => {
    await payDeposit(7, 11n * USDT);
    const plan = await signed([7]);
    const rejectingTransport: RpcTransport = async (provider, requests) =>
      requests[0]?.method === 'eth_sendRawTransaction'
        ? [{ ok: false, code: -32000 }]
        : network.rpcTransport(provider, requests);
    expect(await send(plan, 2, { ...network, rpcTransport: rejectingTransport })).toEqual([
      'fund rejected',
      'sweep skipped',
    ]);
  });

  it('plans nothing for foreign, uneconomical or unpayable addresses', async () => {
    const foreign = buildPlanOptions([], { addresses: [{ index: 0, address: STRANGER }] });
    expect(await makePlan(network, foreign)).toMatchObject({ reason: 'foreign_address' });
    expect(await makePlan(network, buildPlanOptions([99]))).toMatchObject({
      reason: 'nothing_to_sweep',
    });
    const expensive = buildPlanOptions([7], { coinNanoUsd: 10n ** 18n });
    expect(await makePlan(network, expensive)).toMatchObject({ reason: 'nothing_to_sweep' });
    expect(await makePlan(network, buildPlanOptions([7], { xpub: 'xpub' }))).toMatchObject({
      reason: 'invalid_key',
    });
    const tron = { ...buildPlanOptions([7]).chain, chainId: 1 };
    expect(await makePlan(network, buildPlanOptions([7], { chain: tron }))).toMatchObject({
      reason: 'wrong_chain',
    });
    const unreachableNetwork: Network = { ...network, rpcTransport: async () => 'unreachable' };
    expect(await makePlan(unreachableNetwork, buildPlanOptions([7]))).toMatchObject({
      reason: 'unreachable',
    });
    await chains.callAnvil('bsc', 'anvil_setBalance', [GAS, '0x1']);
    expect(await makePlan(network, buildPlanOptions([7]))).toMatchObject({
      reason: 'gas_account_underfunded',
    });
    await chains.callAnvil('bsc', 'anvil_setBalance', [GAS, `0x${COIN.toString(16)}`]);
  });

  it('skips addresses that the issuer froze', async () => {
    const chain = { ...buildPlanOptions([7]).chain, frozenSelector: '0xe47d6060' };
    const freeze = `0xbf120ae5${at(7).slice(2).padStart(64, '0')}${'1'.padStart(64, '0')}`;
    const from = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266';
    await chains.callAnvil('bsc', 'eth_sendTransaction', [{ from, to: BSC.token, data: freeze }]);
    await chains.mine('bsc', 1);
    expect(await makePlan(network, buildPlanOptions([7], { chain }))).toMatchObject({
      reason: 'nothing_to_sweep',
    });
  });
});

/** A valid plan, made without a network. */
function validPlan(): Plan {
  const now = Date.now();
  const { chainId, token } = BSC;
  const gas = { gasPrice: 10n ** 9n, gas: 60_000n };
  const fund = {
    chainId,
    nonce: 0,
    ...gas,
    gas: 21_000n,
    to: at(0),
    value: 10n ** 14n,
    data: '0x',
  };
  const data = encodeTransfer({ to: DESTINATION, units: 5n * USDT });
  const sweep = { chainId, nonce: 0, ...gas, to: token, value: 0n, data };
  const content: Omit<Plan, 'id'> = {
    version: 1,
    chain: 'bsc',
    chainId,
    token,
    fingerprint: EVM.fingerprint,
    destination: DESTINATION,
    plannedAt: now,
    expiresAt: now + HOUR,
    maxFee: '1',
    steps: [
      {
        kind: 'fund',
        signer: GAS_PATH,
        from: GAS,
        to: at(0),
        units: `${10n ** 14n}`,
        raw: evm.toRaw(fund),
      },
      {
        kind: 'sweep',
        signer: { chain: 0, index: 0 },
        from: at(0),
        to: DESTINATION,
        units: (5n * USDT).toString(),
        raw: evm.toRaw(sweep),
      },
    ],
  };
  return { ...content, id: planId(content) };
}

function withPlanId(plan: Plan): Plan {
  return { ...plan, id: planId(plan) };
}

/** The valid plan with the bytes of one step changed, and optionally its description. */
function withStep(
  stepIndex: 0 | 1,
  change: Partial<evm.EvmTransaction>,
  description: Partial<Step> = {},
): Plan {
  const plan = validPlan();
  const steps = plan.steps.map((step, index) => {
    const read = evm.parseRaw(step.raw);
    if (index !== stepIndex || read === null) return step;
    return { ...step, raw: evm.toRaw({ ...read, ...change }), ...description };
  });
  return withPlanId({ ...plan, steps });
}

describe('signPlan', () => {
  it('signs a valid plan', () => {
    expect(signPlan(validPlan(), buildSignOptions())).toMatchObject({ ok: true });
  });

  const to = (recipient: string, units = 5n * USDT) => encodeTransfer({ to: recipient, units });
  const approve = `0x095ea7b3${to(DESTINATION).slice(10)}`;
  const from = `0x23b872dd${'0'.repeat(24)}${at(0).slice(2)}${to(DESTINATION).slice(10)}`;
  const trailing = (plan: Plan): Plan => {
    const steps = plan.steps.map((step) => ({ ...step, raw: `${step.raw}00` }));
    return withPlanId({ ...plan, steps });
  };

  it.each<[string, Plan, string, number | null]>([
    ['that sends to another recipient', withStep(1, { data: to(STRANGER) }), 'wrong_recipient', 2],
    [
      'that sends to another recipient and says so',
      withStep(1, { data: to(STRANGER) }, { to: STRANGER }),
      'wrong_recipient',
      2,
    ],
    ['that moves less than it says', withStep(1, { data: to(DESTINATION, 1n) }), 'wrong_amount', 2],
    ['that sends coins with the call', withStep(1, { value: 1n }), 'wrong_amount', 2],
    ['of another token', withStep(1, { to: STRANGER }), 'wrong_token', 2],
    ['that approves a spender', withStep(1, { data: approve }), 'not_a_transfer', 2],
    ['that moves by allowance', withStep(1, { data: from }), 'not_a_transfer', 2],
    [
      'with trailing bytes after its call data',
      withStep(1, { data: `${to(DESTINATION)}00` }),
      'not_a_transfer',
      2,
    ],
    ['of another network', withStep(1, { chainId: 1 }), 'wrong_chain', 2],
    [
      'that funds an unrelated address',
      withStep(0, { to: STRANGER }, { to: STRANGER }),
      'funds_unrelated_address',
      1,
    ],
    ['that funds more than it says', withStep(0, { value: COIN }), 'wrong_amount', 1],
    [
      'that funds from a deposit address',
      withStep(0, {}, { signer: { chain: 0, index: 0 }, from: at(0) }),
      'foreign_signer',
      1,
    ],
    [
      'that sweeps the address of another index',
      withStep(1, {}, { signer: { chain: 0, index: 1 } }),
      'foreign_signer',
      2,
    ],
    [
      'that sweeps the gas account',
      withStep(1, {}, { signer: GAS_PATH, from: GAS }),
      'funds_unrelated_address',
      1,
    ],
    ['with bytes that are not canonical', trailing(validPlan()), 'not_canonical', 1],
    ['whose fee exceeds the limit', withStep(1, { gasPrice: 10n ** 15n }), 'fees_too_high', null],
    [
      'that was changed after its id was computed',
      { ...validPlan(), maxFee: '2' },
      'plan_id_mismatch',
      null,
    ],
    [
      'made for other keys',
      withPlanId({ ...validPlan(), fingerprint: '0'.repeat(16) }),
      'key_mismatch',
      null,
    ],
    [
      'that names another token contract',
      withPlanId({ ...validPlan(), token: STRANGER }),
      'wrong_token',
      null,
    ],
    [
      'that names another network',
      withPlanId({ ...validPlan(), chain: 'polygon' }),
      'wrong_token',
      null,
    ],
    [
      'that is valid for more than a day',
      withPlanId({ ...validPlan(), expiresAt: Date.now() + 25 * HOUR }),
      'valid_too_long',
      null,
    ],
    [
      'that has expired',
      withPlanId({ ...validPlan(), expiresAt: Date.now() - 1 }),
      'expired',
      null,
    ],
  ])('rejects a plan %s', (_, plan, reason, step) => {
    expect(signPlan(plan, buildSignOptions())).toEqual({ ok: false, reason, step });
  });

  it('rejects a plan whose destination is not listed or not confirmed', () => {
    expect(signPlan(validPlan(), buildSignOptions({ allowed: [STRANGER] }))).toMatchObject({
      reason: 'destination_not_allowed',
    });
    expect(signPlan(validPlan(), buildSignOptions({ confirmed: STRANGER }))).toMatchObject({
      reason: 'destination_not_confirmed',
    });
    expect(signPlan(validPlan(), buildSignOptions({ confirmed: '' }))).toMatchObject({ ok: false });
  });

  it.each([null, 3, {}, { version: 1 }, { ...validPlan(), steps: [] }])(
    'rejects %j, which is not a plan',
    (given) => {
      expect(signPlan(given, buildSignOptions())).toMatchObject({ reason: 'not_a_plan' });
    },
  );
});
