/** Scanning, crediting and auditing one chain under each fault separately, on the real tables. */
import { connect, type Database } from '@farebox/database';
import {
  issueAddress,
  listDeposits,
  listOpenDifferences,
  pinKey,
  readAuditProgress,
  readCursor,
  recordSweptDeposits,
  releaseDeposit,
  resumeChain,
} from '@farebox/database/deposits';
import type { CreditRequest, CreditResult } from '@farebox/ledger';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import type { LogEvent } from '@farebox/telemetry';
import { HDKey } from '@scure/bip32';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { derivePayoutAccount } from './addresses.ts';
import { auditChain } from './audit.ts';
import { createPrng, FakeChain, fakeRpc } from './fake-chain.testing.ts';
import {
  CHAIN_DEFAULTS,
  type Chain,
  type DepositDeps,
  deriveAddress,
  parseWatchKey,
  type RpcResponse,
  type RpcTransport,
  runScheduled,
} from './index.ts';
import { TRANSFER_TOPIC } from './transfers.ts';

const ADA = 'aaaaaaaaaaaaaaaa';
const BOB = 'bbbbbbbbbbbbbbbb';
const START = Date.UTC(2026, 10, 24);
const ONE = 1_000_000n;
const STRANGER = `0x${'5'.repeat(40)}`;

const read = parseWatchKey(
  HDKey.fromMasterSeed(new Uint8Array(32).fill(9)).derive("m/44'/60'/0'").publicExtendedKey,
);
if (!read.ok) throw new Error(read.reason);
const KEY = read.key;

const POLYGON: Chain = {
  ...CHAIN_DEFAULTS.polygon,
  providers: [{ url: '137/a' }, { url: '137/b' }],
  depth: 5,
  largeDepth: 30,
  startBlock: 0,
  overlap: 10,
};

let database: EmptyDatabase;
let db: Database;
let fakeChain: FakeChain;
let credited: Map<string, CreditRequest & { account: string }>;
let loggedEvents: LogEvent[];
let now: number;
let rpcTransport: RpcTransport;
let ada: string;
let bob: string;

beforeAll(async () => {
  database = await createEmptyDatabase();
  db = connect(database.url);
  for (const account of [ADA, BOB]) {
    await db.execute(`insert into accounts (id, created_at) values ('${account}', now())`);
  }
  await pinKey(db, 'evm', KEY.fingerprint, START);
  const derive = (_: string, index: number) => deriveAddress(KEY, index);
  ada = (await issueAddress(db, ADA, 'evm', START, derive))?.address ?? '';
  bob = (await issueAddress(db, BOB, 'evm', START, derive))?.address ?? '';
}, 60_000);
afterAll(() => database?.close());

beforeEach(async () => {
  for (const table of [
    'deposits',
    'chain_cursors',
    'deposit_remainders',
    'chain_incidents',
    'deposit_differences',
    'swept_deposits',
  ]) {
    await db.execute(`delete from ${table}`);
  }
  fakeChain = new FakeChain(137, 20);
  credited = new Map();
  loggedEvents = [];
  now = START;
  rpcTransport = fakeRpc([fakeChain], createPrng(1), { faultRate: 0 });
});

async function credit(account: string, request: CreditRequest): Promise<CreditResult> {
  credited.set(request.id, { ...request, account });
  return { ok: true, posted: request.amount };
}

function buildDeps(chain: Chain = POLYGON): DepositDeps {
  return {
    db,
    chains: [chain],
    keys: new Map([[KEY.fingerprint, KEY]]),
    rpcTransport,
    blockedSenders: [],
    now: () => now,
    logEvent: (event) => loggedEvents.push(event),
    credits: { credit, payRefund: async () => ({ ok: false, reason: 'unknown' }) },
  };
}

function pay(to: string, units: bigint, from = STRANGER): string {
  const txHash = fakeChain.hash();
  fakeChain.mine([[{ txHash, token: POLYGON.token, from, to, units }]], now);
  return txHash;
}

function mine(blocks: number): void {
  for (let block = 0; block < blocks; block += 1) {
    now += 2_000;
    fakeChain.mine([], now);
  }
}

/** The current transport with the results of one provider changed. */
function tamperedRpc(
  url: string,
  tamper: (method: string, result: unknown) => unknown,
): RpcTransport {
  const originalTransport = rpcTransport;
  return async (provider, requests) => {
    const answers = await originalTransport(provider, requests);
    if (typeof answers === 'string' || provider.url !== url) return answers;
    return answers.map((answer, index) =>
      answer.ok
        ? { ok: true, result: tamper(requests[index]?.method ?? '', answer.result) }
        : answer,
    );
  };
}

/** The current transport, with every provider returning no logs. */
function rpcWithoutLogs(): RpcTransport {
  const originalTransport = rpcTransport;
  return async (provider, requests) => {
    const answers = await originalTransport(provider, requests);
    if (typeof answers === 'string') return answers;
    return answers.map((answer, index) =>
      requests[index]?.method === 'eth_getLogs' ? { ok: true, result: [] } : answer,
    );
  };
}

function loggedErrors(): readonly string[] {
  return loggedEvents.flatMap((event) =>
    event.event === 'chain_read_failed' ? [event.error] : [],
  );
}

let marginVersion = 0;

/** Accepts a version of the catalog that sets the margin on top-ups from now on. */
async function setTopUpMargin(basisPoints: number): Promise<void> {
  marginVersion += 1;
  const at = new Date(START).toISOString();
  await db.execute(`insert into catalog_versions (version, author, reason, created_at, effective_at)
    values (${marginVersion}, 'ada', 'a test of margins', '${at}', '${at}')`);
  await db.execute(`insert into catalog_margins (version, scope, basis_points)
    values (${marginVersion}, 'top_ups', ${basisPoints})`);
}

