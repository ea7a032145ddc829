/** The address that a refund may go to. Pure but for the database. */
import type { Database } from '@farebox/database';
import { isOwnAddress } from '@farebox/database/refunds';
import { err, ok, type Result } from '@farebox/result';
import { parseAddress } from './addresses.ts';
import { CHAIN_DEFAULTS } from './chains.ts';
import { CHAINS, type ChainName, type HexAddress } from './contract.ts';
import { isBlockedAddress } from './sender-screening.ts';

export type RefundAddressError =
  /** Not an address of the network, or its checksum (EIP-55, Base58Check) is wrong. */
  | 'malformed'
  /** A deposit address, a destination of sweeps, a token's contract or no one's. */
  | 'not_yours'
  /** On the list of sanctioned addresses or of the operator's blocked ones. */
  | 'blocked';

const NOBODY = `0x${'0'.repeat(40)}`;

/** Whether nobody can spend what is sent to the address: no one's, or a token's contract. */
export function isUnspendable({ token }: Readonly<{ token: HexAddress }>, address: HexAddress) {
  const tokens = [token, ...CHAINS.map((name) => CHAIN_DEFAULTS[name].token)];
  return address === NOBODY || tokens.includes(address);
}

/** Checks the address that a user typed for a refund on `chain`. */
export async function checkRefundAddress(
  db: Database,
  blocked: readonly HexAddress[],
  chain: Readonly<{ name: ChainName; token: HexAddress }>,
  text: string,
): Promise<Result<{ address: HexAddress }, RefundAddressError>> {
  const address = parseAddress(CHAIN_DEFAULTS[chain.name].family, text);
  if (address === null) return err('malformed');
  if (isUnspendable(chain, address)) return err('not_yours');
  if (await isOwnAddress(db, address)) return err('not_yours');
  return isBlockedAddress(blocked, address) ? err('blocked') : ok({ address });
}

/**
 * The network's fee that a refund leaves out, in nano-USD: about what a transfer of USDT costs
 * there. It is fixed with the request, so that nobody gets less than the screen said.
 */
export const REFUND_FEES: Readonly<Record<ChainName, bigint>> = {
  tron: 4_000_000_000n,
  bsc: 200_000_000n,
  polygon: 100_000_000n,
};

/** USDT has six decimals on most networks: a refund is a whole number of these, in nano-USD. */
export const REFUND_STEP = 1_000n;

/** Converts nano-USD, a multiple of `REFUND_STEP`, to units of the token: one USDT is one USD. */
export function toTokenUnits(amount: bigint, decimals: number): bigint {
  return (amount * 10n ** BigInt(decimals)) / 1_000_000_000n;
}
