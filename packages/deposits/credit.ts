/**
 * Credits final transfers to accounts. The amount is set once, every provider proves the transfer
 * again, and the credit's id is the transfer's own, so that a retry counts once. After a crash
 * between any two steps the next run continues there.
 */
import { readTopUpMargin } from '@farebox/database/catalog';
import {
  type CreditableDeposit,
  type DepositOutcome,
  listCreditableDeposits,
  listUnvaluedDeposits,
  releaseDust,
  setCreditAmount,
  setDepositOutcome,
} from '@farebox/database/deposits';
import type { CreditResult } from '@farebox/ledger';
import { deriveAddress } from './addresses.ts';
import type { Tip } from './blocks.ts';
import type { Chain } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import { halt } from './halt.ts';
import { readBlockAndReceipt, type TransactionReceipt } from './receipts.ts';
import { isSenderProblem, screenSenders } from './sender-screening.ts';

const CREDITS_PER_RUN = 200;
const VALUATIONS_PER_RUN = 500;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/**
 * An account that receives more than `largeUnits` within a day waits longer: a reorganization could
 * take more.
 */
function hasEnoughConfirmations(
  chain: Chain,
  deposit: CreditableDeposit,
  tips: readonly Tip[],
): boolean {
  const depth = deposit.dayUnits > chain.largeUnits ? chain.largeDepth : chain.depth;
  return tips.every(({ head }) => deposit.blockNumber <= head.number - depth);
}

/**
 * Derives the address from the operator's key again: the row's key and index alone aren't trusted.
 */
function isDerived(deps: DepositDeps, deposit: CreditableDeposit): boolean {
  const key = deps.keys.get(deposit.fingerprint);
  return key !== undefined && deriveAddress(key, deposit.index) === deposit.recipient;
}

type ProofResult = 'proven' | 'inconclusive' | 'halted' | 'not_on_chain';

function isInReceipt(
  { transfers, succeeded }: TransactionReceipt,
  chain: Chain,
  deposit: CreditableDeposit,
): boolean {
  return (
    succeeded &&
    transfers.some(
      ({ logIndex, blockHash, contract, recipient, units }) =>
        logIndex === deposit.logIndex &&
        blockHash === deposit.blockHash &&
        contract === chain.token &&
        recipient === deposit.recipient &&
        units === deposit.units,
    )
  );
}

/**
 * Checks right before crediting that every provider still shows the block and, in it, the transfer.
 * A row in Postgres is never enough to credit money.
 */
async function proveOnChain(
  deps: DepositDeps,
  chain: Chain,
  deposit: CreditableDeposit,
): Promise<ProofResult> {
  const { blockNumber, blockHash } = deposit;
  let missingCount = 0;
  for (const [index, provider] of chain.providers.entries()) {
    const result = await readBlockAndReceipt(deps.rpcTransport, provider, deposit);
    if (!result.ok) return 'inconclusive';
    const { block, receipt } = result.value;
    if (block.hash !== blockHash) {
      const found = block.hash;
      await halt(deps, chain, { block: blockNumber, expected: blockHash, found, provider: index });
      return 'halted';
    }
    if (!receipt.ok) return 'inconclusive';
    if (!isInReceipt(receipt.value, chain, deposit)) missingCount += 1;
  }
  // If the providers disagree, one of them is wrong: the next run asks again.
  if (missingCount === 0) return 'proven';
  return missingCount === chain.providers.length ? 'not_on_chain' : 'inconclusive';
}

/**
 * The amount and the fee must match the units, plus at most one nano-USD of remainders carried over
 * from earlier deposits.
 */
function isCreditAmountValid({ decimals }: Chain, deposit: CreditableDeposit): boolean {
  const { units, amount, fee, feeBasisPoints } = deposit;
  const expected = (units * 10n ** 9n) / 10n ** BigInt(decimals);
  const gross = amount + fee;
  const isGross = gross === expected || gross === expected + 1n;
  return isGross && fee === (gross * BigInt(feeBasisPoints)) / 10_000n;
}

function toDepositEnd(result: CreditResult): DepositOutcome {
  if (result.ok) return { state: 'credited' };
  return { state: result.reason === 'closed' ? 'closed' : 'in_review', reason: result.reason };
}

