/**
 * From addresses and what the network says of them to a plan: which are swept, what each needs for it, and the
 * exact bytes to be signed. No key is needed for it, and the plan can do nothing by itself.
 */
import {
  addressText,
  type Chain,
  type HexAddress,
  readHoldings,
  readWatchKey,
} from '@farebox/deposits';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { GAS_PATH, type Plan, type Skipped, type Step } from './contract.ts';
import { COIN_DECIMALS, type Costs, costsOf, isWorthIt, PLAIN_GAS, withMargin } from './costs.ts';
import * as evm from './evm-transaction.ts';
import { addressBelow } from './keyring.ts';
import {
  type Network,
  type Prices,
  readCoins,
  readGas,
  readNonces,
  readPrices,
  type Sweepable,
} from './network.ts';
import { transferData } from './token-transfer.ts';
import * as tron from './tron-transaction.ts';

export type PlanWish = Readonly<{
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
  const { plannedAt, expiresAt, feeMost, steps } = plan;
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
  const content = [...head, plannedAt, expiresAt, feeMost, listed];
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify(content))));
}

type Candidate = Sweepable & Readonly<{ index: number }>;
type Chosen = Candidate & Readonly<{ gas: bigint; costs: Costs; nonce: number }>;

function firstForeign({ xpub, addresses }: PlanWish): HexAddress | null {
  const foreign = addresses.find(
    ({ index, address }) => addressBelow(xpub, { chain: 0, index }) !== address,
  );
  return foreign?.address ?? null;
}

/** What is on them, and why some are left alone before anything else is asked. */
async function candidates(
  network: Network,
  { chain, addresses, minimumUnits }: PlanWish,
): Promise<Readonly<{ some: readonly Candidate[]; skipped: readonly Skipped[] }> | null> {
  const texts = addresses.map(({ address }) => address);
  const holdings = await readHoldings(network.ask, network.provider, chain, texts);
  if (!holdings.ok) return null;
  const some: Candidate[] = [];
  const skipped: Skipped[] = [];
  for (const [at, { units, frozen }] of holdings.value.entries()) {
    const line = addresses[at];
    if (line === undefined) continue;
    const why = frozen
      ? 'frozen'
      : units === 0n
        ? 'empty'
        : units < minimumUnits
          ? 'below_minimum'
          : null;
    if (why === null) some.push({ ...line, units });
    else skipped.push({ address: line.address, units: units.toString(), why });
  }
  return { some, skipped };
}

/** Each with its costs. */
async function priced(
  network: Network,
  wish: PlanWish,
  price: bigint,
  some: readonly Candidate[],
): Promise<readonly Chosen[] | null> {
  const { chain, destination } = wish;
  const addresses = some.map(({ address }) => address);
  const gas = await readGas(network, chain, some, destination);
  const coins = await readCoins(network, addresses);
  const nonces = chain.family === 'evm' ? await readNonces(network, addresses) : [];
  if (gas === null || coins === null || nonces === null) return null;
  return some.map((candidate, at) => {
    const most = withMargin(gas[at] ?? 0n, GAS_MARGIN_PERCENT);
    const costs = costsOf(chain.family, { price, gas: most }, coins[at] ?? 0n);
    return { ...candidate, gas: most, costs, nonce: nonces[at] ?? 0 };
  });
}

function worthIt({ chain, coinNanoUsd }: PlanWish, { units, costs }: Chosen): boolean {
  const fee = costs.sweepFee + costs.fundFee;
  return isWorthIt(
    { units, decimals: chain.decimals },
    { units: fee, decimals: COIN_DECIMALS[chain.family], nanoUsd: coinNanoUsd },
  );
}

type Pen = Readonly<{
  coin(nonce: number, from: HexAddress, to: HexAddress, units: bigint): string;
  token(sweep: Chosen): string;
}>;

function evmPen({ chain, destination }: PlanWish, gasPrice: bigint): Pen {
  const { chainId, token } = chain;
  return {
    coin: (nonce, _, to, value) =>
      evm.rawOf({ chainId, nonce, gasPrice, gas: PLAIN_GAS, to, value, data: '0x' }),
    token: ({ nonce, gas, units }) =>
      evm.rawOf({
        ...{ chainId, nonce, gasPrice, gas, to: token, value: 0n },
        data: transferData({ to: destination, units }),
      }),
  };
}

