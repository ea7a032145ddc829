/**
 * How much of an account's deposits is left. Calls and debits spend money that was not deposited
 * (operators' credits, local credits) first, so that as much as possible of the deposits can be paid
 * back; what was given for nothing is never paid out. What comes back (a late settlement, a
 * correction of a bill) goes back to where it was taken from last. Pure.
 */
import type { NanoUsd } from '@farebox/money';
import { minBigInt } from './sql-amounts.ts';

/** An entry that is not a call's. Calls show as the difference between two balances. */
export type MoneyEntry = Readonly<{
  kind: 'deposit' | 'gift' | 'debit' | 'correction' | 'refund';
  delta: NanoUsd;
  postedAfter: NanoUsd;
}>;

type Funds = Readonly<{ deposits: NanoUsd; gifts: NanoUsd; depositsSpent: NanoUsd }>;

function spend({ deposits, gifts, depositsSpent }: Funds, amount: NanoUsd): Funds {
  const fromGifts = minBigInt(gifts, amount);
  const fromDeposits = amount - fromGifts;
  return {
    gifts: gifts - fromGifts,
    deposits: deposits - fromDeposits,
    depositsSpent: depositsSpent + fromDeposits,
  };
}

function giveBack({ deposits, gifts, depositsSpent }: Funds, amount: NanoUsd): Funds {
  const toDeposits = minBigInt(depositsSpent, amount);
  return {
    gifts: gifts + amount - toDeposits,
    deposits: deposits + toDeposits,
    depositsSpent: depositsSpent - toDeposits,
  };
}

/** Changes the funds so that they add up to `balance`: by what calls took or gave back. */
function moveTo(funds: Funds, balance: NanoUsd): Funds {
  const taken = funds.deposits + funds.gifts - balance;
  return taken >= 0n ? spend(funds, taken) : giveBack(funds, -taken);
}

function addEntry(funds: Funds, { kind, delta, postedAfter }: MoneyEntry): Funds {
  const before = moveTo(funds, postedAfter - delta);
  switch (kind) {
    case 'deposit':
    case 'refund':
      return { ...before, deposits: before.deposits + delta };
    case 'gift':
      return { ...before, gifts: before.gifts + delta };
    case 'debit':
    case 'correction':
      return moveTo(before, postedAfter);
  }
}

/** Returns what is left of the deposits at the balance `posted`; `entries` are oldest first. */
export function computeUnspentDeposits(entries: readonly MoneyEntry[], posted: NanoUsd): NanoUsd {
  const none: Funds = { deposits: 0n, gifts: 0n, depositsSpent: 0n };
  return moveTo(entries.reduce(addEntry, none), posted).deposits;
}
