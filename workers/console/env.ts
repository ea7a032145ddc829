/**
 * The only reader of the console's bindings. It checks them at first use and fails loudly, naming the
 * missing one and nothing of its value. What is built from them is kept for the life of the isolate.
 */
import { connect } from '@farebox/database';
import { type ClaimResult, type Configuration, readConfiguration } from '@farebox/deposits';
import type { IdentityHouse } from '@farebox/identity';
import type { AccountId, AccountsDoor, OperatorsDoor } from '@farebox/ledger';
import { Certificates, type QueuedLetter, type SesSettings } from '@farebox/mail';
import { type NanoUsd, parseUsd } from '@farebox/money';
import { signal } from '@farebox/signals';
import { hexToBytes } from '@noble/hashes/utils.js';
import { isLoopback } from './loopback.ts';
import { askFor, askOutside, type PostHouse } from './mail/house.ts';
import { AccessKeys, type AccessSettings } from './operators/access.ts';
import { type RoleHolders, readRoles } from './operators/roles.ts';
import { SigningKeys } from './secret-scanning/signature.ts';

/** What the console may ask of the deposits Worker: to look at one transaction. It can't credit by itself. */
export type ClaimsDoor = Readonly<{
  claim(account: AccountId, chain: string, txHash: string): Promise<ClaimResult>;
}>;

/** The bindings of this Worker, as wrangler.toml and the secrets give them. */
export type Env = Readonly<{
  DATABASE_URL?: string;
  ACCOUNTS?: AccountsDoor;
  OPERATORS?: OperatorsDoor;
  MAIL?: Queue<QueuedLetter>;
  /** The deposits Worker's entrypoint `Claims`. */
  CLAIMS?: ClaimsDoor;
  /** The operator's extended public keys, comma separated, the current one first. */
  XPUB_EVM?: string;
  XPUB_TRON?: string;
  /** 32 bytes, hexadecimal: sessions' sub-keys, sealed factors, links to withdraw consent. */
  CONSOLE_SECRET?: string;
  /** Where people reach this Worker, such as `https://console.example.com`. */
  CONSOLE_URL?: string;
  /** Where callers reach the API, such as `https://api.example.com`. */
  API_URL?: string;
  /** The AWS region SES and its SNS topic are in. */
  SES_REGION?: string;
  /** Of an IAM user that may do `ses:SendEmail` for the sender's identity and nothing else. */
  SES_ACCESS_KEY_ID?: string;
  SES_SECRET_ACCESS_KEY?: string;
  /** Whose event destination is the SNS topic; without it nobody tells us what becomes of a mail. */
  SES_CONFIGURATION_SET?: string;
  /** An address, or `Name <address>`, whose answers somebody reads. */
  MAIL_FROM?: string;
  /** The ARNs of the SNS topics that post to /hooks/ses, with commas between. */
  SNS_TOPIC_ARNS?: string;
  /** Only on one's own machine: where SES is. */
  SES_ENDPOINT?: string;
  /** Only on one's own machine: where to find the certificates that SNS would have. */
  SNS_CERTIFICATES_URL?: string;
  /** The host name operators' screens answer on; without it there are none. */
  OPERATORS_HOST?: string;
  /** The team's name at Cloudflare Access: `<team>.cloudflareaccess.com`. */
  ACCESS_TEAM?: string;
  /** The audience tag of the Access application in front of OPERATORS_HOST. */
  ACCESS_AUDIENCE?: string;
  /** `{"support": ["a@example.com", "group:support"], "finance": [], "admin": []}` */
  OPERATOR_ROLES?: string;
  /** What one operator may move on one account within a day alone, in USD; 50 where it is not said. */
  ADJUSTMENT_LIMIT_USD?: string;
  /** Only on one's own machine: where to find the keys that Access would have. */
  ACCESS_KEYS_URL?: string;
  /** Only on one's own machine: what makes test USDT. */
  FAUCET_URL?: string;
  /** Only on one's own machine: where to find the keys that GitHub would have. */
  SECRET_SCANNING_KEYS_URL?: string;
}>;

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
  /** Whom people can write to; null where letters have no sender yet. */
  contact: string | null;
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
    contact: /[^\s<>]+@[^\s<>]+/.exec(env.MAIL_FROM ?? '')?.[0] ?? null,
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

/** The networks and the operator's public keys, as they are configured. */
export type DepositSettings = Pick<Configuration, 'chains' | 'current'>;

const depositSettings = new WeakMap<Env, DepositSettings>();

export function depositSettingsOf(env: Env): DepositSettings {
  const known = depositSettings.get(env);
  if (known !== undefined) return known;
  const { chains, current, flaws } = readConfiguration(env);
  for (const name of flaws) signal({ event: 'binding_missing', name });
  const made = { chains, current };
  depositSettings.set(env, made);
  return made;
}

/** Where test USDT is made; null where there is nothing but the real networks. */
export function faucetOf(env: Env): string | null {
  const { hostname } = urlFrom(env.CONSOLE_URL, 'CONSOLE_URL');
  return localUrl(env.FAUCET_URL, 'FAUCET_URL', hostname) ?? null;
}

export function claimsDoorOf(env: Env): ClaimsDoor {
  return needed(env.CLAIMS, 'CLAIMS');
}

export function operatorsDoorOf(env: Env): OperatorsDoor {
  return needed(env.OPERATORS, 'OPERATORS');
}

/** What operators' screens work with, beside the house. */
export type Desk = Readonly<{
  host: string;
  door: OperatorsDoor;
  access: AccessSettings;
  keys: AccessKeys;
  roles: RoleHolders;
  adjustmentLimit: NanoUsd;
}>;

