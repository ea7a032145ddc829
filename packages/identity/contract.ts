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
  /** Argon2id where absent; tests count with their own. */
  passwords?: PasswordHashing;
}>;

export type PasswordHashing = Readonly<{
  hash: (password: string, salt: Uint8Array) => Promise<string>;
  verify: (password: string, stored: string) => Promise<boolean>;
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

/** The second half of a sign-in. */
export type ProveSecondFactorRequest = Readonly<{
  step: Token;
  proof: FactorProof;
  network: Network;
  device: Token | null;
}>;

/** What a dear action is bought with. */
export type Proof = Readonly<{ password: string }> | FactorProof;
export type ProveResult = Done | Refused<'wrong'> | Throttled;

/** Something was done, and these letters are to be queued. */
export type Letters = Readonly<{ letters: readonly Letter[] }>;
export type Done = Readonly<{ ok: true }> & Letters;

export type RequestResetRequest = Readonly<{ email: string; network: Network }>;
export type RequestResetResult = Done | Refused<'email_invalid'> | Throttled;
export type ResetPasswordRequest = Readonly<{ token: Token; password: string; network: Network }>;
export type ResetPasswordResult = Done | Refused<'token_invalid' | PasswordFlaw> | Throttled;

export type ChangePasswordRequest = Readonly<{ current: string; next: string; network: Network }>;
export type ChangePasswordResult =
  | (Done & Readonly<{ signedIn: SignedIn }>)
  | Refused<'wrong' | PasswordFlaw>
  | Throttled;

export type RequestEmailChangeRequest = Readonly<{ email: string; network: Network }>;
export type RequestEmailChangeResult = Done | Refused<'email_invalid'> | Throttled;
export type ConfirmEmailChangeResult =
  | (Done & Readonly<{ account: AccountId }>)
  | Refused<'token_invalid'>;

export type SetLanguageResult = Readonly<{ ok: true }> | Refused<'language_invalid'>;

/** The secret in base32 for typing, and as an otpauth:// URI for a QR code. */
export type TotpOffer = Readonly<{ secret: string; uri: string }>;
export type ConfirmTotpResult =
  /** Codes where there were none before; empty where the person has some already. */
  (Done & Readonly<{ recoveryCodes: readonly string[] }>) | Refused<'wrong' | 'not_begun'>;

export type AddPasskeyRequest = Readonly<{ name: string; response: unknown }>;
export type AddPasskeyResult =
  /** Codes where there were none before; null where the person has some already. */
  (Done & Readonly<{ recoveryCodes: readonly string[] | null }>) | Refused<'wrong' | 'too_long'>;

export type NewRecoveryCodes = Letters & Readonly<{ codes: readonly string[] }>;

/** What the farewell letter needs, when nothing else of the person is left. */
export type Erased = Readonly<{ email: string; language: string }>;
