/**
 * The only reader of the console's bindings. It checks them at first use and fails loudly, naming the
 * missing one and nothing of its value. What is built from them is kept for the life of the isolate.
 */
import { isLoopback, MissingBindingError, requireBinding } from '@farebox/bindings';
import { connect } from '@farebox/database';
import { type ClaimResult, type Configuration, parseConfiguration } from '@farebox/deposits';
import type { IdentityDeps } from '@farebox/identity';
import type { AccountId, AccountsRpc, OperatorsRpc } from '@farebox/ledger';
import { CertificateCache, type QueuedEmail, type SesSettings } from '@farebox/mail';
import { type NanoUsd, parseUsd } from '@farebox/money';
import { logEvent } from '@farebox/telemetry';
import { hexToBytes } from '@noble/hashes/utils.js';
import { createCertificateFetch, fetchDirectly, type MailWorkerDeps } from './mail/deps.ts';
import { AccessKeyCache, type AccessSettings } from './operators/access.ts';
import { parseRoles, type RoleAssignments } from './operators/roles.ts';
import { SigningKeys } from './secret-scanning/signature.ts';

/** What the console may ask of the deposits Worker: to look at one transaction. It can't credit by itself. */
export type ClaimsRpc = Readonly<{
  claim(account: AccountId, chain: string, txHash: string): Promise<ClaimResult>;
}>;

