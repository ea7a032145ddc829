/**
 * Reads this Worker's bindings, in one place. A missing or malformed binding throws
 * MissingBindingError, which logs its name and never its value. What is built from the bindings is
 * cached for the life of the isolate.
 */
import { cachePerEnv, localUrl, requireBinding, requireMatch } from '@farebox/bindings';
import { connect, type Database } from '@farebox/database';
import type { AdjustmentLimits } from '@farebox/database/operators';
import { type Configuration, parseConfiguration } from '@farebox/deposits';
import type { OperatorsRpc } from '@farebox/ledger';
import { parseUsd } from '@farebox/money';
import { logEvent } from '@farebox/telemetry';
import { AccessKeyCache, type AccessSettings } from './access.ts';
import { parseRoles, type RoleAssignments } from './roles.ts';

/** The bindings of this Worker, as wrangler.toml and the secrets declare them. */
export type Env = Readonly<{
  DATABASE_URL?: string;
  /** The ledger's entrypoint `Operators`. */
  OPERATORS?: OperatorsRpc;
  /** The host name of this application; requests for another host are answered 404. */
  OPERATORS_HOST?: string;
  /** The team's name at Cloudflare Access: `<team>.cloudflareaccess.com`. */
  ACCESS_TEAM?: string;
  /** The audience tag of the Access application in front of OPERATORS_HOST. */
  ACCESS_AUDIENCE?: string;
  /** `{"support": ["a@example.com", "group:support"], "finance": [], "admin": []}` */
  OPERATOR_ROLES?: string;
  /** The USD operators may move per account and day without a second approval; 50 by default. */
  ADJUSTMENT_LIMIT_USD?: string;
  /**
   * The USD one operator may move per day on all accounts together without a second approval; 200
   * by default.
   */
  OPERATOR_LIMIT_USD?: string;
  /** The percentage by which one operator may move a price of the catalog; 20 by default. */
  CATALOG_CHANGE_PERCENT?: string;
  /** Local development only: the URL that serves the Access stand-in's public keys. */
  ACCESS_KEYS_URL?: string;
  /** Extended public keys, comma separated, the current one first. */
  XPUB_EVM?: string;
  XPUB_TRON?: string;
}>;

/** The networks and the current extended public keys, as they are configured. */
export type DepositSettings = Pick<Configuration, 'chains' | 'currentKeys' | 'blockedSenders'>;

/** The dependencies of every handler. */
export type OperatorDeps = Readonly<{
  db: Database;
  ledger: OperatorsRpc;
  now: () => number;
  random: (bytes: number) => Uint8Array;
  host: string;
  access: AccessSettings;
  accessKeys: AccessKeyCache;
  roles: RoleAssignments;
  adjustmentLimits: AdjustmentLimits;
  /** A change that moves a price by a larger percentage needs a second operator. */
  catalogChangePercent: number;
  deposits: DepositSettings;
}>;

const DEFAULT_CATALOG_CHANGE_PERCENT = '20';
const TEAM = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const DEFAULT_ACCOUNT_LIMIT_USD = '50';
const DEFAULT_OPERATOR_LIMIT_USD = '200';

function createAccessSettings(env: Env, host: string): AccessSettings {
  const team = requireMatch(env.ACCESS_TEAM, TEAM, 'ACCESS_TEAM');
  // A stand-in for Access works on loopback only.
  const keysUrl = localUrl(env.ACCESS_KEYS_URL, 'ACCESS_KEYS_URL', host);
  const issuer = `https://${team}.cloudflareaccess.com`;
  return {
    issuer,
    audience: requireBinding(env.ACCESS_AUDIENCE, 'ACCESS_AUDIENCE'),
    keysUrl: keysUrl ?? `${issuer}/cdn-cgi/access/certs`,
  };
}

function createDepositSettings(env: Env): DepositSettings {
  const { chains, currentKeys, blockedSenders, invalidVariables } = parseConfiguration(env);
  for (const name of invalidVariables) logEvent({ event: 'binding_missing', name });
  return { chains, currentKeys, blockedSenders };
}

function createAdjustmentLimits(env: Env): AdjustmentLimits {
  const account = parseUsd(env.ADJUSTMENT_LIMIT_USD || DEFAULT_ACCOUNT_LIMIT_USD);
  const operator = parseUsd(env.OPERATOR_LIMIT_USD || DEFAULT_OPERATOR_LIMIT_USD);
  return {
    account: requireBinding(account, 'ADJUSTMENT_LIMIT_USD'),
    operator: requireBinding(operator, 'OPERATOR_LIMIT_USD'),
  };
}

function readCatalogChangePercent(env: Env): number {
  const text = env.CATALOG_CHANGE_PERCENT || DEFAULT_CATALOG_CHANGE_PERCENT;
  return Number(requireMatch(text, /^\d{1,3}$/, 'CATALOG_CHANGE_PERCENT'));
}

function createDeps(env: Env): OperatorDeps {
  const host = requireBinding(env.OPERATORS_HOST, 'OPERATORS_HOST').toLowerCase();
  const access = createAccessSettings(env, host);
  const roles = parseRoles(requireBinding(env.OPERATOR_ROLES, 'OPERATOR_ROLES'));
  return {
    db: connect(requireBinding(env.DATABASE_URL, 'DATABASE_URL')),
    ledger: requireBinding(env.OPERATORS, 'OPERATORS'),
    now: Date.now,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    host,
    access,
    accessKeys: new AccessKeyCache(access.keysUrl),
    roles: requireBinding(roles, 'OPERATOR_ROLES'),
    adjustmentLimits: createAdjustmentLimits(env),
    catalogChangePercent: readCatalogChangePercent(env),
    deposits: createDepositSettings(env),
  };
}

/** Throws MissingBindingError while a required binding is missing or malformed. */
export const getDeps = cachePerEnv(createDeps);
