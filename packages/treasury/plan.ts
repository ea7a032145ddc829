/**
 * From addresses and what the network says of them to a plan: which are swept, what each needs for it, and the
 * exact bytes to be signed. No key is needed for it, and the plan can do nothing by itself.
 */
import {
  type Chain,
  formatAddress,
  type HexAddress,
  parseWatchKey,
  readTokenBalances,
} from '@farebox/deposits';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { GAS_PATH, type Plan, type Skipped, type Step } from './contract.ts';
import {
  COIN_DECIMALS,
  type Costs,
  computeCosts,
  isProfitableSweep,
  TRANSFER_GAS,
  withMargin,
} from './costs.ts';
import * as evm from './evm-transaction.ts';
import { deriveAddressAt } from './keyring.ts';
import {
  type Network,
  type Prices,
  readCoinBalances,
  readGas,
  readNonces,
  readPrices,
  type Sweepable,
} from './network.ts';
import { encodeTransfer } from './token-transfer.ts';
import * as tron from './tron-transaction.ts';

export type PlanOptions = Readonly<{
  chain: Chain;
  xpub: string;
  addresses: readonly Readonly<{ index: number; address: HexAddress }>[];
  destination: HexAddress;
  minimumUnits: bigint;
  /** Of one coin (BNB, POL, TRX), in nano-USD. */
  coinNanoUsd: bigint;
  /** What fees may rise by until it is sent. */
  marginPercent: bigint;
  validMs: number;
  now: number;
}>;

export type PlanResult =
  | Readonly<{ ok: true; plan: Plan; skipped: readonly Skipped[]; gasAccount: HexAddress }>
  | Readonly<{ ok: false; reason: 'unreachable' | 'wrong_chain' | 'bad_key' | 'nothing_to_sweep' }>
  /** An address is not the child that its line says. */
  | Readonly<{ ok: false; reason: 'foreign_address'; address: HexAddress }>
  | Readonly<{ ok: false; reason: 'gas_account_short'; gasAccount: HexAddress; missing: bigint }>;

/** Gas and energy are what they were when tried, and something for a state that changed since. */
const GAS_MARGIN_PERCENT = 20n;

/** What a plan is named by. */
export function planId(plan: Omit<Plan, 'id'>): string {
  const { version, chain, chainId, token, fingerprint, destination } = plan;
  const { plannedAt, expiresAt, maxFee, steps } = plan;
  const listed = steps.map(({ kind, signer, from, to, units, raw }) => [
    kind,
    signer.chain,
    signer.index,
    from,
    to,
    units,
    raw,
  ]);
  const head = [version, chain, chainId, token, fingerprint, destination];
  const content = [...head, plannedAt, expiresAt, maxFee, listed];
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify(content))));
}

type Candidate = Sweepable & Readonly<{ index: number }>;
type PricedCandidate = Candidate & Readonly<{ gas: bigint; costs: Costs; nonce: number }>;

function findForeignAddress({ xpub, addresses }: PlanOptions): HexAddress | null {
  const foreign = addresses.find(
    ({ index, address }) => deriveAddressAt(xpub, { chain: 0, index }) !== address,
  );
  return foreign?.address ?? null;
}

/** What is on them, and why some are left alone before anything else is asked. */
async function readCandidates(
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
    const reason = frozen
      ? 'frozen'
      : units === 0n
        ? 'empty'
        : units < minimumUnits
          ? 'below_minimum'
          : null;
    if (reason === null) sweepCandidates.push({ ...record, units });
    else skipped.push({ address: record.address, units: units.toString(), reason });
  }
  return { sweepCandidates, skipped };
}

/** Each with its costs. */
async function withCosts(
  network: Network,
  options: PlanOptions,
  price: bigint,
  sweepCandidates: readonly Candidate[],
): Promise<readonly PricedCandidate[] | null> {
  const { chain, destination } = options;
  const addresses = sweepCandidates.map(({ address }) => address);
  const gas = await readGas(network, chain, sweepCandidates, destination);
  const coins = await readCoinBalances(network, addresses);
  const nonces = chain.family === 'evm' ? await readNonces(network, addresses) : [];
  if (gas === null || coins === null || nonces === null) return null;
  return sweepCandidates.map((candidate, at) => {
    const gasLimit = withMargin(gas[at] ?? 0n, GAS_MARGIN_PERCENT);
    const costs = computeCosts(chain.family, { price, gas: gasLimit }, coins[at] ?? 0n);
    return { ...candidate, gas: gasLimit, costs, nonce: nonces[at] ?? 0 };
  });
}

