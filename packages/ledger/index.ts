export {
  createLedgerClient,
  type LedgerClient,
  type LedgerUnreachable,
  type RetryPolicy,
} from './client.ts';
export type * from './contract/index.ts';
export {
  BUDGET_PERIODS,
  CALL_STATUSES,
  DAY_MS,
  DEFAULT_SPEND_GUARD,
  HOUR_MS,
  isValidKeyName,
  MAX_KEY_CALLS,
  MAX_KEY_MODELS,
  MAX_KEY_NAME_LENGTH,
  MAX_REFUSED_COUNTS,
  MAX_SPEND_MULTIPLE,
  NO_LIMITS,
  NOTIFICATION_KINDS,
  RECORDED_DIALECTS,
  SETTLE_REASONS,
} from './contract/index.ts';
export {
  EARLY_DECLINES_PER_DAY,
  EARLY_GRANT_MS,
  EARLY_PAUSE_MS,
  EARLY_SEND_TIMEOUT_MS,
} from './early-grants.ts';
export { requestedMaxOutput, requiredHold } from './hold-amount.ts';
export { getProviderPrices, type ProviderPrices } from './provider-prices.ts';
export {
  decodeSettlement,
  encodeSettlement,
  type SettlementMessage,
} from './settlement-message.ts';
