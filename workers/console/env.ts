/**
 * The only reader of the console's bindings. It checks them at first use and fails loudly, naming the
 * missing one and nothing of its value. What is built from them is kept for the life of the isolate.
 */
import { connect } from '@farebox/database';
import type { IdentityHouse } from '@farebox/identity';
import type { AccountsDoor, Notice, OperatorsDoor } from '@farebox/ledger';
import type { QueuedLetter } from '@farebox/mail';
import { signal } from '@farebox/signals';
import { hexToBytes } from '@noble/hashes/utils.js';

/** The bindings of this Worker, as wrangler.toml and the secrets give them. */
export type Env = Readonly<{
  DATABASE_URL?: string;
  ACCOUNTS?: AccountsDoor;
  OPERATORS?: OperatorsDoor;
  MAIL?: Queue<QueuedLetter>;
  /** 32 bytes, hexadecimal: sessions' sub-keys, sealed factors, links to withdraw consent. */
  CONSOLE_SECRET?: string;
  /** Where people reach this Worker, such as `https://console.example.com`. */
  CONSOLE_URL?: string;
  /** Where callers reach the API, such as `https://api.example.com`. */
  API_URL?: string;
}>;

/** What can arrive by queue: letters to send, and what accounts' objects noticed. */
export type Queued = QueuedLetter | Notice;

export class MissingBinding extends Error {
  constructor(name: string) {
    super(`The binding ${name} is missing or unreadable.`);
    this.name = 'MissingBinding';
    signal({ event: 'binding_missing', name });
  }
}

/** The values every screen works with. */
export type House = Readonly<{
  identity: IdentityHouse;
  accounts: AccountsDoor;
  mail: Queue<QueuedLetter>;
  consoleUrl: URL;
  apiUrl: URL;
}>;

function needed<T>(value: T | undefined | '', name: string): T {
  if (value === undefined || value === '') throw new MissingBinding(name);
  return value;
}

function urlFrom(text: string | undefined, name: string): URL {
  const given = needed(text, name);
  if (!URL.canParse(given)) throw new MissingBinding(name);
  return new URL(given);
}

const SECRET_HEX = /^[0-9a-f]{64}$/;

function secretFrom(text: string | undefined): Uint8Array {
  const given = needed(text, 'CONSOLE_SECRET');
  if (!SECRET_HEX.test(given)) throw new MissingBinding('CONSOLE_SECRET');
  return hexToBytes(given);
}

function build(env: Env): House {
  const accounts = needed(env.ACCOUNTS, 'ACCOUNTS');
  return {
    identity: {
      db: connect(needed(env.DATABASE_URL, 'DATABASE_URL')),
      accounts,
      secret: secretFrom(env.CONSOLE_SECRET),
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
      now: Date.now,
    },
    accounts,
    mail: needed(env.MAIL, 'MAIL'),
    consoleUrl: urlFrom(env.CONSOLE_URL, 'CONSOLE_URL'),
    apiUrl: urlFrom(env.API_URL, 'API_URL'),
  };
}

const built = new WeakMap<Env, House>();

export function houseOf(env: Env): House {
  const known = built.get(env);
  if (known !== undefined) return known;
  const made = build(env);
  built.set(env, made);
  return made;
}

export function operatorsDoorOf(env: Env): OperatorsDoor {
  return needed(env.OPERATORS, 'OPERATORS');
}