function isProfitable(
  { chain, coinNanoUsd }: PlanOptions,
  { units, costs }: PricedCandidate,
): boolean {
  const fee = costs.sweepFee + costs.fundFee;
  return isProfitableSweep(
    { units, decimals: chain.decimals },
    { units: fee, decimals: COIN_DECIMALS[chain.family], nanoUsd: coinNanoUsd },
  );
}

type TransactionBuilder = Readonly<{
  coinTransfer(nonce: number, from: HexAddress, to: HexAddress, units: bigint): string;
  tokenTransfer(sweep: PricedCandidate): string;
}>;

function createEvmBuilder(
  { chain, destination }: PlanOptions,
  gasPrice: bigint,
): TransactionBuilder {
  const { chainId, token } = chain;
  return {
    coinTransfer: (nonce, _, to, value) =>
      evm.toRaw({ chainId, nonce, gasPrice, gas: TRANSFER_GAS, to, value, data: '0x' }),
    tokenTransfer: ({ nonce, gas, units }) =>
      evm.toRaw({
        ...{ chainId, nonce, gasPrice, gas, to: token, value: 0n },
        data: encodeTransfer({ to: destination, units }),
      }),
  };
}

function createTronBuilder(
  options: PlanOptions,
  price: bigint,
  { block }: Prices,
): TransactionBuilder {
  const { chain, destination, now, validMs } = options;
  const reference = {
    // The last two bytes of the number, and the middle eight of the hash (TRON: "TaPoS").
    refBlockBytes: (block.number & 0xffff).toString(16).padStart(4, '0'),
    refBlockHash: block.hash.slice(18, 34),
    expiration: BigInt(now + validMs),
    timestamp: BigInt(now),
  };
  const toRawHex = (contract: tron.TronContract, feeLimit: bigint) =>
    `0x${bytesToHex(tron.toRaw({ ...reference, feeLimit, contract }))}`;
  return {
    coinTransfer: (_, owner, to, sun) => toRawHex({ kind: 'transfer', owner, to, sun }, 0n),
    tokenTransfer: ({ address: owner, gas, units }) => {
      const data = encodeTransfer({ to: destination, units });
      return toRawHex({ kind: 'trigger', owner, contract: chain.token, data }, gas * price);
    },
  };
}

/** All funds first: one waits for all of them, and then for all sweeps. */
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
      raw: builder.tokenTransfer(sweep),
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

export async function makePlan(network: Network, options: PlanOptions): Promise<PlanResult> {
  const { chain, xpub } = options;
  const key = parseWatchKey(xpub);
  const account = deriveAddressAt(xpub, GAS_PATH);
  if (!key.ok || account === null) return { ok: false, reason: 'bad_key' };
  const foreign = findForeignAddress(options);
  if (foreign !== null) return { ok: false, reason: 'foreign_address', address: foreign };
  const prices = await readPrices(network);
  if (prices === null) return { ok: false, reason: 'unreachable' };
  if (prices.chainId !== chain.chainId) return { ok: false, reason: 'wrong_chain' };
  const found = await readCandidates(network, options);
  if (found === null) return { ok: false, reason: 'unreachable' };
  const price = withMargin(prices.gasPrice, options.marginPercent);
  const all = await withCosts(network, options, price, found.sweepCandidates);
  const [coins] = (await readCoinBalances(network, [account])) ?? [];
  const [nonce] = (chain.family === 'evm' ? await readNonces(network, [account]) : [0]) ?? [];
  if (all === null || coins === undefined || nonce === undefined) {
    return { ok: false, reason: 'unreachable' };
  }
  const selected = all.filter((one) => isProfitable(options, one));
  if (selected.length === 0) return { ok: false, reason: 'nothing_to_sweep' };
  const requiredCoins = sum(selected.map(({ costs }) => costs.missing + costs.fundFee));
  if (requiredCoins > coins) {
    return {
      ok: false,
      reason: 'gas_account_short',
      gasAccount: account,
      missing: requiredCoins - coins,
    };
  }
  const builder =
    chain.family === 'evm'
      ? createEvmBuilder(options, price)
      : createTronBuilder(options, price, prices);
  const steps = buildSteps(options, builder, selected, { account, nonce });
  const unprofitable = all.filter((one) => !selected.includes(one));
  const skipped = [
    ...found.skipped,
    ...unprofitable.map(({ address, units }) => ({
      ...{ address, units: units.toString() },
      reason: 'below_five_fees' as const,
    })),
  ];
  return {
    ok: true,
    plan: buildPlan(options, key.key.fingerprint, selected, steps),
    skipped,
    gasAccount: account,
  };
}
