/** Token balances of addresses and whether the issuer froze them, as one provider reports them. */
import { err, ok } from '@farebox/result';
import type { Chain, HexAddress, RpcProvider } from './contract.ts';
import {
  EXECUTION_REVERTED,
  inBatches,
  type RpcRequest,
  type RpcResponse,
  type RpcResult,
  type RpcTransport,
} from './json-rpc.ts';

/** `balanceOf(address)` (ERC-20). */
const BALANCE_OF_SELECTOR = '0x70a08231';
/**
 * java-tron accepts at most 100 requests in a batch (config.conf, maxBatchSize); an address needs
 * up to two.
 */
const BALANCES_PER_BATCH = 50;
const WORD = /^0x[0-9a-f]{64}$/i;

/** Whether the issuer froze an address; null if the issuer's contract could not be asked. */
export type Frozen = boolean | null;

export type TokenBalance = Readonly<{ units: bigint; frozen: Frozen }>;

function callRequest(token: HexAddress, selector: string, address: HexAddress): RpcRequest {
  const data = `${selector}${'0'.repeat(24)}${address.slice(2)}`;
  // Always at the newest block: java-tron keeps no older state.
  return { method: 'eth_call', params: [{ to: token, data }, 'latest'] };
}

function parseUnits(response: RpcResponse | undefined): bigint | null {
  if (response === undefined || !response.ok) return null;
  if (typeof response.result !== 'string' || !WORD.test(response.result)) return null;
  return BigInt(response.result);
}

/**
 * Only the contract itself can say "not frozen": with the word 0, or by reverting because it has no
 * such function. A rate limit, an internal error or an empty result is no answer. Every word but 0
 * is true, as the EVM reads it.
 */
function parseFrozen(response: RpcResponse | undefined): Frozen {
  if (response === undefined) return null;
  if (!response.ok) return response.code === EXECUTION_REVERTED ? false : null;
  if (typeof response.result !== 'string' || !WORD.test(response.result)) return null;
  return BigInt(response.result) !== 0n;
}

/**
 * Asks the issuer's contract at one provider whether it froze each address, in input order. What
 * fails for one address says nothing about the others of its batch.
 */
export async function readFrozen(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  token: HexAddress,
  frozenSelector: string,
  addresses: readonly HexAddress[],
): Promise<readonly Frozen[]> {
  const answers: Frozen[] = [];
  for (const batch of inBatches(addresses, BALANCES_PER_BATCH)) {
    const requests = batch.map((address) => callRequest(token, frozenSelector, address));
    const responses = await rpcTransport(provider, requests);
    const isUnread = typeof responses === 'string';
    answers.push(...batch.map((_, index) => (isUnread ? null : parseFrozen(responses[index]))));
  }
  return answers;
}

/**
 * Reads each address's balance of the chain's token at the newest block, in token units and input
 * order.
 */
export async function readTokenBalances(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  { token, frozenSelector }: Pick<Chain, 'token' | 'frozenSelector'>,
  addresses: readonly HexAddress[],
): Promise<RpcResult<readonly TokenBalance[]>> {
  const selectors =
    frozenSelector === null ? [BALANCE_OF_SELECTOR] : [BALANCE_OF_SELECTOR, frozenSelector];
  const balances: TokenBalance[] = [];
  for (const batch of inBatches(addresses, BALANCES_PER_BATCH)) {
    const requests = batch.flatMap((address) =>
      selectors.map((call) => callRequest(token, call, address)),
    );
    const responses = await rpcTransport(provider, requests);
    if (typeof responses === 'string') return err(responses);
    for (const index of batch.keys()) {
      const at = index * selectors.length;
      const units = parseUnits(responses[at]);
      if (units === null) return err('inconsistent');
      balances.push({
        units,
        frozen: frozenSelector === null ? false : parseFrozen(responses[at + 1]),
      });
    }
  }
  return ok({ value: balances });
}
