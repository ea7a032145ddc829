/** The names users know the networks by. */
import type { ChainName } from './contract.ts';

export const NETWORK_NAMES: Readonly<Record<ChainName, string>> = {
  tron: 'TRON (TRC-20)',
  bsc: 'BNB Smart Chain (BEP-20)',
  polygon: 'Polygon PoS',
};
