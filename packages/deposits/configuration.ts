/**
 * Parses chains, keys and blocked senders from the environment's variables. A chain with an invalid
 * variable is left out and the variable is named: deposits aren't scanned on a chain that is only
 * partly configured.
 */
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

/** Accepts the texts for which `parse` returns a value. */
function parsedBy<T>(parse: (text: string) => T | null) {
  return v.pipe(
    v.string(),
    v.transform(parse),
    v.custom<T>((value) => value !== null),
  );
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

function parseKey(text: string): WatchKey | null {
  const parsed = parseWatchKey(text);
  return parsed.ok ? parsed.key : null;
}

function parseSender(text: string): HexAddress | null {
  return parseAddress(text.startsWith('T') ? 'tron' : 'evm', text);
}

const KEYS = v.pipe(LIST, v.array(parsedBy(parseKey)));

function chainVariables({ family, token }: Pick<Chain, 'family' | 'token'>) {
  const parseToken = (text: string) =>
    text === '' ? token : (parseAddress(family, text) ?? parseAddress('evm', text));
  return v.object({
    RPC_URLS: v.pipe(LIST, v.array(parsedBy(parseProvider))),
    TOKEN: v.pipe(TEXT, parsedBy(parseToken)),
    CHAIN_ID: INTEGER,
    DEPTH: INTEGER,
    LARGE_DEPTH: INTEGER,
    WINDOW: INTEGER,
    START_BLOCK: INTEGER,
  });
}

/** The names of the top-level fields that have an issue. */
function listFields(issues: readonly v.BaseIssue<unknown>[]): readonly string[] {
  return [...new Set(issues.map((issue) => String(issue.path?.[0]?.key)))];
}

/** The chain, or the names of its invalid variables. */
function parseChain(env: EnvVars, name: ChainName): Chain | readonly string[] {
  const prefix = `${name.toUpperCase()}_`;
  const defaults = CHAIN_DEFAULTS[name];
  const schema = chainVariables(defaults);
  const variables = Object.keys(schema.entries).map((key) => [key, env[prefix + key]]);
  const parsed = v.safeParse(schema, Object.fromEntries(variables));
  if (!parsed.success) return listFields(parsed.issues).map((field) => prefix + field);
  const { RPC_URLS, TOKEN, CHAIN_ID, DEPTH, LARGE_DEPTH, WINDOW, START_BLOCK } = parsed.output;
  const depth = DEPTH ?? defaults.depth;
  return {
    ...defaults,
    providers: RPC_URLS,
    token: TOKEN,
    chainId: CHAIN_ID ?? defaults.chainId,
    depth,
    largeDepth: LARGE_DEPTH ?? Math.max(depth, defaults.largeDepth),
    maxWindow: WINDOW ?? defaults.maxWindow,
    startBlock: START_BLOCK ?? null,
  };
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
