/**
 * The three networks on one machine: an anvil each, with the real networks' chain ids and a contract at
 * USDT's own address that does what matters of it (token/TestUsdt.sol). Money here is made of nothing;
 * the keys behind the addresses are made up at the first start and are worth nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CHAIN_DEFAULTS, CHAINS, type ChainName } from '@farebox/deposits';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { HDKey } from '@scure/bip32';
import { depositSeed } from './secrets.ts';
import frozen from './token/token.generated.json' with { type: 'json' };

export type LocalChains = Readonly<{
  /** How the deposits Worker and the console find them. */
  texts: Readonly<Record<string, string>>;
  urls: Readonly<Record<ChainName, string>>;
  /** Sends `units` of USDT to an address in hexadecimal; answers the transaction's hash. */
  pay(chain: ChainName, to: string, units: bigint): Promise<string>;
  mine(chain: ChainName, blocks: number): Promise<void>;
  ask(chain: ChainName, method: string, params: readonly unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}>;

export type ChainsOptions = Readonly<{
  stateDir: string;
  /** Seconds between blocks; null: only `mine` makes one. */
  blockSeconds: number | null;
}>;

/** anvil's first account, unlocked: it pays the gas and is the faucet. */
const FAUCET = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266';
/** `finalized` is two epochs below the head. */
const EPOCH_SLOTS = 2;
const READY_WITHIN_MS = 20_000;

/** TestUsdt.sol, compiled. */
const TOKEN_CODE = frozen.code;
/** More than anybody asks of a faucet, in units of 18 decimals. */
const FAUCET_BALANCE = 10n ** 36n;
/** `transfer(address,uint256)` */
const TRANSFER = '0xa9059cbb';

/** Where this machine's anvil is; null where npm has none for it. */
export function anvilPath(): string | null {
  const os = process.platform === 'win32' ? 'win32' : process.platform;
  const cpu = process.arch === 'x64' ? 'amd64' : process.arch;
  try {
    const wrapper = createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json');
    const name = `@foundry-rs/anvil-${os}-${cpu}/bin/anvil${os === 'win32' ? '.exe' : ''}`;
    return createRequire(wrapper).resolve(name);
  } catch {
    return null;
  }
}

type Anvil = Readonly<{ url: string; stop(): Promise<void> }>;

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

async function addressOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('anvil has no output');
  const late = setTimeout(() => child.kill('SIGKILL'), READY_WITHIN_MS);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const found = /Listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (found !== undefined) return `http://${found}`;
    }
    throw new Error('anvil ended before it listened');
  } finally {
    clearTimeout(late);
  }
}

/** The native binary, not its wrapper: that one exits before its child. */
async function startAnvil(
  path: string,
  chain: ChainName,
  { stateDir, blockSeconds }: ChainsOptions,
): Promise<Anvil> {
  const folder = join(stateDir, 'chains');
  mkdirSync(folder, { recursive: true });
  const child = spawn(
    path,
    [
      ...['--host', '127.0.0.1', '--port', '0'],
      ...['--chain-id', String(CHAIN_DEFAULTS[chain].chainId)],
      ...['--slots-in-an-epoch', String(EPOCH_SLOTS)],
      ...['--state', join(folder, `${chain}.json`)],
      ...(blockSeconds === null ? ['--no-mining'] : ['--block-time', String(blockSeconds)]),
    ],
    { stdio: ['ignore', 'pipe', 'ignore'], env: { FOUNDRY_DISABLE_NIGHTLY_WARNING: '1' } },
  );
  const url = await addressOf(child);
  // What it goes on to print has to go somewhere, or the pipe fills and it stands still.
  child.stdout?.resume();
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended(child);
      clearTimeout(killer);
    },
  };
}

async function ask(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const answer: unknown = await response.json();
  if (typeof answer !== 'object' || answer === null || 'error' in answer) {
    throw new Error(`anvil refused ${method}`);
  }
  return Reflect.get(answer, 'result');
}

/** The operator's public keys of this machine. */
function xpubs(stateDir: string): Readonly<Record<string, string>> {
  const root = HDKey.fromMasterSeed(Buffer.from(depositSeed(stateDir), 'hex'));
  return {
    XPUB_EVM: root.derive("m/44'/60'/0'").publicExtendedKey,
    XPUB_TRON: root.derive("m/44'/195'/0'").publicExtendedKey,
  };
}

function textsOf(
  urls: Readonly<Record<ChainName, string>>,
  keys: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const texts: Record<string, string> = { ...keys };
  for (const chain of CHAINS) {
    const prefix = chain.toUpperCase();
    texts[`${prefix}_RPC_URLS`] = urls[chain];
    // A block a second or two, nobody to reorganise them: a newcomer should not wait for minutes.
    texts[`${prefix}_DEPTH`] = '2';
    texts[`${prefix}_LARGE_DEPTH`] = '4';
    texts[`${prefix}_START_BLOCK`] = '0';
  }
  return texts;
}

function word(value: bigint): string {
  return value.toString(16).padStart(64, '0');
}

/** Where Solidity keeps a mapping's value: keccak-256 of the key and the mapping's slot, here 0. */
function balanceSlot(address: string): string {
  return `0x${bytesToHex(keccak_256(hexToBytes(word(BigInt(address)) + word(0n))))}`;
}

/** The contract at the token's own address, and the faucet full. */
async function placeToken(url: string, token: string): Promise<void> {
  await ask(url, 'anvil_setCode', [token, TOKEN_CODE]);
  const balance = `0x${word(FAUCET_BALANCE)}`;
  await ask(url, 'anvil_setStorageAt', [token, balanceSlot(FAUCET), balance]);
}

export async function startChains(path: string, options: ChainsOptions): Promise<LocalChains> {
  const started = await Promise.all(
    CHAINS.map(async (chain) => [chain, await startAnvil(path, chain, options)] as const),
  );
  const anvils = new Map<ChainName, Anvil>(started);
  const urlOf = (chain: ChainName) => anvils.get(chain)?.url ?? '';
  for (const chain of CHAINS) await placeToken(urlOf(chain), CHAIN_DEFAULTS[chain].token);
  const urls = { tron: urlOf('tron'), bsc: urlOf('bsc'), polygon: urlOf('polygon') };
  return {
    texts: textsOf(urls, xpubs(options.stateDir)),
    urls,
    ask: (chain, method, params) => ask(urls[chain], method, params),
    pay: async (chain, to, units) => {
      const data = TRANSFER + word(BigInt(to)) + word(units);
      const transaction = { from: FAUCET, to: CHAIN_DEFAULTS[chain].token, data, gas: '0x186a0' };
      return String(await ask(urls[chain], 'eth_sendTransaction', [transaction]));
    },
    mine: async (chain, blocks) => {
      await ask(urls[chain], 'anvil_mine', [`0x${blocks.toString(16)}`]);
    },
    stop: async () => {
      await Promise.all([...anvils.values()].map((anvil) => anvil.stop()));
    },
  };
}
