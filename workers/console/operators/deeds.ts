/**
 * Nothing is looked at or moved but through here: who may not is refused, and either way there is a line
 * in the chain, written before anything happens. If it can't be written, nothing happens.
 */
import { appendOperatorAction } from '@farebox/database';
import type { AccountId } from '@farebox/ledger';
import { signal } from '@farebox/signals';
import type { Permission } from './roles.ts';
import type { StaffContext } from './staff.ts';
import type { Refusal } from './texts.ts';

export type Outcome<Done extends string = string> =
  | Readonly<{ ok: true; done: Done }>
  | Readonly<{ ok: false; why: Refusal }>;

type Line = Readonly<{
  action: string;
  subject: AccountId | null;
  reason: string;
  outcome: string;
}>;

async function write(c: StaffContext, line: Line): Promise<void> {
  const { identity } = c.var.house;
  const at = identity.now();
  const operator = c.var.operator.email;
  const { seq, hash } = await appendOperatorAction(identity.db, { at, operator, ...line });
  signal({ event: 'operator_acted', seq, hash });
}

export type Look = Readonly<{
  action: string;
  permission: Permission;
  subject: AccountId | null;
  /** How it came to it; a word of ours. */
  reason?: string;
}>;

/** Whether it may be looked at; the line is written by then. */
export async function mayLook(c: StaffContext, look: Look): Promise<boolean> {
  const { action, permission, subject, reason = 'look' } = look;
  const permitted = c.var.operator.may.has(permission);
  const outcome = permitted ? 'done' : 'refused_not_permitted';
  await write(c, { action, subject, reason, outcome });
  return permitted;
}

/** Printable, and long enough to say something. */
function isReason(text: string): boolean {
  return text.length >= 10 && text.length <= 255 && !/\p{Cc}/u.test(text) && text.isWellFormed();
}

export type Deed = Readonly<{
  action: string;
  permission: Permission;
  subject: AccountId | null;
  /** As it was typed. */
  reason: string;
  /** Undefined where the form's fields make no sense. */
  act: (() => Promise<Outcome>) | undefined;
}>;

/** Asks the chain first, acts, and says to the chain what came of it. */
export async function doDeed(c: StaffContext, deed: Deed): Promise<Outcome> {
  const { action, permission, subject, act } = deed;
  const typed = deed.reason.trim();
  const reason = isReason(typed) ? typed : 'none given';
  const refuse = async (why: Refusal): Promise<Outcome> => {
    await write(c, { action, subject, reason, outcome: `refused_${why}` });
    return { ok: false, why };
  };
  if (!c.var.operator.may.has(permission)) return refuse('not_permitted');
  if (reason !== typed) return refuse('no_reason');
  if (act === undefined) return refuse('bad_fields');
  await write(c, { action, subject, reason, outcome: 'asked' });
  try {
    const outcome = await act();
    if (!outcome.ok) return refuse(outcome.why);
    await write(c, { action, subject, reason, outcome: outcome.done });
    return outcome;
  } catch (error) {
    // Whether it was done is not known; the line that says `asked` stands either way.
    await write(c, { action, subject, reason, outcome: 'failed' }).catch(() => {});
    throw error;
  }
}
