/**
 * The texts of operators' pages that more than one page needs. Operators are staff: English only.
 */
import type { SweepTotal } from '@farebox/database/deposits';
import type { AdjustmentState, CorrectionState } from '@farebox/database/operators';
import type { DeclineReason, RefundState } from '@farebox/database/refunds';
import type { Bucket } from '@farebox/money';
import type { Permission } from './roles.ts';

export const ACCOUNT_ACTIONS = [
  'reveal_email',
  'freeze',
  'unfreeze',
  'revoke_key',
  'end_sessions',
  'withdraw_consent',
  'adjust',
] as const;
export type AccountAction = (typeof ACCOUNT_ACTIONS)[number];

/** The message after an action, by the code in the page's query. */
export const DONE_MESSAGES: Readonly<Record<string, string>> = {
  freeze: 'Account frozen. Its calls are refused until it is unfrozen.',
  unfreeze: 'Account unfrozen. It can make calls again.',
  revoke_key: 'Key revoked.',
  end_sessions: 'All sessions of the account were ended.',
  withdraw_consent: 'Withdrawal recorded. The user can see the receipt in their console.',
  applied: 'Adjustment applied.',
  waiting: 'The adjustment is above the limit and needs a second approval.',
  correction_applied: 'Every call of the correction was answered by its ledger.',
  correction_continues:
    'A part of the calls was corrected. The rest follows within minutes, or with Continue.',
  correction_planning:
    'A part of the calls was planned. The rest follows within minutes, or with Continue.',
  correction_waiting: 'The correction is above the limit and needs a second approval.',
  correction_rejected: 'Correction rejected. Its calls can be corrected by another one.',
  rejected: 'Adjustment rejected. The balance was not changed.',
  refund_approved: 'Approved. It can be put into a file for the treasury.',
  refund_failure_reported:
    'Recorded. An operator who did not make the file has to release the refund for another payment.',
  refund_released: 'Released. It can be put into another file for the treasury.',
  refund_waiting: 'This sum needs a second operator’s approval.',
  refund_declined: 'Declined. What it had reserved is available again.',
  refunds_exported: 'The file can be downloaded below.',
  refunds_reported: 'Recorded. Each refund is posted once every provider shows its transfer.',
  catalog_changed: 'Change accepted. It takes effect everywhere within a minute of its moment.',
  catalog_waiting: 'This moves a price further than one operator may. It needs a second approval.',
  catalog_rejected: 'Change rejected. The catalog was not changed.',
  incident_opened: 'Published. The status page shows it within a minute.',
  incident_resolved: 'Resolved. The status page shows it within a minute.',
  prices_acknowledged: 'Acknowledged. These prices alert again when one of their sides changes.',
  resume_chain: 'Network resumed. It is scanned again from the next minute.',
  release_deposit:
    'Deposit released. It is credited within the next minute’s run, if the account can accept it.',
  report_sweep: 'Report imported. The audit now includes it.',
  rotate_key:
    'Key rotated. New addresses are derived from this key; existing addresses are still monitored.',
};

/** The message of each error of an action. */
export const ERROR_MESSAGES: Readonly<Record<ActionError, string>> = {
  not_permitted: 'Your role does not allow this. This attempt was logged.',
  reason_required: 'Enter a reason of 10 to 255 characters. This attempt was logged.',
  invalid_fields:
    'Some fields of the form are invalid. Write an amount such as 1,000 as 1000 or 1.00. This attempt was logged.',
  no_owner: 'The account has no email address because it was deleted.',
  not_found: 'Not found.',
  address_refused: 'The address is blocked, or one of ours. Decline this refund.',
  conflict: 'This ID is already used by another adjustment.',
  closed: 'The account is closed, so its balance can no longer be changed.',
  not_open: 'The account’s ledger is not open yet.',
  too_large: 'This would exceed the maximum balance of an account.',
  insufficient: 'Insufficient available balance.',
  own_proposal: 'This is your own proposal. Another operator has to approve it.',
  own_report:
    'You put this refund into the file, or reported its payment as failed. Another operator has to release it.',
  failure_not_reported:
    'Nobody has reported this payment as failed, so it may still arrive. Report that on the refund’s page first; then another operator can release it.',
  already_decided: 'This was already decided.',
  invalid_change: 'The change is not valid, so nothing was changed.',
  stale: 'The catalog was changed since. Nothing was changed: preview it again.',
  mixed_prices:
    'Calls of this rule and period were charged at different prices. Choose a shorter period, or correct call by call.',
  preview_changed:
    'Other calls or sums than in the preview. Nothing was corrected: preview it again.',
  nothing_to_correct: 'No call here was charged more than that, or each was corrected before.',
  unknown_address: 'The report contains addresses that are not ours. Nothing was imported.',
};
export type ActionError =
  | 'not_permitted'
  | 'reason_required'
  | 'invalid_fields'
  | 'no_owner'
  | 'not_found'
  | 'address_refused'
  | 'conflict'
  | 'closed'
  | 'not_open'
  | 'too_large'
  | 'insufficient'
  | 'own_proposal'
  | 'own_report'
  | 'failure_not_reported'
  | 'already_decided'
  | 'invalid_change'
  | 'stale'
  | 'mixed_prices'
  | 'preview_changed'
  | 'nothing_to_correct'
  | 'unknown_address';

