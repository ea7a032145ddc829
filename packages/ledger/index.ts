export {
  type LedgerClient,
  type LedgerUnreachable,
  ledgerClient,
  type Pacing,
} from './client.ts';
export type * from './contract.ts';
export { DEFAULT_BRAKES, DIALECTS, NO_LIMITS, NOTICE_KINDS, SETTLE_REASONS } from './contract.ts';
export {
  decodeSettlement,
  encodeSettlement,
  type SettlementMessage,
} from './settlement-message.ts';
