/**
 * The only reader of the console's bindings. It checks them at first use and fails loudly, naming the
 * missing one and nothing of its value.
 */
import type { AccountsDoor } from '@farebox/ledger';
import { signal } from '@farebox/signals';

/** The bindings of this Worker, as wrangler.toml and the secrets give them. */
export type Env = Readonly<{
  DATABASE_URL?: string;
  ACCOUNTS?: AccountsDoor;
  /** Where callers reach the API, such as `https://api.example.com`; shown on the first page. */
  API_URL?: string;
}>;

export class MissingBinding extends Error {
  constructor(name: string) {
    super(`The binding ${name} is missing.`);
    this.name = 'MissingBinding';
    signal({ event: 'binding_missing', name });
  }
}

export type House = Readonly<{ databaseUrl: string; accounts: AccountsDoor; apiUrl: URL | null }>;

function needed<T>(value: T | undefined | '', name: string): T {
  if (value === undefined || value === '') throw new MissingBinding(name);
  return value;
}

function apiUrlFrom(text: string | undefined): URL | null {
  if (text === undefined || text === '') return null;
  if (!URL.canParse(text)) throw new MissingBinding('API_URL');
  return new URL(text);
}

export function houseOf(env: Env): House {
  return {
    databaseUrl: needed(env.DATABASE_URL, 'DATABASE_URL'),
    accounts: needed(env.ACCOUNTS, 'ACCOUNTS'),
    apiUrl: apiUrlFrom(env.API_URL),
  };
}