describe('the margin on top-ups', () => {
  afterAll(() => setTopUpMargin(0));

  it.each([
    [0, 5_000_001n],
    [1, 5_000_001n],
    [250, 7_777_777n],
    [333, 1_234_567n],
    [5_000, 3_000_001n],
  ])(
    'of %i basis points is taken from the credit, rounded down, and kept beside it',
    async (basisPoints, units) => {
      await setTopUpMargin(basisPoints);
      mine(30);
      pay(ada, units);
      mine(25);
      await runScheduled(buildDeps());
      const gross = units * 1_000n;
      const fee = (gross * BigInt(basisPoints)) / 10_000n;
      expect(await listDeposits(db, ADA, 10)).toMatchObject([
        { state: 'credited', amount: gross - fee, fee },
      ]);
      expect([...credited.values()]).toMatchObject([{ amount: gross - fee }]);
    },
  );

  it('stays as it was when the amount was set, though it changes before the credit', async () => {
    await setTopUpMargin(100);
    mine(30);
    pay(ada, 2n * ONE);
    mine(25);
    const deps = buildDeps();
    const failing = {
      ...buildDeps().credits,
      credit: () => Promise.reject(new Error('not here')),
    };
    await runScheduled({ ...deps, credits: failing }).catch(() => {});
    await setTopUpMargin(5_000);
    await runScheduled(buildDeps());
    expect([...credited.values()]).toMatchObject([{ amount: 1_980_000_000n }]);
  });

  it('that was changed in the deposit’s row alone is not credited', async () => {
    await setTopUpMargin(100);
    mine(30);
    pay(ada, 2n * ONE);
    mine(25);
    const failing = {
      ...buildDeps().credits,
      credit: () => Promise.reject(new Error('not here')),
    };
    await runScheduled({ ...buildDeps(), credits: failing }).catch(() => {});
    await db.execute('update deposits set fee = 0, amount = amount + fee');
    await runScheduled(buildDeps());
    expect(credited.size).toBe(0);
    expect(await listDeposits(db, ADA, 5)).toMatchObject([
      { state: 'in_review', reason: 'amount_differs' },
    ]);
  });
});

