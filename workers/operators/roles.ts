/**
 * The permissions of operators: a closed table of roles. One binding assigns roles to email
 * addresses and to groups of the identity provider. An operator without a role is denied.
 */
import type { AccessIdentity } from './access.ts';

export const ROLES = ['support', 'finance', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export const PERMISSIONS = [
  /** An account's status, key metadata, ledger entries and calls; no personal data. */
  'view_account',
  /** The masked email, delivery states, consents, receipts and the number of sessions. */
  'view_communication',
  'view_health',
  'view_audit_log',
  /** The networks, waiting deposits, differences, and the account of a deposit in review. */
  'view_deposits',
  /** Resume a halted network, release a deposit in review, import the treasury's report. */
  'settle_deposits',
  /** Derive new addresses from another extended public key. */
  'rotate_key',
  'reveal_email',
  'freeze',
  'unfreeze',
  'revoke_key',
  'end_sessions',
  'withdraw_consent',
  'adjust',
  'approve',
  'view_catalog',
  /** Add and change models, prices and margins, up to the limit alone. */
  'change_catalog',
  /** Describe an incident on the public status page, and say that it is over. */
  'publish_incident',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

/**
 * Support may freeze accounts; only finance unfreezes and adjusts them; admins read the audit log.
 */
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
    'view_catalog',
    'publish_incident',
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
    'view_catalog',
    'change_catalog',
  ],
  admin: PERMISSIONS,
};

/** Email addresses, and groups as `group:<name>`, in lower case. */
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

/** Undefined unless all of `text` is valid: a half-read table could admit the wrong operators. */
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
