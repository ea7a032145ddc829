export { type KeyRow, listKeys } from './api-key-queries.ts';
export { type BalanceTransaction, listBalanceTransactions } from './balance-transactions.ts';
export {
  type CallCursor,
  type CallFilter,
  type CallRecord,
  findCallRecord,
  listCalls,
  nextPageCursor,
} from './call-queries.ts';
export { type DayRange, sumUsage, type UsageGroup, type UsageSum } from './usage-queries.ts';
