/**
 * From a final transfer to money in an account: valued once, proven once more by every provider, then
 * credited under the id of the transfer itself, so that whatever is repeated counts once. A crash between
 * any two steps is taken up where it happened.
 */
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
import type { Chain } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import { type Receipt, readBlockAndReceipt, type Tip } from './rpc.ts';
import { halt } from './scan.ts';
import { screenSenders } from './sender-screening.ts';

const CREDITS_PER_RUN = 200;
const VALUATIONS_PER_RUN = 500;

/** More within a day waits for more blocks: what a reorganisation could take is worth more. */
function hasEnoughConfirmations(
  chain: Chain,
  deposit: CreditableDeposit,
  tips: readonly Tip[],
): boolean {
  const depth = deposit.dayUnits > chain.largeUnits ? chain.largeDepth : chain.depth;
  return tips.every(({ head }) => deposit.blockNumber <= head.number - depth);
}

/** The row says which child of which key the address is; the key itself says whether that is so. */
function isDerived(deps: DepositDeps, deposit: CreditableDeposit): boolean {
  const key = deps.keys.get(deposit.fingerprint);
  return key !== undefined && deriveAddress(key, deposit.index) === deposit.recipient;
}

type ProofResult = 'proven' | 'unsure' | 'halted' | 'not_on_chain';

function isInReceipt(
  { transfers, succeeded }: Receipt,
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
 * What every provider shows of it right before it is credited: the block it was read in, and in that block the
 * transfer itself. A row alone is no money, whoever wrote it.
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
    if (!result.ok) return 'unsure';
    const { block, receipt } = result.value;
    if (block.hash !== blockHash) {
      const found = block.hash;
      await halt(deps, chain, { block: blockNumber, expected: blockHash, found, provider: index });
      return 'halted';
    }
    if (!receipt.ok) return 'unsure';
    if (!isInReceipt(receipt.value, chain, deposit)) missingCount += 1;
  }
  // Where they disagree one of them lies, and the next minute asks again.
  if (missingCount === 0) return 'proven';
  return missingCount === chain.providers.length ? 'not_on_chain' : 'unsure';
}

/** Worth and units go together, but for what earlier deposits left over below one nano-USD. */
function isCreditAmountValid({ decimals }: Chain, { units, amount }: CreditableDeposit): boolean {
  const expectedAmount = (units * 10n ** 9n) / 10n ** BigInt(decimals);
  return amount === expectedAmount || amount === expectedAmount + 1n;
}

function toDepositEnd(result: CreditResult): DepositOutcome {
  if (result.ok) return { state: 'credited' };
  return { state: result.reason === 'closed' ? 'closed' : 'held', reason: result.reason };
}

/** Why it can't be credited, whatever the ledger would say of it. */
function checkCreditable(
  deps: DepositDeps,
  chain: Chain,
  deposit: CreditableDeposit,
): DepositOutcome | null {
  if (!isDerived(deps, deposit)) return { state: 'held', reason: 'address_not_derived' };
  if (!isCreditAmountValid(chain, deposit)) return { state: 'held', reason: 'amount_differs' };
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

/** Its end, in its row and in the log. */
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
  deps.logEvent({ event: 'deposit_set_aside', account, chain: chain.name, reason });
}

/** What became final is given its worth, once it is known whether its sender has to be looked at. */
async function valueFinalDeposits(deps: DepositDeps, chain: Chain): Promise<void> {
  const { name, decimals, minimumUnits } = chain;
  const valuation = { chain: name, decimals, minimumUnits };
  const unvalued = await listUnvaluedDeposits(deps.db, valuation, VALUATIONS_PER_RUN);
  if (unvalued.length === 0) return;
  const senders = unvalued.map(({ sender }) => sender);
  const senderProblems = await screenSenders(deps, chain, senders);
  if (senderProblems === null) return;
  for (const deposit of unvalued) {
    const senderProblem = senderProblems.get(deposit.sender) ?? null;
    await setCreditAmount(deps.db, valuation, deposit, senderProblem);
    if (senderProblem !== null)
      deps.logEvent({ event: 'deposit_held', chain: name, reason: senderProblem });
  }
  const accounts = unvalued.map(({ account }) => account);
  await releaseDust(deps.db, valuation, [...new Set(accounts)]);
}

/** Everything that may be credited now, a bounded number of it. */
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
      // When the chain goes on, it goes on without this one, until it is found in a block again.
      await recordDepositEnd(deps, chain, deposit, { state: 'held', reason: 'block_changed' });
      return;
    }
    if (proof === 'not_on_chain') {
      await recordDepositEnd(deps, chain, deposit, { state: 'held', reason: 'not_on_chain' });
    }
    if (proof === 'proven') await creditDeposit(deps, chain, deposit);
  }
}
