/**
 * Who somebody is, in verbs. Each takes the house it works in and what was asked, and answers with a
 * closed union; none of them sends anything itself: letters are handed back for the caller to queue.
 * Answers that a stranger could read something from (does this address exist?) are the same, in words
 * and in time, whichever it is.
 */
import type { Database } from '@farebox/database';
import type { AccountId, AccountsDoor, Instant } from '@farebox/ledger';
import type { Letter } from '@farebox/mail';
import type { PasswordFlaw } from './passwords.ts';

/** What every verb works with. `secret` is 32 bytes that only the console has; `random` is cryptographic. */
export type IdentityHouse = Readonly<{
  db: Database;
  accounts: Pick<AccountsDoor, 'open'>;
  secret: Uint8Array;
  random: (bytes: number) => Uint8Array;
  now: () => Instant;
}>;

/** Where a request comes from, for throttles only: the address, of IPv6 its /64. Never stored as it is. */
export type Network = string;

/** 256 random bits, base64url: what a cookie or a link carries. Only its hash is kept. */
export type Token = string;

export type Throttled = Readonly<{ ok: false; reason: 'throttled'; retryAfterSeconds: number }>;
export type Refused<Reason extends string> = Readonly<{ ok: false; reason: Reason }>;

export type SignUpRequest = Readonly<{
  email: string;
  password: string;
  language: string;
  network: Network;
}>;
/** `ok` says nothing about whether the address had an account; the letters do, to whoever reads its mailbox. */
export type SignUpResult =
  | Readonly<{ ok: true; letters: readonly Letter[] }>
  | Refused<'email_invalid' | 'language_invalid' | PasswordFlaw>
  | Throttled;

/** From the link in the mail: the password chosen at sign-up is asked again, so that nobody else's choice is confirmed. */
export type ConfirmSignUpRequest = Readonly<{ token: Token; password: string; network: Network }>;
export type ConfirmSignUpResult =
  | Readonly<{ ok: true; signedIn: SignedIn; letters: readonly Letter[] }>
  | Refused<'token_invalid' | 'wrong_password'>
  | Throttled;

/** A fresh session. `session` and `device` are cookie values, shown to nobody again. */
export type SignedIn = Readonly<{ account: AccountId; session: Token; device: Token }>;

export type SignInRequest = Readonly<{
  email: string;
  password: string;
  network: Network;
  /** The device cookie, where the browser has one. */
  device: Token | null;
}>;
export type SignInResult =
  | Readonly<{ ok: true; signedIn: SignedIn; letters: readonly Letter[] }>
  /** The password was right; `step` is the cookie of the half-open door. */
  | Readonly<{ ok: true; step: Token; factors: SecondFactors }>
  | Refused<'wrong'>
  | Throttled;

export type SecondFactors = Readonly<{ totp: boolean; passkey: boolean; recoveryCode: boolean }>;

/** What is shown as a second factor. A passkey's answer is the browser's JSON, untouched. */
export type FactorProof =
  | Readonly<{ kind: 'totp'; code: string }>
  | Readonly<{ kind: 'recovery_code'; code: string }>
  | Readonly<{ kind: 'passkey'; response: unknown }>;
/** Where passkeys belong: the console's host name and origin. */
export type RelyingParty = Readonly<{ id: string; origin: string; name: string }>;

export type SecondFactorResult =
  | Readonly<{ ok: true; signedIn: SignedIn; letters: readonly Letter[] }>
  | Refused<'wrong' | 'step_invalid'>
  | Throttled;

/** Who holds a session cookie. */
export type Person = Readonly<{
  account: AccountId;
  email: string;
  language: string;
  /** The handle of this session. */
  session: string;
  /** When they last proved who they are; dear actions ask that it is recent. */
  provedAt: Instant;
}>;

export type SessionRow = Readonly<{
  handle: string;
  createdAt: Instant;
  seenAt: Instant;
  current: boolean;
}>;

/** A dear action asks for the password (or a factor) again unless it was shown this recently. */
export const PROOF_LASTS_MS = 15 * 60_000;

export type PasskeyRow = Readonly<{
  credentialId: string;
  name: string;
  createdAt: Instant;
  usedAt: Instant | null;
}>;
export type FactorsStanding = Readonly<{
  totp: boolean;
  passkeys: readonly PasskeyRow[];
  recoveryCodesLeft: number;
}>;

/**
 * The verbs, as this room's front exports them (each a function of that name):
 *
 * signUp(house, SignUpRequest): Promise<SignUpResult>
 * confirmSignUp(house, ConfirmSignUpRequest): Promise<ConfirmSignUpResult>
 * signIn(house, SignInRequest): Promise<SignInResult>
 * stepFactors(house, step): Promise<SecondFactors | undefined>
 * askPasskey(house, rp, step): Promise<unknown | undefined>          options JSON for the browser
 * proveSecondFactor(house, rp, {step, proof, network, device}): Promise<SecondFactorResult>
 * findPerson(house, session): Promise<Person | undefined>            one query; moves `seen_at` at most once a minute
 * prove(house, rp, person, session, {password} | FactorProof, network): Promise<{ok: true} | Refused<'wrong'> | Throttled>
 * signOut(house, session): Promise<void>
 * listSessions(house, person): Promise<readonly SessionRow[]>
 * endSession(house, person, handle): Promise<void>
 * endOtherSessions(house, person): Promise<void>
 * requestReset(house, {email, network}): Promise<{ok: true, letters} | Refused<'email_invalid'> | Throttled>
 * resetPassword(house, {token, password, network}): Promise<{ok: true, letters} | Refused<'token_invalid' | PasswordFlaw> | Throttled>   ends all sessions
 * changePassword(house, person, {current, next, network}): Promise<{ok: true, signedIn, letters} | Refused<'wrong' | PasswordFlaw> | Throttled>   ends all others
 * requestEmailChange(house, person, {email, network}): Promise<{ok: true, letters} | Refused<'email_invalid'> | Throttled>
 * confirmEmailChange(house, {token}): Promise<{ok: true, account, letters} | Refused<'token_invalid'>>
 * setLanguage(house, person, language): Promise<{ok: true} | Refused<'language_invalid'>>
 * factors(house, person): Promise<FactorsStanding>
 * beginTotp(house, person): Promise<{secret: string, uri: string}>   base32 and otpauth://
 * confirmTotp(house, person, code): Promise<{ok: true, recoveryCodes: readonly string[], letters} | Refused<'wrong' | 'not_begun'>>
 * removeTotp(house, person): Promise<{letters}>
 * beginPasskey(house, rp, person): Promise<unknown>                  creation options JSON
 * addPasskey(house, rp, person, {name, response}): Promise<{ok: true, recoveryCodes: readonly string[] | null, letters} | Refused<'wrong' | 'too_long'>>
 * removePasskey(house, person, credentialId): Promise<{letters}>
 * newRecoveryCodes(house, person): Promise<{codes: readonly string[], letters}>
 * askPasskeyToProve(house, rp, person): Promise<unknown | undefined>
 * eraseIdentity(house, account): Promise<{email, language} | undefined>   every row about the person, in one batch; what the farewell letter needs
 * purgeExpired(house): Promise<number>                                what has outlived its use, a bounded number a time
 *
 * `Person`-taking verbs trust it: the door got it from `findPerson`.
 */
