/**
 * From a transfer on a real chain to a balance that a key can spend: anvil, the deposits Worker in
 * workerd, the account object. Under every fault it is credited once, to the right account.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Database } from '@farebox/database';
import {
  type ChainName,
  type ClaimResult,
  claim,
  getVerifiedAddress,
  httpTransport,
  parseConfiguration,
} from '@farebox/deposits';
import {
  anvilPath,
  type LocalAccount,
  type LocalChains,
  type LocalStack,
  startChains,
  startStack,
} from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sql } from './support/sql.ts';

const anvil = anvilPath();
if (anvil === null) process.stdout.write('No anvil for this machine: deposits are not tested.\n');

const USDT: Readonly<Record<ChainName, bigint>> = {
  tron: 10n ** 6n,
  bsc: 10n ** 18n,
  polygon: 10n ** 6n,
};
const NANO = 10n ** 9n;

describe.skipIf(anvil === null)('a deposit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-chains-'));
  let chains: LocalChains;
  let stack: LocalStack;
  let db: Database;
  let ada: LocalAccount;

  beforeAll(async () => {
    chains = await startChains(anvil ?? '', { stateDir: folder, blockSeconds: null });
    stack = await startStack({ quiet: true, cronEveryMs: null, chains: chains.bindings });
    db = connect(stack.databaseUrl);
    ada = await stack.createAccount({ creditUsd: '0' });
  }, 120_000);
  afterAll(async () => {
    await stack?.stop();
    await chains?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function getDepositAddress(account: LocalAccount, family: 'evm' | 'tron') {
    const { currentKeys } = parseConfiguration(chains.bindings);
    const deps = { db, accounts: stack.ledger.accounts, currentKeys, now: Date.now };
    const result = await getVerifiedAddress(deps, account.accountId, family);
    if (!result.ok) throw new Error(result.reason);
    return result.address;
  }

  function claimDeposit(
    account: LocalAccount,
    chain: ChainName,
    hash: string,
  ): Promise<ClaimResult> {
    const { chains: configuredChains, keys } = parseConfiguration(chains.bindings);
    const deps = {
      db,
      credits: stack.ledger.credits,
      chains: configuredChains,
      keys,
      rpcTransport: httpTransport(fetch),
      blockedSenders: [],
      now: Date.now,
      logEvent: () => {},
    };
    return claim(deps, account.accountId, chain, hash);
  }

  async function getPosted(account: LocalAccount): Promise<bigint> {
    return (await stack.ledger.accounts.status(account.accountId))?.posted ?? -1n;
  }

  it('is credited on each network and can be spent by a key', async () => {
    const family = { tron: 'tron', bsc: 'evm', polygon: 'evm' } as const;
    for (const chain of ['tron', 'bsc', 'polygon'] as const) {
      await chains.mine(chain, 10);
      const { hex } = await getDepositAddress(ada, family[chain]);
      await chains.pay(chain, hex, 2n * USDT[chain]);
      await chains.mine(chain, 1);
    }
    await stack.runCrons();
    expect(await getPosted(ada)).toBe(0n);
    const states = await sql(stack, 'select chain, state from deposits order by chain', []);
    expect(states).toEqual([
      ['bsc', 'pending'],
      ['polygon', 'pending'],
      ['tron', 'pending'],
    ]);
    for (const chain of ['tron', 'bsc', 'polygon'] as const) await chains.mine(chain, 8);
    await stack.runCrons();
    expect(await getPosted(ada)).toBe(6n * NANO);
    const response = await fetch(`${stack.gatewayUrl}/v1/credits`, {
      headers: { authorization: `Bearer ${ada.apiKey}` },
    });
    expect(await response.json()).toMatchObject({ data: { posted_nano_usd: '6000000000' } });
  });

  it('has an address in the format of its network family', async () => {
    expect((await getDepositAddress(ada, 'tron')).text).toMatch(/^T[1-9A-HJ-NP-Za-km-z]{33}$/);
    expect((await getDepositAddress(ada, 'evm')).text).toMatch(/^0x[0-9A-Fa-f]{40}$/);
    expect(await getDepositAddress(ada, 'evm')).toEqual(await getDepositAddress(ada, 'evm'));
  });

  it('is credited once through concurrent cron runs and a killed Worker', async () => {
    const before = await getPosted(ada);
    const { hex } = await getDepositAddress(ada, 'evm');
    await chains.pay('polygon', hex, 3n * USDT.polygon);
    await chains.mine('polygon', 9);
    await Promise.allSettled([stack.runCrons(), stack.runCrons(), stack.runCrons()]);
    await stack.restartWorkers();
    await stack.runCrons();
    expect(await getPosted(ada)).toBe(before + 3n * NANO);
  });

  it('is credited once when a reorganisation moves it', async () => {
    const before = await getPosted(ada);
    const { hex } = await getDepositAddress(ada, 'evm');
    await chains.pay('bsc', hex, 5n * USDT.bsc);
    await chains.mine('bsc', 2);
    await stack.runCrons();
    await chains.callAnvil('bsc', 'anvil_reorg', [2, []]);
    await stack.runCrons();
    const orphaned = await sql(
      stack,
      "select 1 from deposits where chain = 'bsc' and state = 'pending'",
      [],
    );
    expect(orphaned).toEqual([]);
    await chains.pay('bsc', hex, 5n * USDT.bsc);
    await chains.mine('bsc', 9);
    await stack.runCrons();
    await stack.runCrons();
    expect(await getPosted(ada)).toBe(before + 5n * NANO);
  });

  it('can be claimed by transaction hash, by its owner only', async () => {
    const bob = await stack.createAccount({ creditUsd: '0' });
    const { hex } = await getDepositAddress(bob, 'tron');
    const hash = await chains.pay('tron', hex, 4n * USDT.tron);
    expect(await claimDeposit(bob, 'tron', hash)).toMatchObject({ reason: 'not_found' });
    await chains.mine('tron', 1);
    expect(await claimDeposit(bob, 'tron', hash)).toMatchObject({ reason: 'not_final' });
    expect(await claimDeposit(bob, 'tron', 'nonsense')).toMatchObject({ reason: 'malformed' });
    expect(await claimDeposit(bob, 'polygon', hash)).toMatchObject({ reason: 'not_found' });
    expect(await claimDeposit(ada, 'tron', hash)).toMatchObject({ reason: 'not_your_address' });
    await chains.mine('tron', 9);
    expect(await claimDeposit(bob, 'tron', hash.slice(2))).toMatchObject({
      ok: true,
      deposits: [{ state: 'credited', amount: 4n * NANO }],
    });
    await stack.runCrons();
    expect(await getPosted(bob)).toBe(4n * NANO);
  });

  it('is not credited to another account when two rows are swapped in Postgres', async () => {
    const [eve, victim] = [
      await stack.createAccount({ creditUsd: '0' }),
      await stack.createAccount({ creditUsd: '0' }),
    ];
    const [ownAddress, victimAddress] = [
      await getDepositAddress(eve, 'evm'),
      await getDepositAddress(victim, 'evm'),
    ];
    await sql(stack, 'delete from deposit_addresses where address = $1', [ownAddress.hex]);
    await sql(stack, 'update deposit_addresses set account_id = $1 where address = $2', [
      eve.accountId,
      victimAddress.hex,
    ]);
    await chains.pay('polygon', victimAddress.hex, 7n * USDT.polygon);
    await chains.mine('polygon', 9);
    await stack.runCrons();
    await stack.runCrons();
    expect(await getPosted(eve)).toBe(0n);
    const rows = await sql(stack, 'select state, reason from deposits where recipient = $1', [
      victimAddress.hex,
    ]);
    expect(rows).toEqual([['in_review', 'address_unknown']]);
    await expect(getDepositAddress(eve, 'evm')).rejects.toThrow('mismatch');
  });
});