describe('a deposit', () => {
  it('is pending until it is final, and then credited under the id of its transfer', async () => {
    mine(30);
    await runScheduled(buildDeps());
    const txHash = pay(ada, 5n * ONE);
    await runScheduled(buildDeps());
    expect(await listDeposits(db, ADA, 10)).toMatchObject([
      { txHash, state: 'pending', amount: null },
    ]);
    expect(credited.size).toBe(0);
    mine(25);
    await runScheduled(buildDeps());
    await runScheduled(buildDeps());
    expect(await listDeposits(db, ADA, 10)).toMatchObject([
      { txHash, state: 'credited', amount: 5_000_000_000n },
    ]);
    expect([...credited]).toEqual([
      [
        `137:${txHash}:0`,
        {
          id: `137:${txHash}:0`,
          account: ADA,
          amount: 5_000_000_000n,
          source: 'deposit',
          address: { family: 'evm', fingerprint: KEY.fingerprint, index: 0 },
        },
      ],
    ]);
  });

  it('asks the networks about blocks and addresses, and nothing of an account', async () => {
    const sentRequests: string[] = [];
    const originalTransport = rpcTransport;
    rpcTransport = async (provider, requests) => {
      sentRequests.push(JSON.stringify([provider, requests]));
      return originalTransport(provider, requests);
    };
    mine(30);
    pay(ada, 5n * ONE);
    mine(25);
    await runScheduled(buildDeps());
    expect(credited.size).toBe(1);
    const all = sentRequests.join('\n');
    for (const word of [ADA, BOB, KEY.fingerprint, 'xpub']) expect(all).not.toContain(word);
    const methods = new Set([...all.matchAll(/"method":"(\w+)"/g)].map(([, method]) => method));
    expect([...methods].sort()).toEqual([
      'eth_call',
      'eth_chainId',
      'eth_getBlockByNumber',
      'eth_getLogs',
      'eth_getTransactionReceipt',
    ]);
  });

  it('disappears when a reorganization removes it before it is final', async () => {
    mine(30);
    await runScheduled(buildDeps());
    const before = fakeChain.blocks.length;
    pay(ada, ONE);
    await runScheduled(buildDeps());
    expect(await listDeposits(db, ADA, 10)).toHaveLength(1);
    // Replays the same heights without the transfer.
    const kept = fakeChain.blocks.slice(0, before);
    fakeChain = new FakeChain(137, 20);
    for (const block of kept) fakeChain.mine(block.transactions, block.minedAt);
    mine(2);
    rpcTransport = fakeRpc([fakeChain], createPrng(1), { faultRate: 0 });
    await runScheduled(buildDeps());
    expect(await listDeposits(db, ADA, 10)).toHaveLength(0);
    expect(credited.size).toBe(0);
  });

  it('is credited when sent to an address of a former key', async () => {
    const next = parseWatchKey(
      HDKey.fromMasterSeed(new Uint8Array(32).fill(8)).derive("m/44'/60'/0'").publicExtendedKey,
    );
    if (!next.ok) throw new Error(next.reason);
    const key = next.key;
    expect(await pinKey(db, 'evm', key.fingerprint, now)).toMatchObject({ ok: false });
    expect(await pinKey(db, 'evm', key.fingerprint, now, true)).toEqual({ ok: true });
    const issued = await issueAddress(db, ADA, 'evm', now, (_, index) => deriveAddress(key, index));
    expect(issued?.address).not.toBe(ada);
    mine(30);
    pay(ada, 3n * ONE);
    pay(issued?.address ?? '', 4n * ONE);
    mine(25);
    const both = new Map([KEY, key].map((one) => [one.fingerprint, one]));
    await runScheduled({ ...buildDeps(), keys: both });
    expect([...credited.values()].map(({ amount }) => amount)).toEqual([
      3_000_000_000n,
      4_000_000_000n,
    ]);
    expect([...credited.values()].map(({ address }) => address?.fingerprint)).toEqual([
      KEY.fingerprint,
      key.fingerprint,
    ]);
    await pinKey(db, 'evm', KEY.fingerprint, now, true);
    await db.execute('delete from deposits');
    await db.execute(`delete from deposit_addresses where fingerprint = '${key.fingerprint}'`);
  });

  it.each([
    ['is sanctioned', '0x098b716b8aaf21512996dc57eb0615e2383e2f96', 'blocked_sender'],
    ['an operator blocked', `0x${'b'.repeat(40)}`, 'blocked_sender'],
    ['the issuer froze', `0x${'f'.repeat(40)}`, 'frozen_sender'],
  ])(
    'waits for review when it is from a sender that %s, and is credited once released',
    async (_, sender, reason) => {
      const originalTransport = rpcTransport;
      const YES = `0x${'1'.padStart(64, '0')}`;
      rpcTransport = async (provider, requests) => {
        const answers = await originalTransport(provider, requests);
        if (typeof answers === 'string') return answers;
        return answers.map((answer, index) => {
          const data = String(Reflect.get(Object(requests[index]?.params[0]), 'data'));
          return data.startsWith('0xfbac3951') && data.endsWith('f'.repeat(40))
            ? { ok: true, result: YES }
            : answer;
        });
      };
      mine(30);
      const [token, units] = [POLYGON.token, 7n * ONE];
      fakeChain.mine([[{ txHash: fakeChain.hash(), token, from: sender, to: ada, units }]], now);
      mine(25);
      await runScheduled({ ...buildDeps(), blockedSenders: [`0x${'b'.repeat(40)}`] });
      expect(credited.size).toBe(0);
      const [held] = await listDeposits(db, ADA, 5);
      expect(held).toMatchObject({ state: 'in_review', reason, amount: 7_000_000_000n });
      expect(await releaseDeposit(db, 'polygon', held ?? { txHash: '', logIndex: 0 })).toBe(true);
      await runScheduled(buildDeps());
      expect(credited.size).toBe(1);
    },
  );

  /** The current transport; `answer` replaces what one provider's issuer contract says. */
  function issuerRpc(url: string, answer: (sender: string) => RpcResponse | null): RpcTransport {
    const originalTransport = rpcTransport;
    return async (provider, requests) => {
      const answers = await originalTransport(provider, requests);
      if (typeof answers === 'string' || provider.url !== url) return answers;
      return answers.map((original, index) => {
        const data = String(Reflect.get(Object(requests[index]?.params[0]), 'data'));
        const isAsked = data.startsWith('0xfbac3951');
        return (isAsked ? answer(`0x${data.slice(-40)}`) : null) ?? original;
      });
    };
  }

  const word = (text: string): RpcResponse => ({ ok: true, result: `0x${text.padStart(64, '0')}` });

  it.each([
    ['only the first provider', '137/a', '1'],
    ['only the last provider', '137/b', '1'],
    ['a provider with a word other than 1', '137/a', 'ff'],
  ])('waits for review when %s says that its sender is frozen', async (_, url, text) => {
    rpcTransport = issuerRpc(url, () => word(text));
    mine(30);
    pay(ada, 7n * ONE);
    mine(25);
    await runScheduled(buildDeps());
    expect(credited.size).toBe(0);
    expect(await listDeposits(db, ADA, 5)).toMatchObject([
      { state: 'in_review', reason: 'frozen_sender' },
    ]);
  });

  const NO_ANSWERS: readonly (readonly [string, RpcResponse])[] = [
    ['a rate limit', { ok: false, code: -32005 }],
    ['an internal error', { ok: false, code: -32603 }],
    ['an unknown method', { ok: false, code: -32601 }],
    ['invalid parameters', { ok: false, code: -32602 }],
    ['a server error', { ok: false, code: -32000 }],
    ['an error without a code', { ok: false, code: 0 }],
    ['empty data', { ok: true, result: '0x' }],
    ['null', { ok: true, result: null }],
    ['nothing', { ok: true, result: undefined }],
    ['half a word', { ok: true, result: `0x${'0'.repeat(32)}` }],
    ['two words', { ok: true, result: `0x${'0'.repeat(128)}` }],
    ['a boolean', { ok: true, result: false }],
    ['a number', { ok: true, result: 0 }],
  ];

  it.each(
    NO_ANSWERS.flatMap(([name, answer]) =>
      ['137/a', '137/b'].map((url) => [name, url, answer] as const),
    ),
  )('waits while the issuer answers with %s at provider %s', async (_, url, answer) => {
    const originalTransport = rpcTransport;
    rpcTransport = issuerRpc(url, () => answer);
    mine(30);
    pay(ada, 7n * ONE);
    mine(25);
    for (let runs = 0; runs < 2; runs += 1) await runScheduled(buildDeps());
    expect(credited.size).toBe(0);
    expect(await listDeposits(db, ADA, 5)).toMatchObject([{ amount: null }]);
    rpcTransport = originalTransport;
    await runScheduled(buildDeps());
    expect(credited.size).toBe(1);
  });

  it('is credited when the issuer’s contract reverts at every provider', async () => {
    rpcTransport = issuerRpc('137/a', () => ({ ok: false, code: 3 }));
    mine(30);
    pay(ada, 7n * ONE);
    mine(25);
    await runScheduled(buildDeps());
    expect(credited.size).toBe(1);
  });

  it('is credited while another sender of the same batch can’t be screened', async () => {
    const unscreened = `0x${'7'.repeat(40)}`;
    rpcTransport = issuerRpc('137/b', (sender) =>
      sender === unscreened ? { ok: false, code: -32005 } : null,
    );
    // The last block is mined in the first minute of an hour.
    now = START + 3_600_000 - 100_000;
    mine(30);
    const token = POLYGON.token;
    const payment = { token, units: 7n * ONE, to: bob, from: unscreened };
    fakeChain.mine([[{ ...payment, txHash: fakeChain.hash() }]], now);
    pay(ada, 7n * ONE);
    mine(25);
    await runScheduled(buildDeps());
    expect([...credited.values()]).toMatchObject([{ account: ADA }]);
    expect(loggedEvents).toContainEqual({
      event: 'deposit_screening_unavailable',
      chain: 'polygon',
      count: 1,
    });
  });

  it('waits while the provider can’t be asked whether its sender is frozen', async () => {
    const originalTransport = rpcTransport;
    rpcTransport = async (provider, requests) =>
      requests[0]?.method === 'eth_call' ? 'unreachable' : originalTransport(provider, requests);
    mine(30);
    pay(ada, 7n * ONE);
    mine(25);
    await runScheduled(buildDeps());
    expect(credited.size).toBe(0);
    rpcTransport = originalTransport;
    await runScheduled(buildDeps());
    expect(credited.size).toBe(1);
  });

  it('is not credited when its row was only inserted into Postgres', async () => {
    mine(30);
    const real = pay(ada, 2n * ONE);
    mine(25);
    const { hash = '', number = 0 } = fakeChain.blocks[20] ?? {};
    const row = (tx: string, units: bigint, amount: bigint, block: number, blockHash: string) =>
      db.execute(`insert into deposits (chain, tx_hash, log_index, block_number, block_hash, contract, sender,
        recipient, account_id, units, amount, state, found_by, seen_at, final_at) values ('polygon', '${tx}', 0,
        ${block}, '${blockHash}', '${POLYGON.token}', '${STRANGER}', '${ada}', '${ADA}', ${units}, ${amount},
        'final', 'scan', now(), now())`);
    // A transfer that doesn't exist, in a block that does.
    await row(`0x${'a'.repeat(64)}`, 900n * ONE, 900_000_000_000n, number, hash);
    for (let runs = 0; runs < 3; runs += 1) await runScheduled(buildDeps());
    expect([...credited.values()].map(({ amount }) => amount)).toEqual([2_000_000_000n]);
    // A transfer that exists, with a larger amount. Large amounts wait for more blocks.
    mine(10);
    await db.execute('delete from deposits');
    credited.clear();
    const at = fakeChain.blocks.find(({ transactions }) =>
      transactions.flat().some(({ txHash }) => txHash === real),
    );
    await row(real, 900n * ONE, 900_000_000_000n, at?.number ?? 0, at?.hash ?? '');
    await runScheduled(buildDeps());
    expect(await listDeposits(db, ADA, 5)).toMatchObject([
      { state: 'in_review', reason: 'not_on_chain' },
    ]);
    await db.execute('delete from deposits');
    await row(real, 2n * ONE, 900_000_000_000n, at?.number ?? 0, at?.hash ?? '');
    await runScheduled(buildDeps());
    expect(await listDeposits(db, ADA, 5)).toMatchObject([
      { state: 'in_review', reason: 'amount_differs' },
    ]);
    expect(credited.size).toBe(0);
  });

  it('waits while one provider’s receipt lacks it', async () => {
    mine(30);
    pay(ada, 2n * ONE);
    mine(25);
    const originalTransport = rpcTransport;
    rpcTransport = tamperedRpc('137/b', (method, result) =>
      method === 'eth_getTransactionReceipt' ? { ...Object(result), logs: [] } : result,
    );
    for (let runs = 0; runs < 2; runs += 1) await runScheduled(buildDeps());
    expect(credited.size).toBe(0);
    expect(await listDeposits(db, ADA, 5)).toMatchObject([{ state: 'final' }]);
    rpcTransport = originalTransport;
    await runScheduled(buildDeps());
    expect(credited.size).toBe(1);
  });

  it('is not delayed by the dust of others', async () => {
    mine(30);
    const dust = Array.from({ length: 600 }, () => ({
      ...{ txHash: fakeChain.hash(), token: POLYGON.token, from: STRANGER, to: bob, units: 1n },
    }));
    fakeChain.mine([dust], now);
    pay(ada, 3n * ONE);
    mine(25);
    await runScheduled(buildDeps());
    expect([...credited.values()]).toMatchObject([{ account: ADA }]);
  });

  it('is found among all transfers when there are thousands of addresses', async () => {
    const sentRequests: unknown[] = [];
    const originalTransport = rpcTransport;
    rpcTransport = async (provider, requests) => {
      sentRequests.push(...requests.filter(({ method }) => method === 'eth_getLogs'));
      return originalTransport(provider, requests);
    };
    await db.execute('update deposit_keys set next_index = next_index + 5000');
    mine(30);
    await runScheduled(buildDeps());
    const token = POLYGON.token;
    const to = (recipient: string, units: bigint) => ({
      txHash: fakeChain.hash(),
      token,
      from: STRANGER,
      to: recipient,
      units,
    });
    const otherTransfers = Array.from({ length: 40 }, (__, at) =>
      to(`0x${at.toString(16).padStart(40, 'e')}`, ONE),
    );
    fakeChain.mine([[...otherTransfers, to(ada, 5n * ONE)], [to(bob, 6n * ONE)]], now);
    mine(25);
    await runScheduled(buildDeps());
    await runScheduled(buildDeps());
    await db.execute('update deposit_keys set next_index = next_index - 5000');
    expect(credited.size).toBe(2);
    for (const request of sentRequests)
      expect(request).toMatchObject({ params: [{ topics: [TRANSFER_TOPIC] }] });
    const { rows } = await db.execute('select count(*)::int as count from deposits');
    expect(rows).toEqual([{ count: 2 }]);
  });

  it('waits as dust until the sum reaches the minimum', async () => {
    mine(30);
    for (const units of [300_000n, 300_000n, 300_000n]) pay(ada, units);
    mine(25);
    await runScheduled(buildDeps());
    expect(credited.size).toBe(0);
    pay(ada, 200_000n);
    mine(25);
    await runScheduled(buildDeps());
    await runScheduled(buildDeps());
    const sum = [...credited.values()].reduce((total, { amount }) => total + amount, 0n);
    expect(sum).toBe(1_100_000_000n);
  });

  it('waits for more confirmations when the account received much within a day', async () => {
    mine(30);
    pay(ada, 150n * ONE);
    pay(ada, 150n * ONE);
    mine(24);
    await runScheduled(buildDeps());
    expect([...credited.values()].map(({ amount }) => amount)).toEqual([]);
    mine(10);
    await runScheduled(buildDeps());
    expect(credited.size).toBe(2);
  });

  it('waits for review when its address is not derived from our keys', async () => {
    mine(30);
    await runScheduled(buildDeps());
    const taken = `0x${'7'.repeat(40)}`;
    await db.execute(
      `insert into deposit_keys values ('evm', '${'0'.repeat(16)}', false, 1, now())`,
    );
    await db.execute(
      `insert into deposit_addresses values ('evm', '${taken}', '${BOB}', '${'0'.repeat(16)}', 0, now())`,
    );
    pay(taken, 3n * ONE);
    mine(25);
    await runScheduled(buildDeps());
    expect(credited.size).toBe(0);
    expect(await listDeposits(db, BOB, 10)).toMatchObject([
      { state: 'in_review', reason: 'address_not_derived' },
    ]);
    await db.execute(`delete from deposits`);
    await db.execute(`delete from deposit_addresses where address = '${taken}'`);
  });
});

