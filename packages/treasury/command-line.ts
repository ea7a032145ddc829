/** Parses the options and reads and writes the files of the treasury's commands. */
import { readFileSync, writeFileSync } from 'node:fs';
import {
  CHAIN_DEFAULTS,
  CHAINS,
  type ChainName,
  type HexAddress,
  isProviderUrl,
  parseAddress,
  type RpcProvider,
} from '@farebox/deposits';
import * as v from 'valibot';

export const HOUR_MS = 3_600_000;

/** An invalid option or file. The message is printed without a stack trace. */
export class UsageError extends Error {}

export type Options = Readonly<Record<string, string | boolean | undefined>>;

export function textOption(options: Options, name: string): string {
  const value = options[name];
  if (typeof value !== 'string' || value === '') throw new UsageError(`--${name} is required.`);
  return value;
}

export function chainOption(options: Options): ChainName {
  const text = textOption(options, 'chain');
  const chain = CHAINS.find((name) => name === text);
  if (chain === undefined) throw new UsageError(`--chain must be one of ${CHAINS.join(', ')}.`);
  return chain;
}

/**
 * A decimal amount, as an integer of its smallest unit. At most `decimals` digits after the point.
 */
export function amountOption(options: Options, name: string, decimals: number): bigint {
  const text = textOption(options, name);
  const [, whole = '', fraction = ''] = /^(\d{1,15})(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === '' || fraction.length > decimals) {
    throw new UsageError(`--${name} "${text}" isn’t an amount with up to ${decimals} decimals.`);
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
  if (value < 1 || value > max)
    throw new UsageError(`--${name} must be a number from 1 to ${max}.`);
  return value;
}

export function addressOption(options: Options, name: string, chain: ChainName): HexAddress {
  const text = textOption(options, name);
  const address = parseAddress(CHAIN_DEFAULTS[chain].family, text);
  if (address === null) throw new UsageError(`--${name} "${text}" isn’t an address on ${chain}.`);
  return address;
}

export function providerOption(options: Options): RpcProvider {
  const url = textOption(options, 'rpc');
  if (!isProviderUrl(url)) {
    throw new UsageError('--rpc must be an https URL without credentials, or http on loopback.');
  }
  const header = options.header;
  if (typeof header !== 'string') return { url };
  const at = header.indexOf(':');
  if (at < 1) throw new UsageError('--header must be "Name: value".');
  return { url, header: { name: header.slice(0, at).trim(), value: header.slice(at + 1).trim() } };
}

/** Writes a new file. Never overwrites one: a lost key file or signed plan can't be recreated. */
export function writeNew(path: string, value: unknown): void {
  try {
    writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch {
    throw new UsageError(`${path} can’t be written, or already exists.`);
  }
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
    throw new UsageError(`${path} isn’t JSON.`);
  }
}

const ADDRESS_RECORD = v.object({
  fingerprint: v.string(),
  index: v.pipe(v.number(), v.integer(), v.minValue(0)),
  address: v.pipe(v.string(), v.regex(/^0x[0-9a-f]{40}$/)),
});
type AddressRecord = Readonly<v.InferOutput<typeof ADDRESS_RECORD>>;

/** Reads the address list that operators download: one JSON object per line. */
export function readAddresses(path: string, fingerprint: string): readonly AddressRecord[] {
  const texts = readText(path)
    .split('\n')
    .filter((line) => line.trim() !== '');
  return texts.map((text, at) => {
    const record = v.safeParse(ADDRESS_RECORD, tryParseJson(text));
    if (!record.success) throw new UsageError(`${path}: line ${at + 1} isn’t an address record.`);
    if (record.output.fingerprint !== fingerprint) {
      throw new UsageError(`${path}: line ${at + 1} belongs to another key than --xpub.`);
    }
    return record.output;
  });
}

function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
