/** Notifications that an account raises for its owner. */
import type { NanoUsd } from '@farebox/money';
import type { BudgetPeriod } from './budgets.ts';
import type { AccountId, Instant, KeyId } from './identifiers.ts';

export const NOTIFICATION_KINDS = [
  'low_balance',
  'expensive_model',
  'unusual_spending',
  'key_paused',
  'key_leaked',
  'budget_low',
  'budget_reached',
] as const;

export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

/**
 * A notification for the owner. The queue delivers it at least once; `id` is unique within the
 * account.
 */
export type Notification = Readonly<{
  account: AccountId;
  id: string;
  kind: NotificationKind;
  keyId: KeyId | null;
  model: string | null;
  /**
   * The balance (`low_balance`), what was spent of the budget (`budget_*`), or today's spending of the
   * key, in nano-USD.
   */
  amount: NanoUsd | null;
  at: Instant;
  /**
   * The budget of `budget_*`: null for the one of the key's whole life. Absent in a message of the
   * release before it.
   */
  budgetPeriod?: BudgetPeriod | null;
}>;