describe('scanning with faulty providers', () => {
  async function expectStopped(chain: Chain, expectedError: string): Promise<void> {
    const before = await readCursor(db, 'polygon');
    await runScheduled(buildDeps(chain));
    expect(loggedErrors()).toEqual([expectedError]);
    expect((await readCursor(db, 'polygon'))?.nextBlock).toBe(before?.nextBlock);
    expect(credited.size).toBe(0);
  }

  beforeEach(async () => {
    mine(30);
    await runScheduled(buildDeps());
    pay(ada, 5n * ONE);
    pay(bob, 6n * ONE);
    mine(25);
    loggedEvents = [];
  });

  it('stops when a provider serves another chain', async () => {
    rpcTransport = tamperedRpc('137/b', (method, result) =>
      method === 'eth_chainId' ? '0x1' : result,
    );
    await expectStopped(POLYGON, 'wrong_chain');
  });

  it('stops when a provider omits logs, until both agree', async () => {
    rpcTransport = tamperedRpc('137/b', (method, result) =>
      method === 'eth_getLogs' ? [] : result,
    );
    await expectStopped(POLYGON, 'providers_disagree');
    rpcTransport = fakeRpc([fakeChain], createPrng(1), { faultRate: 0 });
    await runScheduled(buildDeps());
    expect(credited.size).toBe(2);
  });

  it('stops when a provider invents a transfer', async () => {
    const invented = (log: unknown) => ({ ...Object(log), data: `0x${'f'.repeat(64)}` });
    rpcTransport = tamperedRpc('137/a', (method, result) =>
      method === 'eth_getLogs' && Array.isArray(result) ? result.map(invented) : result,
    );
    await expectStopped(POLYGON, 'providers_disagree');
  });

  it('stops when the newest final block is old', async () => {
    now += 700_000;
    await expectStopped(POLYGON, 'finality_stale');
  });

  it('stops when the last block of a range changes during the read', async () => {
    let blockReads = 0;
    rpcTransport = tamperedRpc('137/a', (method, result) => {
      if (method !== 'eth_getBlockByNumber') return result;
      blockReads += 1;
      return blockReads === 5 ? { ...Object(result), hash: `0x${'d'.repeat(64)}` } : result;
    });
    await expectStopped(POLYGON, 'inconsistent');
  });

  it('narrows the range until the provider accepts it', async () => {
    const originalTransport = rpcTransport;
    let maxSpan = 0;
    rpcTransport = async (provider, requests) => {
      const [filter] = requests[1]?.params ?? [];
      const span =
        Number(Reflect.get(Object(filter), 'toBlock')) -
        Number(Reflect.get(Object(filter), 'fromBlock'));
      if (span > 12) {
        return requests.map((_, index) =>
          index === 1
            ? { ok: false, code: -32005 }
            : { ok: true, result: honestBlock(requests[index]) },
        );
      }
      maxSpan = Math.max(maxSpan, Number.isNaN(span) ? 0 : span);
      return originalTransport(provider, requests);
    };
    const honestBlock = (request: { params: readonly unknown[] } | undefined) => {
      const block = fakeChain.blocks[Number(request?.params[0])];
      const at = `0x${Math.floor((block?.minedAt ?? 0) / 1000).toString(16)}`;
      return { number: `0x${block?.number.toString(16)}`, hash: block?.hash, timestamp: at };
    };
    for (let runs = 0; runs < 6 && credited.size < 2; runs += 1) await runScheduled(buildDeps());
    expect(credited.size).toBe(2);
    expect(maxSpan).toBeGreaterThan(0);
  });

  it('finds a transfer that all providers omitted in the rescan of the next day', async () => {
    const NO_OVERLAP = { ...POLYGON, overlap: 0 };
    const originalTransport = rpcTransport;
    rpcTransport = rpcWithoutLogs();
    await runScheduled(buildDeps(NO_OVERLAP));
    rpcTransport = originalTransport;
    mine(40);
    for (let runs = 0; runs < 3; runs += 1) await runScheduled(buildDeps(NO_OVERLAP));
    expect(credited.size).toBe(0);
    now += 25 * 3_600_000;
    mine(30);
    for (let runs = 0; runs < 3; runs += 1) await runScheduled(buildDeps(NO_OVERLAP));
    expect(credited.size).toBe(2);
  });

  it('works with a single provider, and logs it', async () => {
    const [onlyProvider] = POLYGON.providers;
    if (onlyProvider === undefined) throw new Error('no provider');
    now = Math.ceil(now / 3_600_000) * 3_600_000;
    mine(25);
    await runScheduled(buildDeps({ ...POLYGON, providers: [onlyProvider] }));
    expect(loggedEvents.map(({ event }) => event)).toContain('single_provider');
    expect(credited.size).toBe(2);
  });
});

