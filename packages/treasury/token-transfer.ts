/**
 * Encodes and strictly decodes the call data of `transfer(address,uint256)` (ERC-20, TRC-20). Pure.
 */
import type { HexAddress } from '@farebox/deposits';

const SELECTOR = '0xa9059cbb';
const SHAPE = /^0xa9059cbb0{24}([0-9a-f]{40})([0-9a-f]{64})$/;

export type TokenTransfer = Readonly<{ to: HexAddress; units: bigint }>;

export function encodeTransfer({ to, units }: TokenTransfer): string {
  const recipient = to.slice(2).padStart(64, '0');
  return `${SELECTOR}${recipient}${units.toString(16).padStart(64, '0')}`;
}

/** Null for any other call, and for this one with trailing bytes. */
export function decodeTransfer(data: string): TokenTransfer | null {
  const [, to, units] = SHAPE.exec(data) ?? [];
  if (to === undefined || units === undefined) return null;
  return { to: `0x${to}`, units: BigInt(`0x${units}`) };
}
