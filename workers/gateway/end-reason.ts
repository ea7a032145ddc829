/** Why a response ended, and why the account stopped a call. */

/** The event that ended a response. */
export type EndReason =
  | 'complete'
  | 'client_disconnected'
  | 'upstream_disconnected'
  | 'upstream_timeout'
  | 'stopped_by_account';

/** The account's reply to a checkpoint: `null` lets the call continue. */
export type StopReason = null | 'key_revoked' | 'account_frozen' | 'account_closed';
