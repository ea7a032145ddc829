/**
 * From a final transfer to money in an account: valued once, confirmed once more at every provider, then
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
import { readBlock, type Tip } from './rpc.ts';
import { halt } from './scan.ts';
import { flawsOf } from './senders.ts';

const CREDITS_A_TICK = 200;

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

/** Whether the block is still the one the transfer was read in, at every provider. */
async function isStillThere(
  house: DepositsHouse,
  chain: Chain,
  { blockNumber, blockHash }: CreditableDeposit,
): Promise<'yes' | 'unsure' | 'halted'> {
  for (const [index, provider] of chain.providers.entries()) {
    const block = await readBlock(house.ask, provider, blockNumber);
    if (!block.ok) return 'unsure';
    const found = block.value.hash;
    if (found === blockHash) continue;
    await halt(house, chain, { block: blockNumber, expected: blockHash, found, provider: index });
    return 'halted';
  }
  return 'yes';
}

function endOf(result: CreditResult): DepositEnd {
  if (result.ok) return { state: 'credited' };
  return { state: result.reason === 'closed' ? 'closed' : 'held', reason: result.reason };
}

async function creditOne(
  house: DepositsHouse,
  chain: Chain,
  deposit: CreditableDeposit,
): Promise<void> {
  const { account, amount, fingerprint, index, txHash, logIndex } = deposit;
  const end = isDerived(house, deposit)
    ? endOf(
        await house.credits.credit(account, {
          id: `${chain.chainId}:${txHash}:${logIndex}`,
          amount,
          source: 'deposit',
          address: { family: chain.family, fingerprint, index },
        }),
      )
    : ({ state: 'held', reason: 'address_not_derived' } as const);
  await endDeposit(house.db, chain.name, deposit, end, house.now());
  if (end.state === 'credited') {
    const nanoUsd = amount.toString();
    house.signal({ event: 'deposit_credited', account, chain: chain.name, nanoUsd });
    return;
  }
  house.signal({
    event: 'deposit_set_aside',
    account,
    chain: chain.name,
    reason: end.reason,
  });
}

/** What became final is given its worth, once it is known whether its sender has to be looked at. */
async function valueAll(house: DepositsHouse, chain: Chain): Promise<void> {
  const { name, decimals, minimumUnits } = chain;
  const waiting = await unvaluedDeposits(house.db, name, CREDITS_A_TICK);
  if (waiting.length === 0) return;
  const senders = waiting.map(({ sender }) => sender);
  const flaws = await flawsOf(house, chain, senders);
  if (flaws === null) return;
  const valuation = { chain: name, decimals, minimumUnits };
  for (const deposit of waiting) {
    const flaw = flaws.get(deposit.sender) ?? null;
    await valueDeposit(house.db, valuation, deposit, flaw);
    if (flaw !== null) house.signal({ event: 'deposit_held', chain: name, reason: flaw });
  }
  await releaseDust(house.db, valuation);
}

/** Everything that may be credited now, a bounded number of it. */
export async function creditChain(
  house: DepositsHouse,
  chain: Chain,
  tips: readonly Tip[],
): Promise<void> {
  const { name, family } = chain;
  await valueAll(house, chain);
  const checked = new Map<string, 'yes' | 'unsure' | 'halted'>();
  for (const deposit of await creditableDeposits(house.db, name, family, CREDITS_A_TICK)) {
    if (!isDeepEnough(chain, deposit, tips)) continue;
    const block = `${deposit.blockNumber}:${deposit.blockHash}`;
    const there = checked.get(block) ?? (await isStillThere(house, chain, deposit));
    checked.set(block, there);
    if (there === 'halted') {
      // When the chain goes on, it goes on without this one, until it is found in a block again.
      const gone = { state: 'held', reason: 'block_changed' } as const;
      await endDeposit(house.db, name, deposit, gone, house.now());
      return;
    }
    if (there === 'yes') await creditOne(house, chain, deposit);
  }
}
