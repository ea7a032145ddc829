export {
  createLedgerClient,
  type LedgerClient,
  type LedgerUnreachable,
  type RetryPolicy,
} from './client.ts';
export type * from './contract.ts';
export {
  DEFAULT_SPEND_GUARD,
  DIALECTS,
  NO_LIMITS,
  NOTIFICATION_KINDS,
  SETTLE_REASONS,
} from './contract.ts';
export {
  decodeSettlement,
  encodeSettlement,
  type SettlementMessage,
} from './settlement-message.ts';
