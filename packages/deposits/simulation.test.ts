/**
 * Simulates a thousand deposits on three chains, each read through two faulty providers. Payments
 * use transfer, allowance, batches and mint. Reorganizations move and drop them, the database
 * crashes between any two statements, and two scanners run at once. At the end the chains
 * themselves show what is owed: every final deposit must be credited exactly once, and nothing
 * else. FAREBOX_SEED replays a run's chains; which request meets which fault also depends on the
 * order of requests.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Database } from '@farebox/database';
import {
  issueAddress,
  listDeposits,
  listOpenDifferences,
  pinKey,
} from '@farebox/database/deposits';
import {
  anvilPath,
  createEmptyDatabase,
  type EmptyDatabase,
  type LocalChains,
  startChains,
} from '@farebox/local';
import { HDKey } from '@scure/bip32';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Crash, crashingDatabase, FakeLedger } from './crash-injection.testing.ts';
import { createPrng, type FaultProfile } from './fake-chain.testing.ts';
import { FaultyRpc } from './faulty-rpc.testing.ts';
import {
  CHAIN_DEFAULTS,
  CHAINS,
  type Chain,
  type ChainName,
  type DepositDeps,
  deriveAddress,
  httpTransport,
  parseWatchKey,
  rescan,
  runScheduled,
} from './index.ts';
import { TRANSFER_TOPIC } from './transfers.ts';

const SEED = Number(process.env.FAREBOX_SEED ?? Math.floor(Math.random() * 2 ** 31));
const DEPOSITS = 1_000;
const ACCOUNTS = 12;
const START = Date.UTC(2026, 10, 24);
const OTHER_TOKEN = `0x${'c'.repeat(40)}`;
const STRANGER = `0x${'5'.repeat(40)}`;
/** anvil's first accounts, unlocked. The third one is the blocked sender. */
const SENDERS = [
  '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
  '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc',
] as const;
const BLOCKED_SENDER = SENDERS[2];
/** The maximum depth of a reorganization. Smaller than each chain's finality. */
const MAX_REORG_DEPTH: Readonly<Record<ChainName, number>> = { tron: 3, bsc: 7, polygon: 7 };
const DEPTHS: Readonly<Record<ChainName, number>> = { tron: 0, bsc: 8, polygon: 8 };

const master = HDKey.fromMasterSeed(new Uint8Array(32).fill(7));
function keyAt(path: string) {
  const read = parseWatchKey(master.derive(path).publicExtendedKey);
  if (!read.ok) throw new Error(read.reason);
  return read.key;
}
const KEYS = { evm: keyAt("m/44'/60'/0'"), tron: keyAt("m/44'/195'/0'") };

function word(value: bigint | number | string): string {
  return BigInt(value).toString(16).padStart(64, '0');
}

/** `transferMany(address[],uint256[])` */
function manyData(to: readonly string[], units: readonly bigint[]): string {
  const lists = [word(to.length), ...to.map(word), word(units.length), ...units.map(word)];
  return `0xb7fc6612${word(64)}${word(96 + 32 * to.length)}${lists.join('')}`;
}

type ExpectedCredit = Readonly<{ id: string; account: string; units: bigint; from: string }>;

const anvil = anvilPath();
if (anvil === null)
  process.stdout.write('anvil is not available on this platform: deposits are not simulated.\n');

