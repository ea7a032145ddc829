export { type KeyRow, listKeys } from './api-key-queries.ts';
export {
  type BalanceTransaction,
  type CallCursor,
  type CallFilter,
  type CallRecord,
  type DayRange,
  findCallRecord,
  listBalanceTransactions,
  listCalls,
  nextPageCursor,
  sumUsage,
  type UsageGroup,
  type UsageSum,
} from './statements.ts';
