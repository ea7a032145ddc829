/**
 * Parses chains, keys and blocked senders from the environment's variables. A chain with an invalid
 * variable is left out and the variable is named: deposits aren't scanned on a chain that is only
 * partly configured.
 */
import { isLoopback } from '@farebox/bindings';
import type { AddressFamily } from '@farebox/ledger';
import * as v from 'valibot';
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
  /** The chains with valid variables. A chain without a provider is disabled. */
  chains: readonly Chain[];
  /** Current and former keys by fingerprint. */
  keys: ReadonlyMap<string, WatchKey>;
  /** The key that new addresses are derived from. Absent for a family without a key. */
  currentKeys: ReadonlyMap<AddressFamily, WatchKey>;
  /** Senders whose deposits wait for an operator's review. */
  blockedSenders: readonly HexAddress[];
  /** Names of the variables that can't be parsed. */
  invalidVariables: readonly string[];
}>;

/** A variable's text without surrounding space. Empty when it is missing or not a text. */
const TEXT = v.pipe(
  v.unknown(),
  v.transform((value) => (typeof value === 'string' ? value.trim() : '')),
);
/** Comma separated. */
const LIST = v.pipe(
  TEXT,
  v.transform((text) => text.split(',').map((item) => item.trim())),
  v.filterItems((item) => item !== ''),
);
/** A whole number of up to 12 digits. Undefined when empty. */
const INTEGER = v.pipe(
  TEXT,
  v.regex(/^\d{0,12}$/),
  v.transform((text) => (text === '' ? undefined : Number(text))),
);

/** `true`, `false`, or empty for false. */
const FLAG = v.pipe(
  TEXT,
  v.picklist(['', 'true', 'false']),
  v.transform((text) => text === 'true'),
);

/** Accepts the texts for which `parse` returns a value. */
function parsedBy<T>(parse: (text: string) => T | null) {
  return v.pipe(
    v.string(),
    v.transform(parse),
    v.custom<T>((value) => value !== null),
  );
}

/**
 * Checks whether a provider may be asked at `url`: over TLS, or on this machine. Over plain HTTP a
 * party in between can show transfers that nobody made.
 */
export function isProviderUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  // `fetch` refuses a URL with credentials (Fetch standard, "includes credentials").
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** `https://node.example|Header-Name: its value` */
function parseProvider(text: string): RpcProvider | null {
  const [url = '', header = ''] = text.split('|').map((part) => part.trim());
  if (!isProviderUrl(url)) return null;
  if (header === '') return { url };
  const at = header.indexOf(':');
  if (at < 1) return null;
  return { url, header: { name: header.slice(0, at).trim(), value: header.slice(at + 1).trim() } };
}

function parseKey(text: string): WatchKey | null {
  const parsed = parseWatchKey(text);
  return parsed.ok ? parsed.key : null;
}

function parseSender(text: string): HexAddress | null {
  return parseAddress(text.startsWith('T') ? 'tron' : 'evm', text);
}

const KEYS = v.pipe(LIST, v.array(parsedBy(parseKey)));

function chainVariables({
  family,
  token,
  minWindow,
}: Pick<Chain, 'family' | 'token' | 'minWindow'>) {
  const parseToken = (text: string) =>
    text === '' ? token : (parseAddress(family, text) ?? parseAddress('evm', text));
  return v.object({
    RPC_URLS: v.pipe(LIST, v.array(parsedBy(parseProvider))),
    TOKEN: v.pipe(TEXT, parsedBy(parseToken)),
    CHAIN_ID: INTEGER,
    DEPTH: INTEGER,
    LARGE_DEPTH: INTEGER,
    WINDOW: v.pipe(
      INTEGER,
      v.check((window) => window === undefined || window >= minWindow),
    ),
    START_BLOCK: INTEGER,
    ONE_PROVIDER: FLAG,
  });
}

/** The names of the top-level fields that have an issue. */
function listFields(issues: readonly v.BaseIssue<unknown>[]): readonly string[] {
  return [...new Set(issues.map((issue) => String(issue.path?.[0]?.key)))];
}

/** The host of a provider; `node.example.` is the same host as `node.example`. */
function getHost({ url }: RpcProvider): string {
  return new URL(url).hostname.replace(/\.+$/, '');
}

/**
 * Whose word a host gives: hosts under one domain are one company's, so that two of them agree on
 * whatever it says. An address has its own. Under a public suffix of two labels this takes two
 * companies for one, which `<CHAIN>_ONE_PROVIDER=true` allows.
 */
