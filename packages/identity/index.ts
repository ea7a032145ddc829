/**
 * Identity: sign-up, sign-in, sessions, second factors and profile changes. The gateway imports
 * `./api-keys` only.
 */
export {
  type AccountOpener,
  ensureAccountOpened,
  type OpenAccountError,
  type OpenAccountRequest,
  type OpenAccountResult,
  openAccount,
} from './accounts.ts';
export { issueChallenge } from './challenge.ts';
export type * from './contract.ts';
export { REAUTH_TTL_MS } from './contract.ts';
export { eraseIdentity, purgeExpired } from './erasure.ts';
export { addPasskey, beginPasskeyRegistration, removePasskey } from './passkeys.ts';
export { changePassword, requestPasswordReset, resetPassword } from './password-changes.ts';
export {
  hashPassword,
  needsRehash,
  type PasswordError,
  passwordError,
  verifyPassword,
} from './passwords.ts';
export {
  confirmEmailChange,
  requestEmailChange,
  setLanguage,
} from './profile-changes.ts';
export { beginPasskeyReauth, isSecondFactorDue, reauthenticate } from './reauthentication.ts';
export { getFactorsStatus, regenerateRecoveryCodes } from './recovery-codes.ts';
export {
  endOtherSessions,
  endSession,
  findSessionUser,
  listSessions,
  MAX_SESSION_NAME_LENGTH,
  nameSession,
  signOut,
} from './sessions.ts';
export { beginPasskeyAssertion, getMfaFactors, signIn, verifySecondFactor } from './sign-in.ts';
export { confirmSignUp, signUp } from './sign-up.ts';
export { beginTotp, confirmTotp, removeTotp } from './totp.ts';
