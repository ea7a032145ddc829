/** The dependencies of the operators' screens, beside those of the console. */

import { MissingBindingError, requireBinding } from '@farebox/bindings';
import type { OperatorsRpc } from '@farebox/ledger';
import { type NanoUsd, parseUsd } from '@farebox/money';
import { cachePerEnv, type Env, localUrl, requireMatch, requireUrl } from '../env.ts';
import { AccessKeyCache, type AccessSettings } from './access.ts';
import { parseRoles, type RoleAssignments } from './roles.ts';

export type OperatorDeps = Readonly<{
  host: string;
  operators: OperatorsRpc;
  access: AccessSettings;
  keys: AccessKeyCache;
  roles: RoleAssignments;
  adjustmentLimit: NanoUsd;
}>;

const TEAM = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const DEFAULT_LIMIT_USD = '50';

function requireOperatorsHost(env: Env): string {
  const host = requireBinding(env.OPERATORS_HOST, 'OPERATORS_HOST').toLowerCase();
  // On the customers' own host the customers' screens would disappear.
  if (host === requireUrl(env.CONSOLE_URL, 'CONSOLE_URL').hostname) {
    throw new MissingBindingError('OPERATORS_HOST');
  }
  return host;
}

function createOperatorDeps(env: Env): OperatorDeps {
  const host = requireOperatorsHost(env);
  const team = requireMatch(env.ACCESS_TEAM, TEAM, 'ACCESS_TEAM');
  const issuer = `https://${team}.cloudflareaccess.com`;
  const localKeysUrl = localUrl(env.ACCESS_KEYS_URL, 'ACCESS_KEYS_URL', host);
  const keysUrl = localKeysUrl ?? `${issuer}/cdn-cgi/access/certs`;
  const limit = parseUsd(env.ADJUSTMENT_LIMIT_USD || DEFAULT_LIMIT_USD);
  const roles = parseRoles(requireBinding(env.OPERATOR_ROLES, 'OPERATOR_ROLES'));
  return {
    host,
    operators: requireBinding(env.OPERATORS, 'OPERATORS'),
    access: { issuer, audience: requireBinding(env.ACCESS_AUDIENCE, 'ACCESS_AUDIENCE'), keysUrl },
    keys: new AccessKeyCache(keysUrl),
    roles: requireBinding(roles, 'OPERATOR_ROLES'),
    adjustmentLimit: requireBinding(limit, 'ADJUSTMENT_LIMIT_USD'),
  };
}

export const getOperatorDeps = cachePerEnv(createOperatorDeps);

/** Checks whether a request's host is the operators'. */
export function isOperatorsHost(env: Env, hostname: string): boolean {
  const host = env.OPERATORS_HOST?.toLowerCase();
  return host !== undefined && host !== '' && hostname === host;
}
