import { NO_USAGE } from '@farebox/money';
import { describe, expect, it } from 'vitest';
import {
  type CallsRpc,
  createLedgerClient,
  decodeSettlement,
  encodeSettlement,
  type HoldRequest,
} from './index.ts';

const CREDENTIAL = { keyId: 1, secretHash: 'a'.repeat(64) };

const PRICES = {
  input_uncached: 2n ** 60n,
  cache_read: 1n,
  cache_write_5m: 2n,
  cache_write_30m: 2n,
  cache_write_1h: 3n,
  cache_write_12h: 3n,
};
const SETTLEMENT = {
  id: '1'.repeat(32),
  reason: 'waived_empty',
  httpStatus: 200,
  usage: { ...NO_USAGE, output: 5 },
  prices: { ...PRICES, output: 4n },
  priceRule: '2026-11-23/standard',
  providerCost: 7n,
  marginBasisPoints: 250,
  firstTokenMs: null,
  totalMs: 12,
  fees: [{ kind: 'web_search', count: 2, nano_usd_per_million: 10n }],
  cost: 0n,
  waivedCost: 12n,
} as const;

const NO_QUEUE = { sendBatch: () => Promise.reject(new Error('not used here')) };

const HOLD: HoldRequest = {
  id: '0'.repeat(32),
  key: CREDENTIAL,
  model: 'openai/gpt-5.4',
  provider: 'openai',
  dialect: 'chat',
  stream: false,
  maxInputCost: 1n,
  maxOutputPrice: 1n,
  choices: 1,
  output: { kind: 'explicit', tokens: 1 },
  deadline: 1,
};

function createRpc(respond: () => Promise<{ ok: true; value: { posted: bigint; held: bigint } }>) {
  const never = () => Promise.reject(new Error('not asked here'));
  const rpc: CallsRpc = {
    batch: never,
    hold: never,
    checkpoint: never,
    settle: never,
    generation: never,
    key: never,
    refuse: never,
    countRefused: never,
    statementKeys: never,
    credits: respond,
  };
  return rpc;
}

function instantRetryPolicy() {
  const delays: number[] = [];
  const sleep = async (ms: number) => void delays.push(ms);
  return { slept: delays, retryPolicy: { random: () => 0.5, sleep } };
}

