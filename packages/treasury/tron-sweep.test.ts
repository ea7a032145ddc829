/**
 * A sweep on TRON from plan to report, through a node with java-tron's behavior. TRON's official
 * SDK decodes each transaction and recovers its signer. Addresses that only ever received USDT are
 * activated first.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHAIN_DEFAULTS, httpTransport } from '@farebox/deposits';
import { anvilPath, type LocalChains, startChains } from '@farebox/local';
import { hexToBytes } from '@noble/hashes/utils.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { broadcast } from './broadcast.ts';
import { GAS_PATH, type Plan, type SignedPlan } from './contract.ts';
import { createKeyring } from './keyring.ts';
import type { Network } from './network.ts';
import { makePlan } from './plan.ts';
import { planId } from './plan-id.ts';
import { makeReport } from './report.ts';
import { signPlan } from './sign.ts';
import { parseRaw, toRaw } from './tron-transaction.ts';

const KEYS = createKeyring(`${'abandon '.repeat(11)}about`);
const ACCOUNT = KEYS.account('tron');
const TRON = CHAIN_DEFAULTS.tron;
const GAS = ACCOUNT.addressAt(GAS_PATH);
const DESTINATION = 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8';
const DESTINATION_HEX = '0x5cbdd86a2fa8dc4bddd8a8f69dba48572eec07fb';
const STRANGER = '0x00000000000000000000000000000000000bad00';
const USDT = 1_000_000n;
const TRX = 1_000_000n;
const HOUR = 3_600_000;

const anvil = anvilPath();

describe.skipIf(anvil === null)('a TRON sweep', () => {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-tron-sweep-'));
  let chains: LocalChains;
  let network: Network;
  const codes: unknown[] = [];

  beforeAll(async () => {
    chains = await startChains(anvil ?? '', { stateDir: folder, blockSeconds: null });
    const url = chains.urls.tron;
    network = {
      provider: { url },
      rpcTransport: httpTransport(fetch),
      post: async (path, body) => {
        const to = url.replace('/jsonrpc', '') + path;
        const answer: unknown = await (
          await fetch(to, { method: 'POST', body: JSON.stringify(body) })
        ).json();
        codes.push(Reflect.get(Object(answer), 'code'));
        return answer;
      },
    };
    await setCoinBalance(GAS, 1_000n * TRX);
    await chains.mine('tron', 10);
  }, 60_000);
  afterAll(async () => {
    await chains?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function at(index: number): string {
    return ACCOUNT.addressAt({ chain: 0, index });
  }

  async function setCoinBalance(address: string, sun: bigint): Promise<void> {
    await chains.callAnvil('tron', 'anvil_setBalance', [address, `0x${sun.toString(16)}`]);
  }

  async function payDeposit(index: number, units: bigint): Promise<void> {
    await chains.pay('tron', at(index), units);
    await chains.mine('tron', 1);
  }

  async function createPlan(indexes: readonly number[], now = Date.now()): Promise<Plan> {
    const made = await makePlan(network, {
      chain: { ...TRON, providers: [network.provider], startBlock: null },
      xpub: ACCOUNT.xpub,
      addresses: indexes.map((index) => ({ index, address: at(index) })),
      destination: DESTINATION_HEX,
      minimumUnits: USDT,
      coinNanoUsd: 300_000_000n,
      marginPercent: 50n,
      validMs: 12 * HOUR,
      now,
    });
    if (!made.ok) throw new Error(made.reason);
    return made.plan;
  }

  function buildSignOptions(now = Date.now()) {
    return { keys: KEYS, allowed: [DESTINATION], confirmed: DESTINATION, maxFee: 500n * TRX, now };
  }

  function signed(made: Plan, now = Date.now()): SignedPlan {
    const result = signPlan(made, buildSignOptions(now));
    if (!result.ok) throw new Error(result.reason);
    return result.signed;
  }

  async function readBalance(address: string): Promise<bigint> {
    const data = `0x70a08231${address.slice(2).padStart(64, '0')}`;
    const answer = await chains.callAnvil('tron', 'eth_call', [{ to: TRON.token, data }, 'latest']);
    return BigInt(String(answer));
  }

  async function send(sent: SignedPlan) {
    let polls = 4;
    const outcomes = await broadcast(network, sent, {
      now: Date.now,
      wait: async () => {
        await chains.mine('tron', 1);
        polls -= 1;
        return polls > 0;
      },
      onOutcome: () => {},
    });
    return outcomes.map(({ step, state }) => `${step.kind} ${state}`);
  }

  it('activates the addresses, moves each balance once, and reports it', async () => {
    await payDeposit(0, 50n * USDT);
    await payDeposit(1, 60n * USDT);
    const made = await createPlan([0, 1]);
    expect(made.steps.map(({ kind }) => kind)).toEqual(['fund', 'fund', 'sweep', 'sweep']);
    const sent = signed(made);
    expect(await send(sent)).toEqual(['fund mined', 'fund mined', 'sweep mined', 'sweep mined']);
    expect(await send(sent)).toEqual(['fund mined', 'fund mined', 'sweep mined', 'sweep mined']);
    expect(await readBalance(DESTINATION_HEX)).toBe(110n * USDT);
    await chains.mine('tron', 30);
    const report = await makeReport(network, sent);
    expect(report?.swept.map(({ address, units }) => [address, units])).toEqual([
      [at(0), '50000000'],
      [at(1), '60000000'],
    ]);
  });

  it('needs no fund for an address that has coins', async () => {
    await payDeposit(2, 40n * USDT);
    await setCoinBalance(at(2), 100n * TRX);
    const made = await createPlan([2]);
    expect(made.steps.map(({ kind }) => kind)).toEqual(['sweep']);
    expect(await send(signed(made))).toEqual(['sweep mined']);
  });

  it('plans nothing for a balance that is not worth its fee', async () => {
    await payDeposit(3, 5n * USDT);
    await expect(createPlan([3])).rejects.toThrow('nothing_to_sweep');
  });

  it('is rejected by the node when expired or when it refers to a block of another network', async () => {
    await payDeposit(4, 40n * USDT);
    await setCoinBalance(at(4), 100n * TRX);
    const old = Date.now() - 13 * HOUR;
    const late = signed(await createPlan([4], old), old);
    codes.length = 0;
    const outcomes = await broadcast(network, late, {
      now: () => old,
      wait: async () => false,
      onOutcome: () => {},
    });
    expect(outcomes.map(({ state }) => state)).toEqual(['rejected']);
    expect(codes).toEqual(['TRANSACTION_EXPIRATION_ERROR']);
    const otherNetworkPlan = withChangedStep(await createPlan([4]), (raw) => ({
      ...raw,
      refBlockHash: '0'.repeat(16),
    }));
    codes.length = 0;
    expect(await send(signed(otherNetworkPlan))).toEqual(['sweep rejected']);
    expect(codes).toEqual(['TAPOS_ERROR']);
    expect(await readBalance(at(4))).toBe(40n * USDT);
  });

  /** The plan with the bytes of its first step changed. */
  function withChangedStep(
    made: Plan,
    change: (raw: NonNullable<ReturnType<typeof parseRaw>>) => object,
  ): Plan {
    const [first, ...rest] = made.steps;
    const raw = parseRaw(hexToBytes(first?.raw.slice(2) ?? ''));
    if (first === undefined || raw === null) throw new Error('no step');
    const changed = { ...raw, ...change(raw) };
    const bytes = `0x${Buffer.from(toRaw(changed)).toString('hex')}`;
    const changedPlan = { ...made, steps: [{ ...first, raw: bytes }, ...rest] };
    return { ...changedPlan, id: planId(changedPlan) };
  }

  it('is not signed when its bytes do anything but the planned transfer', async () => {
    const made = await createPlan([4]);
    const contract = { kind: 'trigger', owner: at(4), contract: TRON.token } as const;
    const to = (recipient: string) =>
      `0xa9059cbb${recipient.slice(2).padStart(64, '0')}${'1'.padStart(64, '0')}`;
    const trySign = (change: Parameters<typeof withChangedStep>[1]) =>
      signPlan(withChangedStep(made, change), buildSignOptions());
    expect(trySign((raw) => raw)).toMatchObject({ ok: true });
    expect(trySign(() => ({ contract: { ...contract, data: to(STRANGER) } }))).toMatchObject({
      reason: 'wrong_recipient',
    });
    expect(trySign(() => ({ contract: { ...contract, data: to(DESTINATION_HEX) } }))).toMatchObject(
      {
        reason: 'wrong_amount',
      },
    );
    expect(
      trySign(() => ({ contract: { ...contract, contract: STRANGER, data: '0x' } })),
    ).toMatchObject({
      reason: 'wrong_token',
    });
    const foreign = { kind: 'trigger', owner: STRANGER, contract: TRON.token, data: '0x' };
    expect(trySign(() => ({ contract: foreign }))).toMatchObject({ reason: 'foreign_signer' });
    const coin = { kind: 'transfer', owner: at(4), to: STRANGER, sun: 1n };
    expect(trySign(() => ({ contract: coin }))).toMatchObject({ reason: 'not_a_transfer' });
    expect(trySign(({ expiration }) => ({ expiration: expiration + 1n }))).toMatchObject({
      reason: 'valid_too_long',
    });
    expect(trySign(() => ({ feeLimit: 10_000n * TRX }))).toMatchObject({ reason: 'fees_too_high' });
  });
});
