/** Token balances of addresses, as one provider reports them. */
import { err, ok } from '@farebox/result';
import type { Chain, HexAddress, RpcProvider } from './contract.ts';
import {
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

export type TokenBalance = Readonly<{ units: bigint; frozen: boolean }>;

function callRequest(token: HexAddress, selector: string, address: HexAddress): RpcRequest {
  const data = `${selector}${'0'.repeat(24)}${address.slice(2)}`;
  // Always at the newest block: java-tron keeps no older state.
  return { method: 'eth_call', params: [{ to: token, data }, 'latest'] };
}

function parseTokenBalance(
  balance: RpcResponse | undefined,
  frozen: RpcResponse | undefined,
): TokenBalance | null {
  if (balance === undefined || !balance.ok) return null;
  if (typeof balance.result !== 'string' || !WORD.test(balance.result)) return null;
  return { units: BigInt(balance.result), frozen: isTrue(frozen) };
}

/** A contract without this function returns an error, which counts as "not frozen". */
function isTrue(response: RpcResponse | undefined): boolean {
  if (response === undefined || !response.ok || typeof response.result !== 'string') return false;
  return WORD.test(response.result) && BigInt(response.result) === 1n;
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
      const frozen = frozenSelector === null ? undefined : responses[at + 1];
      const tokenBalance = parseTokenBalance(responses[at], frozen);
      if (tokenBalance === null) return err('inconsistent');
      balances.push(tokenBalance);
    }
  }
  return ok({ value: balances });
}
