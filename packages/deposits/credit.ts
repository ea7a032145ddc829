/**
 * From a final transfer to money in an account: valued once, proven once more by every provider, then
 * credited under the id of the transfer itself, so that whatever is repeated counts once. A crash between
 * any two steps is taken up where it happened.
 */
import {
  type CreditableDeposit,
  creditableDeposits,
  type DepositEnd,
  endDeposit,
  releaseDust,
  unvaluedDeposits,
  valueDeposit,
} from '@farebox/database';
import type { CreditResult } from '@farebox/ledger';
import { deriveAddress } from './addresses.ts';
import type { Chain } from './contract.ts';
import type { DepositsHouse } from './house.ts';
import { type Receipt, readBlockAndReceipt, type Tip } from './rpc.ts';
import { halt } from './scan.ts';
import { flawsOf } from './senders.ts';

const CREDITS_A_TICK = 200;
const VALUED_A_TICK = 500;

/** More within a day waits for more blocks: what a reorganisation could take is worth more. */
function isDeepEnough(chain: Chain, deposit: CreditableDeposit, tips: readonly Tip[]): boolean {
  const depth = deposit.dayUnits > chain.largeUnits ? chain.largeDepth : chain.depth;
  return tips.every(({ head }) => deposit.blockNumber <= head.number - depth);
}

/** The row says which child of which key the address is; the key itself says whether that is so. */
function isDerived(house: DepositsHouse, deposit: CreditableDeposit): boolean {
  const key = house.keys.get(deposit.fingerprint);
  return key !== undefined && deriveAddress(key, deposit.index) === deposit.recipient;
}

type Proof = 'proven' | 'unsure' | 'halted' | 'not_on_chain';

function isIn(
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
async function proofOf(
  house: DepositsHouse,
  chain: Chain,
  deposit: CreditableDeposit,
): Promise<Proof> {
  const { blockNumber, blockHash } = deposit;
  let without = 0;
  for (const [index, provider] of chain.providers.entries()) {
    const shown = await readBlockAndReceipt(house.ask, provider, deposit);
    if (!shown.ok) return 'unsure';
    const { block, receipt } = shown.value;
    if (block.hash !== blockHash) {
      const found = block.hash;
      await halt(house, chain, { block: blockNumber, expected: blockHash, found, provider: index });
      return 'halted';
    }
    if (!receipt.ok) return 'unsure';
    if (!isIn(receipt.value, chain, deposit)) without += 1;
  }
  // Where they disagree one of them lies, and the next minute asks again.
  if (without === 0) return 'proven';
  return without === chain.providers.length ? 'not_on_chain' : 'unsure';
}

/** Worth and units go together, but for what earlier deposits left over below one nano-USD. */
function isWorthItsUnits({ decimals }: Chain, { units, amount }: CreditableDeposit): boolean {
  const worth = (units * 10n ** 9n) / 10n ** BigInt(decimals);
  return amount === worth || amount === worth + 1n;
}

function endOf(result: CreditResult): DepositEnd {
  if (result.ok) return { state: 'credited' };
  return { state: result.reason === 'closed' ? 'closed' : 'held', reason: result.reason };
}

/** Why it can't be credited, whatever the ledger would say of it. */
function flawOf(house: DepositsHouse, chain: Chain, deposit: CreditableDeposit): DepositEnd | null {
  if (!isDerived(house, deposit)) return { state: 'held', reason: 'address_not_derived' };
  if (!isWorthItsUnits(chain, deposit)) return { state: 'held', reason: 'amount_differs' };
  return null;
}

async function creditOne(
  house: DepositsHouse,
  chain: Chain,
  deposit: CreditableDeposit,
): Promise<void> {
  const { account, amount, fingerprint, index, txHash, logIndex } = deposit;
  const end =
    flawOf(house, chain, deposit) ??
    endOf(
      await house.credits.credit(account, {
        id: `${chain.chainId}:${txHash}:${logIndex}`,
        amount,
        source: 'deposit',
        address: { family: chain.family, fingerprint, index },
      }),
    );
  await endOne(house, chain, deposit, end);
}

/** Its end, in its row and in the log. */
async function endOne(
  house: DepositsHouse,
  chain: Chain,
  deposit: CreditableDeposit,
  end: DepositEnd,
): Promise<void> {
  const { account, amount } = deposit;
  await endDeposit(house.db, chain.name, deposit, end, house.now());
  if (end.state === 'credited') {
    const nanoUsd = amount.toString();
    house.signal({ event: 'deposit_credited', account, chain: chain.name, nanoUsd });
    return;
  }
  const { reason } = end;
  house.signal({ event: 'deposit_set_aside', account, chain: chain.name, reason });
}

/** What became final is given its worth, once it is known whether its sender has to be looked at. */
async function valueAll(house: DepositsHouse, chain: Chain): Promise<void> {
  const { name, decimals, minimumUnits } = chain;
  const valuation = { chain: name, decimals, minimumUnits };
  const waiting = await unvaluedDeposits(house.db, valuation, VALUED_A_TICK);
  if (waiting.length === 0) return;
  const senders = waiting.map(({ sender }) => sender);
  const flaws = await flawsOf(house, chain, senders);
  if (flaws === null) return;
  for (const deposit of waiting) {
    const flaw = flaws.get(deposit.sender) ?? null;
    await valueDeposit(house.db, valuation, deposit, flaw);
    if (flaw !== null) house.signal({ event: 'deposit_held', chain: name, reason: flaw });
  }
  const accounts = waiting.map(({ account }) => account);
  await releaseDust(house.db, valuation, [...new Set(accounts)]);
}

/** Everything that may be credited now, a bounded number of it. */
export async function creditChain(
  house: DepositsHouse,
  chain: Chain,
  tips: readonly Tip[],
): Promise<void> {
  const { name, family } = chain;
  await valueAll(house, chain);
  for (const deposit of await creditableDeposits(house.db, name, family, CREDITS_A_TICK)) {
    if (!isDeepEnough(chain, deposit, tips)) continue;
    const proof = await proofOf(house, chain, deposit);
    if (proof === 'halted') {
      // When the chain goes on, it goes on without this one, until it is found in a block again.
      await endOne(house, chain, deposit, { state: 'held', reason: 'block_changed' });
      return;
    }
    if (proof === 'not_on_chain') {
      await endOne(house, chain, deposit, { state: 'held', reason: 'not_on_chain' });
    }
    if (proof === 'proven') await creditOne(house, chain, deposit);
  }
}
