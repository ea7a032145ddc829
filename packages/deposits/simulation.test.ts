/**
 * A thousand deposits through chains that reorganise, nodes that lie, scanners that crash and run twice at
 * once: every final transfer is credited exactly once, nothing else is, and not one unit is lost or made.
 * FAREBOX_SEED replays a run. On the real tables; the account's book is a map that answers as the object does.
 */
import {
  connect,
  type Database,
  depositsOf,
  findAddresses,
  issueAddress,
  openDifferences,
  pinKey,
} from '@farebox/database';
import type { CreditRequest, CreditResult } from '@farebox/ledger';
import { type EmptyDatabase, emptyDatabase } from '@farebox/local';
import { HDKey } from '@scure/bip32';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CHAIN_DEFAULTS,
  type Chain,
  type DepositsHouse,
  deriveAddress,
  readWatchKey,
  rescan,
  tick,
  type WatchKey,
} from './index.ts';
import { askWorlds, diceOf, type Moods, type Transfer, World } from './world.testing.ts';

const SEED = Number(process.env.FAREBOX_SEED ?? Math.floor(Math.random() * 2 ** 31));
const DEPOSITS = 1_000;
const ACCOUNTS = 12;
const START = Date.UTC(2026, 10, 24);
const FINALITY = 20;
const BARRED = `0x${'b'.repeat(40)}`;
const STRANGER = `0x${'5'.repeat(40)}`;

const master = HDKey.fromMasterSeed(new Uint8Array(32).fill(7));

function keyAt(path: string): WatchKey {
  const read = readWatchKey(master.derive(path).publicExtendedKey);
  if (!read.ok) throw new Error(read.reason);
  return read.key;
}

const KEYS = { evm: keyAt("m/44'/60'/0'"), tron: keyAt("m/44'/195'/0'") };

function chainOf(name: 'tron' | 'bsc'): Chain {
  const defaults = CHAIN_DEFAULTS[name];
  const providers = ['a', 'b'].map((node) => ({ url: `${defaults.chainId}/${node}` }));
  const small = { depth: 5, largeDepth: 30, windowMost: 40, overlap: 40, startBlock: 0 };
  return { ...defaults, ...small, providers };
}

const CHAINS = [chainOf('tron'), chainOf('bsc')];

class Crash extends Error {}

type Work = () => Promise<unknown>;

/** What a statement is before anybody waits for it: a batch takes it as it is, waiting runs it. */
function deadly(statement: object, run: (work: Work) => Promise<unknown>): object {
  return new Proxy(statement, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'then') return value.bind(target);
      return (done: (value: unknown) => void, failed: (reason: unknown) => void) =>
        run(
          () => new Promise((resolve, reject) => Reflect.apply(value, target, [resolve, reject])),
        ).then(done, failed);
    },
  });
}

/** Sometimes dies before a statement reaches the database, sometimes right after. */
function crashing(db: Database, dies: () => boolean): Database {
  const run = async (work: Work) => {
    if (dies()) throw new Crash();
    const done = await work();
    if (dies()) throw new Crash();
    return done;
  };
  return new Proxy(db, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name === 'execute') {
        return (...args: unknown[]) => deadly(Object(Reflect.apply(value, target, args)), run);
      }
      if (name !== 'batch') return value.bind(target);
      return (...args: unknown[]) =>
        run(async () => {
          const done: unknown = await Reflect.apply(value, target, args);
          return done;
        });
    },
  });
}

/** As the account's object: an id counts once, another amount is a conflict, a foreign address is refused. */
class Books {
  readonly lines = new Map<string, Readonly<{ account: string; amount: bigint }>>();
  readonly bound = new Map<string, string>();

  async credit(account: string, request: CreditRequest): Promise<CreditResult> {
    const { id, amount, address } = request;
    if (this.bound.get(account + address?.family) !== `${address?.fingerprint}/${address?.index}`) {
      return { ok: false, reason: 'address_unknown' };
    }
    const known = this.lines.get(id);
    if (known !== undefined && (known.account !== account || known.amount !== amount)) {
      return { ok: false, reason: 'conflict' };
    }
    this.lines.set(id, { account, amount });
    return { ok: true, posted: 0n };
  }

