/**
 * Who of the operators may do what: a closed table. A role is given to an address or to a group of the
 * identity provider by one binding, and to nobody else; whoever has none sees nothing.
 */
import type { AccessIdentity } from './access.ts';

export const ROLES = ['support', 'finance', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export const PERMISSIONS = [
  /** Standing, keys' metadata, lines and calls of an account: nothing of a person. */
  'view_account',
  /** The masked address, mails' states, consents, receipts, how many sessions there are. */
  'view_communication',
  'view_health',
  'view_audit_log',
  /** The networks, what waits and what differs, and whose a held deposit is. */
  'view_deposits',
  /** Let a halted network go on and a held deposit be credited; say what the treasury moved. */
  'settle_deposits',
  /** Let another public key give new addresses. */
  'rotate_key',
  'reveal_email',
  'freeze',
  'unfreeze',
  'revoke_key',
  'end_sessions',
  'withdraw_consent',
  'adjust',
  'approve',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Support may stop money, finance alone lets it go again and moves it; admins see who did what. */
export const ROLE_PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = {
  support: [
    'view_account',
    'view_communication',
    'view_health',
    'view_deposits',
    'reveal_email',
    'freeze',
    'revoke_key',
    'end_sessions',
    'withdraw_consent',
  ],
  finance: [
    'view_account',
    'view_health',
    'view_deposits',
    'settle_deposits',
    'freeze',
    'unfreeze',
    'adjust',
    'approve',
  ],
  admin: PERMISSIONS,
};

/** Addresses, and groups as `group:<name>`, in lower case. */
export type RoleAssignments = Readonly<Record<Role, ReadonlySet<string>>>;

function parseAssignees(value: unknown): ReadonlySet<string> | undefined {
  if (value === undefined) return new Set();
  if (!Array.isArray(value)) return undefined;
  const names = value.map((item) => (typeof item === 'string' ? item.trim().toLowerCase() : ''));
  return names.every((name) => /^(group:.+|[^\s@]+@[^\s@]+)$/.test(name))
    ? new Set(names)
    : undefined;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return { ...value };
  } catch {
    return undefined;
  }
}

/** Undefined for anything that is not wholly understood: half a table would let in the wrong people. */
export function parseRoles(text: string): RoleAssignments | undefined {
  const parsed = parseObject(text);
  if (parsed === undefined) return undefined;
  if (Object.keys(parsed).some((name) => !ROLES.some((role) => role === name))) return undefined;
  const support = parseAssignees(parsed.support);
  const finance = parseAssignees(parsed.finance);
  const admin = parseAssignees(parsed.admin);
  if (support === undefined || finance === undefined || admin === undefined) return undefined;
  return { support, finance, admin };
}

export function getRoles(
  assignments: RoleAssignments,
  { email, groups }: AccessIdentity,
): readonly Role[] {
  const names = [email, ...groups.map((group) => `group:${group}`)];
  return ROLES.filter((role) => names.some((name) => assignments[role].has(name)));
}

export function getPermissions(roles: readonly Role[]): ReadonlySet<Permission> {
  return new Set(roles.flatMap((role) => ROLE_PERMISSIONS[role]));
}
