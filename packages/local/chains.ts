/**
 * The three chains as local nodes: one anvil each, with the real chain ids and a test token at
 * USDT's own address (token/TestUsdt.sol). The faucet mints test USDT. The keys of the deposit
 * addresses are generated at the first start and hold nothing of value.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CHAIN_DEFAULTS, CHAINS, type ChainName } from '@farebox/deposits';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { HDKey } from '@scure/bip32';
import { type Anvil, startAnvil } from './anvil.ts';
import { createAnvilRpc } from './anvil-rpc.ts';
import { serveFaucet } from './faucet-server.ts';
import { serveJavaTron } from './java-tron.ts';
import { depositSeed } from './secrets.ts';
import frozen from './token/token.generated.json' with { type: 'json' };

export type LocalChains = Readonly<{
  /** The bindings of the deposits Worker and the console. */
  bindings: Readonly<Record<string, string>>;
  /** The JSON-RPC URLs. TRON's behaves like java-tron's. */
  urls: Readonly<Record<ChainName, string>>;
  /** The URL that the console's faucet button calls. */
  faucetUrl: string;
  /** Sends `units` of USDT to an address in hexadecimal. Resolves to the transaction's hash. */
  pay(chain: ChainName, to: string, units: bigint): Promise<string>;
  mine(chain: ChainName, blocks: number): Promise<void>;
  /** Calls a JSON-RPC method of anvil itself. */
  callAnvil(chain: ChainName, method: string, params: readonly unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}>;

export type ChainsOptions = Readonly<{
  stateDir: string;
  /** The block time. Null: only `mine` mines blocks. */
  blockSeconds: number | null;
}>;

/** anvil's first account, unlocked. It is the faucet and pays the gas. */
const FAUCET = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266';

/** TestUsdt.sol, compiled. */
const TOKEN_CODE = frozen.code;
/** In units of 18 decimals: more than the faucet ever sends. */
const FAUCET_BALANCE = 10n ** 36n;
/** `transfer(address,uint256)` */
const TRANSFER = '0xa9059cbb';

/** The operator's public keys of this local stack. */
function xpubs(stateDir: string): Readonly<Record<string, string>> {
  const root = HDKey.fromMasterSeed(Buffer.from(depositSeed(stateDir), 'hex'));
  return {
    XPUB_EVM: root.derive("m/44'/60'/0'").publicExtendedKey,
    XPUB_TRON: root.derive("m/44'/195'/0'").publicExtendedKey,
  };
}

function buildBindings(
  urls: Readonly<Record<ChainName, string>>,
  keys: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const bindings: Record<string, string> = { ...keys };
  for (const chain of CHAINS) {
    const prefix = chain.toUpperCase();
    bindings[`${prefix}_RPC_URLS`] = urls[chain];
    // Local blocks are never reorganized, so deposits needn't wait long.
    bindings[`${prefix}_DEPTH`] = '2';
    bindings[`${prefix}_LARGE_DEPTH`] = '4';
    bindings[`${prefix}_START_BLOCK`] = '0';
  }
  return bindings;
}

function word(value: bigint): string {
  return value.toString(16).padStart(64, '0');
}

/**
 * The storage slot of a mapping's value in Solidity: keccak-256 of the key and the mapping's slot,
 * here 0.
 */
function balanceSlot(address: string): string {
  return `0x${bytesToHex(keccak_256(hexToBytes(word(BigInt(address)) + word(0n))))}`;
}

/** Puts the test token at USDT's address and gives the faucet its balance. */
async function placeToken(url: string, token: string): Promise<void> {
  await createAnvilRpc(url)('anvil_setCode', [token, TOKEN_CODE]);
  const balance = `0x${word(FAUCET_BALANCE)}`;
  await createAnvilRpc(url)('anvil_setStorageAt', [token, balanceSlot(FAUCET), balance]);
}

function anvilOptions(chain: ChainName, { stateDir, blockSeconds }: ChainsOptions) {
  const folder = join(stateDir, 'chains');
  mkdirSync(folder, { recursive: true });
  const { chainId } = CHAIN_DEFAULTS[chain];
  return { chainId, blockSeconds, stateFile: join(folder, `${chain}.json`) };
}

/** Starts the chains, java-tron's facade and the faucet server. `path` is anvil's. */
export async function startChains(path: string, options: ChainsOptions): Promise<LocalChains> {
  const started = await Promise.all(
    CHAINS.map(
      async (chain) => [chain, await startAnvil(path, anvilOptions(chain, options))] as const,
    ),
  );
  const anvils = new Map<ChainName, Anvil>(started);
  const anvilUrl = (chain: ChainName) => anvils.get(chain)?.url ?? '';
  for (const chain of CHAINS) await placeToken(anvilUrl(chain), CHAIN_DEFAULTS[chain].token);
  const anvilUrls = { tron: anvilUrl('tron'), bsc: anvilUrl('bsc'), polygon: anvilUrl('polygon') };
  const tron = await serveJavaTron(anvilUrls.tron);
  const urls = { ...anvilUrls, tron: `${tron.url}/jsonrpc` };
  const pay = async (chain: ChainName, to: string, units: bigint) => {
    const data = TRANSFER + word(BigInt(to)) + word(units);
    const transaction = { from: FAUCET, to: CHAIN_DEFAULTS[chain].token, data, gas: '0x186a0' };
    return String(await createAnvilRpc(anvilUrls[chain])('eth_sendTransaction', [transaction]));
  };
  const faucet = await serveFaucet(pay);
  return {
    bindings: buildBindings(urls, xpubs(options.stateDir)),
    urls,
    callAnvil: (chain, method, params) => createAnvilRpc(anvilUrls[chain])(method, params),
    faucetUrl: faucet.url,
    pay,
    mine: async (chain, blocks) => {
      await createAnvilRpc(anvilUrls[chain])('anvil_mine', [`0x${blocks.toString(16)}`]);
    },
    stop: async () => {
      await faucet.stop();
      await tron.stop();
      await Promise.all([...anvils.values()].map((anvil) => anvil.stop()));
    },
  };
}
