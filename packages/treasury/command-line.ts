/** Options and files of the treasury's commands: what was typed, as values or as the sentence that says what is wrong. */
import { readFileSync } from 'node:fs';
import {
  CHAIN_DEFAULTS,
  CHAINS,
  type ChainName,
  type HexAddress,
  parseAddress,
  type RpcProvider,
} from '@farebox/deposits';

/** Something typed or written that can't be used; its message is for whoever typed it. */
export class UsageError extends Error {}

export type Options = Readonly<Record<string, string | boolean | undefined>>;

export function textOption(options: Options, name: string): string {
  const value = options[name];
  if (typeof value !== 'string' || value === '') throw new UsageError(`--${name} is missing.`);
  return value;
}

export function chainOption(options: Options): ChainName {
  const text = textOption(options, 'chain');
  const chain = CHAINS.find((name) => name === text);
  if (chain === undefined) throw new UsageError(`--chain is one of ${CHAINS.join(', ')}.`);
  return chain;
}

/** Decimal, exactly; `decimals` after the point at most. */
export function amountOption(options: Options, name: string, decimals: number): bigint {
  const text = textOption(options, name);
  const [, whole = '', fraction = ''] = /^(\d{1,15})(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === '' || fraction.length > decimals) {
    throw new UsageError(`--${name} "${text}" is not an amount with up to ${decimals} decimals.`);
  }
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}

export function integerOption(
  options: Options,
  name: string,
  fallback: number,
  max: number,
): number {
  const text = options[name];
  if (text === undefined) return fallback;
  const value = typeof text === 'string' && /^\d{1,6}$/.test(text) ? Number(text) : -1;
  if (value < 1 || value > max) throw new UsageError(`--${name} is a number from 1 to ${max}.`);
  return value;
}

export function addressOption(options: Options, name: string, chain: ChainName): HexAddress {
  const text = textOption(options, name);
  const address = parseAddress(CHAIN_DEFAULTS[chain].family, text);
  if (address === null) throw new UsageError(`--${name} "${text}" is not an address of ${chain}.`);
  return address;
}

export function providerOption(options: Options): RpcProvider {
  const url = textOption(options, 'rpc');
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw new UsageError('--rpc is not a URL.');
  const header = options.header;
  if (typeof header !== 'string') return { url };
  const at = header.indexOf(':');
  if (at < 1) throw new UsageError('--header is "Name: value".');
  return { url, header: { name: header.slice(0, at).trim(), value: header.slice(at + 1).trim() } };
}

export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new UsageError(`${path} can’t be read.`);
  }
}

export function readJson(path: string): unknown {
  try {
    return JSON.parse(readText(path));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path} is not JSON.`);
  }
}

type AddressRecord = Readonly<{ fingerprint: string; index: number; address: HexAddress }>;

function parseAddressRecord(value: unknown): AddressRecord | null {
  const field = (name: string): unknown => Reflect.get(Object(value), name);
  const [fingerprint, index, address] = [field('fingerprint'), field('index'), field('address')];
  if (typeof fingerprint !== 'string' || typeof address !== 'string') return null;
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0) return null;
  return /^0x[0-9a-f]{40}$/.test(address) ? { fingerprint, index, address } : null;
}

/** The list operators download: an object of JSON a line. */
export function readAddresses(path: string, fingerprint: string): readonly AddressRecord[] {
  const texts = readText(path)
    .split('\n')
    .filter((line) => line.trim() !== '');
  return texts.map((text, at) => {
    const record = parseAddressRecord(tryParseJson(text));
    if (record === null) throw new UsageError(`${path}: line ${at + 1} is not an address.`);
    if (record.fingerprint !== fingerprint) {
      throw new UsageError(`${path}: line ${at + 1} hangs below another key than --xpub.`);
    }
    return record;
  });
}

function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
