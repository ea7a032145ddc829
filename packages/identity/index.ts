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
  hashPassword,
  needsRehash,
  type PasswordFlaw,
  passwordFlaw,
  verifyPassword,
} from './passwords.ts';
export {
  addPasskey,
  askPasskey,
  askPasskeyToProve,
  beginPasskey,
  beginTotp,
  changePassword,
  confirmEmailChange,
  confirmSignUp,
  confirmTotp,
  endOtherSessions,
  endSession,
  eraseIdentity,
  factors,
  findPerson,
  listSessions,
  newRecoveryCodes,
  prove,
  proveSecondFactor,
  purgeExpired,
  removePasskey,
  removeTotp,
  requestEmailChange,
  requestReset,
  resetPassword,
  setLanguage,
  signIn,
  signOut,
  signUp,
  stepFactors,
} from './unbuilt.ts';
