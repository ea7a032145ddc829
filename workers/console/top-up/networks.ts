/** How a network is shown: name, explorer links, and the time until a deposit is credited. */
import { isLoopback } from '@farebox/bindings';
import type { Chain, ChainName } from '@farebox/deposits';

/** As wallets and explorers of the network show it: TRON's have no 0x. */
export function formatTransactionHash({ name }: Readonly<{ name: string }>, hash: string): string {
  return name === 'tron' ? hash.replace(/^0x/, '') : hash;
}

/** TRON explorers show hashes without 0x. */
const EXPLORERS: Readonly<Record<ChainName, (hash: string) => string>> = {
  tron: (hash) => `https://tronscan.org/#/transaction/${hash.slice(2)}`,
  bsc: (hash) => `https://bscscan.com/tx/${hash}`,
  polygon: (hash) => `https://polygonscan.com/tx/${hash}`,
};

const CONTRACTS: Readonly<Record<ChainName, (text: string) => string>> = {
  tron: (text) => `https://tronscan.org/#/contract/${text}`,
  bsc: (text) => `https://bscscan.com/token/${text}`,
  polygon: (text) => `https://polygonscan.com/token/${text}`,
};

/** Local networks are in no explorer. */
function isPublic({ providers }: Chain): boolean {
  return providers.some(({ url }) => !isLoopback(URL.parse(url)?.hostname ?? ''));
}

export function transactionLink(chain: Chain, hash: string): string | null {
  return isPublic(chain) ? EXPLORERS[chain.name](hash) : null;
}

export function contractLink(chain: Chain, text: string): string | null {
  return isPublic(chain) ? CONTRACTS[chain.name](text) : null;
}

/** An EIP-681 link that opens a wallet on this device; the user chooses the amount. */
export function walletLink({ token, chainId }: Chain, address: string): string {
  return `ethereum:${token}@${chainId}/transfer?address=${address}`;
}

/**
 * TRON's final block is about 19 below its head (chain documentation: 19 of 27 representatives).
 */
const TRON_BLOCKS_TO_FINAL = 19;
const SCAN_EVERY_MS = 60_000;

/**
 * Returns the whole minutes from the transfer's block to the credit, including a minute for
 * polling.
 */
export function minutesToCredit({ name, depth, blockMs }: Chain): number {
  const blocks = name === 'tron' ? Math.max(depth, TRON_BLOCKS_TO_FINAL) : depth;
  return Math.ceil((blocks * blockMs + SCAN_EVERY_MS) / 60_000);
}
