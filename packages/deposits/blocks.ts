/** Blocks of a chain, as one provider reports them. */
import { err, ok } from '@farebox/result';
import type { Chain, Hash, RpcProvider } from './contract.ts';
import {
  getField,
  parseHash,
  parseQuantity,
  type RpcRequest,
  type RpcResponse,
  type RpcResult,
  type RpcTransport,
  toHex,
} from './json-rpc.ts';

/** `minedAt` is in milliseconds since 1970. */
export type Block = Readonly<{ number: number; hash: Hash; minedAt: number }>;
export type Tip = Readonly<{ head: Block; final: Block }>;

export function parseBlock(response: RpcResponse | undefined): RpcResult<Block> {
  if (response === undefined) return err('inconsistent');
  if (!response.ok) return err('inconsistent');
  if (response.result === null) return err('lagging');
  const [number, id, seconds] = [
    parseQuantity(getField(response.result, 'number')),
    parseHash(getField(response.result, 'hash')),
    parseQuantity(getField(response.result, 'timestamp')),
  ];
  if (number === null || id === null || seconds === null) return err('inconsistent');
  return ok({ value: { number, hash: id, minedAt: seconds * 1000 } });
}

export function blockRequest(blockTag: number | 'latest' | 'finalized'): RpcRequest {
  const at = typeof blockTag === 'number' ? toHex(blockTag) : blockTag;
  return { method: 'eth_getBlockByNumber', params: [at, false] };
}

/** Reads the newest block and the newest block the chain calls final, and checks the chain id. */
export async function readTip(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  chain: Pick<Chain, 'chainId'>,
): Promise<RpcResult<Tip>> {
  const requests = [
    { method: 'eth_chainId', params: [] },
    blockRequest('latest'),
    blockRequest('finalized'),
  ];
  const responses = await rpcTransport(provider, requests);
  if (typeof responses === 'string') return err(responses);
  const [id, latest, finalized] = responses;
  if (id === undefined || !id.ok) return err('inconsistent');
  if (parseQuantity(id.result) !== chain.chainId) return err('wrong_chain');
  const head = parseBlock(latest);
  if (!head.ok) return head;
  const final = parseBlock(finalized);
  if (!final.ok) return final;
  if (final.value.number > head.value.number) return err('inconsistent');
  return ok({ value: { head: head.value, final: final.value } });
}

export async function readBlock(
  rpcTransport: RpcTransport,
  provider: RpcProvider,
  number: number,
): Promise<RpcResult<Block>> {
  const responses = await rpcTransport(provider, [blockRequest(number)]);
  if (typeof responses === 'string') return err(responses);
  const block = parseBlock(responses[0]);
  if (block.ok && block.value.number !== number) return err('inconsistent');
  return block;
}
