export { type KeyRow, listKeys } from './api-key-queries.ts';
export { listPastBalances, type PastBalance } from './balance-history.ts';
export { type BalanceTransaction, listBalanceTransactions } from './balance-transactions.ts';
export { type CallCorrection, findCallCorrection } from './call-corrections.ts';
export { CALL_ENDINGS, type CallEndingKind, toEndingKind } from './call-endings.ts';
export {
  CALL_BUCKETS,
  type CallBucket,
  type CallCursor,
  type CallEnding,
  type CallFilter,
  type CallOutcome,
  type CallPage,
  type CallRecord,
  type CallSummary,
  findCallRecord,
  listCalls,
  nextPageCursor,
  SEARCHED_CALLS,
  summarizeCalls,
} from './call-queries.ts';
export {
  type DailySpend,
  type DailyUsageQuery,
  type DailyUsageSum,
  type DayRange,
  listLastUsedDays,
  sumDailySpend,
  sumDailyUsage,
  sumGroupSpend,
  sumUsage,
  type UsageGroup,
  type UsageSum,
} from './usage-queries.ts';