describe('the daily audit', () => {
  const open = () => listOpenDifferences(db, null, 10);
  const MINUTES = 60_000;

  async function credit5(): Promise<void> {
    mine(30);
    await runScheduled(buildDeps());
    pay(ada, 5n * ONE);
    mine(25);
    await runScheduled(buildDeps());
    expect(credited.size).toBe(1);
  }

  it('finds no difference when everything matches, and repeats after a day', async () => {
    await credit5();
    expect(await open()).toEqual([]);
    const first = (await readAuditProgress(db, 'polygon')).endedAt ?? 0;
    expect(first).toBeGreaterThanOrEqual(START);
    mine(20);
    await runScheduled(buildDeps());
    expect((await readAuditProgress(db, 'polygon')).endedAt).toBe(first);
    now += 24 * 60 * MINUTES;
    mine(30);
    await runScheduled(buildDeps());
    expect((await readAuditProgress(db, 'polygon')).endedAt).toBe(now);
  });

  it('finds and credits a transfer that every provider omitted and no rescan reached', async () => {
    // With slow blocks, the 26 hours of the daily rescan don't reach the transfer.
    const SLOW = { ...POLYGON, blockMs: 600_000 };
    mine(30);
    await runScheduled(buildDeps(SLOW));
    pay(bob, 6n * ONE);
    const originalTransport = rpcTransport;
    rpcTransport = rpcWithoutLogs();
    // The scan and the daily rescan both miss it.
    for (let day = 0; day < 2; day += 1) {
      mine(60);
      now += 25 * 60 * MINUTES;
      mine(30);
      for (let runs = 0; runs < 4; runs += 1) await runScheduled(buildDeps(SLOW));
    }
    rpcTransport = originalTransport;
    const [found] = await open();
    expect(found).toMatchObject({ address: bob, kind: 'balance', held: 6n * ONE, recorded: 0n });
    now += 25 * 60 * MINUTES;
    mine(30);
    for (let runs = 0; runs < 4; runs += 1) await runScheduled(buildDeps(SLOW));
    expect([...credited.values()]).toMatchObject([{ account: BOB, amount: 6_000_000_000n }]);
    expect(await open()).toEqual([]);
    const rows = await db.execute('select found_by from deposits');
    expect(rows.rows).toEqual([{ found_by: 'audit' }]);
  });

  /** Pays 5 USDT to ada's address, then every provider says that the address is empty. */
  async function creditAndEmpty(): Promise<void> {
    await credit5();
    const originalTransport = rpcTransport;
    rpcTransport = async (provider, requests) => {
      const answers = await originalTransport(provider, requests);
      if (typeof answers === 'string') return answers;
      return answers.map((answer, index) =>
        requests[index]?.method === 'eth_call' ? { ok: true, result: WORD_ZERO } : answer,
      );
    };
  }
  const WORD_ZERO = `0x${'0'.repeat(64)}`;
  const TREASURY = `0x${'8'.repeat(40)}`;
  const balances = async () => (await open()).filter(({ kind }) => kind === 'balance');
  const sweepStates = async () =>
    (await db.execute('select state, destination from swept_deposits')).rows;

  /** A transaction that moves `units` from ada's address, `blocks` blocks deep. */
  function sweep(units: bigint, { to = TREASURY, token = POLYGON.token, blocks = 30 } = {}) {
    const txHash = fakeChain.hash();
    fakeChain.mine([[{ txHash, token, from: ada, to, units }]], now);
    mine(blocks);
    return { chain: 'polygon', txHash, address: ada, units };
  }

  it('lists a missing balance until the providers show the reported sweep', async () => {
    await creditAndEmpty();
    now += 25 * 60 * MINUTES;
    mine(30);
    await runScheduled(buildDeps());
    // A lasting difference is logged at the full hour.
    now += 120 * MINUTES - (now % (60 * MINUTES)) - 59_000;
    mine(30);
    await runScheduled(buildDeps());
    expect(await balances()).toMatchObject([
      { address: ada, kind: 'balance', held: 0n, swept: 0n, recorded: 5n * ONE },
    ]);
    expect(loggedEvents).toContainEqual({
      event: 'deposit_difference',
      chain: 'polygon',
      kind: 'balance',
    });
    const sweptDeposit = sweep(5n * ONE, { blocks: 2 });
    const unknown = { ...sweptDeposit, address: STRANGER };
    expect(await recordSweptDeposits(db, [sweptDeposit, unknown], now)).toEqual({
      ok: false,
      unknownAddresses: [STRANGER],
    });
    expect(await recordSweptDeposits(db, [sweptDeposit, sweptDeposit], now)).toEqual({
      ok: true,
      added: 1,
    });
    expect(await recordSweptDeposits(db, [sweptDeposit], now)).toEqual({ ok: true, added: 0 });
    await runScheduled(buildDeps());
    // Mined and not final.
    expect(await sweepStates()).toEqual([{ state: 'reported', destination: null }]);
    expect(await balances()).toHaveLength(1);
    mine(30);
    await runScheduled(buildDeps());
    await runScheduled(buildDeps());
    expect(await sweepStates()).toEqual([{ state: 'confirmed', destination: TREASURY }]);
    expect(await balances()).toEqual([]);
    expect(loggedEvents.filter(({ event }) => event === 'sweep_to_new_address')).toHaveLength(1);
    // What is confirmed can't be reported otherwise.
    const other = { ...sweptDeposit, units: 1n };
    expect(await recordSweptDeposits(db, [other], now)).toEqual({ ok: true, added: 0 });
  });

  it.each([
    [
      'names a transaction that is on no chain',
      () => ({ ...sweep(0n), txHash: `0x${'1'.repeat(64)}` }),
    ],
    ['names fewer units than were moved', () => ({ ...sweep(6n * ONE), units: 5n * ONE })],
    ['names more units than were moved', () => ({ ...sweep(4n * ONE), units: 5n * ONE })],
    ['names a transfer of another token', () => sweep(5n * ONE, { token: STRANGER })],
    ['names another address’s transfer', () => ({ ...sweep(5n * ONE), address: bob })],
  ])('keeps a missing balance listed when the report %s', async (_, report) => {
    await creditAndEmpty();
    now += 25 * 60 * MINUTES;
    mine(30);
    await recordSweptDeposits(db, [report()], now);
    for (let runs = 0; runs < 3; runs += 1) await runScheduled(buildDeps());
    expect(await sweepStates()).not.toContainEqual(expect.objectContaining({ state: 'confirmed' }));
    expect(await balances()).toMatchObject([{ address: ada, swept: 0n }]);
    now += 120 * MINUTES - (now % (60 * MINUTES)) - 59_000;
    mine(30);
    await runScheduled(buildDeps());
    expect(loggedEvents).toContainEqual({
      event: 'sweep_not_confirmed',
      chain: 'polygon',
      count: 1,
    });
  });

  it.each(['137/a', '137/b'])('counts a sweep only once provider %s shows it too', async (url) => {
    await creditAndEmpty();
    now += 25 * 60 * MINUTES;
    await recordSweptDeposits(db, [sweep(5n * ONE)], now);
    const originalTransport = rpcTransport;
    for (const receipt of [null, 'logs', 'status'] as const) {
      rpcTransport = tamperedRpc(url, (method, result) => {
        if (method !== 'eth_getTransactionReceipt') return result;
        if (receipt === null) return null;
        return { ...Object(result), ...(receipt === 'logs' ? { logs: [] } : { status: '0x0' }) };
      });
      await runScheduled(buildDeps());
      expect(await sweepStates()).toEqual([{ state: 'reported', destination: null }]);
      rpcTransport = originalTransport;
    }
    await runScheduled(buildDeps());
    expect(await sweepStates()).toEqual([{ state: 'confirmed', destination: TREASURY }]);
  });

  it('accepts a corrected report of a sweep that the chain contradicted', async () => {
    await creditAndEmpty();
    now += 25 * 60 * MINUTES;
    const sweptDeposit = sweep(5n * ONE);
    await recordSweptDeposits(db, [{ ...sweptDeposit, units: 50n * ONE }], now);
    await runScheduled(buildDeps());
    expect(await sweepStates()).toEqual([{ state: 'contradicted', destination: null }]);
    expect(await recordSweptDeposits(db, [sweptDeposit], now)).toEqual({ ok: true, added: 1 });
    await runScheduled(buildDeps());
    expect(await sweepStates()).toEqual([{ state: 'confirmed', destination: TREASURY }]);
  });

  it('lists the addresses that the issuer froze', async () => {
    await credit5();
    const YES = `0x${'1'.padStart(64, '0')}`;
    rpcTransport = async (_, requests) =>
      requests.map((request) => {
        const data = String(Reflect.get(Object(request.params[0]), 'data'));
        if (request.method !== 'eth_call') return { ok: false, code: 0 };
        const isOwnAddress = data.endsWith(ada.slice(2));
        if (data.startsWith('0xfbac3951')) return { ok: true, result: isOwnAddress ? YES : '0x' };
        return {
          ok: true,
          result: `0x${(isOwnAddress ? 5n * ONE : 0n).toString(16).padStart(64, '0')}`,
        };
      });
    now += 25 * 60 * MINUTES;
    await auditChain(buildDeps(), POLYGON);
    const found = (await open()).filter(({ kind }) => kind !== 'ledger');
    expect(found).toMatchObject([{ address: ada, kind: 'frozen', held: 5n * ONE }]);
  });

  it('lists a credit without a ledger entry, and a ledger entry without a deposit', async () => {
    await credit5();
    const insertEntry = (account: string, id: string) =>
      db.execute(`insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at)
        values ('${account}', 1, '${id}', 'credit', 5000000000, 5000000000, '2026-11-24T00:01:00Z')`);
    await insertEntry(BOB, `137:0x${'a'.repeat(64)}:0`);
    now += 25 * 60 * MINUTES;
    mine(30);
    await runScheduled(buildDeps());
    expect(await open()).toMatchObject(
      [
        { address: ada, kind: 'ledger', held: 0n, recorded: 5_000_000_000n },
        { address: bob, kind: 'ledger', held: 5_000_000_000n, recorded: 0n },
      ].sort((a, b) => (a.address < b.address ? -1 : 1)),
    );
    await insertEntry(ADA, [...credited.keys()][0] ?? '');
    await runScheduled(buildDeps());
    expect(await open()).toMatchObject([{ address: bob, kind: 'ledger' }]);
    await db.execute('delete from ledger_entries');
  });

  it('keeps its progress when the provider can’t be read', async () => {
    await credit5();
    now += 25 * 60 * MINUTES;
    mine(30);
    const before = await readAuditProgress(db, 'polygon');
    const originalTransport = rpcTransport;
    rpcTransport = async (provider, requests) =>
      requests[0]?.method === 'eth_call' ? 'throttled' : originalTransport(provider, requests);
    await runScheduled(buildDeps());
    expect(await readAuditProgress(db, 'polygon')).toEqual(before);
    expect(await open()).toEqual([]);
  });
});

