/**
 * Who is at the operators' door on this request: nothing of an earlier one is remembered, no cookie is
 * read, and there are no sessions. Whoever Access does not vouch for learns nothing but that.
 */
import { csrfProtection } from '@farebox/design';
import { logEvent } from '@farebox/telemetry';
import type { Context, MiddlewareHandler } from 'hono';
import { type ConsoleDeps, getDeps } from '../deps.ts';
import type { Env } from '../env.ts';
import { verifyAccess } from './access.ts';
import { getOperatorDeps, type OperatorDeps } from './deps.ts';
import { getPermissions, getRoles, type Permission, type Role } from './roles.ts';

export type Operator = Readonly<{
  email: string;
  roles: readonly Role[];
  permissions: ReadonlySet<Permission>;
}>;
export type OperatorEnv = {
  Bindings: Env;
  Variables: { deps: ConsoleDeps; operatorDeps: OperatorDeps; operator: Operator };
};
export type OperatorContext = Context<OperatorEnv>;

export const requireAccess: MiddlewareHandler<OperatorEnv> = async function requireAccess(c, next) {
  const deps = getDeps(c.env);
  const operatorDeps = getOperatorDeps(c.env);
  const { headers } = c.req.raw;
  const accessResult = await verifyAccess(
    operatorDeps.access,
    operatorDeps.keys,
    headers,
    deps.identity.now(),
  );
  const roles = accessResult.ok ? getRoles(operatorDeps.roles, accessResult) : [];
  if (!accessResult.ok || roles.length === 0) {
    const reason = accessResult.ok ? 'no_role' : accessResult.reason;
    logEvent({ event: 'access_refused', reason });
    c.header('cache-control', 'no-store');
    return c.text('You are not let in here.', reason === 'keys_unreachable' ? 503 : 403);
  }
  c.set('deps', deps);
  c.set('operatorDeps', operatorDeps);
  c.set('operator', { email: accessResult.email, roles, permissions: getPermissions(roles) });
  return next();
};

export const ownForms = csrfProtection<OperatorEnv>((c) => `https://${c.var.operatorDeps.host}`);
