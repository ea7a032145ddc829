export {
  findIdentity,
  type Identity,
  type InsertAccountResult,
  insertAccount,
  markAccountOpened,
  type NewAccount,
} from './accounts.ts';
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
  type ChangedEmail,
  consumeEmailChange,
  consumePasswordReset,
  findPasswordReset,
  insertEmailChange,
  insertPasswordReset,
  updatePasswordHash,
} from './email-links.ts';
export {
  type ChallengePurpose,
  consumeChallenge,
  deletePasskey,
  insertPasskey,
  insertPasskeyChallenge,
  listPasskeys,
  type Passkey,
  recordPasskeyUse,
} from './passkeys.ts';
export {
  type AddFactorResult,
  consumeRecoveryCode,
  countRecoveryCodes,
  replaceRecoveryCodes,
} from './recovery-codes.ts';
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
  updateSessionName,
} from './sessions.ts';
export {
  deleteSignUps,
  type EmailRecipient,
  findSignUp,
  insertConfirmedAccount,
  insertSignUp,
} from './sign-ups.ts';
export { activateTotp, consumeTotpStep, deleteTotp, findTotp, insertPendingTotp } from './totp.ts';
