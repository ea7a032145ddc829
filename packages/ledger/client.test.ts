import { NO_USAGE } from '@farebox/money';
import { describe, expect, it } from 'vitest';
import { type CallsDoor, decodeSettlement, encodeSettlement, ledgerClient } from './index.ts';

const ASKED = { keyId: 1, secretHash: 'a'.repeat(64) };

function doorThat(answer: () => Promise<{ ok: true; value: { posted: bigint; held: bigint } }>) {
  const never = () => Promise.reject(new Error('not asked here'));
  const door: CallsDoor = {
    hold: never,
    checkpoint: never,
    settle: never,
    settleMany: never,
    generation: never,
    key: never,
    credits: answer,
  };
  return door;
}

function paced() {
  const slept: number[] = [];
  const sleep = async (ms: number) => void slept.push(ms);
  return { slept, pacing: { random: () => 0.5, sleep } };
}

describe('the client', () => {
  it('asks again, apart, at most three times in all', async () => {
    let asked = 0;
    const { slept, pacing } = paced();
    const door = doorThat(() => {
      asked += 1;
      return Promise.reject(new Error('reset'));
    });
    const answer = await ledgerClient(door, pacing).credits('0'.repeat(16), ASKED);
    expect(answer).toEqual({ ok: false, reason: 'ledger_unreachable', overloaded: false });
    expect([asked, slept]).toEqual([3, [25, 100]]);
  });

  it('leaves an overloaded object alone', async () => {
    let asked = 0;
    const { pacing } = paced();
    const door = doorThat(() => {
      asked += 1;
      return Promise.reject(Object.assign(new Error('busy'), { overloaded: true }));
    });
    const answer = await ledgerClient(door, pacing).credits('0'.repeat(16), ASKED);
    expect(answer).toEqual({ ok: false, reason: 'ledger_unreachable', overloaded: true });
    expect(asked).toBe(1);
  });

  it('passes on what the second try answers', async () => {
    const answers = [Promise.reject(new Error('reset')), Promise.resolve({ posted: 5n, held: 0n })];
    const door = doorThat(async () => ({ ok: true, value: await (answers.shift() ?? never()) }));
    const answer = await ledgerClient(door, paced().pacing).credits('0'.repeat(16), ASKED);
    expect(answer).toEqual({ ok: true, value: { posted: 5n, held: 0n } });
  });
});

function never(): Promise<never> {
  return Promise.reject(new Error('asked too often'));
}

describe('a settlement in the queue', () => {
  const prices = {
    input_uncached: 2n ** 60n,
    cache_read: 1n,
    cache_write_5m: 2n,
    cache_write_1h: 3n,
  };
  const request = {
    id: '1'.repeat(32),
    reason: 'waived_empty',
    httpStatus: 200,
    usage: { ...NO_USAGE, output: 5 },
    prices: { ...prices, output: 4n },
    fees: [{ kind: 'web_search', count: 2, nano_usd_per_million: 10n }],
    cost: 0n,
    waivedCost: 12n,
  } as const;

  it('comes out as it went in, through JSON', () => {
    const message = encodeSettlement('0123456789abcdef', request);
    const body: unknown = JSON.parse(JSON.stringify(message));
    expect(decodeSettlement(body)).toEqual({ account: '0123456789abcdef', request });
  });

  it('is refused whole where anything about it is not what it should be', () => {
    const message = encodeSettlement('0123456789abcdef', request);
    const { request: inner } = message;
    for (const spoiled of [
      null,
      'text',
      { ...message, version: 2 },
      { ...message, account: 'x' },
      { ...message, request: { ...inner, cost: '-1' } },
      { ...message, request: { ...inner, reason: 'because' } },
      { ...message, request: { ...inner, usage: { ...inner.usage, output: 1.5 } } },
      { ...message, request: { ...inner, prices: {} } },
    ]) {
      expect(decodeSettlement(spoiled)).toBeUndefined();
    }
  });
});
