export {
  type LedgerClient,
  type LedgerUnreachable,
  ledgerClient,
  type Pacing,
} from './client.ts';
export type * from './contract.ts';
export { DIALECTS, NO_LIMITS, SETTLE_REASONS } from './contract.ts';
export {
  decodeSettlement,
  encodeSettlement,
  type SettlementMessage,
} from './settlement-message.ts';
