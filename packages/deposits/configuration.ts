/**
 * Chains and watch keys from an environment's texts. A text that can't be understood leaves its chain out
 * and is named: money is not looked for on a network that was half described.
 */
import type { AddressFamily } from '@farebox/ledger';
import { readAddress, readWatchKey, type WatchKey } from './addresses.ts';
import { CHAIN_DEFAULTS } from './chains.ts';
import {
  CHAINS,
  type Chain,
  type ChainName,
  type HexAddress,
  type RpcProvider,
} from './contract.ts';

type Texts = Readonly<Record<string, unknown>>;

export type Configuration = Readonly<{
  /** Those that are understood; one without a provider is switched off. */
  chains: readonly Chain[];
  /** By fingerprint: current and old ones. */
  keys: ReadonlyMap<string, WatchKey>;
  /** The key that new addresses hang below; absent where none is configured. */
  current: ReadonlyMap<AddressFamily, WatchKey>;
  /** Senders whose money an operator has to look at. */
  barred: readonly HexAddress[];
  /** Names of texts that are not what they should be. */
  flaws: readonly string[];
}>;

function textOf(texts: Texts, name: string): string {
  const text = texts[name];
  return typeof text === 'string' ? text.trim() : '';
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** `https://node.example|Header-Name: its value` */
function providerOf(text: string): RpcProvider | null {
  const [url = '', header = ''] = text.split('|').map((part) => part.trim());
  if (!URL.canParse(url) || !/^https?:/.test(url)) return null;
  if (header === '') return { url };
  const at = header.indexOf(':');
  if (at < 1) return null;
  return { url, header: { name: header.slice(0, at).trim(), value: header.slice(at + 1).trim() } };
}

type Flaws = string[];

function wholeOf<T>(texts: Texts, name: string, otherwise: T, flaws: Flaws): number | T {
  const text = textOf(texts, name);
  if (text === '') return otherwise;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  flaws.push(name);
  return otherwise;
}

function providersOf(texts: Texts, name: string, flaws: Flaws): readonly RpcProvider[] {
  const providers = listOf(textOf(texts, name)).map(providerOf);
  if (providers.includes(null)) flaws.push(name);
  return providers.flatMap((provider) => (provider === null ? [] : [provider]));
}

function tokenOf(texts: Texts, name: string, chain: Chain, flaws: Flaws): string {
  const text = textOf(texts, name);
  if (text === '') return chain.token;
  const token = readAddress(chain.family, text) ?? readAddress('evm', text);
  if (token === null) flaws.push(name);
  return token ?? chain.token;
}

function chainOf(texts: Texts, name: ChainName): Readonly<{ chain: Chain; flaws: Flaws }> {
  const prefix = name.toUpperCase();
  const flaws: Flaws = [];
  const providers = providersOf(texts, `${prefix}_RPC_URLS`, flaws);
  const defaults: Chain = { ...CHAIN_DEFAULTS[name], providers, startBlock: null };
  const depth = wholeOf(texts, `${prefix}_DEPTH`, defaults.depth, flaws);
  const chain = {
    ...defaults,
    token: tokenOf(texts, `${prefix}_TOKEN`, defaults, flaws),
    chainId: wholeOf(texts, `${prefix}_CHAIN_ID`, defaults.chainId, flaws),
    depth,
    largeDepth: wholeOf(
      texts,
      `${prefix}_LARGE_DEPTH`,
      Math.max(depth, defaults.largeDepth),
      flaws,
    ),
    windowMost: wholeOf(texts, `${prefix}_WINDOW`, defaults.windowMost, flaws),
    startBlock: wholeOf(texts, `${prefix}_START_BLOCK`, null, flaws),
  };
  return { chain, flaws };
}

function keysOf(texts: Texts, family: AddressFamily, flaws: Flaws): readonly WatchKey[] {
  const name = `XPUB_${family.toUpperCase()}`;
  const keys = listOf(textOf(texts, name)).flatMap((text) => {
    const read = readWatchKey(text);
    if (!read.ok) flaws.push(name);
    return read.ok ? [read.key] : [];
  });
  // One that can't be read may have been the current one: then there is none.
  return flaws.includes(name) ? [] : keys;
}

/** As their networks write them, or in hexadecimal. */
function barredOf(texts: Texts, flaws: Flaws): readonly HexAddress[] {
  return listOf(textOf(texts, 'BARRED_SENDERS')).flatMap((text) => {
    const address = readAddress(text.startsWith('T') ? 'tron' : 'evm', text);
    if (address === null) flaws.push('BARRED_SENDERS');
    return address ?? [];
  });
}

export function readConfiguration(texts: Texts): Configuration {
  const flaws: Flaws = [];
  const chains = CHAINS.flatMap((name) => {
    const read = chainOf(texts, name);
    flaws.push(...read.flaws);
    return read.flaws.length === 0 ? [read.chain] : [];
  });
  const evm = keysOf(texts, 'evm', flaws);
  const tron = keysOf(texts, 'tron', flaws);
  const current = new Map<AddressFamily, WatchKey>();
  if (evm[0] !== undefined) current.set('evm', evm[0]);
  if (tron[0] !== undefined) current.set('tron', tron[0]);
  const keys = new Map([...evm, ...tron].map((key) => [key.fingerprint, key]));
  return { chains, keys, current, barred: barredOf(texts, flaws), flaws };
}
