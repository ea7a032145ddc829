/** Signatures of what is being built, so that others can write against them. */
import type { AccountId } from '@farebox/ledger';
import type {
  AddPasskeyRequest,
  AddPasskeyResult,
  ChangePasswordRequest,
  ChangePasswordResult,
  ConfirmEmailChangeResult,
  ConfirmSignUpRequest,
  ConfirmSignUpResult,
  ConfirmTotpResult,
  Erased,
  FactorsStanding,
  IdentityHouse,
  Letters,
  NewRecoveryCodes,
  Person,
  Proof,
  ProveResult,
  ProveSecondFactorRequest,
  RelyingParty,
  RequestEmailChangeRequest,
  RequestEmailChangeResult,
  RequestResetRequest,
  RequestResetResult,
  ResetPasswordRequest,
  ResetPasswordResult,
  SecondFactorResult,
  SecondFactors,
  SessionRow,
  SetLanguageResult,
  SignInRequest,
  SignInResult,
  SignUpRequest,
  SignUpResult,
  Token,
  TotpOffer,
} from './contract.ts';

function unbuilt(..._asked: readonly unknown[]): Promise<never> {
  return Promise.reject(new Error('not built'));
}

type House = IdentityHouse;
type Verb<Asked extends readonly unknown[], Answer> = (
  house: House,
  ...asked: Asked
) => Promise<Answer>;

export const signUp: Verb<[request: SignUpRequest], SignUpResult> = unbuilt;
export const confirmSignUp: Verb<[request: ConfirmSignUpRequest], ConfirmSignUpResult> = unbuilt;
export const signIn: Verb<[request: SignInRequest], SignInResult> = unbuilt;
export const stepFactors: Verb<[step: Token], SecondFactors | undefined> = unbuilt;
export const askPasskey: Verb<[rp: RelyingParty, step: Token], unknown> = unbuilt;
export const proveSecondFactor: Verb<
  [rp: RelyingParty, request: ProveSecondFactorRequest],
  SecondFactorResult
> = unbuilt;
export const findPerson: Verb<[session: Token], Person | undefined> = unbuilt;
export const prove: Verb<
  [rp: RelyingParty, person: Person, session: Token, proof: Proof, network: string],
  ProveResult
> = unbuilt;
export const signOut: Verb<[session: Token], void> = unbuilt;
export const listSessions: Verb<[person: Person], readonly SessionRow[]> = unbuilt;
export const endSession: Verb<[person: Person, handle: string], void> = unbuilt;
export const endOtherSessions: Verb<[person: Person], void> = unbuilt;
export const requestReset: Verb<[request: RequestResetRequest], RequestResetResult> = unbuilt;
export const resetPassword: Verb<[request: ResetPasswordRequest], ResetPasswordResult> = unbuilt;
export const changePassword: Verb<
  [person: Person, request: ChangePasswordRequest],
  ChangePasswordResult
> = unbuilt;
export const requestEmailChange: Verb<
  [person: Person, request: RequestEmailChangeRequest],
  RequestEmailChangeResult
> = unbuilt;
export const confirmEmailChange: Verb<
  [request: Readonly<{ token: Token }>],
  ConfirmEmailChangeResult
> = unbuilt;
export const setLanguage: Verb<[person: Person, language: string], SetLanguageResult> = unbuilt;
export const factors: Verb<[person: Person], FactorsStanding> = unbuilt;
export const beginTotp: Verb<[person: Person], TotpOffer> = unbuilt;
export const confirmTotp: Verb<[person: Person, code: string], ConfirmTotpResult> = unbuilt;
export const removeTotp: Verb<[person: Person], Letters> = unbuilt;
export const beginPasskey: Verb<[rp: RelyingParty, person: Person], unknown> = unbuilt;
export const addPasskey: Verb<
  [rp: RelyingParty, person: Person, request: AddPasskeyRequest],
  AddPasskeyResult
> = unbuilt;
export const removePasskey: Verb<[person: Person, credentialId: string], Letters> = unbuilt;
export const newRecoveryCodes: Verb<[person: Person], NewRecoveryCodes> = unbuilt;
export const askPasskeyToProve: Verb<[rp: RelyingParty, person: Person], unknown> = unbuilt;
export const eraseIdentity: Verb<[account: AccountId], Erased | undefined> = unbuilt;
export const purgeExpired: Verb<[], number> = unbuilt;