function getParty(host: string): string {
  const isAddress = host.includes(':') || /^[\d.]+$/.test(host);
  return isAddress ? host : host.split('.').slice(-2).join('.');
}

/**
 * The fields that make a chain's data one party's word or credit a block that may still change: a
 * single provider, or several hosts of one, unless `<CHAIN>_ONE_PROVIDER=true` says so aloud, one
 * host named twice, a depth below the floor, and fewer confirmations for large amounts than for small ones.
 */
function findUnsafeFields(
  { providers, depth, largeDepth }: Chain,
  minDepth: number,
  isOneEnough: boolean,
): readonly string[] {
  const hosts = providers.map(getHost);
  // Chains on this machine are test chains: anvil makes its own blocks.
  const isLocal = hosts.every(isLoopback);
  const hasRepeatedHost = new Set(hosts).size < hosts.length;
  const parties = new Set(hosts.map(getParty));
  const isUnconfirmed = parties.size === 1 && !isOneEnough;
  const checks = [
    ['RPC_URLS', !isLocal && (hasRepeatedHost || isUnconfirmed)],
    ['DEPTH', !isLocal && depth < minDepth],
    ['LARGE_DEPTH', largeDepth < depth],
  ] as const;
  return checks.flatMap(([field, isUnsafe]) => (isUnsafe ? [field] : []));
}

/** The chain, or the names of its invalid variables. */
function parseChain(env: EnvVars, name: ChainName): Chain | readonly string[] {
  const prefix = `${name.toUpperCase()}_`;
  const { minDepth, ...defaults } = CHAIN_DEFAULTS[name];
  const schema = chainVariables(defaults);
  const variables = Object.keys(schema.entries).map((key) => [key, env[prefix + key]]);
  const parsed = v.safeParse(schema, Object.fromEntries(variables));
  if (!parsed.success) return listFields(parsed.issues).map((field) => prefix + field);
  const { RPC_URLS, TOKEN, CHAIN_ID, DEPTH, LARGE_DEPTH, WINDOW, START_BLOCK } = parsed.output;
  const depth = DEPTH ?? defaults.depth;
  const chain: Chain = {
    ...defaults,
    providers: RPC_URLS,
    token: TOKEN,
    chainId: CHAIN_ID ?? defaults.chainId,
    depth,
    largeDepth: LARGE_DEPTH ?? Math.max(depth, defaults.largeDepth),
    maxWindow: WINDOW ?? defaults.maxWindow,
    startBlock: START_BLOCK ?? null,
  };
  const unsafe = findUnsafeFields(chain, minDepth, parsed.output.ONE_PROVIDER);
  return unsafe.length === 0 ? chain : unsafe.map((field) => prefix + field);
}

/** The keys of a family. None if one is invalid, because that one may be the current key. */
function parseKeys(
  env: EnvVars,
  family: AddressFamily,
  invalidVariables: string[],
): readonly WatchKey[] {
  const name = `XPUB_${family.toUpperCase()}`;
  const parsed = v.safeParse(KEYS, env[name]);
  if (parsed.success) return parsed.output;
  invalidVariables.push(name);
  return [];
}

/** The valid senders of a list. They stay blocked when another one on the list is invalid. */
function parseSenders(
  env: EnvVars,
  name: string,
  invalidVariables: string[],
): readonly HexAddress[] {
  return v.parse(LIST, env[name]).flatMap((text) => {
    const sender = parseSender(text);
    if (sender === null) invalidVariables.push(name);
    return sender ?? [];
  });
}

/** Parses all variables. Invalid ones are named in the result; nothing throws. */
export function parseConfiguration(env: EnvVars): Configuration {
  const invalidVariables: string[] = [];
  const chains: Chain[] = [];
  for (const name of CHAINS) {
    const chain = parseChain(env, name);
    if ('name' in chain) chains.push(chain);
    else invalidVariables.push(...chain);
  }
  const evm = parseKeys(env, 'evm', invalidVariables);
  const tron = parseKeys(env, 'tron', invalidVariables);
  const currentKeys = new Map<AddressFamily, WatchKey>();
  if (evm[0] !== undefined) currentKeys.set('evm', evm[0]);
  if (tron[0] !== undefined) currentKeys.set('tron', tron[0]);
  // The second name is the former one, accepted for one release.
  const blockedSenders = ['BLOCKED_SENDERS', 'BARRED_SENDERS'].flatMap((name) =>
    parseSenders(env, name, invalidVariables),
  );
  return {
    chains,
    keys: new Map([...evm, ...tron].map((key) => [key.fingerprint, key])),
    currentKeys,
    blockedSenders,
    invalidVariables,
  };
}
