/**
 * Chains and watch keys from an environment's texts. A text that can't be understood leaves its chain out
 * and is named: money is not looked for on a network that was half described.
 */
import type { AddressFamily } from '@farebox/ledger';
import { parseAddress, parseWatchKey, type WatchKey } from './addresses.ts';
import { CHAIN_DEFAULTS } from './chains.ts';
import {
  CHAINS,
  type Chain,
  type ChainName,
  type HexAddress,
  type RpcProvider,
} from './contract.ts';

type EnvVars = Readonly<Record<string, unknown>>;

export type Configuration = Readonly<{
  /** Those that are understood; one without a provider is switched off. */
  chains: readonly Chain[];
  /** By fingerprint: current and old ones. */
  keys: ReadonlyMap<string, WatchKey>;
  /** The key that new addresses hang below; absent where none is configured. */
  currentKeys: ReadonlyMap<AddressFamily, WatchKey>;
  /** Senders whose money an operator has to look at. */
  blockedSenders: readonly HexAddress[];
  /** Names of texts that are not what they should be. */
  invalidVariables: readonly string[];
}>;

function getVar(env: EnvVars, name: string): string {
  const text = env[name];
  return typeof text === 'string' ? text.trim() : '';
}

function parseList(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** `https://node.example|Header-Name: its value` */
function parseProvider(text: string): RpcProvider | null {
  const [url = '', header = ''] = text.split('|').map((part) => part.trim());
  if (!URL.canParse(url) || !/^https?:/.test(url)) return null;
  if (header === '') return { url };
  const at = header.indexOf(':');
  if (at < 1) return null;
  return { url, header: { name: header.slice(0, at).trim(), value: header.slice(at + 1).trim() } };
}

type InvalidVariables = string[];

function parseInteger<T>(
  env: EnvVars,
  name: string,
  fallback: T,
  invalidVariables: InvalidVariables,
): number | T {
  const text = getVar(env, name);
  if (text === '') return fallback;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  invalidVariables.push(name);
  return fallback;
}

function parseProviders(
  env: EnvVars,
  name: string,
  invalidVariables: InvalidVariables,
): readonly RpcProvider[] {
  const providers = parseList(getVar(env, name)).map(parseProvider);
  if (providers.includes(null)) invalidVariables.push(name);
  return providers.flatMap((provider) => (provider === null ? [] : [provider]));
}

function parseToken(
  env: EnvVars,
  name: string,
  chain: Chain,
  invalidVariables: InvalidVariables,
): string {
  const text = getVar(env, name);
  if (text === '') return chain.token;
  const token = parseAddress(chain.family, text) ?? parseAddress('evm', text);
  if (token === null) invalidVariables.push(name);
  return token ?? chain.token;
}

function parseChain(
  env: EnvVars,
  name: ChainName,
): Readonly<{ chain: Chain; invalidVariables: InvalidVariables }> {
  const prefix = name.toUpperCase();
  const invalidVariables: InvalidVariables = [];
  const providers = parseProviders(env, `${prefix}_RPC_URLS`, invalidVariables);
  const defaults: Chain = { ...CHAIN_DEFAULTS[name], providers, startBlock: null };
  const depth = parseInteger(env, `${prefix}_DEPTH`, defaults.depth, invalidVariables);
  const chain = {
    ...defaults,
    token: parseToken(env, `${prefix}_TOKEN`, defaults, invalidVariables),
    chainId: parseInteger(env, `${prefix}_CHAIN_ID`, defaults.chainId, invalidVariables),
    depth,
    largeDepth: parseInteger(
      env,
      `${prefix}_LARGE_DEPTH`,
      Math.max(depth, defaults.largeDepth),
      invalidVariables,
    ),
    maxWindow: parseInteger(env, `${prefix}_WINDOW`, defaults.maxWindow, invalidVariables),
    startBlock: parseInteger(env, `${prefix}_START_BLOCK`, null, invalidVariables),
  };
  return { chain, invalidVariables };
}

function parseKeys(
  env: EnvVars,
  family: AddressFamily,
  invalidVariables: InvalidVariables,
): readonly WatchKey[] {
  const name = `XPUB_${family.toUpperCase()}`;
  const keys = parseList(getVar(env, name)).flatMap((text) => {
    const read = parseWatchKey(text);
    if (!read.ok) invalidVariables.push(name);
    return read.ok ? [read.key] : [];
  });
  // One that can't be read may have been the current one: then there is none.
  return invalidVariables.includes(name) ? [] : keys;
}

/** As their networks write them, or in hexadecimal. */
function parseBlockedSenders(
  env: EnvVars,
  invalidVariables: InvalidVariables,
): readonly HexAddress[] {
  return parseList(getVar(env, 'BARRED_SENDERS')).flatMap((text) => {
    const address = parseAddress(text.startsWith('T') ? 'tron' : 'evm', text);
    if (address === null) invalidVariables.push('BARRED_SENDERS');
    return address ?? [];
  });
}

export function parseConfiguration(env: EnvVars): Configuration {
  const invalidVariables: InvalidVariables = [];
  const chains = CHAINS.flatMap((name) => {
    const read = parseChain(env, name);
    invalidVariables.push(...read.invalidVariables);
    return read.invalidVariables.length === 0 ? [read.chain] : [];
  });
  const evm = parseKeys(env, 'evm', invalidVariables);
  const tron = parseKeys(env, 'tron', invalidVariables);
  const currentKeys = new Map<AddressFamily, WatchKey>();
  if (evm[0] !== undefined) currentKeys.set('evm', evm[0]);
  if (tron[0] !== undefined) currentKeys.set('tron', tron[0]);
  const keys = new Map([...evm, ...tron].map((key) => [key.fingerprint, key]));
  return {
    chains,
    keys,
    currentKeys,
    blockedSenders: parseBlockedSenders(env, invalidVariables),
    invalidVariables,
  };
}