function tronPen(wish: PlanWish, price: bigint, { block }: Prices): Pen {
  const { chain, destination, now, validMs } = wish;
  const reference = {
    // The last two bytes of the number, and the middle eight of the hash (TRON: "TaPoS").
    refBlockBytes: (block.number & 0xffff).toString(16).padStart(4, '0'),
    refBlockHash: block.hash.slice(18, 34),
    expiration: BigInt(now + validMs),
    timestamp: BigInt(now),
  };
  const write = (contract: tron.TronContract, feeLimit: bigint) =>
    `0x${bytesToHex(tron.rawOf({ ...reference, feeLimit, contract }))}`;
  return {
    coin: (_, owner, to, sun) => write({ kind: 'transfer', owner, to, sun }, 0n),
    token: ({ address: owner, gas, units }) => {
      const data = transferData({ to: destination, units });
      return write({ kind: 'trigger', owner, contract: chain.token, data }, gas * price);
    },
  };
}

/** All funds first: one waits for all of them, and then for all sweeps. */
function stepsOf(
  { destination }: PlanWish,
  pen: Pen,
  chosen: readonly Chosen[],
  gas: Readonly<{ account: HexAddress; nonce: number }>,
): readonly Step[] {
  const funds = chosen
    .filter(({ costs }) => costs.missing > 0n)
    .map(
      ({ address, costs }, at): Step => ({
        kind: 'fund',
        signer: GAS_PATH,
        from: gas.account,
        to: address,
        units: costs.missing.toString(),
        raw: pen.coin(gas.nonce + at, gas.account, address, costs.missing),
      }),
    );
  const sweeps = chosen.map(
    (sweep): Step => ({
      kind: 'sweep',
      signer: { chain: 0, index: sweep.index },
      from: sweep.address,
      to: destination,
      units: sweep.units.toString(),
      raw: pen.token(sweep),
    }),
  );
  return [...funds, ...sweeps];
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}

function planOf(
  wish: PlanWish,
  fingerprint: string,
  chosen: readonly Chosen[],
  steps: readonly Step[],
): Plan {
  const { chain, destination, now, validMs } = wish;
  const feeMost = sum(chosen.map(({ costs }) => costs.sweepFee + costs.fundFee)).toString();
  const content = {
    version: 1 as const,
    chain: chain.name,
    chainId: chain.chainId,
    token: chain.token,
    fingerprint,
    destination: addressText(chain.family, destination),
    plannedAt: now,
    expiresAt: now + validMs,
    feeMost,
    steps,
  };
  return { ...content, id: planId(content) };
}

export async function makePlan(network: Network, wish: PlanWish): Promise<PlanResult> {
  const { chain, xpub } = wish;
  const key = readWatchKey(xpub);
  const account = addressBelow(xpub, GAS_PATH);
  if (!key.ok || account === null) return { ok: false, reason: 'bad_key' };
  const foreign = firstForeign(wish);
  if (foreign !== null) return { ok: false, reason: 'foreign_address', address: foreign };
  const prices = await readPrices(network);
  if (prices === null) return { ok: false, reason: 'unreachable' };
  if (prices.chainId !== chain.chainId) return { ok: false, reason: 'wrong_chain' };
  const found = await candidates(network, wish);
  if (found === null) return { ok: false, reason: 'unreachable' };
  const price = withMargin(prices.gasPrice, wish.marginPercent);
  const all = await priced(network, wish, price, found.some);
  const [coins] = (await readCoins(network, [account])) ?? [];
  const [nonce] = (chain.family === 'evm' ? await readNonces(network, [account]) : [0]) ?? [];
  if (all === null || coins === undefined || nonce === undefined) {
    return { ok: false, reason: 'unreachable' };
  }
  const chosen = all.filter((one) => worthIt(wish, one));
  if (chosen.length === 0) return { ok: false, reason: 'nothing_to_sweep' };
  const needed = sum(chosen.map(({ costs }) => costs.missing + costs.fundFee));
  if (needed > coins) {
    return { ok: false, reason: 'gas_account_short', gasAccount: account, missing: needed - coins };
  }
  const pen = chain.family === 'evm' ? evmPen(wish, price) : tronPen(wish, price, prices);
  const steps = stepsOf(wish, pen, chosen, { account, nonce });
  const left = all.filter((one) => !chosen.includes(one));
  const skipped = [
    ...found.skipped,
    ...left.map(({ address, units }) => ({
      ...{ address, units: units.toString() },
      why: 'below_five_fees' as const,
    })),
  ];
  return {
    ok: true,
    plan: planOf(wish, key.key.fingerprint, chosen, steps),
    skipped,
    gasAccount: account,
  };
}