  sum(account: string, chainId: number): bigint {
    return [...this.lines]
      .filter(([id, line]) => line.account === account && id.startsWith(`${chainId}:`))
      .reduce((sum, [, { amount }]) => sum + amount, 0n);
  }
}

describe('deposits through everything that goes wrong', () => {
  let database: EmptyDatabase;
  let db: Database;
  const dice = diceOf(SEED);
  const moods: Moods = { faults: 0.25 };
  const worlds = CHAINS.map(({ chainId }) => new World(chainId, FINALITY));
  const books = new Books();
  const addresses = new Map<string, string>();
  const accounts = Array.from({ length: ACCOUNTS }, (_, n) => n.toString(16).padStart(16, '0'));
  let now = START;
  let made = 0;
  let crashes = 0;
  let deadliness = 0;

  beforeAll(async () => {
    process.stdout.write(`seed ${SEED} (FAREBOX_SEED=${SEED} replays it)\n`);
    database = await emptyDatabase();
    db = connect(database.url);
    for (const account of accounts) {
      await db.execute(`insert into accounts (id, created_at) values ('${account}', now())`);
    }
    for (const family of ['evm', 'tron'] as const) {
      const key = KEYS[family];
      expect(await pinKey(db, family, key.fingerprint, now)).toEqual({ ok: true });
      for (const account of accounts) {
        const derive = (_: string, index: number) => deriveAddress(key, index);
        const issued = await issueAddress(db, account, family, now, derive);
        if (issued === undefined) throw new Error('no key is pinned');
        addresses.set(account + family, issued.address);
        books.bound.set(account + family, `${issued.fingerprint}/${issued.index}`);
      }
    }
  }, 60_000);
  afterAll(() => database?.close());

  const dies = () => {
    const dead = dice.chance(deadliness);
    if (dead) crashes += 1;
    return dead;
  };

  function house(): DepositsHouse {
    return {
      db: crashing(db, dies),
      chains: CHAINS,
      keys: new Map(Object.values(KEYS).map((key) => [key.fingerprint, key])),
      ask: askWorlds(worlds, dice, moods),
      barred: [BARRED],
      now: () => now,
      signal: () => {},
      credits: {
        credit: async (account, request) => {
          if (dies()) throw new Crash();
          const answer = await books.credit(account, request);
          if (dies()) throw new Crash();
          return answer;
        },
      },
    };
  }

  function unitsFor({ decimals }: Chain): bigint {
    const one = 10n ** BigInt(decimals);
    if (dice.chance(0.1)) return 0n;
    if (dice.chance(0.15))
      return (BigInt(1 + dice.below(400_000_000)) * (one / 10n ** 6n)) / 1_000n + 1n;
    return one + BigInt(dice.below(2 ** 31)) * (decimals > 9 ? 7_777_777_777n : 1n);
  }

  function transferOn(chain: Chain, txHash: string): Transfer {
    const to = dice.chance(0.7)
      ? (addresses.get(accounts[dice.below(ACCOUNTS)] + chain.family) ?? STRANGER)
      : STRANGER;
    const token = dice.chance(0.1) ? `0x${'c'.repeat(40)}` : chain.token;
    const from = dice.chance(0.03) ? BARRED : STRANGER;
    const units = unitsFor(chain);
    if (to !== STRANGER && token === chain.token && units > 0n) made += 1;
    return { txHash, token, from, to, units };
  }

  function mineOn(chain: Chain, world: World, busy: boolean): void {
    const transactions = Array.from({ length: busy ? dice.below(4) : 0 }, () => {
      const txHash = world.hash();
      return Array.from({ length: 1 + dice.below(2) }, () => transferOn(chain, txHash));
    });
    world.mine(transactions, now);
  }

  function live(busy: boolean): void {
    now += 3_000;
    for (const [index, chain] of CHAINS.entries()) {
      const world = worlds[index];
      if (world === undefined) continue;
      mineOn(chain, world, busy);
      // Above what any node calls final, and above the depth.
      const loose = Math.min(FINALITY - 1, world.head);
      if (dice.chance(0.1) && loose > 1) world.reorganise(1 + dice.below(loose), dice);
    }
  }

  async function scan(): Promise<void> {
    const scanners = dice.chance(0.2) ? 2 : 1;
    await Promise.allSettled(Array.from({ length: scanners }, () => tick(house())));
  }

  /** Transfers to us in final blocks: what must have been credited, and nothing else may be. */
  function owed(chain: Chain, world: World) {
    return world.blocks.flatMap((block) =>
      block.transactions.flat().flatMap((transfer, logIndex) => {
        const account = accounts.find((one) => addresses.get(one + chain.family) === transfer.to);
        if (account === undefined || transfer.token !== chain.token) return [];
        if (transfer.units === 0n) return [];
        return [{ ...transfer, account, id: `${chain.chainId}:${transfer.txHash}:${logIndex}` }];
      }),
    );
  }

  it('ends with each final one credited once, to the unit', { timeout: 300_000 }, async () => {
    while (made < DEPOSITS) {
      live(true);
      deadliness = 0.01;
      if (dice.chance(0.4)) await scan();
    }
    // The chains go on, the nodes behave, nobody crashes: what was missed is read once more.
    for (let blocks = 0; blocks < 40; blocks += 1) live(false);
    // Deep enough for those who received much within a day, wherever a last reorganisation put it.
    for (const world of worlds) for (let block = 0; block < 40; block += 1) world.mine([], now);
    deadliness = 0;
    moods.faults = 0;
    for (let ticks = 0; ticks < 40; ticks += 1) await tick(house());
    for (const [index, chain] of CHAINS.entries()) {
      const { unread } = await rescan(house(), chain, { from: 0, to: worlds[index]?.final ?? 0 });
      expect(unread).toEqual([]);
    }
    for (let ticks = 0; ticks < 4; ticks += 1) await tick(house());
    process.stdout.write(`${made} deposits, ${books.lines.size} credits, ${crashes} crashes\n`);

    for (const [index, chain] of CHAINS.entries()) {
      const world = worlds[index];
      if (world === undefined) throw new Error('a chain without a world');
      const transfers = owed(chain, world);
      const ids = new Set(transfers.map(({ id }) => id));
      const credited = [...books.lines.keys()].filter((id) => id.startsWith(`${chain.chainId}:`));
      expect(credited.filter((id) => !ids.has(id))).toEqual([]);
      const large = transfers.filter(({ units }) => units >= chain.minimumUnits);
      const clean = large.filter(({ from }) => from !== BARRED);
      expect(clean.filter(({ id }) => !books.lines.has(id))).toEqual([]);
      const barred = transfers.filter(({ from }) => from === BARRED);
      expect(barred.filter(({ id }) => books.lines.has(id))).toEqual([]);
      for (const account of accounts) {
        const rows = (await depositsOf(db, account, 10_000)).filter(
          (row) => row.chain === chain.name,
        );
        const own = transfers.filter((transfer) => transfer.account === account);
        expect(rows.length).toBe(own.length);
        const valued = rows.reduce((sum, { amount }) => sum + (amount ?? 0n), 0n);
        const total = own.reduce((sum, { units }) => sum + units, 0n);
        const exact = (total * 10n ** 9n) / 10n ** BigInt(chain.decimals);
        expect(valued).toBe(exact);
        const posted = rows.filter(({ state }) => state === 'credited');
        expect(books.sum(account, chain.chainId)).toBe(
          posted.reduce((sum, { amount }) => sum + (amount ?? 0n), 0n),
        );
        const dust = rows
          .filter(({ state }) => state === 'dust')
          .reduce((sum, { amount }) => sum + (amount ?? 0n), 0n);
        expect(dust).toBeLessThan(10n ** 9n);
        const states = new Set(rows.map(({ state }) => state));
        expect(
          [...states].filter((state) => !['credited', 'dust', 'held'].includes(state)),
        ).toEqual([]);
      }
    }
    now += 25 * 3_600_000;
    for (const world of worlds) world.mine([], now);
    for (let ticks = 0; ticks < 3; ticks += 1) await tick(house());
    const differences = await openDifferences(db, null, 100);
    expect(differences.filter(({ kind }) => kind !== 'books')).toEqual([]);
    expect(books.lines.size).toBeGreaterThan(DEPOSITS / 2);
    expect(await findAddresses(db, 'evm', [STRANGER])).toEqual([]);
  });
});
