/**
 * Authenticates the operator of each request with Cloudflare Access. There are no sessions: no
 * cookie is read and no earlier request is remembered. A request without valid access learns
 * nothing else.
 */
import { csrfProtection } from '@farebox/design';
import { logEvent } from '@farebox/telemetry';
import type { Context, MiddlewareHandler } from 'hono';
import { verifyAccess } from './access.ts';
import { type Env, getDeps, type OperatorDeps } from './env.ts';
import { getPermissions, getRoles, type Permission, type Role } from './roles.ts';

export type Operator = Readonly<{
  email: string;
  roles: readonly Role[];
  permissions: ReadonlySet<Permission>;
}>;
export type OperatorEnv = {
  Bindings: Env;
  Variables: { deps: OperatorDeps; operator: Operator };
};
export type OperatorContext = Context<OperatorEnv>;

/**
 * Answers 404 unless the request is for the application's own host, which is the one Access
 * protects.
 */
export const requireHost: MiddlewareHandler<OperatorEnv> = async function requireHost(c, next) {
  const deps = getDeps(c.env);
  if (new URL(c.req.url).hostname !== deps.host) return c.text('Not found.', 404);
  c.set('deps', deps);
  return next();
};

export const requireAccess: MiddlewareHandler<OperatorEnv> = async function requireAccess(c, next) {
  const { access, accessKeys, roles: assignments, now } = c.var.deps;
  const accessResult = await verifyAccess(access, accessKeys, c.req.raw.headers, now());
  const roles = accessResult.ok ? getRoles(assignments, accessResult) : [];
  if (!accessResult.ok || roles.length === 0) {
    const reason = accessResult.ok ? 'no_role' : accessResult.reason;
    logEvent({ event: 'access_denied', reason });
    c.header('cache-control', 'no-store');
    return c.text('Access denied.', reason === 'keys_unreachable' ? 503 : 403);
  }
  c.set('operator', { email: accessResult.email, roles, permissions: getPermissions(roles) });
  return next();
};

export const requireSameOrigin = csrfProtection<OperatorEnv>((c) => `https://${c.var.deps.host}`);
