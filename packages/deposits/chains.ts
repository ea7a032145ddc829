/**
 * Defaults of the three chains, from their own documentation. An operator may override them by
 * configuration. Contract addresses: tether.to/supported-protocols (TRON
 * TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t, Polygon) and the Binance-Peg BSC-USD token. Chain ids:
 * EIP-155 and java-tron's EthChainId. Freezing: `isBlackListed(address)` on TRON,
 * `isBlocked(address)` on Polygon; BSC-USD can't freeze addresses. Pure.
 */
import type { AddressFamily } from '@farebox/ledger';
import type { Chain, ChainName } from './contract.ts';

type Defaults = Omit<Chain, 'providers' | 'startBlock'> &
  Readonly<{
    /**
     * The least `depth` that a configuration may set. A provider's word for "final" alone is enough
     * on TRON only.
     */
    minDepth: number;
  }>;

const MILLION = 10n ** 6n;
const ETHER = 10n ** 18n;

export const CHAIN_DEFAULTS: Readonly<Record<ChainName, Defaults>> = {
  tron: {
    name: 'tron',
    family: 'tron',
    chainId: 728_126_428,
    token: '0xa614f803b6fd780986a42c78ec9c7f77e6ded13c',
    decimals: 6,
    // A solidified block has 19 of 27 representatives built on it; more depth isn't needed.
    depth: 0,
    minDepth: 0,
    largeDepth: 0,
    largeUnits: 200n * MILLION,
    minimumUnits: 1n * MILLION,
    // java-tron's own limit is 5,000 blocks; half of it suits providers that allow less.
    maxWindow: 2500,
    minWindow: 1,
    overlap: 40,
    frozenSelector: '0xe47d6060',
    blockMs: 3000,
  },
  bsc: {
    name: 'bsc',
    family: 'evm',
    chainId: 56,
    token: '0x55d398326f99059ff775485246999027b3197955',
    decimals: 18,
    depth: 64,
    // What payment processors use here (dv.net and BEpusdt, 15 confirmations).
    minDepth: 15,
    largeDepth: 128,
    largeUnits: 200n * ETHER,
    minimumUnits: 1n * ETHER,
    maxWindow: 2000,
    minWindow: 1,
    overlap: 400,
    frozenSelector: null,
    blockMs: 450,
  },
  polygon: {
    name: 'polygon',
    family: 'evm',
    chainId: 137,
    token: '0xc2132d05d31c914a87c6611c10748aeb04b58e8f',
    decimals: 6,
    // Polygon's `finalized` tag was violated before, hence the additional depth.
    depth: 64,
    minDepth: 64,
    largeDepth: 256,
    largeUnits: 200n * MILLION,
    minimumUnits: 1n * MILLION,
    maxWindow: 1000,
    minWindow: 1,
    overlap: 200,
    frozenSelector: '0xfbac3951',
    blockMs: 1750,
  },
};

export const CHAINS_BY_FAMILY: Readonly<Record<AddressFamily, readonly ChainName[]>> = {
  tron: ['tron'],
  evm: ['bsc', 'polygon'],
};
