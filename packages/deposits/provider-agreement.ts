/**
 * Reads that count only when all configured providers of a chain agree. With two of them, one that
 * lags, omits a log or lies can delay a deposit but can't invent or lose one
 * (docs/decisions/0013-deposits.md).
 */
import { err, ok, type Result } from '@farebox/result';
import { readTip, type Tip } from './blocks.ts';
import type { AddressFilter, Chain } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import type { RpcError, RpcResult } from './json-rpc.ts';
import { readRange, sameTransfer, type TransferLog } from './transfers.ts';

export type BlockRange = Readonly<{ from: number; to: number }>;

/**
 * The newest block that every provider calls final and that is deep enough: transfers up to it may
 * count.
 */
export function safeBlock(chain: Chain, tips: readonly Tip[]): number {
  return Math.min(
    ...tips.map(({ head, final }) => Math.min(final.number, head.number - chain.depth)),
  );
}

/** Reads the tip from each provider. Fails with the first provider's error. */
export async function readTips(
  deps: DepositDeps,
  chain: Chain,
): Promise<RpcResult<readonly Tip[]>> {
  const tips: Tip[] = [];
  for (const provider of chain.providers) {
    const tip = await readTip(deps.rpcTransport, provider, chain);
    if (!tip.ok) return tip;
    tips.push(tip.value);
  }
  return ok({ value: tips });
}

type AgreedRange = Readonly<{ hash: string; transfers: readonly TransferLog[] }>;

/**
 * Reads a range from all providers; an error unless they return the same block hash and transfers.
 */
export async function readAgreedRange(
  deps: DepositDeps,
  chain: Chain,
  addressFilter: AddressFilter,
  blocks: BlockRange,
): Promise<Result<{ value: AgreedRange }, RpcError | 'providers_disagree'>> {
  const query = { ...blocks, token: chain.token, ...addressFilter };
  let agreed: AgreedRange | null = null;
  for (const provider of chain.providers) {
    const range = await readRange(deps.rpcTransport, provider, query);
    if (!range.ok) return range;
    if (agreed !== null && !sameRange(agreed, range.value)) {
      return err('providers_disagree');
    }
    agreed = range.value;
  }
  return agreed === null ? err('unreachable') : ok({ value: agreed });
}

function sameRange(a: AgreedRange, b: AgreedRange): boolean {
  if (a.hash !== b.hash || a.transfers.length !== b.transfers.length) return false;
  return a.transfers.every((transfer, index) => {
    const other = b.transfers[index];
    return other !== undefined && sameTransfer(transfer, other);
  });
}
