/**
 * Payments of refunds on a local EVM chain and through a node with java-tron's behavior: what is
 * planned and reported where an address is frozen, coins are missing, or a transaction fails.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHAIN_DEFAULTS, formatAddress } from '@farebox/deposits';
import { anvilPath, type LocalChains, startChains } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { broadcast } from './broadcast.ts';
import { createNetwork } from './command-context.ts';
import { PAYOUT_PATH } from './contract.ts';
import { COIN_DECIMALS } from './costs.ts';
import { createKeyring } from './keyring.ts';
import { planRefunds, type RefundPlanResult } from './refund-plan.ts';
import type { RefundList, SignedRefundPlan } from './refund-plan-file.ts';
import { reportRefunds } from './refund-report.ts';
import { signRefunds } from './refund-sign.ts';

const KEYS = createKeyring(`${'abandon '.repeat(11)}about`);
/** An account that anvil signs for. */
const ISSUER = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266';
const HOUR = 3_600_000;

const anvil = anvilPath();
if (anvil === null)
  process.stdout.write('anvil is not available on this platform: payments are not tested.\n');

const folder = mkdtempSync(join(tmpdir(), 'farebox-payments-'));
let chains: LocalChains;

beforeAll(async () => {
  if (anvil === null) return;
  chains = await startChains(anvil, { stateDir: folder, blockSeconds: null });
}, 60_000);
afterAll(async () => {
  await chains?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const suite = describe.skipIf(anvil === null);
suite.each(['bsc', 'polygon', 'tron'] as const)('refunds on %s', (name) => {
  // BSC's token can't freeze an address; the test token can, under the name of TRON's function.
  const frozenSelector = CHAIN_DEFAULTS[name].frozenSelector ?? '0xe47d6060';
  const defaults = { ...CHAIN_DEFAULTS[name], frozenSelector };
  const { family, decimals, token } = defaults;
  const unit = 10n ** BigInt(decimals);
  const coin = 10n ** BigInt(COIN_DECIMALS[family]);
  const payout = KEYS.account(family).addressAt(PAYOUT_PATH);
  let recipients = 0;

  function nextRecipient(): string {
    recipients += 1;
    return `0x${recipients.toString(16).padStart(40, '7')}`;
  }

  function createChainNetwork() {
    const context = {
      prompt: { secret: async () => '', close: () => {} },
      print: () => {},
      fetcher: fetch,
      now: Date.now,
    };
    return createNetwork(context, { rpc: chains.urls[name] });
  }

  async function setCoins(amount: bigint): Promise<void> {
    await chains.callAnvil(name, 'anvil_setBalance', [payout, `0x${amount.toString(16)}`]);
  }

  /** Freezes or releases an address, as the issuer does. */
  async function setFrozen(address: string, isFrozen: boolean): Promise<void> {
    const data = `0xbf120ae5${address.slice(2).padStart(64, '0')}${(isFrozen ? '1' : '0').padStart(64, '0')}`;
    const call = { from: ISSUER, to: token, data, gas: '0x186a0' };
    await chains.callAnvil(name, 'eth_sendTransaction', [call]);
    await chains.mine(name, 1);
  }

  async function readUnits(address: string): Promise<bigint> {
    const data = `0x70a08231${address.slice(2).padStart(64, '0')}`;
    const call = [{ to: token, data }, 'latest'];
    return BigInt(String(await chains.callAnvil(name, 'eth_call', call)));
  }

  /** A list of refunds of 5 USDT each. */
  function buildList(addresses: readonly string[]): RefundList {
    const refunds = addresses.map((hex) => ({
      refund: hex.slice(-32),
      attempt: 1,
      address: formatAddress(family, hex),
      units: (5n * unit).toString(),
    }));
    return { version: 1, chain: name, refunds };
  }

  function plan(list: RefundList): Promise<RefundPlanResult> {
    const network = createChainNetwork();
    const chain = { ...defaults, providers: [network.provider], startBlock: null };
    const { xpub } = KEYS.account(family);
    const terms = { marginPercent: 50n, validMs: 12 * HOUR, now: Date.now() };
    return planRefunds(network, { chain, xpub, list, ...terms });
  }

  async function sign(list: RefundList): Promise<SignedRefundPlan> {
    const made = await plan(list);
    if (!made.ok) throw new Error(made.reason);
    const confirmed = 5n * unit * BigInt(list.refunds.length);
    const limits = { confirmed, maxFee: 1_000n * coin, now: Date.now() };
    const signed = signRefunds(made.plan, { keys: KEYS, list, record: [], ...limits });
    if (!signed.ok) throw new Error(signed.reason);
    return signed.signed;
  }

  async function send(signed: SignedRefundPlan): Promise<readonly string[]> {
    let polls = 4;
    const outcomes = await broadcast(createChainNetwork(), signed, {
      now: Date.now,
      wait: async () => {
        await chains.mine(name, 1);
        polls -= 1;
        return polls > 0;
      },
      onOutcome: () => {},
    });
    return outcomes.map(({ state }) => state);
  }

  it('are not planned without the USDT, and say how much is missing', async () => {
    await setCoins(100n * coin);
    expect(await plan(buildList([nextRecipient(), nextRecipient()]))).toMatchObject({
      reason: 'payout_account_underfunded',
      payoutAccount: payout,
      missingUnits: 10n * unit,
      missingCoins: 0n,
    });
  });

  it('are not planned without the coins for their fees, and say how many are missing', async () => {
    await chains.pay(name, payout, 100n * unit);
    await chains.mine(name, 1);
    await setCoins(1n);
    const list = buildList([nextRecipient()]);
    const made = await plan(list);
    expect(made).toMatchObject({ reason: 'payout_account_underfunded', missingUnits: 0n });
    if (made.ok || made.reason !== 'payout_account_underfunded') return;
    await setCoins(1n + made.missingCoins);
    expect(await plan(list)).toMatchObject({ ok: true });
    await setCoins(100n * coin);
  });

  it('are not planned where the issuer froze one of the addresses, and name its refund', async () => {
    const [free, frozen] = [nextRecipient(), nextRecipient()];
    await setFrozen(frozen, true);
    const refused = { ok: false, reason: 'frozen_address', refund: frozen.slice(-32) };
    expect(await plan(buildList([free, frozen]))).toEqual(refused);
    await setFrozen(frozen, false);
    expect(await plan(buildList([free, frozen]))).toMatchObject({ ok: true });
  });

  it('are paid once each, however often they are broadcast, and reported when final', async () => {
    const addresses = [nextRecipient(), nextRecipient()];
    const signed = await sign(buildList(addresses));
    expect(await send(signed)).toEqual(['mined', 'mined']);
    expect(await send(signed)).toEqual(['mined', 'mined']);
    expect(await Promise.all(addresses.map(readUnits))).toEqual([5n * unit, 5n * unit]);
    const waiting = await reportRefunds(createChainNetwork(), signed);
    expect(waiting?.paid).toEqual([]);
    expect(waiting?.unfinished.map(({ reason }) => reason)).toEqual(['not_final', 'not_final']);
    await chains.mine(name, 150);
    const report = await reportRefunds(createChainNetwork(), signed);
    const paid = signed.steps.map(({ refund, txHash }) => ({ refund, chain: name, txHash }));
    expect(report).toEqual({ plan: signed.id, paid, unfinished: [] });
  });

  it('are reported as failed once the transaction that failed is final, and paid by a next attempt', async () => {
    const address = nextRecipient();
    const list = buildList([address]);
    const signed = await sign(list);
    // Between the signature and the broadcast the payout account can no longer pay.
    await setFrozen(payout, true);
    expect(await send(signed)).toEqual(['failed']);
    const early = await reportRefunds(createChainNetwork(), signed);
    expect(early?.unfinished).toMatchObject([{ reason: 'not_final' }]);
    await chains.mine(name, 150);
    const report = await reportRefunds(createChainNetwork(), signed);
    const [step] = signed.steps;
    expect(report?.paid).toEqual([]);
    expect(report?.unfinished).toEqual([
      { refund: address.slice(-32), chain: name, txHash: step?.txHash, reason: 'failed' },
    ]);
    expect(await readUnits(address)).toBe(0n);
    await setFrozen(payout, false);
    const [row] = list.refunds;
    if (row === undefined) throw new Error('no refund');
    const again = await sign({ ...list, refunds: [{ ...row, attempt: 2 }] });
    expect(await send(again)).toEqual(['mined']);
    expect(await readUnits(address)).toBe(5n * unit);
  });
});
