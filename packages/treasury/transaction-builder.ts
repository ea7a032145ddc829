/** Builds the unsigned bytes of a plan's transactions for each address family. Pure. */
import type { HexAddress } from '@farebox/deposits';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { PlanOptions } from './contract.ts';
import { TRANSFER_GAS } from './costs.ts';
import * as evm from './evm-transaction.ts';
import type { Prices, Transfer } from './network.ts';
import { encodeTransfer } from './token-transfer.ts';
import * as tron from './tron-transaction.ts';

/**
 * A transfer with the gas or energy it may use. TRON has no nonces: there the number only tells
 * equal transfers of one plan apart, which would be one transaction otherwise.
 */
export type PricedTransfer = Transfer & Readonly<{ gas: bigint; nonce: number }>;
export type TransactionOptions = Pick<PlanOptions, 'chain' | 'now' | 'validMs'>;

export type TransactionBuilder = Readonly<{
  coinTransfer(nonce: number, from: HexAddress, to: HexAddress, units: bigint): string;
  tokenTransfer(transfer: PricedTransfer): string;
}>;

/** `gasPrice` in wei. */
export function createEvmBuilder(
  { chain }: TransactionOptions,
  gasPrice: bigint,
): TransactionBuilder {
  const { chainId, token } = chain;
  return {
    coinTransfer: (nonce, _, to, value) =>
      evm.toRaw({ chainId, nonce, gasPrice, gas: TRANSFER_GAS, to, value, data: '0x' }),
    tokenTransfer: ({ nonce, gas, to, units }) =>
      evm.toRaw({
        ...{ chainId, nonce, gasPrice, gas, to: token, value: 0n },
        data: encodeTransfer({ to, units }),
      }),
  };
}

/** `price` in sun per unit of energy. */
export function createTronBuilder(
  options: TransactionOptions,
  price: bigint,
  { block }: Prices,
): TransactionBuilder {
  const { chain, now, validMs } = options;
  const reference = {
    // The last two bytes of the number, and the middle eight of the hash (TRON: "TaPoS").
    refBlockBytes: (block.number & 0xffff).toString(16).padStart(4, '0'),
    refBlockHash: block.hash.slice(18, 34),
    expiration: BigInt(now + validMs),
  };
  const toRawHex = (contract: tron.TronContract, feeLimit: bigint, nonce = 0) => {
    const timestamp = BigInt(now + nonce);
    return `0x${bytesToHex(tron.toRaw({ ...reference, timestamp, feeLimit, contract }))}`;
  };
  return {
    coinTransfer: (_, owner, to, sun) => toRawHex({ kind: 'transfer', owner, to, sun }, 0n),
    tokenTransfer: ({ from: owner, to, gas, units, nonce }) => {
      const data = encodeTransfer({ to, units });
      return toRawHex({ kind: 'trigger', owner, contract: chain.token, data }, gas * price, nonce);
    },
  };
}

/** The builder of the chain's address family. */
export function createBuilder(
  options: TransactionOptions,
  price: bigint,
  prices: Prices,
): TransactionBuilder {
  return options.chain.family === 'evm'
    ? createEvmBuilder(options, price)
    : createTronBuilder(options, price, prices);
}