/** The bindings of this Worker, as wrangler.toml and the secrets give them. */
export type Env = Readonly<{
  DATABASE_URL?: string;
  ACCOUNTS?: AccountsRpc;
  OPERATORS?: OperatorsRpc;
  MAIL?: Queue<QueuedEmail>;
  /** The deposits Worker's entrypoint `Claims`. */
  CLAIMS?: ClaimsRpc;
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

/** The values every screen works with. */
export type ConsoleDeps = Readonly<{
  identity: IdentityDeps;
  accounts: AccountsRpc;
  mail: Queue<QueuedEmail>;
  consoleUrl: URL;
  apiUrl: URL;
  /** Whom people can write to; null where letters have no sender yet. */
  contactEmail: string | null;
}>;

function requireUrl(text: string | undefined, name: string): URL {
  const checked = requireBinding(text, name);
  if (!URL.canParse(checked)) throw new MissingBindingError(name);
  return new URL(checked);
}

const SECRET_HEX = /^[0-9a-f]{64}$/;

function requireSecret(text: string | undefined): Uint8Array {
  const checked = requireBinding(text, 'CONSOLE_SECRET');
  if (!SECRET_HEX.test(checked)) throw new MissingBindingError('CONSOLE_SECRET');
  return hexToBytes(checked);
}

function createDeps(env: Env): ConsoleDeps {
  const accounts = requireBinding(env.ACCOUNTS, 'ACCOUNTS');
  return {
    identity: {
      db: connect(requireBinding(env.DATABASE_URL, 'DATABASE_URL')),
      accounts,
      secret: requireSecret(env.CONSOLE_SECRET),
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
      now: Date.now,
    },
    accounts,
    mail: requireBinding(env.MAIL, 'MAIL'),
    consoleUrl: requireUrl(env.CONSOLE_URL, 'CONSOLE_URL'),
    apiUrl: requireUrl(env.API_URL, 'API_URL'),
    contactEmail: /[^\s<>]+@[^\s<>]+/.exec(env.MAIL_FROM ?? '')?.[0] ?? null,
  };
}

const depsCache = new WeakMap<Env, ConsoleDeps>();

export function getDeps(env: Env): ConsoleDeps {
  const cached = depsCache.get(env);
  if (cached !== undefined) return cached;
  const created = createDeps(env);
  depsCache.set(env, created);
  return created;
}

/** The networks and the operator's public keys, as they are configured. */
export type DepositSettings = Pick<Configuration, 'chains' | 'currentKeys'>;

const depositSettingsCache = new WeakMap<Env, DepositSettings>();

export function getDepositSettings(env: Env): DepositSettings {
  const cached = depositSettingsCache.get(env);
  if (cached !== undefined) return cached;
  const { chains, currentKeys, invalidVariables } = parseConfiguration(env);
  for (const name of invalidVariables) logEvent({ event: 'binding_missing', name });
  const created = { chains, currentKeys };
  depositSettingsCache.set(env, created);
  return created;
}

/** Where test USDT is made; null where there is nothing but the real networks. */
export function getFaucetUrl(env: Env): string | null {
  const { hostname } = requireUrl(env.CONSOLE_URL, 'CONSOLE_URL');
  return localUrl(env.FAUCET_URL, 'FAUCET_URL', hostname) ?? null;
}

export function getClaimsRpc(env: Env): ClaimsRpc {
  return requireBinding(env.CLAIMS, 'CLAIMS');
}

export function getOperatorsRpc(env: Env): OperatorsRpc {
  return requireBinding(env.OPERATORS, 'OPERATORS');
}

/** What operators' screens work with, beside the house. */
export type OperatorDeps = Readonly<{
  host: string;
  operators: OperatorsRpc;
  access: AccessSettings;
  keys: AccessKeyCache;
  roles: RoleAssignments;
  adjustmentLimit: NanoUsd;
}>;

/** An address of our own machine, and only where what it is for answers there alone. */
function localUrl(text: string | undefined, name: string, host: string): string | undefined {
  if (text === undefined || text === '') return undefined;
  const url = requireUrl(text, name);
  if (!isLoopback(url.hostname) || !isLoopback(host)) throw new MissingBindingError(name);
  return url.href;
}

const TEAM = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const DEFAULT_LIMIT_USD = '50';

function createOperatorDeps(env: Env, host: string): OperatorDeps {
  // On the people's own host there would be no people's screens any more.
  if (host === requireUrl(env.CONSOLE_URL, 'CONSOLE_URL').hostname) {
    throw new MissingBindingError('OPERATORS_HOST');
  }
  const team = requireBinding(env.ACCESS_TEAM, 'ACCESS_TEAM');
  if (!TEAM.test(team)) throw new MissingBindingError('ACCESS_TEAM');
  const issuer = `https://${team}.cloudflareaccess.com`;
  const localKeysUrl = localUrl(env.ACCESS_KEYS_URL, 'ACCESS_KEYS_URL', host);
  const keysUrl = localKeysUrl ?? `${issuer}/cdn-cgi/access/certs`;
  const limit = parseUsd(env.ADJUSTMENT_LIMIT_USD || DEFAULT_LIMIT_USD);
  return {
    host,
    operators: getOperatorsRpc(env),
    access: { issuer, audience: requireBinding(env.ACCESS_AUDIENCE, 'ACCESS_AUDIENCE'), keysUrl },
    keys: new AccessKeyCache(keysUrl),
    roles: requireBinding(
      parseRoles(requireBinding(env.OPERATOR_ROLES, 'OPERATOR_ROLES')),
      'OPERATOR_ROLES',
    ),
    adjustmentLimit: requireBinding(limit, 'ADJUSTMENT_LIMIT_USD'),
  };
}

const operatorDepsCache = new WeakMap<Env, OperatorDeps>();

/** Whether a request's host is the operators'. */
export function isOperatorsHost(env: Env, hostname: string): boolean {
  const host = env.OPERATORS_HOST?.toLowerCase();
  return host !== undefined && host !== '' && hostname === host;
}

export function getOperatorDeps(env: Env): OperatorDeps {
  const cached = operatorDepsCache.get(env);
  if (cached !== undefined) return cached;
  const created = createOperatorDeps(
    env,
    requireBinding(env.OPERATORS_HOST, 'OPERATORS_HOST').toLowerCase(),
  );
  operatorDepsCache.set(env, created);
  return created;
}

const GITHUB_KEYS = 'https://api.github.com/meta/public_keys/secret_scanning';
const signingKeysCache = new WeakMap<Env, SigningKeys>();

/** GitHub's keys for what its secret scanning tells us. */
export function getSigningKeys(env: Env): SigningKeys {
  const cached = signingKeysCache.get(env);
  if (cached !== undefined) return cached;
  const { hostname } = requireUrl(env.CONSOLE_URL, 'CONSOLE_URL');
  const name = 'SECRET_SCANNING_KEYS_URL';
  const created = new SigningKeys(localUrl(env[name], name, hostname) ?? GITHUB_KEYS);
  signingKeysCache.set(env, created);
  return created;
}

const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d$/;
/** No line break and no second address can be in it. */
const SENDER =
  /^(?:[A-Za-z0-9 ._-]{1,64} <[!#-'*+\-/-9=?A-Z^-~]+@[A-Za-z0-9.-]+>|[!#-'*+\-/-9=?A-Z^-~]+@[A-Za-z0-9.-]+)$/;
const CONFIGURATION_SET = /^[A-Za-z0-9_-]{1,64}$/;

function requireMatch(text: string | undefined, pattern: RegExp, name: string): string {
  const checked = requireBinding(text, name);
  if (!pattern.test(checked)) throw new MissingBindingError(name);
  return checked;
}

function createSesSettings(env: Env, host: string): SesSettings {
  const region = requireMatch(env.SES_REGION, REGION, 'SES_REGION');
  const set = env.SES_CONFIGURATION_SET || null;
  return {
    endpoint: new URL(
      localUrl(env.SES_ENDPOINT, 'SES_ENDPOINT', host) ?? `https://email.${region}.amazonaws.com`,
    ),
    region,
    accessKeyId: requireBinding(env.SES_ACCESS_KEY_ID, 'SES_ACCESS_KEY_ID'),
    secretAccessKey: requireBinding(env.SES_SECRET_ACCESS_KEY, 'SES_SECRET_ACCESS_KEY'),
    sender: requireMatch(env.MAIL_FROM, SENDER, 'MAIL_FROM'),
    configurationSet: set && requireMatch(set, CONFIGURATION_SET, 'SES_CONFIGURATION_SET'),
  };
}

function createMailDeps(env: Env): MailWorkerDeps {
  const { identity, accounts, mail, consoleUrl } = getDeps(env);
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
    ses: createSesSettings(env, consoleUrl.hostname),
    httpFetch: fetchDirectly,
    topics: new Set(topics.filter((arn) => arn !== '')),
    certificates: new CertificateCache(
      createCertificateFetch(localUrl(env[name], name, consoleUrl.hostname)),
    ),
  };
}

const mailDepsCache = new WeakMap<Env, MailWorkerDeps>();

/** What letters are sent and events are believed by. */
export function getMailDeps(env: Env): MailWorkerDeps {
  const cached = mailDepsCache.get(env);
  if (cached !== undefined) return cached;
  const created = createMailDeps(env);
  mailDepsCache.set(env, created);
  return created;
}
