/** Checks the list of refunds that operators download, before it is planned and signed. Pure. */
import { CHAIN_DEFAULTS, type HexAddress, isUnspendable, parseAddress } from '@farebox/deposits';
import { err, ok, type Result } from '@farebox/result';
import type { RefundList, RefundPayment } from './refund-plan-file.ts';

export type RefundListError =
  /** Not an address of the network, or its checksum (EIP-55, Base58Check) is wrong. */
  | 'malformed_address'
  /** No one's address, a token's contract, or one of the treasury's own. */
  | 'unspendable_address'
  /** A refund is listed twice. */
  | 'duplicate_refund';
export type RefundListResult = Result<
  { payments: readonly RefundPayment[] },
  { reason: RefundListError; refund: string }
>;

/** Checks every line. `own` are the treasury's addresses on the list's network. */
export function checkRefundList(list: RefundList, own: readonly HexAddress[]): RefundListResult {
  const chain = CHAIN_DEFAULTS[list.chain];
  const seen = new Set<string>();
  const payments: RefundPayment[] = [];
  for (const { refund, attempt, address, units } of list.refunds) {
    const to = parseAddress(chain.family, address);
    if (to === null) return err('malformed_address', { refund });
    if (isUnspendable(chain, to) || own.includes(to)) return err('unspendable_address', { refund });
    if (seen.has(refund)) return err('duplicate_refund', { refund });
    seen.add(refund);
    payments.push({ refund, attempt, to, units: BigInt(units) });
  }
  return ok({ payments });
}

export function sumUnits(payments: readonly Readonly<{ units: bigint }>[]): bigint {
  return payments.reduce((sum, { units }) => sum + units, 0n);
}
