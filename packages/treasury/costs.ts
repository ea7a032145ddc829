/** What a sweep costs on a network, and whether it is worth it. Pure. */
import type { Family } from './contract.ts';

/** Decimals of the network's own coin: wei, sun. */
export const COIN_DECIMALS: Readonly<Record<Family, number>> = { evm: 18, tron: 6 };

/** A transfer of the coin itself costs this on every EVM network (Ethereum yellow paper, appendix G). */
export const TRANSFER_GAS = 21_000n;
/** A simple TRON transaction has up to 350 bytes at 1,000 sun where no free bandwidth is left. */
export const BANDWIDTH_SUN = 350_000n;
/** Sending coins to an address nobody used before activates it: 1 TRX and 0.1 TRX (TRON's chain parameters). */
export const ACTIVATION_SUN = 1_100_000n;
/** A sweep below this many times its fee waits for more. */
const MIN_FEE_MULTIPLE = 5n;

export type Quote = Readonly<{
  /** Of one unit of gas or energy, with the margin for the days until it is sent. */
  price: bigint;
  /** What the sweep can use at most. */
  gas: bigint;
}>;

export type Costs = Readonly<{
  /** What the address must have before its sweep, and what is still missing of it. */
  sweepFee: bigint;
  missing: bigint;
  /** What sending the missing part costs whoever sends it; 0 where nothing is missing. */
  fundFee: bigint;
}>;

export function withMargin(amount: bigint, percent: bigint): bigint {
  return (amount * (100n + percent) + 99n) / 100n;
}

export function computeCosts(family: Family, { price, gas }: Quote, balance: bigint): Costs {
  const sweepFee = gas * price + (family === 'tron' ? BANDWIDTH_SUN : 0n);
  const missing = balance >= sweepFee ? 0n : sweepFee - balance;
  if (missing === 0n) return { sweepFee, missing, fundFee: 0n };
  return { sweepFee, missing, fundFee: computeFundFee(family, price, balance) };
}

function computeFundFee(family: Family, price: bigint, balance: bigint): bigint {
  if (family === 'evm') return TRANSFER_GAS * price;
  // Whether an address is active can't be seen from outside; without a coin it is taken for not active.
  return balance === 0n ? ACTIVATION_SUN + BANDWIDTH_SUN : BANDWIDTH_SUN;
}

/** In nano-USD: both sides rounded against sweeping. */
export function isProfitableSweep(
  token: Readonly<{ units: bigint; decimals: number }>,
  fee: Readonly<{ units: bigint; decimals: number; nanoUsd: bigint }>,
): boolean {
  const tokenValue = (token.units * 10n ** 9n) / 10n ** BigInt(token.decimals);
  const cost = (fee.units * fee.nanoUsd) / 10n ** BigInt(fee.decimals) + 1n;
  return tokenValue >= cost * MIN_FEE_MULTIPLE;
}
