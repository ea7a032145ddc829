/** Builds the unsigned bytes of a plan's transactions for each address family. Pure. */
import type { HexAddress } from '@farebox/deposits';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { PricedCandidate } from './candidates.ts';
import type { PlanOptions } from './contract.ts';
import { TRANSFER_GAS } from './costs.ts';
import * as evm from './evm-transaction.ts';
import type { Prices } from './network.ts';
import { encodeTransfer } from './token-transfer.ts';
import * as tron from './tron-transaction.ts';

export type TransactionBuilder = Readonly<{
  coinTransfer(nonce: number, from: HexAddress, to: HexAddress, units: bigint): string;
  tokenTransfer(sweep: PricedCandidate): string;
}>;

/** `gasPrice` in wei. */
export function createEvmBuilder(
  { chain, destination }: PlanOptions,
  gasPrice: bigint,
): TransactionBuilder {
  const { chainId, token } = chain;
  return {
    coinTransfer: (nonce, _, to, value) =>
      evm.toRaw({ chainId, nonce, gasPrice, gas: TRANSFER_GAS, to, value, data: '0x' }),
    tokenTransfer: ({ nonce, gas, units }) =>
      evm.toRaw({
        ...{ chainId, nonce, gasPrice, gas, to: token, value: 0n },
        data: encodeTransfer({ to: destination, units }),
      }),
  };
}

/** `price` in sun per unit of energy. */
export function createTronBuilder(
  options: PlanOptions,
  price: bigint,
  { block }: Prices,
): TransactionBuilder {
  const { chain, destination, now, validMs } = options;
  const reference = {
    // The last two bytes of the number, and the middle eight of the hash (TRON: "TaPoS").
    refBlockBytes: (block.number & 0xffff).toString(16).padStart(4, '0'),
    refBlockHash: block.hash.slice(18, 34),
    expiration: BigInt(now + validMs),
    timestamp: BigInt(now),
  };
  const toRawHex = (contract: tron.TronContract, feeLimit: bigint) =>
    `0x${bytesToHex(tron.toRaw({ ...reference, feeLimit, contract }))}`;
  return {
    coinTransfer: (_, owner, to, sun) => toRawHex({ kind: 'transfer', owner, to, sun }, 0n),
    tokenTransfer: ({ address: owner, gas, units }) => {
      const data = encodeTransfer({ to: destination, units });
      return toRawHex({ kind: 'trigger', owner, contract: chain.token, data }, gas * price);
    },
  };
}
