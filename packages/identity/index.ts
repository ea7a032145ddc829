/** The front of the identity room: who is asking. The gateway uses the front `./api-keys` alone. */
export {
  type NewAccount,
  type OpenAccountRefusal,
  type OpenAccountResult,
  type Opener,
  openAccount,
  reopenAccount,
} from './accounts.ts';
export { hashPassword, needsRehash, passwordFlaw, verifyPassword } from './passwords.ts';