describe.skipIf(anvil === null)('deposits on local chains behind faulty providers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-simulation-'));
  const prng = createPrng(SEED);
  const crashPrng = createPrng(SEED + 1);
  // Per batch. A cron run sends about ten, and advances only if none of them fails.
  const faultProfile: FaultProfile = { faultRate: 0 };
  const fakeLedger = new FakeLedger();
  const addresses = new Map<string, string>();
  const accounts = Array.from({ length: ACCOUNTS }, (_, n) => n.toString(16).padStart(16, '0'));
  const proxies: FaultyRpc[] = [];
  let configured: readonly Chain[] = [];
  let chains: LocalChains;
  let database: EmptyDatabase;
  let db: Database;
  let now = START;
  let paymentsMade = 0;
  let crashes = 0;
  let reorganisations = 0;
  let crashRate = 0;

  async function startFaultyProviders(name: ChainName) {
    return Promise.all(
      [0, 1].map(async (providerIndex) => {
        const seed = SEED + 10 * CHAINS.indexOf(name) + providerIndex + 2;
        const proxy = new FaultyRpc(chains.urls[name], createPrng(seed), faultProfile);
        proxies.push(proxy);
        return { url: await proxy.start() };
      }),
    );
  }

  async function prepare(name: ChainName): Promise<void> {
    const { token } = CHAIN_DEFAULTS[name];
    const code = await chains.callAnvil(name, 'eth_getCode', [token, 'latest']);
    await chains.callAnvil(name, 'anvil_setCode', [OTHER_TOKEN, code]);
    for (const contract of [token, OTHER_TOKEN]) {
      for (const from of SENDERS) {
        const mint = `0x40c10f19${word(from)}${word(10n ** 30n)}`;
        await chains.callAnvil(name, 'eth_sendTransaction', [
          { from, to: contract, data: mint, gas: '0x30d40' },
        ]);
      }
    }
    // The second sender may spend the first sender's tokens.
    const approve = `0x095ea7b3${word(SENDERS[1])}${word(10n ** 30n)}`;
    await chains.callAnvil(name, 'eth_sendTransaction', [
      { from: SENDERS[0], to: token, data: approve, gas: '0x30d40' },
    ]);
    await mine(name);
  }

  async function mine(name: ChainName): Promise<void> {
    await chains.callAnvil(name, 'evm_setNextBlockTimestamp', [Math.floor(now / 1000)]);
    await chains.mine(name, 1);
  }

  beforeAll(async () => {
    process.stdout.write(`seed ${SEED} (FAREBOX_SEED=${SEED} replays it)\n`);
    database = await createEmptyDatabase();
    db = connect(database.url);
    chains = await startChains(anvil ?? '', { stateDir: folder, blockSeconds: null });
    now = Math.max(now, Date.now()) + 60_000;
    for (const name of CHAINS) await prepare(name);
    configured = await Promise.all(
      CHAINS.map(async (name) => ({
        ...CHAIN_DEFAULTS[name],
        ...{ depth: DEPTHS[name], largeDepth: DEPTHS[name] + 4, maxWindow: 40, overlap: 20 },
        startBlock: 0,
        providers: await startFaultyProviders(name),
      })),
    );
    for (const account of accounts) {
      await db.execute(`insert into accounts (id, created_at) values ('${account}', now())`);
    }
    for (const family of ['evm', 'tron'] as const) {
      const key = KEYS[family];
      await pinKey(db, family, key.fingerprint, now);
      for (const account of accounts) {
        const derive = (_: string, index: number) => deriveAddress(key, index);
        const issued = await issueAddress(db, account, family, now, derive);
        if (issued === undefined) throw new Error('no key is pinned');
        addresses.set(issued.address, account);
        fakeLedger.boundAddresses.set(account + family, `${issued.fingerprint}/${issued.index}`);
      }
    }
  }, 120_000);
  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await chains?.stop();
    await database?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const shouldCrash = () => {
    const crashed = crashPrng.chance(crashRate);
    if (crashed) crashes += 1;
    return crashed;
  };

  function buildDeps(chain: Chain): DepositDeps {
    return {
      db: crashingDatabase(db, shouldCrash),
      chains: [chain],
      keys: new Map(Object.values(KEYS).map((key) => [key.fingerprint, key])),
      rpcTransport: httpTransport(fetch),
      blockedSenders: [BLOCKED_SENDER],
      now: () => now,
      logEvent: () => {},
      credits: {
        payRefund: async () => ({ ok: false, reason: 'unknown' }),
        credit: async (account, request) => {
          if (shouldCrash()) throw new Crash();
          const answer = await fakeLedger.credit(account, request);
          if (shouldCrash()) throw new Crash();
          return answer;
        },
      },
    };
  }

  function randomRecipient({ family }: Chain): string {
    if (prng.chance(0.2)) return STRANGER;
    // The first twelve are EVM addresses, the other twelve TRON addresses.
    const familyAddresses = [...addresses.keys()].slice(family === 'evm' ? 0 : ACCOUNTS);
    return familyAddresses[prng.nextInt(ACCOUNTS)] ?? STRANGER;
  }

  function randomUnits({ decimals }: Chain): bigint {
    const one = 10n ** BigInt(decimals);
    if (prng.chance(0.08)) return 0n;
    if (prng.chance(0.15)) return one / BigInt(2 + prng.nextInt(50)) + BigInt(prng.nextInt(1_000));
    return one + BigInt(prng.nextInt(2 ** 30)) * (decimals > 9 ? 7_777_777_777n : 1n);
  }

  /** One payment of a random kind. */
  function randomPayment(chain: Chain): Readonly<{ from: string; data: string }> {
    const from = SENDERS[prng.chance(0.05) ? 2 : prng.nextInt(2)] ?? SENDERS[0];
    const many = Array.from({ length: 1 + prng.nextInt(3) }, () => ({
      to: randomRecipient(chain),
      units: randomUnits(chain),
    }));
    const [{ to, units } = { to: STRANGER, units: 1n }] = many;
    const kind = prng.nextInt(4);
    if (kind === 0)
      return {
        from,
        data: manyData(
          many.map((one) => one.to),
          many.map((one) => one.units),
        ),
      };
    if (kind === 1 && from === SENDERS[1])
      return { from, data: `0x23b872dd${word(SENDERS[0])}${word(to)}${word(units)}` };
    if (kind === 2 && from !== BLOCKED_SENDER)
      return { from, data: `0x40c10f19${word(to)}${word(units)}` };
    return { from, data: `0xa9059cbb${word(to)}${word(units)}` };
  }

  async function simulateBlock(chain: Chain, busy: boolean): Promise<void> {
    const { name, token } = chain;
    for (let payments = busy ? prng.nextInt(4) : 0; payments > 0; payments -= 1) {
      const to = prng.chance(0.1) ? OTHER_TOKEN : token;
      const transaction = { ...randomPayment(chain), to, gas: '0x7a120' };
      await chains.callAnvil(name, 'eth_sendTransaction', [transaction]);
      paymentsMade += 1;
    }
    await mine(name);
    if (!prng.chance(0.12)) return;
    // A reorganization does most harm right after a scan.
    await scan(chain);
    await reorganise(name);
    await scan(chain);
  }

  /**
   * Replaces the newest blocks: moves their transactions between them, and sometimes drops the last
   * ones.
   */
  async function reorganise(name: ChainName): Promise<void> {
    const head = Number(await chains.callAnvil(name, 'eth_blockNumber', []));
    const depth = Math.min(1 + prng.nextInt(MAX_REORG_DEPTH[name]), head - 1);
    if (depth < 1) return;
    const raws: unknown[] = [];
    for (let number = head - depth + 1; number <= head; number += 1) {
      const block = await chains.callAnvil(name, 'eth_getBlockByNumber', [
        `0x${number.toString(16)}`,
        false,
      ]);
      const hashes: unknown = Reflect.get(Object(block), 'transactions');
      for (const hash of Array.isArray(hashes) ? hashes : []) {
        raws.push(await chains.callAnvil(name, 'eth_getRawTransactionByHash', [hash]));
      }
    }
    // Transactions keep their order, because of their senders' nonces.
    const kept = prng.chance(0.2) ? raws.slice(0, Math.floor(raws.length / 2)) : raws;
    const offsets = kept.map(() => prng.nextInt(depth)).sort((a, b) => a - b);
    const reorderedTransactions = kept.map((raw, index) => [raw, offsets[index]]);
    await chains.callAnvil(name, 'anvil_reorg', [depth, reorderedTransactions]);
    reorganisations += 1;
  }

  async function scan(chain: Chain): Promise<void> {
    const scanners = crashPrng.chance(0.2) ? 2 : 1;
    await Promise.allSettled(
      Array.from({ length: scanners }, () => runScheduled(buildDeps(chain))),
    );
  }

  /** The transfers to our addresses, read directly from the node. */
  async function expectedCreditsOn({
    name,
    token,
    chainId,
    family,
  }: Chain): Promise<readonly ExpectedCredit[]> {
    const filter = {
      address: token,
      fromBlock: '0x0',
      toBlock: 'latest',
      topics: [TRANSFER_TOPIC],
    };
    const logs = await chains.callAnvil(name, 'eth_getLogs', [filter]);
    return (Array.isArray(logs) ? logs : []).flatMap((log): readonly ExpectedCredit[] => {
      const text = (fieldName: string) => String(Reflect.get(log, fieldName));
      const [, from = '', to = '']: readonly string[] = Reflect.get(log, 'topics');
      const account = addresses.get(`0x${to.slice(26)}`);
      const units = BigInt(text('data'));
      if (account === undefined || units === 0n) return [];
      expect(fakeLedger.boundAddresses.has(account + family)).toBe(true);
      const id = `${chainId}:${text('transactionHash')}:${Number(text('logIndex'))}`;
      return [{ id, account, units, from: `0x${from.slice(26)}` }];
    });
  }

  async function expectExact(chain: Chain): Promise<number> {
    const expectedCredits = await expectedCreditsOn(chain);
    const ids = new Set(expectedCredits.map(({ id }) => id));
    const credited = [...fakeLedger.entries.keys()].filter((id) =>
      id.startsWith(`${chain.chainId}:`),
    );
    expect(credited.filter((id) => !ids.has(id))).toEqual([]);
    const mustBeCredited = expectedCredits.filter(
      ({ units, from }) => units >= chain.minimumUnits && from !== BLOCKED_SENDER,
    );
    expect(mustBeCredited.filter(({ id }) => !fakeLedger.entries.has(id))).toEqual([]);
    const fromBlockedSender = expectedCredits.filter(({ from }) => from === BLOCKED_SENDER);
    expect(fromBlockedSender.filter(({ id }) => fakeLedger.entries.has(id))).toEqual([]);
    for (const account of accounts) {
      const rows = (await listDeposits(db, account, 10_000)).filter(
        ({ chain: chainName }) => chainName === chain.name,
      );
      const accountCredits = expectedCredits.filter((one) => one.account === account);
      expect(rows.length).toBe(accountCredits.length);
      const total = accountCredits.reduce((sum, { units }) => sum + units, 0n);
      const valuedAmount = rows.reduce((sum, { amount }) => sum + (amount ?? 0n), 0n);
      expect(valuedAmount).toBe((total * 10n ** 9n) / 10n ** BigInt(chain.decimals));
      const posted = rows.filter(({ state }) => state === 'credited');
      expect(fakeLedger.sum(account, chain.chainId)).toBe(
        posted.reduce((sum, { amount }) => sum + (amount ?? 0n), 0n),
      );
    }
    return expectedCredits.length;
  }

  it('are credited exactly once and to the unit', { timeout: 600_000 }, async () => {
    crashRate = 0.01;
    while (paymentsMade < DEPOSITS * 1.6) {
      now += 3_000;
      // Alternates between few and many faults.
      faultProfile.faultRate = prng.chance(0.5) ? 0.03 : 0.25;
      for (const chain of configured) {
        await simulateBlock(chain, true);
        if (prng.chance(0.3)) await scan(chain);
      }
    }
    crashRate = 0;
    faultProfile.faultRate = 0;
    for (const chain of configured) {
      for (let block = 0; block < 30; block += 1) {
        now += 3_000;
        await mine(chain.name);
      }
    }
    for (const chain of configured) {
      for (let runs = 0; runs < 10; runs += 1) await runScheduled(buildDeps(chain));
      const head = Number(await chains.callAnvil(chain.name, 'eth_blockNumber', []));
      expect(await rescan(buildDeps(chain), chain, { from: 0, to: head - 15 })).toEqual({
        unread: [],
      });
      for (let runs = 0; runs < 6; runs += 1) await runScheduled(buildDeps(chain));
    }
    let expectedCredits = 0;
    for (const chain of configured) expectedCredits += await expectExact(chain);
    const { rows } = await db.execute('select kind from chain_incidents');
    expect(rows).toEqual([]);
    // The audit of the next day finds no difference.
    now += 25 * 3_600_000;
    for (const chain of configured) {
      for (let block = 0; block < 12; block += 1) {
        now += 3_000;
        await mine(chain.name);
      }
      for (let runs = 0; runs < 3; runs += 1) await runScheduled(buildDeps(chain));
    }
    const differences = await listOpenDifferences(db, null, 100);
    expect(differences.filter(({ kind }) => kind !== 'ledger')).toEqual([]);
    const faults = proxies.reduce(
      (sum, { faultCounts: met }) => sum + [...met.values()].reduce((a, b) => a + b, 0),
      0,
    );
    const requestCount = proxies.reduce((sum, { requests }) => sum + requests, 0);
    process.stdout.write(
      `${expectedCredits} deposits, ${fakeLedger.entries.size} credits; ${reorganisations} reorganizations, ${crashes} crashes, ${faults} faults in ${requestCount} requests\n`,
    );
    expect(expectedCredits).toBeGreaterThanOrEqual(DEPOSITS);
    expect(
      new Set(proxies.flatMap(({ faultCounts: met }) => [...met.keys()])).size,
    ).toBeGreaterThan(15);
  });
});
