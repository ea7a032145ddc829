import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatUsd, TOKEN_COST_SCRIPT, tokenCost } from './index.ts';

type PageMoney = Readonly<{
  tokenCost: (count: number, perMillion: string) => bigint;
  formatUsd: (nanoUsd: bigint) => string;
}>;

/** Runs the script as a page does. */
function runScript(): PageMoney {
  const run = new Function(`${TOKEN_COST_SCRIPT} return { tokenCost, formatUsd };`);
  return run();
}

const count = fc.integer({ min: 0, max: 10_000_000 });
const price = fc.bigInt({ min: 0n, max: 10n ** 15n });

describe('the money of a page’s script', () => {
  it('costs what the bill of the same tokens does, to the nano-USD', () => {
    const page = runScript();
    fc.assert(
      fc.property(count, price, (tokens, perMillion) => {
        expect(page.tokenCost(tokens, String(perMillion))).toBe(tokenCost(tokens, perMillion));
      }),
    );
  });

  it('is written with the same digits as everywhere', () => {
    const page = runScript();
    fc.assert(
      fc.property(price, (amount) => {
        expect(page.formatUsd(amount)).toBe(formatUsd(amount));
      }),
    );
  });
});
