/**
 * The only logger: a closed list of events made of numbers, closed sets of words and our own ids. No field
 * could hold a prompt, a response, a header, a URL, an address or the text of an error (policy P2).
 * `console` is used nowhere else in the repository.
 */

type Id = string;

/** Every log event. `account` is the pseudonymous account id; `call` is our request id. */
export type LogEvent =
  | { event: 'upstream_account_error'; call: Id; provider: string; status: number }
  | {
      event: 'upstream_unreachable';
      call: Id;
      provider: string;
      kind: 'connect' | 'timeout';
    }
  | { event: 'unknown_fields_passed'; call: Id; provider: string; count: number }
  | { event: 'usage_unpriceable'; call: Id; provider: string; count: number }
  | { event: 'settlement_queued'; call: Id }
  | { event: 'settlement_lost'; call: Id }
  | { event: 'shortfall'; account: Id; call: Id; nanoUsd: string }
  | { event: 'hold_expired'; account: Id; call: Id; charged: string }
  | { event: 'outbox_shipped'; account: Id; entries: number }
  | {
      event: 'outbox_failed';
      account: Id;
      pending: number;
      kind: 'unreachable' | 'gap' | 'mismatch';
    }
  | { event: 'invariant_broken'; account: Id; invariant: string }
  | { event: 'sweep_unfinished'; account: Id }
  | { event: 'binding_missing'; name: string }
  | { event: 'ledger_unreachable'; call: Id; verb: string; overloaded: boolean }
  /** A request for the operators' application was denied. */
  | {
      event: 'access_denied';
      reason:
        | 'missing'
        | 'malformed'
        | 'algorithm'
        | 'unknown_key'
        | 'bad_signature'
        | 'expired'
        | 'wrong_audience_or_issuer'
        | 'no_identity'
        | 'no_role'
        | 'keys_unreachable';
    }
  /** A new entry of the audit log. A copy kept elsewhere shows if the newest entries were cut off. */
  | { event: 'operator_acted'; seq: number; hash: Id }
  | { event: 'audit_log_broken'; seq: number; problem: 'missing' | 'unlinked' | 'altered' }
  | {
      event: 'secret_scanning_refused';
      reason:
        | 'too_large'
        | 'malformed'
        | 'unsigned'
        | 'unknown_key'
        | 'forged'
        | 'keys_unreachable';
    }
  /** A mail was given up, or its provider refused it. */
  | {
      event: 'mail_failed';
      mail: Id;
      kind: string;
      reason:
        | 'not_queued'
        | 'expired'
        | 'gave_up'
        | 'bad_address'
        | 'bad_request'
        | 'message_rejected';
    }
  | {
      event: 'sns_refused';
      reason:
        | 'too_large'
        | 'malformed'
        | 'version'
        | 'topic'
        | 'stale'
        | 'certificate_host'
        | 'certificate_unreachable'
        | 'forged'
        | 'subscribe_host';
    }
  /** Whether the mail provider's events reach us at all. */
  | { event: 'sns_subscription'; what: 'confirmed' | 'unconfirmed' | 'ended' }
  | { event: 'mail_event_unknown'; what: 'unreadable' | 'kind' | 'mail' }
  /** A chain was not read on this time; the next tick tries again. */
  | { event: 'chain_trouble'; chain: string; trouble: string }
  /** Nothing of it is read or credited until an operator has looked. */
  | { event: 'chain_halted'; chain: string; kind: string; block: number }
  /** Nobody confirms what the only provider says. */
  | { event: 'single_provider'; chain: string }
  | { event: 'deposit_credited'; account: Id; chain: string; nanoUsd: string }
  | { event: 'deposit_set_aside'; account: Id; chain: string; reason: string }
  /** Its sender has to be looked at before it is credited. */
  | { event: 'deposit_held'; chain: string; reason: string }
  /** What an address holds, or a book says, is not what we recorded. */
  | { event: 'deposit_difference'; chain: string; kind: string }
  | { event: 'unexpected'; where: string; call: Id | null };

const ERROR_EVENTS: ReadonlySet<LogEvent['event']> = new Set([
  'upstream_account_error',
  'usage_unpriceable',
  'settlement_lost',
  'sweep_unfinished',
  'shortfall',
  'outbox_failed',
  'invariant_broken',
  'binding_missing',
  'audit_log_broken',
  'mail_failed',
  'chain_halted',
  'single_provider',
  'deposit_set_aside',
  'deposit_held',
  'deposit_difference',
  'unexpected',
]);

/** Writes one event as a line of JSON: to the error stream if an operator should look, else to the log. */
export function logEvent(event: LogEvent): void {
  const line = JSON.stringify(event);
  // biome-ignore lint/suspicious/noConsole: this is the one place that may.
  if (ERROR_EVENTS.has(event.event)) console.error(line);
  // biome-ignore lint/suspicious/noConsole: this is the one place that may.
  else console.log(line);
}
