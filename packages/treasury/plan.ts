/**
 * Plans a sweep: selects the addresses, computes what each needs for gas, and builds the exact
 * bytes to be signed. Needs no private key; a plan can't move anything until it is signed.
 */
import { formatAddress, type HexAddress, parseWatchKey } from '@farebox/deposits';
import { err, ok, type Result } from '@farebox/result';
import { isProfitable, type PricedCandidate, readCandidates, withCosts } from './candidates.ts';
import { GAS_PATH, type Plan, type PlanOptions, type Skipped, type Step } from './contract.ts';
import { withMargin } from './costs.ts';
import { deriveAddressAt } from './keyring.ts';
import { type Network, readCoinBalances, readNonces, readPrices } from './network.ts';
import { planId } from './plan-id.ts';
import { createBuilder, type TransactionBuilder } from './transaction-builder.ts';

export type PlanResult = Result<
  { plan: Plan; skipped: readonly Skipped[]; gasAccount: HexAddress },
  | 'unreachable'
  | 'wrong_chain'
  | 'invalid_key'
  | 'nothing_to_sweep'
  /** An address isn't the child of the key at its index. */
  | { reason: 'foreign_address'; address: HexAddress }
  | { reason: 'gas_account_underfunded'; gasAccount: HexAddress; missing: bigint }
>;

function findForeignAddress({ xpub, addresses }: PlanOptions): HexAddress | null {
  const foreign = addresses.find(
    ({ index, address }) => deriveAddressAt(xpub, { chain: 0, index }) !== address,
  );
  return foreign?.address ?? null;
}

/** All funds come first: the sweeps are sent once their addresses have gas. */
function buildSteps(
  { destination }: PlanOptions,
  builder: TransactionBuilder,
  selected: readonly PricedCandidate[],
  gas: Readonly<{ account: HexAddress; nonce: number }>,
): readonly Step[] {
  const funds = selected
    .filter(({ costs }) => costs.missing > 0n)
    .map(
      ({ address, costs }, at): Step => ({
        kind: 'fund',
        signer: GAS_PATH,
        from: gas.account,
        to: address,
        units: costs.missing.toString(),
        raw: builder.coinTransfer(gas.nonce + at, gas.account, address, costs.missing),
      }),
    );
  const sweeps = selected.map(
    (sweep): Step => ({
      kind: 'sweep',
      signer: { chain: 0, index: sweep.index },
      from: sweep.address,
      to: destination,
      units: sweep.units.toString(),
      raw: builder.tokenTransfer({ ...sweep, from: sweep.address, to: destination }),
    }),
  );
  return [...funds, ...sweeps];
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}

function buildPlan(
  options: PlanOptions,
  fingerprint: string,
  selected: readonly PricedCandidate[],
  steps: readonly Step[],
): Plan {
  const { chain, destination, now, validMs } = options;
  const maxFee = sum(selected.map(({ costs }) => costs.sweepFee + costs.fundFee)).toString();
  const content = {
    version: 1 as const,
    chain: chain.name,
    chainId: chain.chainId,
    token: chain.token,
    fingerprint,
    destination: formatAddress(chain.family, destination),
    plannedAt: now,
    expiresAt: now + validMs,
    maxFee,
    steps,
  };
  return { ...content, id: planId(content) };
}

/** Plans the sweep of the addresses that are worth their fees. Reads the network, sends nothing. */
export async function makePlan(network: Network, options: PlanOptions): Promise<PlanResult> {
  const { chain, xpub } = options;
  const key = parseWatchKey(xpub);
  const account = deriveAddressAt(xpub, GAS_PATH);
  if (!key.ok || account === null) return err('invalid_key');
  const foreign = findForeignAddress(options);
  if (foreign !== null) return err('foreign_address', { address: foreign });
  const prices = await readPrices(network);
  if (prices === null) return err('unreachable');
  if (prices.chainId !== chain.chainId) return err('wrong_chain');
  const found = await readCandidates(network, options);
  if (found === null) return err('unreachable');
  const price = withMargin(prices.gasPrice, options.marginPercent);
  const all = await withCosts(network, options, price, found.sweepCandidates);
  const [coins] = (await readCoinBalances(network, [account])) ?? [];
  const [nonce] = (chain.family === 'evm' ? await readNonces(network, [account]) : [0]) ?? [];
  if (all === null || coins === undefined || nonce === undefined) {
    return err('unreachable');
  }
  const selected = all.filter((one) => isProfitable(options, one));
  if (selected.length === 0) return err('nothing_to_sweep');
  const requiredCoins = sum(selected.map(({ costs }) => costs.missing + costs.fundFee));
  if (requiredCoins > coins) {
    return err('gas_account_underfunded', {
      gasAccount: account,
      missing: requiredCoins - coins,
    });
  }
  const builder = createBuilder(options, price, prices);
  const steps = buildSteps(options, builder, selected, { account, nonce });
  const unprofitable = all.filter((one) => !selected.includes(one));
  const skipped = [
    ...found.skipped,
    ...unprofitable.map(({ address, units }) => ({
      ...{ address, units: units.toString() },
      reason: 'uneconomical' as const,
    })),
  ];
  return ok({
    plan: buildPlan(options, key.key.fingerprint, selected, steps),
    skipped,
    gasAccount: account,
  });
}
