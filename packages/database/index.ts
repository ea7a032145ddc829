/** The front of the database room: Postgres, by noun. Nothing else of it may be imported. */
export {
  accountsToSweep,
  findIdentity,
  type Identity,
  type InsertAccountResult,
  insertAccount,
  markAccountOpened,
  type NewAccount,
} from './accounts.ts';
export {
  activateKey,
  type ChangeKeyResult,
  type InsertKeyResult,
  insertPendingKey,
  type KeyRow,
  listKeys,
  markKeyRevoked,
  type PendingKey,
} from './api-keys.ts';
export { findCall } from './calls.ts';
export { connect, type Database, DatabaseFailure, type Failure } from './connection.ts';
export { type AccountTotals, accountTotals, deliverEntries, LARGEST_DELIVERY } from './ledger.ts';