/** Returns why a deposit can't be credited, before the ledger is called. */
function checkCreditable(
  deps: DepositDeps,
  chain: Chain,
  deposit: CreditableDeposit,
): DepositOutcome | null {
  if (!isDerived(deps, deposit)) return { state: 'in_review', reason: 'address_not_derived' };
  if (!isCreditAmountValid(chain, deposit)) return { state: 'in_review', reason: 'amount_differs' };
  return null;
}

async function creditDeposit(
  deps: DepositDeps,
  chain: Chain,
  deposit: CreditableDeposit,
): Promise<void> {
  const { account, amount, fingerprint, index, txHash, logIndex } = deposit;
  const end =
    checkCreditable(deps, chain, deposit) ??
    toDepositEnd(
      await deps.credits.credit(account, {
        id: `${chain.chainId}:${txHash}:${logIndex}`,
        amount,
        source: 'deposit',
        address: { family: chain.family, fingerprint, index },
      }),
    );
  await recordDepositEnd(deps, chain, deposit, end);
}

/** Records the outcome in the deposit's row and in the log. */
async function recordDepositEnd(
  deps: DepositDeps,
  chain: Chain,
  deposit: CreditableDeposit,
  end: DepositOutcome,
): Promise<void> {
  const { account, amount } = deposit;
  await setDepositOutcome(deps.db, chain.name, deposit, end, deps.now());
  if (end.state === 'credited') {
    const nanoUsd = amount.toString();
    deps.logEvent({ event: 'deposit_credited', account, chain: chain.name, nanoUsd });
    return;
  }
  const { reason } = end;
  deps.logEvent({ event: 'deposit_in_review', account, chain: chain.name, reason });
}

/** Logged once an hour: the deposits are asked about again on each run. */
function reportUnscreened({ now, logEvent }: DepositDeps, { name }: Chain, count: number): void {
  if (count === 0 || now() % HOUR_MS >= MINUTE_MS) return;
  logEvent({ event: 'deposit_screening_unavailable', chain: name, count });
}

/**
 * Sets the credit amount of newly final deposits, after screening their senders. A deposit whose
 * sender could not be screened waits for the next run.
 */
async function valueFinalDeposits(deps: DepositDeps, chain: Chain): Promise<void> {
  const { name, decimals, minimumUnits } = chain;
  const token = { chain: name, decimals, minimumUnits };
  const unvalued = await listUnvaluedDeposits(deps.db, token, VALUATIONS_PER_RUN);
  if (unvalued.length === 0) return;
  const marginBasisPoints = await readTopUpMargin(deps.db, deps.now());
  const valuation = { ...token, marginBasisPoints };
  const senders = unvalued.map(({ sender }) => sender);
  const screenings = await screenSenders(deps, chain, senders);
  const screened = unvalued.filter(({ sender }) => screenings.get(sender) !== 'unknown');
  reportUnscreened(deps, chain, unvalued.length - screened.length);
  for (const deposit of screened) {
    const screening = screenings.get(deposit.sender);
    const problem = isSenderProblem(screening) ? screening : null;
    await setCreditAmount(deps.db, valuation, deposit, problem);
    if (problem !== null)
      deps.logEvent({ event: 'deposit_screening_required', chain: name, reason: problem });
  }
  const accounts = screened.map(({ account }) => account);
  await releaseDust(deps.db, valuation, [...new Set(accounts)]);
}

/** Credits the deposits that are ready, at most `CREDITS_PER_RUN`. */
export async function creditChain(
  deps: DepositDeps,
  chain: Chain,
  tips: readonly Tip[],
): Promise<void> {
  const { name, family } = chain;
  await valueFinalDeposits(deps, chain);
  for (const deposit of await listCreditableDeposits(deps.db, name, family, CREDITS_PER_RUN)) {
    if (!hasEnoughConfirmations(chain, deposit, tips)) continue;
    const proof = await proveOnChain(deps, chain, deposit);
    if (proof === 'halted') {
      // After an operator resumes the chain, this deposit stays in review until a scan finds it in
      // a block again.
      await recordDepositEnd(deps, chain, deposit, { state: 'in_review', reason: 'block_changed' });
      return;
    }
    if (proof === 'not_on_chain') {
      await recordDepositEnd(deps, chain, deposit, { state: 'in_review', reason: 'not_on_chain' });
    }
    if (proof === 'proven') await creditDeposit(deps, chain, deposit);
  }
}