export const ACTION_LABELS: Readonly<
  Record<AccountAction, Readonly<{ title: string; description: string; dangerous: boolean }>>
> = {
  reveal_email: {
    title: 'Reveal email address',
    description: 'Shows the full email address once, on the next page.',
    dangerous: false,
  },
  freeze: {
    title: 'Freeze',
    description: 'New calls are refused and long responses are stopped. The balance is kept.',
    dangerous: true,
  },
  unfreeze: {
    title: 'Unfreeze',
    description: 'Removes the freeze, so that the account can make calls again.',
    dangerous: false,
  },
  revoke_key: {
    title: 'Revoke key',
    description: 'Takes effect immediately and permanently. The user can create a new key.',
    dangerous: true,
  },
  end_sessions: {
    title: 'End all sessions',
    description: 'Signs the user out of every browser and forgets all known devices.',
    dangerous: true,
  },
  withdraw_consent: {
    title: 'Record consent withdrawal',
    description: 'The user told support that they no longer want a kind of email.',
    dangerous: false,
  },
  adjust: {
    title: 'Adjust balance',
    description: 'Applied immediately up to the limit. Above it, a second operator has to approve.',
    dangerous: true,
  },
};

export const ACTION_PERMISSIONS: Readonly<Record<AccountAction, Permission>> = {
  reveal_email: 'reveal_email',
  freeze: 'freeze',
  unfreeze: 'unfreeze',
  revoke_key: 'revoke_key',
  end_sessions: 'end_sessions',
  withdraw_consent: 'withdraw_consent',
  adjust: 'adjust',
};

export const ADJUSTMENT_STATE_LABELS: Readonly<Record<AdjustmentState, string>> = {
  proposed: 'awaiting approval',
  approved: 'approved, not applied yet',
  applied: 'applied',
  refused: 'rejected',
};

/** The kinds of tokens as the page of a call names them (`calls.buckets` in packages/i18n). */
export const BUCKET_LABELS: Readonly<Record<Bucket, string>> = {
  input_uncached: 'Input',
  cache_read: 'Cache read',
  cache_write_5m: 'Cache write (5 minutes)',
  cache_write_30m: 'Cache write (30 minutes)',
  cache_write_1h: 'Cache write (1 hour)',
  cache_write_12h: 'Cache write (12 hours)',
  output: 'Output',
};

export const CORRECTION_STATE_LABELS: Readonly<Record<CorrectionState, string>> = {
  planning: 'being planned, nothing corrected yet',
  proposed: 'awaiting approval',
  approved: 'approved, not finished',
  applied: 'finished',
  refused: 'rejected',
};

export const REFUND_STATE_LABELS: Readonly<Record<RefundState, string>> = {
  requested: 'not confirmed by its owner',
  confirmed: 'confirmed, not reserved yet',
  reserved: 'awaiting approval',
  half_approved: 'awaiting a second approval',
  approved: 'approved',
  exported: 'in a file of the treasury',
  sent: 'reported, not confirmed by the network',
  paid: 'paid',
  declined: 'declined',
  cancelled: 'cancelled',
  expired: 'expired',
};

/** What the owner of a declined refund reads, in English (`refunds.reasons` in packages/i18n). */
export const DECLINE_REASON_LABELS: Readonly<Record<DeclineReason, string>> = {
  address_screened: 'We may not pay to this address.',
  under_review: 'The account is under review.',
  ask_support: 'Please write to us.',
};

export const AUDIT_LOG_PROBLEMS: Readonly<Record<'missing' | 'unlinked' | 'altered', string>> = {
  missing: 'is missing',
  unlinked: 'does not follow the previous entry',
  altered: 'was altered',
};

export const DEPOSIT_STATE_LABELS: Readonly<Record<string, string>> = {
  pending: 'pending, not final',
  final: 'final, to be credited',
  dust: 'below the minimum',
  in_review: 'in review',
  closed: 'account closed',
  balance: 'address',
  ledger: 'account ledger',
  frozen: 'frozen by the issuer',
};

export const SWEEP_STATE_LABELS: Readonly<Record<SweepTotal['state'], string>> = {
  reported: 'reported, not confirmed',
  confirmed: 'confirmed by every provider',
  contradicted: 'the network shows another transfer',
};

/** Why a deposit is in review, and what to do about it. */
export const REVIEW_REASONS: Readonly<Record<string, string>> = {
  blocked_sender:
    'It was sent from an address on the list of blocked senders. Check with compliance before crediting it.',
  frozen_sender: 'The token’s issuer froze the sender. Check with compliance before crediting it.',
  address_unknown:
    'The account’s Durable Object does not know this address, so rows in Postgres may have been changed. Investigate this first.',
  address_not_derived:
    'The address is not derived from the operator key named in its row. Rows in Postgres may have been changed, or an old key is no longer configured.',
  block_changed:
    'Its block no longer exists. The deposit is processed automatically when it appears in another block.',
  conflict:
    'The account’s ledger already has an entry with this ID and a different amount. The deposit was credited before.',
  closed: 'The account is closed. Return the deposit manually if the owner asks for it.',
};
