/** The front of the database room: Postgres, by noun. Nothing else of it may be imported. */

export {
  beginDeletion,
  findEmailRecipient,
  listUnfinishedDeletions,
  markWiped,
} from './account-deletion.ts';
export {
  accountsToReconcile,
  findIdentity,
  type Identity,
  type InsertAccountResult,
  insertAccount,
  markAccountOpened,
  type NewAccount,
} from './accounts.ts';
export {
  type Adjustment,
  type AdjustmentState,
  closeAdjustment,
  type DecideResult,
  decideAdjustment,
  findAdjustment,
  listAdjustments,
  listOpenAdjustments,
  type Proposal,
  type ProposeResult,
  proposeAdjustment,
} from './adjustments.ts';
export {
  activateKey,
  type ChangeKeyResult,
  type InsertKeyResult,
  insertPendingKey,
  type KeyRow,
  listKeys,
  markKeyRevoked,
  markKeysRevoked,
  type PendingKey,
  rollKeyRow,
  updateKeyRow,
} from './api-keys.ts';
export {
  type AuditLogCheck,
  type AuditLogEntry,
  appendOperatorAction,
  listOperatorActions,
  type OperatorAction,
  verifyAuditLog,
} from './audit-log.ts';
export { findGeneration } from './calls.ts';
export {
  type Advance,
  advanceCursor,
  type ChainCursor,
  haltChain,
  type Incident,
  type PollResult,
  type Rescan,
  readCursor,
  readRescan,
  recordPoll,
  recordRescan,
  resumeChain,
  startCursor,
} from './chain-cursors.ts';
export {
  type ChainState,
  type DepositInReview,
  findInReview,
  listDepositsInReview,
  listOpenIncidents,
  listPinnedKeys,
  listWaitingDeposits,
  type OpenIncident,
  type PinnedKey,
  readChainStates,
  type WaitingDeposits,
} from './chain-health.ts';
export { connect, type Database, DatabaseError, type QueryError } from './connection.ts';
export { withdrawConsentByLink } from './consents.ts';
export {
  type Credentials,
  countMfaAttempt,
  type FactorKinds,
  findCredentials,
  findCredentialsByAccount,
  findMfaChallenge,
  insertMfaChallenge,
  type MfaChallenge,
  rehashPassword,
  updateLanguage,
} from './credentials.ts';
export {
  countIssuedAddresses,
  findAddresses,
  type IssuedAddress,
  issueAddress,
  listAddressesByKey,
  listWatchedAddresses,
  type PinResult,
  pinKey,
  type WatchedAddress,
} from './deposit-addresses.ts';
export {
  type Difference,
  findLedgerDifferences,
  getAddressRecords,
  listOpenDifferences,
  type OpenDifference,
  readAuditProgress,
  recordAuditProgress,
  recordDifferenceRescan,
  recordDifferences,
  recordSweptDeposits,
  resolveDifferences,
  type SweptDeposit,
} from './deposit-audit.ts';
export {
  type CreditableDeposit,
  type DepositOutcome,
  type DepositRow,
  type DetectedTransfer,
  listCreditableDeposits,
  listDeposits,
  listUnvaluedDeposits,
  recordFinalTransfers,
  releaseDeposit,
  releaseDust,
  replacePending,
  setCreditAmount,
  setDepositOutcome,
  type TokenTerms,
  type UnvaluedDeposit,
} from './deposits.ts';
export {
  type ChangedEmail,
  consumeEmailChange,
  consumePasswordReset,
  findPasswordReset,
  insertEmailChange,
  insertPasswordReset,
  updatePasswordHash,
} from './email-links.ts';
export {
  deleteOldEmails,
  type EmailDelivery,
  type EmailEvent,
  type EmailState,
  findEmailToSend,
  findSuppression,
  insertEmails,
  listEmailDeliveries,
  markEmailNotSent,
  markEmailSent,
  type NewEmail,
  recordEmailEvent,
  type Suppression,
} from './emails.ts';
export { deleteExpiredRows, eraseOwner } from './erasure.ts';
export {
  type DataSubject,
  EXPORTED_TABLES,
  type ExportedRow,
  type ExportedTable,
  exportRows,
  getExportedColumns,
  NOT_EXPORTED,
  parseExportedTable,
} from './export.ts';
export {
  type AddFactorResult,
  activateTotp,
  type ChallengePurpose,
  consumeChallenge,
  consumeRecoveryCode,
  consumeTotpStep,
  countRecoveryCodes,
  deletePasskey,
  deleteTotp,
  findTotp,
  insertPasskey,
  insertPasskeyChallenge,
  insertPendingTotp,
  listPasskeys,
  type Passkey,
  recordPasskeyUse,
  replaceRecoveryCodes,
} from './factors.ts';
export { type Health, type ReconciliationRun, readHealth, recordReconciliation } from './health.ts';
export {
  type AccountTotals,
  getAccountTotals,
  ingestEntries,
  MAX_ENTRIES_PER_STATEMENT,
} from './ledger-ingest.ts';
export { type EmailConsent, listConsents, setConsent } from './mail-choices.ts';
export {
  dismissNotification,
  listOpenNotifications,
  type OpenNotification,
} from './notice-board.ts';
export { type NotificationRecipient, recordNotification } from './notices.ts';
export {
  type AccountSummary,
  type CallSummary,
  type Communication,
  type ConsentSummary,
  deleteAllSessions,
  type EmailSummary,
  type EntrySummary,
  findAccountByCall,
  findAccountSummary,
  findAccountsByKeyEnding,
  findOwner,
  getCommunication,
  type KeySummary,
  listCallSummaries,
  listEntrySummaries,
  listKeySummaries,
  type Owner,
  type ReceiptSummary,
  withdrawConsentByOperator,
} from './operator-queries.ts';
export { countAttempt, type RateLimitBucket } from './rate-limits.ts';
export { insertReceipt, listReceipts, type Receipt } from './receipts.ts';
export {
  deleteOtherSessions,
  deleteSession,
  deleteSessionByToken,
  findSession,
  insertSession,
  markReauthenticated,
  type NewSession,
  type SessionGrant,
  selectSessions,
} from './sessions.ts';
export {
  deleteSignUps,
  type EmailRecipient,
  findSignUp,
  insertConfirmedAccount,
  insertSignUp,
} from './sign-ups.ts';
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
