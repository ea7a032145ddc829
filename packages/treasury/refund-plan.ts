/**
 * Plans the payments of refunds from the payout account. Needs no private key; a plan can't move
 * anything until it is signed.
 */
import { type Chain, type HexAddress, parseWatchKey, readTokenBalances } from '@farebox/deposits';
import { err, ok, type Result } from '@farebox/result';
import { GAS_MARGIN_PERCENT } from './candidates.ts';
import { GAS_PATH, PAYOUT_PATH } from './contract.ts';
import { computeCosts, withMargin } from './costs.ts';
import { deriveAddressAt } from './keyring.ts';
import {
  type Network,
  type Prices,
  readCoinBalances,
  readGas,
  readNonces,
  readPrices,
} from './network.ts';
import { checkRefundList, type RefundListError, sumUnits } from './refund-list.ts';
import {
  type RefundList,
  type RefundPayment,
  type RefundPlan,
  type RefundStep,
  refundPlanId,
} from './refund-plan-file.ts';
import { createBuilder } from './transaction-builder.ts';

export type RefundPlanOptions = Readonly<{
  chain: Chain;
  xpub: string;
  list: RefundList;
  /** How much fees may rise before the plan is sent. */
  marginPercent: bigint;
  validMs: number;
  now: number;
}>;

export type RefundPlanResult = Result<
  { plan: RefundPlan },
  | 'unreachable'
  | 'wrong_chain'
  | 'invalid_key'
  /** `frozen_address`: the issuer froze it, or the network did not say. */
  | { reason: RefundListError | 'frozen_address'; refund: string }
  | {
      reason: 'payout_account_underfunded';
      payoutAccount: HexAddress;
      missingUnits: bigint;
      missingCoins: bigint;
    }
>;

/** What the network says that the payments depend on. Null where it can't be read. */
async function readPayout(
  network: Network,
  chain: Chain,
  payout: HexAddress,
  payments: readonly RefundPayment[],
) {
  const { rpcTransport, provider } = network;
  const addresses = [payout, ...payments.map(({ to }) => to)];
  const balances = await readTokenBalances(rpcTransport, provider, chain, addresses);
  const [coins] = (await readCoinBalances(network, [payout])) ?? [];
  const [nonce] = (chain.family === 'evm' ? await readNonces(network, [payout]) : [0]) ?? [];
  const [held, ...recipients] = balances.ok ? balances.value : [];
  if (held === undefined || coins === undefined || nonce === undefined) return null;
  const frozen = payments.find((_, at) => recipients[at]?.frozen !== false);
  return { units: held.units, coins, nonce, frozen };
}

/** The steps with the maximum fee of all. Null where the network can't be read. */
async function buildSteps(
  network: Network,
  options: RefundPlanOptions,
  prices: Prices,
  payments: readonly RefundPayment[],
  payout: Readonly<{ address: HexAddress; nonce: number }>,
): Promise<Readonly<{ steps: readonly RefundStep[]; maxFee: bigint }> | null> {
  const { chain, marginPercent } = options;
  const from = payout.address;
  const gas = await readGas(
    network,
    chain,
    payments.map(({ to, units }) => ({ from, to, units })),
  );
  if (gas === null) return null;
  const price = withMargin(prices.gasPrice, marginPercent);
  const builder = createBuilder(options, price, prices);
  let maxFee = 0n;
  const steps = payments.map(({ refund, attempt, to, units }, at): RefundStep => {
    const limit = withMargin(gas[at] ?? 0n, GAS_MARGIN_PERCENT);
    maxFee += computeCosts(chain.family, { price, gas: limit }, 0n).sweepFee;
    const nonce = payout.nonce + at;
    const raw = builder.tokenTransfer({ from, to, units, gas: limit, nonce });
    const payment = { refund, attempt, kind: 'refund', signer: PAYOUT_PATH } as const;
    return { ...payment, from, to, units: units.toString(), raw };
  });
  return { steps, maxFee };
}

/** Plans the payment of all refunds of a list, or of none. Reads the network, sends nothing. */
export async function planRefunds(
  network: Network,
  options: RefundPlanOptions,
): Promise<RefundPlanResult> {
  const { chain, xpub, list, now, validMs } = options;
  const key = parseWatchKey(xpub);
  const [address, gasAccount] = [PAYOUT_PATH, GAS_PATH].map((path) => deriveAddressAt(xpub, path));
  if (!key.ok || !address || !gasAccount) return err('invalid_key');
  const checked = checkRefundList(list, [address, gasAccount]);
  if (!checked.ok) return checked;
  const { payments } = checked;
  const prices = await readPrices(network);
  if (prices === null) return err('unreachable');
  if (prices.chainId !== chain.chainId) return err('wrong_chain');
  const payout = await readPayout(network, chain, address, payments);
  if (payout === null) return err('unreachable');
  const { frozen, units, coins, nonce } = payout;
  if (frozen !== undefined) return err('frozen_address', { refund: frozen.refund });
  const missing = (needed: bigint, held: bigint) => (needed > held ? needed - held : 0n);
  const missingUnits = missing(sumUnits(payments), units);
  const underfunded = (missingCoins: bigint) =>
    err('payout_account_underfunded', { payoutAccount: address, missingUnits, missingCoins });
  // Before the estimates: a transfer of more than the account holds has none.
  if (missingUnits > 0n) return underfunded(0n);
  const built = await buildSteps(network, options, prices, payments, { address, nonce });
  if (built === null) return err('unreachable');
  if (built.maxFee > coins) return underfunded(built.maxFee - coins);
  const content = {
    version: 1 as const,
    ...{ chain: chain.name, chainId: chain.chainId, token: chain.token },
    ...{ fingerprint: key.key.fingerprint, plannedAt: now, expiresAt: now + validMs },
    maxFee: built.maxFee.toString(),
    steps: built.steps,
  };
  return ok({ plan: { ...content, id: refundPlanId(content) } });
}
