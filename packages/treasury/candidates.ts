/** Which addresses can be swept, and what each sweep costs, as the network reports it. */
import { readTokenBalances, type TokenBalance } from '@farebox/deposits';
import type { PlanOptions, Skipped } from './contract.ts';
import { COIN_DECIMALS, type Costs, computeCosts, isProfitableSweep, withMargin } from './costs.ts';
import { type Network, readCoinBalances, readGas, readNonces, type Sweepable } from './network.ts';

/** Added to the network's gas estimate, because its state may change before the sweep is sent. */
export const GAS_MARGIN_PERCENT = 20n;

export type Candidate = Sweepable & Readonly<{ index: number }>;
/** A candidate with the gas its sweep uses, what it costs, and the nonce it is sent with. */
export type PricedCandidate = Candidate & Readonly<{ gas: bigint; costs: Costs; nonce: number }>;

/** Why an address isn't swept. A transfer from a frozen address fails and costs its fee. */
function skipReason(
  { units, frozen }: TokenBalance,
  minimumUnits: bigint,
): Skipped['reason'] | null {
  if (units === 0n) return 'empty';
  if (frozen !== false) return frozen === null ? 'frozen_unknown' : 'frozen';
  return units < minimumUnits ? 'below_minimum' : null;
}

/** Reads what the addresses hold, and skips those that are frozen, empty or below the minimum. */
export async function readCandidates(
  network: Network,
  { chain, addresses, minimumUnits }: PlanOptions,
): Promise<Readonly<{
  sweepCandidates: readonly Candidate[];
  skipped: readonly Skipped[];
}> | null> {
  const addressTexts = addresses.map(({ address }) => address);
  const balances = await readTokenBalances(
    network.rpcTransport,
    network.provider,
    chain,
    addressTexts,
  );
  if (!balances.ok) return null;
  const sweepCandidates: Candidate[] = [];
  const skipped: Skipped[] = [];
  for (const [at, { units, frozen }] of balances.value.entries()) {
    const record = addresses[at];
    if (record === undefined) continue;
    const reason = skipReason({ units, frozen }, minimumUnits);
    if (reason === null) sweepCandidates.push({ ...record, units });
    else skipped.push({ address: record.address, units: units.toString(), reason });
  }
  return { sweepCandidates, skipped };
}

/** Adds the costs to each candidate. Null when the network can't be read. */
export async function withCosts(
  network: Network,
  options: PlanOptions,
  price: bigint,
  sweepCandidates: readonly Candidate[],
): Promise<readonly PricedCandidate[] | null> {
  const { chain, destination } = options;
  const addresses = sweepCandidates.map(({ address }) => address);
  const transfers = sweepCandidates.map(({ address: from, units }) => ({
    ...{ from, to: destination, units },
  }));
  const gas = await readGas(network, chain, transfers);
  const coins = await readCoinBalances(network, addresses);
  const nonces = chain.family === 'evm' ? await readNonces(network, addresses) : [];
  if (gas === null || coins === null || nonces === null) return null;
  return sweepCandidates.map((candidate, at) => {
    const gasLimit = withMargin(gas[at] ?? 0n, GAS_MARGIN_PERCENT);
    const costs = computeCosts(chain.family, { price, gas: gasLimit }, coins[at] ?? 0n);
    return { ...candidate, gas: gasLimit, costs, nonce: nonces[at] ?? 0 };
  });
}

/** Whether a sweep is worth its fees. */
export function isProfitable(
  { chain, coinNanoUsd }: PlanOptions,
  { units, costs }: PricedCandidate,
): boolean {
  const fee = costs.sweepFee + costs.fundFee;
  return isProfitableSweep(
    { units, decimals: chain.decimals },
    { units: fee, decimals: COIN_DECIMALS[chain.family], nanoUsd: coinNanoUsd },
  );
}
