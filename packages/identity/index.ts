/** The front of the identity room: who is asking. The gateway uses the front `./api-keys` alone. */
export {
  type NewAccount,
  type OpenAccountRefusal,
  type OpenAccountResult,
  type Opener,
  openAccount,
  reopenAccount,
} from './accounts.ts';
export type * from './contract.ts';
export { PROOF_LASTS_MS } from './contract.ts';
export {
  confirmEmailChange,
  requestEmailChange,
  setLanguage,
} from './corrections.ts';
export { eraseIdentity, purgeExpired } from './erasure.ts';
export { addPasskey, beginPasskey, removePasskey } from './passkeys.ts';
export { changePassword, requestReset, resetPassword } from './password-changes.ts';
export {
  hashPassword,
  needsRehash,
  type PasswordFlaw,
  passwordFlaw,
  verifyPassword,
} from './passwords.ts';
export { askPasskeyToProve, prove } from './proof.ts';
export { factors, newRecoveryCodes } from './recovery-codes.ts';
export {
  endOtherSessions,
  endSession,
  findPerson,
  listSessions,
  signOut,
} from './sessions.ts';
export { askPasskey, proveSecondFactor, signIn, stepFactors } from './sign-in.ts';
export { confirmSignUp, signUp } from './sign-up.ts';
export { beginTotp, confirmTotp, removeTotp } from './totp.ts';