describe('the ledger client', () => {
  it('retries a failed RPC with pauses, three attempts in all', async () => {
    let attempts = 0;
    const { slept: delays, retryPolicy } = instantRetryPolicy();
    const rpc = createRpc(() => {
      attempts += 1;
      return Promise.reject(new Error('reset'));
    });
    const result = await createLedgerClient(rpc, NO_QUEUE, retryPolicy).credits(
      '0'.repeat(16),
      CREDENTIAL,
    );
    expect(result).toEqual({ ok: false, reason: 'ledger_unreachable', overloaded: false });
    expect([attempts, delays]).toEqual([3, [25, 100]]);
  });

  it('does not retry when the object is overloaded', async () => {
    let attempts = 0;
    const { retryPolicy } = instantRetryPolicy();
    const rpc = createRpc(() => {
      attempts += 1;
      return Promise.reject(Object.assign(new Error('busy'), { overloaded: true }));
    });
    const result = await createLedgerClient(rpc, NO_QUEUE, retryPolicy).credits(
      '0'.repeat(16),
      CREDENTIAL,
    );
    expect(result).toEqual({ ok: false, reason: 'ledger_unreachable', overloaded: true });
    expect(attempts).toBe(1);
  });

  it('keeps a hold alive to its answer, also one that waits in the batch of another', async () => {
    const gate = Promise.withResolvers<string>();
    const granted = { ok: true, held: 1n, maxOutput: 1, deadline: 1 } as const;
    const never = () => Promise.reject(new Error('not asked here'));
    const rpc = { ...createRpc(never), batch: () => gate.promise, hold: async () => granted };
    const client = createLedgerClient(rpc, NO_QUEUE, instantRetryPolicy().retryPolicy);
    const kept = [false, false];
    const holds = kept.map((_, index) =>
      client.hold('0'.repeat(16), { ...HOLD, id: `${index}`.repeat(32) }, (work) => {
        kept[index] = true;
        void work.then(() => {
          kept[index] = false;
        });
      }),
    );
    expect(kept).toEqual([true, true]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(kept).toEqual([true, true]);
    // The batch is lost: each asks alone, and is kept alive for that too.
    gate.reject(new Error('reset'));
    expect(await Promise.all(holds)).toEqual([granted, granted]);
    await Promise.resolve();
    expect(kept).toEqual([false, false]);
  });

  it('puts settlements on the queue where the ledger is not reached, and loses none', async () => {
    const never = () => Promise.reject(new Error('reset'));
    const rpc = { ...createRpc(never), batch: never, settle: never };
    const queued: unknown[] = [];
    const queue = {
      sendBatch: async (messages: Iterable<Readonly<{ body: unknown }>>) =>
        void queued.push(...[...messages].map(({ body }) => decodeSettlement(body))),
    };
    const client = createLedgerClient(rpc, queue, instantRetryPolicy().retryPolicy);
    const account = '0'.repeat(16);
    const kept: Promise<unknown>[] = [];
    const requests = ['1', '2', '3'].map((digit) => ({ ...SETTLEMENT, id: digit.repeat(32) }));
    for (const request of requests) client.settle(account, request, (work) => void kept.push(work));
    await Promise.all(kept);
    expect(queued).toEqual(requests.map((request) => ({ account, request })));
  });

  it('returns the result of the second attempt', async () => {
    const results = [Promise.reject(new Error('reset')), Promise.resolve({ posted: 5n, held: 0n })];
    const rpc = createRpc(async () => ({ ok: true, value: await (results.shift() ?? never()) }));
    const result = await createLedgerClient(
      rpc,
      NO_QUEUE,
      instantRetryPolicy().retryPolicy,
    ).credits('0'.repeat(16), CREDENTIAL);
    expect(result).toEqual({ ok: true, value: { posted: 5n, held: 0n } });
  });
});

function never(): Promise<never> {
  return Promise.reject(new Error('called too often'));
}

describe('the settlement message', () => {
  it('decodes to the same settlement after JSON', () => {
    const message = encodeSettlement('0123456789abcdef', SETTLEMENT);
    const body: unknown = JSON.parse(JSON.stringify(message));
    expect(decodeSettlement(body)).toEqual({ account: '0123456789abcdef', request: SETTLEMENT });
  });

  it('decodes when a release before the cost of the provider queued it', () => {
    const { request: body, ...message } = encodeSettlement('0123456789abcdef', SETTLEMENT);
    const { providerCost: _, ...queued } = body;
    const decoded = decodeSettlement({ ...message, request: queued });
    expect(decoded?.request).toEqual({ ...SETTLEMENT, providerCost: null });
  });

  it('decodes when the release before queued it, with its surcharges', () => {
    const message = encodeSettlement('0123456789abcdef', SETTLEMENT);
    const fees = [{ kind: 'web_search', count: 2, price: '10' }];
    const queued = { ...message, version: 1, request: { ...message.request, fees } };
    const account = '0123456789abcdef';
    expect(decodeSettlement(queued)).toEqual({ account, request: SETTLEMENT });
  });

  it('is rejected when any part of it is malformed', () => {
    const message = encodeSettlement('0123456789abcdef', SETTLEMENT);
    const { request: validRequest } = message;
    for (const malformed of [
      null,
      'text',
      { ...message, version: 3 },
      { ...message, version: 1 },
      { ...message, account: 'x' },
      { ...message, request: { ...validRequest, cost: '-1' } },
      { ...message, request: { ...validRequest, reason: 'because' } },
      { ...message, request: { ...validRequest, usage: { ...SETTLEMENT.usage, output: 1.5 } } },
      { ...message, request: { ...validRequest, prices: {} } },
    ]) {
      expect(decodeSettlement(malformed)).toBeUndefined();
    }
  });
});
