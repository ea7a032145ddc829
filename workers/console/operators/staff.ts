/**
 * Who is at the operators' door on this request: nothing of an earlier one is remembered, no cookie is
 * read, and there are no sessions. Whoever Access does not vouch for learns nothing but that.
 */
import { signal } from '@farebox/signals';
import type { Context, MiddlewareHandler } from 'hono';
import { type Desk, deskOf, type Env, type House, houseOf } from '../env.ts';
import { isOwnForm } from '../forms.ts';
import { verifyAccess } from './access.ts';
import { type Permission, permissionsOf, type Role, rolesOf } from './roles.ts';

export type Operator = Readonly<{
  email: string;
  roles: readonly Role[];
  may: ReadonlySet<Permission>;
}>;
export type Staff = {
  Bindings: Env;
  Variables: { house: House; desk: Desk; operator: Operator };
};
export type StaffContext = Context<Staff>;

export const vouchedFor: MiddlewareHandler<Staff> = async function vouchedFor(c, next) {
  const house = houseOf(c.env);
  const desk = deskOf(c.env);
  const { headers } = c.req.raw;
  const known = await verifyAccess(desk.access, desk.keys, headers, house.identity.now());
  const roles = known.ok ? rolesOf(desk.roles, known) : [];
  if (!known.ok || roles.length === 0) {
    const reason = known.ok ? 'no_role' : known.reason;
    signal({ event: 'access_refused', reason });
    c.header('cache-control', 'no-store');
    return c.text('You are not let in here.', reason === 'keys_unreachable' ? 503 : 403);
  }
  c.set('house', house);
  c.set('desk', desk);
  c.set('operator', { email: known.email, roles, may: permissionsOf(roles) });
  return next();
};

export const ownPagesOnly: MiddlewareHandler<Staff> = async function ownPagesOnly(c, next) {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return next();
  if (isOwnForm(c, `https://${c.var.desk.host}`)) return next();
  return c.text('This form was not sent from our own page.', 403);
};
