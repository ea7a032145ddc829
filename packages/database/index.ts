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
  type Adjustment,
  type AdjustmentState,
  adjustmentsOf,
  type DecideResult,
  decideAdjustment,
  endAdjustment,
  findAdjustment,
  openAdjustments,
  type Proposal,
  type ProposeResult,
  proposeAdjustment,
} from './adjustments.ts';
export {
  activateKey,
  type ChangeKeyResult,
  changeKeyRow,
  type InsertKeyResult,
  insertPendingKey,
  type KeyRow,
  listKeys,
  markKeyRevoked,
  markKeysRevoked,
  type PendingKey,
  rollKeyRow,
} from './api-keys.ts';
export { findCall } from './calls.ts';
export {
  type Advance,
  advanceCursor,
  type ChainCursor,
  haltChain,
  type Incident,
  type Look,
  noteLook,
  noteReread,
  type Reread,
  readCursor,
  readReread,
  resumeChain,
  startCursor,
} from './chain-cursors.ts';
export {
  type ChainState,
  findSetAside,
  type OpenIncident,
  openIncidents,
  type PinnedKey,
  pinnedKeys,
  readChainStates,
  type SetAside,
  setAsideDeposits,
  type WaitingDeposits,
  waitingDeposits,
} from './chain-health.ts';
export { connect, type Database, DatabaseFailure, type Failure } from './connection.ts';
export { withdrawConsentByLink } from './consents.ts';
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
export { addressOf, beginDeletion, markWiped, unfinishedDeletions } from './deletions.ts';
export {
  addressesIssued,
  addressesOf,
  findAddresses,
  type IssuedAddress,
  issueAddress,
  type PinResult,
  pinKey,
  type WatchedAddress,
  watchedAddresses,
} from './deposit-addresses.ts';
export {
  bookDifferences,
  type Difference,
  noteAudit,
  noteDifferenceReread,
  noteDifferences,
  type OpenDifference,
  openDifferences,
  readAudit,
  recordSwept,
  recordsOf,
  type Swept,
  settleDifferences,
} from './deposit-audit.ts';
export {
  type CreditableDeposit,
  creditableDeposits,
  type DepositEnd,
  type DepositRow,
  depositsOf,
  endDeposit,
  type FoundTransfer,
  recordFinal,
  releaseDeposit,
  releaseDust,
  replacePending,
  type UnvaluedDeposit,
  unvaluedDeposits,
  type Valuation,
  valueDeposit,
} from './deposits.ts';
export { eraseOwner, purgeExpired } from './erasure.ts';
export {
  EXPORTED_TABLES,
  type ExportedRow,
  type ExportedTable,
  exportedColumns,
  exportedTable,
  exportRows,
  NOT_EXPORTED,
  type Whose,
} from './export.ts';
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
export { type Health, readHealth, recordSweep, type SweepTick } from './health.ts';
export { type AccountTotals, accountTotals, deliverEntries, LARGEST_DELIVERY } from './ledger.ts';
export { chooseMail, type MailChoice, mailChoices } from './mail-choices.ts';
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
  type Delivery,
  deliveriesOf,
  endMail,
  findMailToSend,
  findSuppression,
  insertMails,
  type MailEvent,
  type MailState,
  markMailSent,
  type NewMail,
  purgeMail,
  recordMailEvent,
  type Suppression,
} from './mails.ts';
export { dismissNotice, type OpenNotice, openNotices } from './notice-board.ts';
export { type Recipient, recordNotice } from './notices.ts';
export {
  appendOperatorAction,
  type ChainVerdict,
  listOperatorActions,
  type OperatorAction,
  type OperatorLine,
  verifyChain,
} from './operator-actions.ts';
export {
  type AccountCard,
  accountOfCall,
  accountsByKeyEnding,
  type Correspondence,
  callsSeen,
  correspondenceOf,
  endEverySession,
  findAccountCard,
  findOwner,
  keysSeen,
  linesSeen,
  type Owner,
  type SeenCall,
  type SeenConsent,
  type SeenKey,
  type SeenLine,
  type SeenMail,
  type SeenReceipt,
  withdrawConsentFor,
} from './operator-looks.ts';
export { insertReceipt, listReceipts, type Receipt } from './receipts.ts';
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
export {
  type CallCursor,
  type CallFilter,
  callsCut,
  callsPage,
  type DaySpan,
  type Movement,
  movementsPage,
  type StatedCall,
  statedCall,
  type UsageGroup,
  type UsageSum,
  usageSums,
} from './statements.ts';
export { type Bucket, countAttempt } from './throttles.ts';
