export {
  createLedgerClient,
  type LedgerClient,
  type LedgerUnreachable,
  type RetryPolicy,
} from './client.ts';
export type * from './contract/index.ts';
export {
  DAY_MS,
  DEFAULT_SPEND_GUARD,
  DIALECTS,
  isValidKeyName,
  MAX_KEY_CALLS,
  MAX_KEY_MODELS,
  MAX_KEY_NAME_LENGTH,
  MAX_SPEND_MULTIPLE,
  NO_LIMITS,
  NOTIFICATION_KINDS,
  SETTLE_REASONS,
} from './contract/index.ts';
export { getProviderPrices, type ProviderPrices } from './provider-prices.ts';
export {
  decodeSettlement,
  encodeSettlement,
  type SettlementMessage,
} from './settlement-message.ts';