describe('a final block that changes', () => {
  it('puts its uncredited deposit in review, and credits it once a scan finds it again', async () => {
    mine(30);
    await runScheduled(buildDeps());
    pay(ada, 9n * ONE);
    mine(25);
    const originalTransport = rpcTransport;
    // The deposit is final and recorded but not credited when its block changes.
    rpcTransport = tamperedRpc('137/a', (method, result) =>
      method === 'eth_getBlockByNumber' && Reflect.get(Object(result), 'number') === '0x1e'
        ? { ...Object(result), hash: `0x${'d'.repeat(64)}` }
        : result,
    );
    await runScheduled(buildDeps());
    rpcTransport = originalTransport;
    expect(await listDeposits(db, ADA, 9)).toMatchObject([
      { state: 'in_review', reason: 'block_changed' },
    ]);
    await runScheduled(buildDeps());
    expect(credited.size).toBe(0);
    await resumeChain(db, 'polygon', 'ops@example.com', now);
    await runScheduled(buildDeps());
    expect([...credited.values()].map(({ amount }) => amount)).toEqual([9_000_000_000n]);
  });

  it('halts the chain, with evidence, until an operator resumes it', async () => {
    mine(40);
    await runScheduled(buildDeps());
    const passed = (await readCursor(db, 'polygon'))?.nextBlock ?? 0;
    const old = fakeChain.blocks[passed - 1]?.hash;
    fakeChain = new FakeChain(137, 20);
    fakeChain.hash();
    for (let block = 0; block < 50; block += 1) {
      now += 2_000;
      if (block === passed - 3) pay(ada, 9n * ONE);
      else fakeChain.mine([], now);
    }
    rpcTransport = fakeRpc([fakeChain], createPrng(1), { faultRate: 0 });
    await runScheduled(buildDeps());
    await runScheduled(buildDeps());
    expect(loggedErrors()).toContain('halted');
    expect(credited.size).toBe(0);
    const { rows } = await db.execute(
      'select kind, expected, found, block_number from chain_incidents',
    );
    expect(rows).toMatchObject([{ kind: 'finality_violated', expected: old }]);
    expect((await readCursor(db, 'polygon'))?.haltedAt).toBe(now);
    await resumeChain(db, 'polygon', 'ops@example.com', now);
    await runScheduled(buildDeps());
    await runScheduled(buildDeps());
    expect(credited.size).toBe(1);
  });
});