/** An address of our own machine, and only where what it is for answers there alone. */
function localUrl(text: string | undefined, name: string, host: string): string | undefined {
  if (text === undefined || text === '') return undefined;
  const url = urlFrom(text, name);
  if (!isLoopback(url.hostname) || !isLoopback(host)) throw new MissingBinding(name);
  return url.href;
}

const TEAM = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const DEFAULT_LIMIT_USD = '50';

function buildDesk(env: Env, host: string): Desk {
  // On the people's own host there would be no people's screens any more.
  if (host === urlFrom(env.CONSOLE_URL, 'CONSOLE_URL').hostname) {
    throw new MissingBinding('OPERATORS_HOST');
  }
  const team = needed(env.ACCESS_TEAM, 'ACCESS_TEAM');
  if (!TEAM.test(team)) throw new MissingBinding('ACCESS_TEAM');
  const issuer = `https://${team}.cloudflareaccess.com`;
  const local = localUrl(env.ACCESS_KEYS_URL, 'ACCESS_KEYS_URL', host);
  const keysUrl = local ?? `${issuer}/cdn-cgi/access/certs`;
  const limit = parseUsd(env.ADJUSTMENT_LIMIT_USD || DEFAULT_LIMIT_USD);
  return {
    host,
    door: operatorsDoorOf(env),
    access: { issuer, audience: needed(env.ACCESS_AUDIENCE, 'ACCESS_AUDIENCE'), keysUrl },
    keys: new AccessKeys(keysUrl),
    roles: needed(readRoles(needed(env.OPERATOR_ROLES, 'OPERATOR_ROLES')), 'OPERATOR_ROLES'),
    adjustmentLimit: needed(limit, 'ADJUSTMENT_LIMIT_USD'),
  };
}

const desks = new WeakMap<Env, Desk>();

/** Whether a request's host is the operators'. */
export function isOperatorsHost(env: Env, hostname: string): boolean {
  const host = env.OPERATORS_HOST?.toLowerCase();
  return host !== undefined && host !== '' && hostname === host;
}

export function deskOf(env: Env): Desk {
  const known = desks.get(env);
  if (known !== undefined) return known;
  const made = buildDesk(env, needed(env.OPERATORS_HOST, 'OPERATORS_HOST').toLowerCase());
  desks.set(env, made);
  return made;
}

const GITHUB_KEYS = 'https://api.github.com/meta/public_keys/secret_scanning';
const signing = new WeakMap<Env, SigningKeys>();

/** GitHub's keys for what its secret scanning tells us. */
export function signingKeysOf(env: Env): SigningKeys {
  const known = signing.get(env);
  if (known !== undefined) return known;
  const { hostname } = urlFrom(env.CONSOLE_URL, 'CONSOLE_URL');
  const name = 'SECRET_SCANNING_KEYS_URL';
  const made = new SigningKeys(localUrl(env[name], name, hostname) ?? GITHUB_KEYS);
  signing.set(env, made);
  return made;
}

const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d$/;
/** No line break and no second address can be in it. */
const SENDER =
  /^(?:[A-Za-z0-9 ._-]{1,64} <[!#-'*+\-/-9=?A-Z^-~]+@[A-Za-z0-9.-]+>|[!#-'*+\-/-9=?A-Z^-~]+@[A-Za-z0-9.-]+)$/;
const CONFIGURATION_SET = /^[A-Za-z0-9_-]{1,64}$/;

function shaped(text: string | undefined, shape: RegExp, name: string): string {
  const given = needed(text, name);
  if (!shape.test(given)) throw new MissingBinding(name);
  return given;
}

function sesOf(env: Env, host: string): SesSettings {
  const region = shaped(env.SES_REGION, REGION, 'SES_REGION');
  const set = env.SES_CONFIGURATION_SET || null;
  return {
    endpoint: new URL(
      localUrl(env.SES_ENDPOINT, 'SES_ENDPOINT', host) ?? `https://email.${region}.amazonaws.com`,
    ),
    region,
    accessKeyId: needed(env.SES_ACCESS_KEY_ID, 'SES_ACCESS_KEY_ID'),
    secretAccessKey: needed(env.SES_SECRET_ACCESS_KEY, 'SES_SECRET_ACCESS_KEY'),
    sender: shaped(env.MAIL_FROM, SENDER, 'MAIL_FROM'),
    configurationSet: set && shaped(set, CONFIGURATION_SET, 'SES_CONFIGURATION_SET'),
  };
}

function buildPost(env: Env): PostHouse {
  const { identity, accounts, mail, consoleUrl } = houseOf(env);
  const { db, secret, now } = identity;
  const name = 'SNS_CERTIFICATES_URL';
  const topics = (env.SNS_TOPIC_ARNS ?? '').split(',').map((arn) => arn.trim());
  return {
    db,
    secret,
    now,
    accounts,
    queue: mail,
    consoleUrl,
    ses: sesOf(env, consoleUrl.hostname),
    ask: askOutside,
    topics: new Set(topics.filter((arn) => arn !== '')),
    certificates: new Certificates(askFor(localUrl(env[name], name, consoleUrl.hostname))),
  };
}

const posts = new WeakMap<Env, PostHouse>();

/** What letters are sent and events are believed by. */
export function postHouseOf(env: Env): PostHouse {
  const known = posts.get(env);
  if (known !== undefined) return known;
  const made = buildPost(env);
  posts.set(env, made);
  return made;
}
