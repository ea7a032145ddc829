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
export {
  type Credentials,
  countStepTry,
  credentialsOfAccount,
  type FactorKinds,
  findCredentials,
  findStep,
  insertStep,
  rehashPassword,
  type Step,
  setLanguage,
} from './credentials.ts';
export { eraseOwner, purgeExpired } from './erasure.ts';
export {
  type AddedFactor,
  beginTotp,
  type ChallengePurpose,
  confirmTotp,
  countRecoveryCodes,
  findTotp,
  insertChallenge,
  insertPasskey,
  listPasskeys,
  type Passkey,
  removePasskey,
  removeTotp,
  replaceRecoveryCodes,
  spendChallenge,
  usePasskey,
  useRecoveryCode,
  useTotpStep,
} from './factors.ts';
export { type AccountTotals, accountTotals, deliverEntries, LARGEST_DELIVERY } from './ledger.ts';
export {
  type ChangedEmail,
  changePassword,
  findReset,
  insertEmailChange,
  insertReset,
  spendEmailChange,
  spendReset,
} from './mail-tokens.ts';
export {
  type Entitlement,
  endSession,
  endSessionByToken,
  endSessionsExcept,
  findSession,
  listSessions,
  markProved,
  type NewSession,
  openSession,
} from './sessions.ts';
export {
  confirmSignUp,
  dropSignUps,
  findSignUp,
  insertSignUp,
  type Mailbox,
} from './sign-ups.ts';
export { type Bucket, countAttempt } from './throttles.ts';