describe('a refund that the treasury reported', () => {
  const RECIPIENT = `0x${'7'.repeat(40)}`;
  const PAYOUT = derivePayoutAccount(KEY);
  const GAS_ACCOUNT = deriveAddress({ external: KEY.account.deriveChild(1) }, 0);

  beforeEach(async () => {
    await db.execute(`delete from refunds`);
    await db.execute(`insert into accounts (id, created_at)
      select lpad(to_hex(i), 16, 'f'), now() from generate_series(1, 102) i
      on conflict do nothing`);
  });

  let reported = 0;
  /** 20 USD with a fee of 0.10, reported with a transaction. */
  async function reportRefund(txHash: string): Promise<string> {
    reported += 1;
    const id = txHash.slice(-32);
    const account = ((reported % 102) + 1).toString(16).padStart(16, 'f');
    await db.execute(`insert into refunds (id, account_id, chain, address, amount, fee, state,
      requested_at, tx_hash) values ('${id}', '${account}', 'polygon', '${RECIPIENT}',
      20000000000, 100000000, 'sent', now() + ${reported} * interval '1 second', '${txHash}')`);
    return id;
  }

  /** Runs the cron a minute later, and returns the newest refund. `isLost`: the ledger’s answers. */
  async function run(
    paid: string[],
    {
      isLost = false,
      blocks = 30,
      ...change
    }: Partial<DepositDeps> & { isLost?: boolean; blocks?: number } = {},
  ): Promise<unknown> {
    const payRefund = async (_: string, id: string) => {
      paid.push(id);
      if (isLost) throw new Error('the answer is lost');
      return { ok: true, posted: 0n } as const;
    };
    const deps = buildDeps();
    mine(blocks);
    await runScheduled({ ...deps, ...change, credits: { ...deps.credits, payRefund } });
    const { rows } = await db.execute(
      `select state, tx_hash from refunds order by requested_at desc limit 1`,
    );
    return rows[0];
  }

  it('is posted once its transfer is final at every provider', async () => {
    mine(30);
    const txHash = pay(RECIPIENT, 19_900_000n, PAYOUT);
    const id = await reportRefund(txHash);
    const paid: string[] = [];
    expect(await run(paid, { blocks: 1 })).toMatchObject({ state: 'sent' });
    expect(paid).toEqual([]);
    // The ledger posted it, and nobody learnt of it: the next run asks by the same id.
    expect(await run(paid, { isLost: true })).toMatchObject({ state: 'sent' });
    expect(await run(paid, { blocks: 60 })).toMatchObject({ state: 'paid', tx_hash: txHash });
    expect(paid).toEqual([id, id]);
    await run(paid);
    expect(paid).toHaveLength(2);
  });

  it.each([
    ['other units', () => pay(RECIPIENT, 19_900_001n, PAYOUT)],
    ['another address', () => pay(STRANGER, 19_900_000n, PAYOUT)],
    ['a stranger’s payment', () => pay(RECIPIENT, 19_900_000n, STRANGER)],
    ['a payment from a deposit address', () => pay(RECIPIENT, 19_900_000n, ada)],
    ['a payment from the gas account', () => pay(RECIPIENT, 19_900_000n, GAS_ACCOUNT)],
  ])('is not posted when its transaction moved %s', async (_, payAnother) => {
    mine(30);
    await reportRefund(payAnother());
    const paid: string[] = [];
    expect(await run(paid)).toMatchObject({ state: 'exported', tx_hash: null });
    expect(paid).toEqual([]);
    expect(loggedEvents.map(({ event }) => event)).toContain('refund_contradicted');
  });

  it('stays as reported while no key of the treasury is configured', async () => {
    mine(30);
    await reportRefund(pay(RECIPIENT, 19_900_000n, PAYOUT));
    const paid: string[] = [];
    expect(await run(paid, { keys: new Map() })).toMatchObject({ state: 'sent' });
    expect(await run(paid)).toMatchObject({ state: 'paid' });
  });

  it('is posted though a hundred that no provider shows were reported before it', async () => {
    mine(30);
    for (let stuck = 0; stuck < 100; stuck += 1) await reportRefund(fakeChain.hash());
    const id = await reportRefund(pay(RECIPIENT, 19_900_000n, PAYOUT));
    const paid: string[] = [];
    for (const _ of ['first', 'second']) await run(paid);
    expect(paid).toEqual([id]);
  });

  it('is asked about less and less often while no provider shows it', async () => {
    mine(30);
    await reportRefund(fakeChain.hash());
    let asked = 0;
    const transport = rpcTransport;
    rpcTransport = (provider, requests) => {
      asked += requests.filter(({ method }) => method === 'eth_getTransactionReceipt').length;
      return transport(provider, requests);
    };
    const counts: number[] = [];
    for (let minute = 1; minute <= 16; minute += 1) {
      await run([]);
      if ([1, 2, 4, 8, 16].includes(minute)) counts.push(asked / 2);
    }
    expect(counts).toEqual([1, 2, 3, 4, 5]);
  });

  it('does not delay others where the ledger fails for it', async () => {
    mine(30);
    const ids = [
      await reportRefund(pay(RECIPIENT, 19_900_000n, PAYOUT)),
      await reportRefund(pay(RECIPIENT, 19_900_000n, PAYOUT)),
    ];
    const paid: string[] = [];
    await run(paid, { isLost: true });
    expect([...paid].sort()).toEqual([...ids].sort());
  });
});
