/**
 * Who somebody is, in verbs. Each takes the house it works in and what was asked, and answers with a
 * closed union; none of them sends anything itself: letters are handed back for the caller to queue.
 * Answers that a stranger could read something from (does this address exist?) are the same, in words
 * and in time, whichever it is.
 */
import type { Database } from '@farebox/database';
import type { AccountId, AccountsRpc, Instant } from '@farebox/ledger';
import type { Email } from '@farebox/mail';
import type { PasswordError } from './passwords.ts';

/** What every verb works with. `secret` is 32 bytes that only the console has; `random` is cryptographic. */
export type IdentityDeps = Readonly<{
  db: Database;
  accounts: Pick<AccountsRpc, 'open'>;
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
export type IpPrefix = string;

/** 256 random bits, base64url: what a cookie or a link carries. Only its hash is kept. */
export type Token = string;

export type RateLimited = Readonly<{
  ok: false;
  reason: 'rate_limited';
  retryAfterSeconds: number;
}>;
export type Failed<Reason extends string> = Readonly<{ ok: false; reason: Reason }>;

export type SignUpRequest = Readonly<{
  email: string;
  password: string;
  language: string;
  ipPrefix: IpPrefix;
}>;
/** `ok` says nothing about whether the address had an account; the letters do, to whoever reads its mailbox. */
export type SignUpResult =
  | Readonly<{ ok: true; emails: readonly Email[] }>
  | Failed<'email_invalid' | 'language_invalid' | PasswordError>
  | RateLimited;

/** From the link in the mail: the password chosen at sign-up is asked again, so that nobody else's choice is confirmed. */
export type ConfirmSignUpRequest = Readonly<{ token: Token; password: string; ipPrefix: IpPrefix }>;
export type ConfirmSignUpResult =
  | Readonly<{ ok: true; signedIn: SignedIn; emails: readonly Email[] }>
  | Failed<'token_invalid' | 'incorrect_password'>
  | RateLimited;

/** A fresh session. `session` and `device` are cookie values, shown to nobody again. */
export type SignedIn = Readonly<{ account: AccountId; session: Token; device: Token }>;

export type SignInRequest = Readonly<{
  email: string;
  password: string;
  ipPrefix: IpPrefix;
  /** The device cookie, where the browser has one. */
  device: Token | null;
}>;
export type SignInResult =
  | Readonly<{ ok: true; signedIn: SignedIn; emails: readonly Email[] }>
  /** The password was right; `step` is the cookie of the half-open door. */
  | Readonly<{ ok: true; mfaToken: Token; factors: SecondFactors }>
  | Failed<'invalid_credentials'>
  | RateLimited;

export type SecondFactors = Readonly<{ totp: boolean; passkey: boolean; recoveryCode: boolean }>;

/** What is shown as a second factor. A passkey's answer is the browser's JSON, untouched. */
export type FactorResponse =
  | Readonly<{ kind: 'totp'; code: string }>
  | Readonly<{ kind: 'recovery_code'; code: string }>
  | Readonly<{ kind: 'passkey'; response: unknown }>;
/** Where passkeys belong: the console's host name and origin. */
export type RelyingParty = Readonly<{ id: string; origin: string; name: string }>;

export type SecondFactorResult =
  | Readonly<{ ok: true; signedIn: SignedIn; emails: readonly Email[] }>
  | Failed<'invalid_credentials' | 'mfa_token_invalid'>
  | RateLimited;

/** Who holds a session cookie. */
export type SessionUser = Readonly<{
  account: AccountId;
  email: string;
  language: string;
  /** The handle of this session. */
  session: string;
  /** When they last proved who they are; dear actions ask that it is recent. */
  lastAuthAt: Instant;
}>;

export type SessionInfo = Readonly<{
  handle: string;
  createdAt: Instant;
  seenAt: Instant;
  current: boolean;
}>;

/** A dear action asks for the password (or a factor) again unless it was shown this recently. */
export const REAUTH_TTL_MS = 15 * 60_000;

export type PasskeyInfo = Readonly<{
  credentialId: string;
  name: string;
  createdAt: Instant;
  usedAt: Instant | null;
}>;
export type FactorsStatus = Readonly<{
  totp: boolean;
  passkeys: readonly PasskeyInfo[];
  recoveryCodesLeft: number;
}>;

/** The second half of a sign-in. */
export type VerifySecondFactorRequest = Readonly<{
  mfaToken: Token;
  factor: FactorResponse;
  ipPrefix: IpPrefix;
  device: Token | null;
}>;

/** What a dear action is bought with. */
export type ReauthCredential = Readonly<{ password: string }> | FactorResponse;
export type ReauthResult = Succeeded | Failed<'invalid_credentials'> | RateLimited;

/** Something was done, and these letters are to be queued. */
export type EmailsToSend = Readonly<{ emails: readonly Email[] }>;
export type Succeeded = Readonly<{ ok: true }> & EmailsToSend;

export type RequestPasswordResetRequest = Readonly<{ email: string; ipPrefix: IpPrefix }>;
export type RequestPasswordResetResult = Succeeded | Failed<'email_invalid'> | RateLimited;
export type ResetPasswordRequest = Readonly<{ token: Token; password: string; ipPrefix: IpPrefix }>;
export type ResetPasswordResult = Succeeded | Failed<'token_invalid' | PasswordError> | RateLimited;

export type ChangePasswordRequest = Readonly<{ current: string; next: string; ipPrefix: IpPrefix }>;
export type ChangePasswordResult =
  | (Succeeded & Readonly<{ signedIn: SignedIn }>)
  | Failed<'invalid_credentials' | PasswordError>
  | RateLimited;

export type RequestEmailChangeRequest = Readonly<{ email: string; ipPrefix: IpPrefix }>;
export type RequestEmailChangeResult = Succeeded | Failed<'email_invalid'> | RateLimited;
export type ConfirmEmailChangeResult =
  | (Succeeded & Readonly<{ account: AccountId }>)
  | Failed<'token_invalid'>;

export type SetLanguageResult = Readonly<{ ok: true }> | Failed<'language_invalid'>;

/** The secret in base32 for typing, and as an otpauth:// URI for a QR code. */
export type TotpEnrollment = Readonly<{ secret: string; uri: string }>;
export type ConfirmTotpResult =
  /** Codes where there were none before; empty where the person has some already. */
  | (Succeeded & Readonly<{ recoveryCodes: readonly string[] }>)
  | Failed<'invalid_credentials' | 'not_pending'>;

export type AddPasskeyRequest = Readonly<{ name: string; response: unknown }>;
export type AddPasskeyResult =
  /** Codes where there were none before; null where the person has some already. */
  | (Succeeded & Readonly<{ recoveryCodes: readonly string[] | null }>)
  | Failed<'invalid_credentials' | 'too_long'>;

export type NewRecoveryCodes = EmailsToSend & Readonly<{ codes: readonly string[] }>;

/** What the farewell letter needs, when nothing else of the person is left. */
export type ErasedIdentity = Readonly<{ email: string; language: string }>;
