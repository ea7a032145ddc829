/**
 * Nothing is looked at or moved but through here: who may not is refused, and either way there is a line
 * in the chain, written before anything happens. If it can't be written, nothing happens.
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
  /** How it came to it; a word of ours. */
  reason?: string;
}>;

/** Whether it may be looked at; the line is written by then. */
export async function auditView(c: OperatorContext, view: AuditedView): Promise<boolean> {
  const { action, permission, subject, reason = 'view' } = view;
  const permitted = c.var.operator.permissions.has(permission);
  const outcome = permitted ? 'done' : 'rejected_not_permitted';
  await appendEntry(c, { action, subject, reason, outcome });
  return permitted;
}

/** Printable, and long enough to say something. */
function isReason(text: string): boolean {
  return text.length >= 10 && text.length <= 255 && !/\p{Cc}/u.test(text) && text.isWellFormed();
}

export type AuditedAction = Readonly<{
  action: string;
  permission: Permission;
  subject: AccountId | null;
  /** As it was typed. */
  reason: string;
  /** Undefined where the form's fields make no sense. */
  run: (() => Promise<ActionOutcome>) | undefined;
}>;

/** Asks the chain first, acts, and says to the chain what came of it. */
export async function runAudited(
  c: OperatorContext,
  request: AuditedAction,
): Promise<ActionOutcome> {
  const { action, permission, subject, run } = request;
  const trimmedReason = request.reason.trim();
  const reason = isReason(trimmedReason) ? trimmedReason : 'none given';
  const reject = async (rejection: ActionError): Promise<ActionOutcome> => {
    await appendEntry(c, { action, subject, reason, outcome: `rejected_${rejection}` });
    return { ok: false, reason: rejection };
  };
  if (!c.var.operator.permissions.has(permission)) return reject('not_permitted');
  if (reason !== trimmedReason) return reject('reason_required');
  if (run === undefined) return reject('invalid_fields');
  await appendEntry(c, { action, subject, reason, outcome: 'requested' });
  try {
    const outcome = await run();
    if (!outcome.ok) return reject(outcome.reason);
    await appendEntry(c, { action, subject, reason, outcome: outcome.done });
    return outcome;
  } catch (error) {
    // Whether it was done is not known; the line that says `asked` stands either way.
    await appendEntry(c, { action, subject, reason, outcome: 'failed' }).catch(() => {});
    throw error;
  }
}
