/**
 * The only way for operators to view or change something. Each attempt, also a rejected one, is an
 * audit-log entry that is written first. If the entry can't be written, nothing happens.
 */
import { appendOperatorAction } from '@farebox/database/operators';
import type { AccountId } from '@farebox/ledger';
import { logEvent } from '@farebox/telemetry';
import type { OperatorContext } from './operator-auth.ts';
import type { Permission } from './roles.ts';
import type { ActionError } from './strings.ts';

export type ActionOutcome<DoneCode extends string = string> =
  | Readonly<{ ok: true; done: DoneCode }>
  | Readonly<{ ok: false; reason: ActionError }>;

type AuditEntryFields = Readonly<{
  action: string;
  subject: AccountId | null;
  reason: string;
  outcome: string;
}>;

async function appendEntry(c: OperatorContext, entry: AuditEntryFields): Promise<void> {
  const { db, now } = c.var.deps;
  const at = now();
  const operator = c.var.operator.email;
  const { seq, hash } = await appendOperatorAction(db, { at, operator, ...entry });
  logEvent({ event: 'operator_acted', seq, hash });
}

export type AuditedView = Readonly<{
  action: string;
  permission: Permission;
  subject: AccountId | null;
  /** Why the page is viewed; one of our own words, never the operator's text. */
  reason?: string;
}>;

/** Writes the audit-log entry of a view and returns whether the operator has the permission. */
export async function auditView(c: OperatorContext, view: AuditedView): Promise<boolean> {
  const { action, permission, subject, reason = 'view' } = view;
  const permitted = c.var.operator.permissions.has(permission);
  const outcome = permitted ? 'done' : 'rejected_not_permitted';
  await appendEntry(c, { action, subject, reason, outcome });
  return permitted;
}

/** A reason is printable and long enough to be meaningful. */
function isReason(text: string): boolean {
  return text.length >= 10 && text.length <= 255 && !/\p{Cc}/u.test(text) && text.isWellFormed();
}

export type AuditedAction = Readonly<{
  action: string;
  permission: Permission;
  subject: AccountId | null;
  /** What is changed where it is no account, in our own words; it stands behind the reason. */
  about?: string;
  /** The reason as entered. */
  reason: string;
  /** Undefined if the form's fields are invalid. */
  run: (() => Promise<ActionOutcome>) | undefined;
}>;

/**
 * Writes an audit-log entry, runs the action, then records its outcome. If the first entry can't be
 * written the action doesn't run. Rethrows what the action throws, with the outcome `failed`.
 */
export async function runAudited(
  c: OperatorContext,
  request: AuditedAction,
): Promise<ActionOutcome> {
  const { action, permission, subject, about, run } = request;
  const stated = request.reason.trim();
  const withAbout = (text: string) => (about === undefined ? text : `${text} (${about})`);
  const isStated = isReason(stated) && isReason(withAbout(stated));
  const reason = withAbout(isStated ? stated : 'none given');
  const reject = async (rejection: ActionError): Promise<ActionOutcome> => {
    await appendEntry(c, { action, subject, reason, outcome: `rejected_${rejection}` });
    return { ok: false, reason: rejection };
  };
  if (!c.var.operator.permissions.has(permission)) return reject('not_permitted');
  if (!isStated) return reject('reason_required');
  if (run === undefined) return reject('invalid_fields');
  await appendEntry(c, { action, subject, reason, outcome: 'requested' });
  try {
    const outcome = await run();
    if (!outcome.ok) return reject(outcome.reason);
    await appendEntry(c, { action, subject, reason, outcome: outcome.done });
    return outcome;
  } catch (error) {
    // The effect is unknown. If this entry fails too, the entry `requested` still shows the
    // attempt.
    await appendEntry(c, { action, subject, reason, outcome: 'failed' }).catch(() => {});
    throw error;
  }
}
