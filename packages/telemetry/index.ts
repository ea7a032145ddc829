/**
 * The only logger: a closed list of events made of numbers, closed sets of words and our own ids.
 * No field could hold a prompt, a response, a header, a URL, an address or the text of an error
 * (policy P2). `console` is used nowhere else in the repository.
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
  /** A provider reports more than its call can have used: the bill is an estimate. */
  | { event: 'usage_implausible'; call: Id; provider: string; model: string }
  /** A provider states another charge than our prices give: one of the two is stale. */
  | {
      event: 'provider_cost_differs';
      call: Id;
      provider: string;
      model: string;
      computedNanoUsd: string;
      statedNanoUsd: string;
    }
  | { event: 'settlement_queued'; call: Id }
  | { event: 'settlement_lost'; call: Id }
  | { event: 'shortfall'; account: Id; call: Id; nanoUsd: string }
  /** An account is slowed for the rest of the day, because of calls that Farebox pays for. */
  | { event: 'account_slowed'; account: Id; reason: 'shortfall' | 'refusals' }
  /** A call that the provider was asked for already: the platform pays for it (decision 0033). */
  | { event: 'early_send_declined'; account: Id }
  | { event: 'hold_expired'; account: Id; call: Id; charged: string }
  | { event: 'outbox_flushed'; account: Id; entries: number }
  | {
      event: 'outbox_failed';
      account: Id;
      pending: number;
      kind: 'unreachable' | 'gap' | 'mismatch';
    }
  | { event: 'invariant_broken'; account: Id; invariant: string }
  | { event: 'reconciliation_incomplete'; account: Id }
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
  /**
   * A new entry of the audit log. A copy kept elsewhere shows if the newest entries were cut off.
   */
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
  /** An email failed for good: no retry is left, or the provider refused it. */
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
  /**
   * A shared budget of the sign-in pages is used up for its minute or hour; strangers have to solve
   * a challenge. Logged once per window.
   */
  | { event: 'budget_exhausted'; budget: string }
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
  /** The state of the subscription that delivers the mail provider's events. */
  | { event: 'sns_subscription'; what: 'confirmed' | 'unconfirmed' | 'ended' }
  | { event: 'mail_event_unknown'; what: 'unreadable' | 'kind' | 'mail' }
  /** A chain could not be read in this run; the next run tries again. */
  | { event: 'chain_read_failed'; chain: string; error: string }
  /** Deposits of this chain are neither read nor credited until an operator resumes it. */
  | { event: 'chain_halted'; chain: string; kind: string; block: number }
  /** The chain has one provider only, so nothing confirms its data. */
  | { event: 'single_provider'; chain: string }
  | { event: 'deposit_credited'; account: Id; chain: string; nanoUsd: string }
  | { event: 'deposit_in_review'; account: Id; chain: string; reason: string }
  /** An operator must review the sender before the deposit is credited. */
  | { event: 'deposit_screening_required'; chain: string; reason: string }
  /** Deposits that wait because a provider could not ask the token's issuer about their senders. */
  | { event: 'deposit_screening_unavailable'; chain: string; count: number }
  /** A reported sweep that the providers do not show; it does not count in the audit. */
  | { event: 'sweep_not_confirmed'; chain: string; count: number }
  /** The providers show another transfer than the treasury reported for a refund. */
  | { event: 'refund_contradicted'; account: Id; chain: string }
  /** A refund that was paid on the chain, and that the ledger has no reservation of. */
  | { event: 'refund_not_posted'; account: Id; reason: string }
  /** A confirmed sweep went to an address that none of this chain went to before. */
  | { event: 'sweep_to_new_address'; chain: string }
  /** The balance of an address, or of a ledger, differs from the record. */
  | { event: 'deposit_difference'; chain: string; kind: string }
  /** A message that no handler could process waits in its dead-letter queue; one line per try. */
  | {
      event: 'dead_letter';
      queue: string;
      message: Id;
      reason: 'malformed' | 'failed';
      attempts: number;
    }
  | { event: 'dead_letter_replayed'; queue: string; message: Id }
  /** A version of the catalog has an invalid row: what held before goes on. */
  | { event: 'catalog_refused'; version: number }
  /** An isolate could not read the catalog, and goes on with what it has. */
  | { event: 'catalog_unreachable' }
  /** The catalog of an isolate is older than an hour. */
  | { event: 'catalog_stale'; ageSeconds: number }
  /** Bills of a day are not what the versions of the catalog that they name give. */
  | { event: 'parity_difference'; day: string; calls: number; differing: number }
  /** A provider stated other costs of a day's calls than its prices give: one of the two is stale. */
  | {
      event: 'parity_provider_cost_difference';
      day: string;
      provider: string;
      calls: number;
      differing: number;
      computedNanoUsd: string;
      statedNanoUsd: string;
    }
  /** Prices in effect, changed by operators, are not those of the release's sources. */
  | { event: 'parity_price_difference'; day: string; prices: number }
  | { event: 'unexpected'; where: string; call: Id | null };

const ERROR_EVENTS: ReadonlySet<LogEvent['event']> = new Set([
  'upstream_account_error',
  'usage_unpriceable',
  'usage_implausible',
  'settlement_lost',
  'reconciliation_incomplete',
  'shortfall',
  'account_slowed',
  'outbox_failed',
  'invariant_broken',
  'binding_missing',
  'audit_log_broken',
  'mail_failed',
  'budget_exhausted',
  'chain_halted',
  'single_provider',
  'deposit_in_review',
  'deposit_screening_required',
  'deposit_screening_unavailable',
  'sweep_not_confirmed',
  'sweep_to_new_address',
  'refund_contradicted',
  'refund_not_posted',
  'deposit_difference',
  'dead_letter',
  'catalog_refused',
  'catalog_stale',
  'parity_difference',
  'parity_provider_cost_difference',
  'parity_price_difference',
  'unexpected',
]);

/**
 * Writes one event as a line of JSON: to the error stream if an operator should look, else to the
 * log.
 */
export function logEvent(event: LogEvent): void {
  const line = JSON.stringify(event);
  // biome-ignore lint/suspicious/noConsole: this is the one place that may.
  if (ERROR_EVENTS.has(event.event)) console.error(line);
  // biome-ignore lint/suspicious/noConsole: this is the one place that may.
  else console.log(line);
}
