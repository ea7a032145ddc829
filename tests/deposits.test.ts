/**
 * From a transfer on a real chain to a balance a key can spend: anvil, the deposits Worker in workerd, the
 * account's object. Whatever happens on the way, it counts once, and for whom it was.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Database } from '@farebox/database';
import {
  type ChainName,
  type ClaimResult,
  claim,
  httpAsk,
  readConfiguration,
  verifiedAddress,
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
import { sql } from './sql.ts';

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
    stack = await startStack({ quiet: true, cronEveryMs: null, chains: chains.texts });
    db = connect(stack.databaseUrl);
    ada = await stack.createAccount({ creditUsd: '0' });
  }, 120_000);
  afterAll(async () => {
    await stack?.stop();
    await chains?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function addressOf(account: LocalAccount, family: 'evm' | 'tron') {
    const { current } = readConfiguration(chains.texts);
    const house = { db, accounts: stack.doors.accounts, current, now: Date.now };
    const shown = await verifiedAddress(house, account.accountId, family);
    if (!shown.ok) throw new Error(shown.reason);
    return shown.address;
  }

  function claims(account: LocalAccount, chain: ChainName, hash: string): Promise<ClaimResult> {
    const { chains: known, keys } = readConfiguration(chains.texts);
    const house = {
      db,
      credits: stack.doors.credits,
      chains: known,
      keys,
      ask: httpAsk(fetch),
      barred: [],
      now: Date.now,
      signal: () => {},
    };
    return claim(house, account.accountId, chain, hash);
  }

  async function posted(account: LocalAccount): Promise<bigint> {
    return (await stack.doors.accounts.standing(account.accountId))?.posted ?? -1n;
  }

  it('arrives on each network, and a key can spend it', async () => {
    const family = { tron: 'tron', bsc: 'evm', polygon: 'evm' } as const;
    for (const chain of ['tron', 'bsc', 'polygon'] as const) {
      await chains.mine(chain, 10);
      const { hex } = await addressOf(ada, family[chain]);
      await chains.pay(chain, hex, 2n * USDT[chain]);
      await chains.mine(chain, 1);
    }
    await stack.tick();
    expect(await posted(ada)).toBe(0n);
    const states = await sql(stack, 'select chain, state from deposits order by chain', []);
    expect(states).toEqual([
      ['bsc', 'seen'],
      ['polygon', 'seen'],
      ['tron', 'seen'],
    ]);
    for (const chain of ['tron', 'bsc', 'polygon'] as const) await chains.mine(chain, 8);
    await stack.tick();
    expect(await posted(ada)).toBe(6n * NANO);
    const answer = await fetch(`${stack.gatewayUrl}/v1/credits`, {
      headers: { authorization: `Bearer ${ada.apiKey}` },
    });
    expect(await answer.json()).toMatchObject({ data: { posted_nano_usd: '6000000000' } });
  });

  it('is written as wallets of its family write addresses', async () => {
    expect((await addressOf(ada, 'tron')).text).toMatch(/^T[1-9A-HJ-NP-Za-km-z]{33}$/);
    expect((await addressOf(ada, 'evm')).text).toMatch(/^0x[0-9A-Fa-f]{40}$/);
    expect(await addressOf(ada, 'evm')).toEqual(await addressOf(ada, 'evm'));
  });

  it('counts once, through ticks at once and a Worker killed in between', async () => {
    const before = await posted(ada);
    const { hex } = await addressOf(ada, 'evm');
    await chains.pay('polygon', hex, 3n * USDT.polygon);
    await chains.mine('polygon', 9);
    await Promise.allSettled([stack.tick(), stack.tick(), stack.tick()]);
    await stack.restartWorkers();
    await stack.tick();
    expect(await posted(ada)).toBe(before + 3n * NANO);
  });

  it('survives a reorganisation that moves it, and counts once', async () => {
    const before = await posted(ada);
    const { hex } = await addressOf(ada, 'evm');
    await chains.pay('bsc', hex, 5n * USDT.bsc);
    await chains.mine('bsc', 2);
    await stack.tick();
    await chains.ask('bsc', 'anvil_reorg', [2, []]);
    await stack.tick();
    const gone = await sql(
      stack,
      "select 1 from deposits where chain = 'bsc' and state = 'seen'",
      [],
    );
    expect(gone).toEqual([]);
    await chains.pay('bsc', hex, 5n * USDT.bsc);
    await chains.mine('bsc', 9);
    await stack.tick();
    await stack.tick();
    expect(await posted(ada)).toBe(before + 5n * NANO);
  });

  it('can be claimed by its transaction, by whom it is for and nobody else', async () => {
    const bob = await stack.createAccount({ creditUsd: '0' });
    const { hex } = await addressOf(bob, 'tron');
    const hash = await chains.pay('tron', hex, 4n * USDT.tron);
    expect(await claims(bob, 'tron', hash)).toMatchObject({ reason: 'not_found' });
    await chains.mine('tron', 1);
    expect(await claims(bob, 'tron', hash)).toMatchObject({ reason: 'not_final' });
    expect(await claims(bob, 'tron', 'nonsense')).toMatchObject({ reason: 'malformed' });
    expect(await claims(bob, 'polygon', hash)).toMatchObject({ reason: 'not_found' });
    expect(await claims(ada, 'tron', hash)).toMatchObject({ reason: 'not_your_address' });
    await chains.mine('tron', 9);
    expect(await claims(bob, 'tron', hash.slice(2))).toMatchObject({
      ok: true,
      deposits: [{ state: 'credited', amount: 4n * NANO }],
    });
    await stack.tick();
    expect(await posted(bob)).toBe(4n * NANO);
  });

  it('goes to nobody else, whoever swaps two rows in Postgres', async () => {
    const [eve, victim] = [
      await stack.createAccount({ creditUsd: '0' }),
      await stack.createAccount({ creditUsd: '0' }),
    ];
    const [own, theirs] = [await addressOf(eve, 'evm'), await addressOf(victim, 'evm')];
    await sql(stack, 'delete from deposit_addresses where address = $1', [own.hex]);
    await sql(stack, 'update deposit_addresses set account_id = $1 where address = $2', [
      eve.accountId,
      theirs.hex,
    ]);
    await chains.pay('polygon', theirs.hex, 7n * USDT.polygon);
    await chains.mine('polygon', 9);
    await stack.tick();
    await stack.tick();
    expect(await posted(eve)).toBe(0n);
    const rows = await sql(stack, 'select state, reason from deposits where recipient = $1', [
      theirs.hex,
    ]);
    expect(rows).toEqual([['held', 'address_unknown']]);
    await expect(addressOf(eve, 'evm')).rejects.toThrow('mismatch');
  });
});
