import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeUnspentDeposits, type MoneyEntry } from './refundable.ts';

type Step = Readonly<{ kind: MoneyEntry['kind'] | 'calls' | 'late'; amount: number }>;

/** Every coin for itself: what was not deposited is spent first, and comes back last. */
class Coins {
  kept: ('deposit' | 'gift')[] = [];
  spent: ('deposit' | 'gift')[] = [];

  add(kind: 'deposit' | 'gift', amount: number): void {
    this.kept.push(...Array.from({ length: amount }, () => kind));
  }

  spend(amount: number): void {
    for (let coin = 0; coin < amount; coin += 1) {
      const gift = this.kept.indexOf('gift');
      const [taken = 'gift'] = this.kept.splice(Math.max(0, gift), 1);
      this.spent.push(taken);
    }
  }

  giveBack(amount: number): void {
    for (let coin = 0; coin < amount; coin += 1) {
      const deposit = this.spent.indexOf('deposit');
      this.kept.push(deposit < 0 ? 'gift' : 'deposit');
      if (deposit >= 0) this.spent.splice(deposit, 1);
    }
  }

  /** Takes coins of the deposits for good. */
  pay(amount: number): void {
    for (let coin = 0; coin < amount; coin += 1) this.kept.splice(this.kept.indexOf('deposit'), 1);
  }

  get deposits(): number {
    return this.kept.filter((kind) => kind === 'deposit').length;
  }
}

/** Applies a step as far as the money goes; returns its entry, or null for calls. */
function apply(coins: Coins, { kind, amount }: Step): MoneyEntry | null {
  const before = coins.kept.length;
  if (kind === 'deposit' || kind === 'gift') coins.add(kind, amount);
  if (kind === 'calls' || kind === 'debit') coins.spend(Math.min(amount, before));
  if (kind === 'late' || kind === 'correction') coins.giveBack(amount);
  if (kind === 'refund') coins.pay(Math.min(amount, coins.deposits));
  if (kind === 'calls' || kind === 'late') return null;
  const delta = BigInt(coins.kept.length - before);
  return { kind, delta, postedAfter: BigInt(coins.kept.length) };
}

const kinds = ['deposit', 'gift', 'debit', 'correction', 'refund', 'calls', 'late'] as const;
const steps = fc.array(
  fc.record({ kind: fc.constantFrom(...kinds), amount: fc.integer({ min: 1, max: 9 }) }),
  { maxLength: 40 },
);

/** What calls take and give back between two entries shows as one difference: one of both stays. */
function isSeen({ kind }: Step, at: number, history: readonly Step[]): boolean {
  return (
    kind !== 'late' ||
    !['calls', 'late'].some((one) => [-1, 1].some((d) => history[at + d]?.kind === one))
  );
}

describe('computeUnspentDeposits', () => {
  it('equals what is left when every coin is followed, over any history', () => {
    fc.assert(
      fc.property(steps, (drawn) => {
        const history = drawn.filter(isSeen);
        const coins = new Coins();
        const entries = history.flatMap((step) => apply(coins, step) ?? []);
        const posted = BigInt(coins.kept.length);
        expect(computeUnspentDeposits(entries, posted)).toBe(BigInt(coins.deposits));
      }),
      { seed: 20261127, numRuns: 2_000 },
    );
  });

  it.each([
    ['a deposit that nobody touched', [['deposit', 100]], 100n],
    ['a credit by operators alone', [['gift', 100]], 0n],
    [
      'a credit that came before the deposit and was spent',
      [
        ['gift', 10],
        ['deposit', 100],
        ['calls', 30],
      ],
      80n,
    ],
    [
      'a credit that came after the deposit was spent',
      [
        ['deposit', 100],
        ['calls', 100],
        ['gift', 50],
      ],
      0n,
    ],
    [
      'a deposit that was paid back before',
      [
        ['deposit', 100],
        ['refund', 60],
        ['gift', 60],
      ],
      40n,
    ],
    [
      'a debit by operators',
      [
        ['deposit', 100],
        ['debit', 30],
      ],
      70n,
    ],
    [
      'a corrected bill',
      [
        ['deposit', 100],
        ['calls', 50],
        ['correction', 20],
      ],
      70n,
    ],
  ] as const)('of %s is right', (_, history, expected) => {
    const coins = new Coins();
    const entries = history.flatMap(([kind, amount]) => apply(coins, { kind, amount }) ?? []);
    expect(computeUnspentDeposits(entries, BigInt(coins.kept.length))).toBe(expected);
  });
});
