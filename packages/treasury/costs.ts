/** What a sweep costs on a network, and whether it is worth its fees. Pure. */
import type { Family } from './contract.ts';

/** Decimals of the network's coin: amounts are in wei and sun. */
export const COIN_DECIMALS: Readonly<Record<Family, number>> = { evm: 18, tron: 6 };

/** The gas of a plain coin transfer on every EVM network (Ethereum yellow paper, appendix G). */
export const TRANSFER_GAS = 21_000n;
/**
 * A simple TRON transaction has up to 350 bytes, at 1,000 sun each when no free bandwidth is left.
 */
export const BANDWIDTH_SUN = 350_000n;
/** Sending coins to an unused address activates it: 1 TRX and 0.1 TRX (TRON's chain parameters). */
export const ACTIVATION_SUN = 1_100_000n;
/** An address is skipped while it holds less than this many times its sweep's fee. */
const MIN_FEE_MULTIPLE = 5n;

export type Quote = Readonly<{
  /** The price of one unit of gas or energy, with a margin for the days until the plan is sent. */
  price: bigint;
  /** The maximum gas or energy of the sweep. */
  gas: bigint;
}>;

export type Costs = Readonly<{
  /** The coins the address needs for its sweep, and how many of them it lacks. */
  sweepFee: bigint;
  missing: bigint;
  /** The fee of funding the missing coins. 0 when nothing is missing. */
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
  // JSON-RPC doesn't show whether an address is active, so one without coins is assumed inactive.
  return balance === 0n ? ACTIVATION_SUN + BANDWIDTH_SUN : BANDWIDTH_SUN;
}

/**
 * Compares both in nano-USD, each rounded against sweeping. `fee.nanoUsd` is the price of one coin.
 */
export function isProfitableSweep(
  token: Readonly<{ units: bigint; decimals: number }>,
  fee: Readonly<{ units: bigint; decimals: number; nanoUsd: bigint }>,
): boolean {
  const tokenValue = (token.units * 10n ** 9n) / 10n ** BigInt(token.decimals);
  const cost = (fee.units * fee.nanoUsd) / 10n ** BigInt(fee.decimals) + 1n;
  return tokenValue >= cost * MIN_FEE_MULTIPLE;
}
