export { accountsToReconcile } from './accounts-to-reconcile.ts';
export {
  activateKey,
  type ChangeKeyResult,
  type InsertKeyResult,
  insertPendingKey,
  markKeyRevoked,
  markKeysRevoked,
  type PendingKey,
  rollKeyRow,
  updateKeyRow,
} from './api-keys.ts';
export { findGeneration } from './calls.ts';
export {
  type AccountTotals,
  getAccountTotals,
  ingestEntries,
  MAX_ENTRIES_PER_STATEMENT,
} from './ledger-ingest.ts';
export { type ReconciliationRun, recordReconciliation } from './reconciliation-runs.ts';
export { outlineStatement } from './statement-outline.ts';
export { listEntries, storeHashes } from './stored-entries.ts';
