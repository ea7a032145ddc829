/**
 * Types of sign-up, sign-in, second factors, sessions and profile changes. Each function takes its
 * dependencies and a request and returns a closed union. None sends email itself: the emails are
 * returned for the caller to queue. Results that could reveal whether an address has an account are
 * the same, in content and in duration, whether it has one or not.
 */
import type { Database } from '@farebox/database';
import type { AccountId, AccountsRpc, Instant } from '@farebox/ledger';
import type { Email } from '@farebox/mail';
import type { Failure, NoData, Result } from '@farebox/result';
import type { Budget } from './budgets.ts';
import type { PasswordError } from './passwords.ts';

/**
 * The dependencies of every function. `secret` is 32 bytes that only the console has; `random` is
 * cryptographic.
 */
export type IdentityDeps = Readonly<{
  db: Database;
  accounts: Pick<AccountsRpc, 'open'>;
  secret: Uint8Array;
  random: (bytes: number) => Uint8Array;
  now: () => Instant;
  /** Argon2id by default; tests pass a fast one that counts. */
  passwords?: PasswordHashing;
  budgets?: Budgets;
}>;

/** Budgets of the whole service by name: attempts per window, where the defaults don't fit. */
export type Budgets = Readonly<Partial<Record<Budget, number>>>;

export type PasswordHashing = Readonly<{
  hash: (password: string, salt: Uint8Array) => Promise<string>;
  verify: (password: string, stored: string) => Promise<boolean>;
}>;

/**
 * The client's IP address, in any spelling. Its networks are counted by rate limits
 * (client-networks.ts), as keyed hashes; it is never stored.
 */
export type ClientIp = string;

/** 256 random bits in base64url, as cookies and links carry them. Only the hash is stored. */
export type Token = string;

type RateLimit = Readonly<{ reason: 'rate_limited'; retryAfterSeconds: number }>;
export type RateLimited = Failure<RateLimit>;

/** A limit that strangers share is full. A solved challenge passes it; so does waiting. */
type ChallengeRequirement = Readonly<{ reason: 'challenge_required'; retryAfterSeconds: number }>;
export type ChallengeRequired = Failure<ChallengeRequirement>;

/** A challenge as `issueChallenge` made it, and what the browser found: decimal digits. */
export type ProofOfWork = Readonly<{ challenge: string; solution: string }>;

/** What a browser may add to a request that was answered `challenge_required`. */
type ChallengeAnswer = Readonly<{ proofOfWork?: ProofOfWork | null }>;
/** A browser without scripts can have its email sent later instead. */
type EmailChallengeAnswer = ChallengeAnswer & Readonly<{ mayDelay?: boolean }>;

export type SignUpRequest = EmailChallengeAnswer &
  Readonly<{
    email: string;
    password: string;
    language: string;
    clientIp: ClientIp;
  }>;
/**
 * Success doesn't reveal whether the address already had an account; only the emailed text does.
 */
export type SignUpResult = Result<
  DelayableEmails,
  'email_invalid' | 'language_invalid' | PasswordError | RateLimit | ChallengeRequirement
>;

/**
 * `token` is from the emailed link. The password chosen at sign-up is required again, so that the
 * owner of the mailbox can't confirm a password that someone else chose.
 */
export type ConfirmSignUpRequest = Readonly<{ token: Token; password: string; clientIp: ClientIp }>;
export type ConfirmSignUpResult = Result<
  EmailsToSend & { signedIn: SignedIn },
  'token_invalid' | 'incorrect_password' | RateLimit
>;

/** A new session. `session` and `device` are the values of the two cookies. */
export type SignedIn = Readonly<{ account: AccountId; session: Token; device: Token }>;

export type SignInRequest = ChallengeAnswer &
  Readonly<{
    email: string;
    password: string;
    clientIp: ClientIp;
    /** The device cookie, if the browser has one. */
    device: Token | null;
  }>;
export type SignInResult = Result<
  | (EmailsToSend & { signedIn: SignedIn })
  /** The password is correct; `mfaToken` is the cookie of the pending sign-in. */
  | { mfaToken: Token; factors: SecondFactors },
  'invalid_credentials' | RateLimit | ChallengeRequirement
>;

export type SecondFactors = Readonly<{ totp: boolean; passkey: boolean; recoveryCode: boolean }>;

/**
 * A response to the request for a second factor. A passkey's `response` is the browser's JSON,
 * unchecked.
 */
export type FactorResponse =
  | Readonly<{ kind: 'totp'; code: string }>
  | Readonly<{ kind: 'recovery_code'; code: string }>
  | Readonly<{ kind: 'passkey'; response: unknown }>;
/** The WebAuthn relying party: the console's host name, origin and display name. */
export type RelyingParty = Readonly<{ id: string; origin: string; name: string }>;

export type SecondFactorResult = Result<
  EmailsToSend & { signedIn: SignedIn },
  'invalid_credentials' | 'mfa_token_invalid' | RateLimit
>;

/** The user of a valid session cookie. */
export type SessionUser = Readonly<{
  account: AccountId;
  email: string;
  language: string;
  /** The handle of this session. */
  session: string;
  /** When the user last authenticated; sensitive actions require that it is recent. */
  lastAuthAt: Instant;
  /** When the user last showed a second factor or a recovery code in this session. */
  lastFactorAt: Instant | null;
}>;

export type SessionInfo = Readonly<{
  handle: string;
  /** The name its owner gave it. */
  name: string | null;
  createdAt: Instant;
  seenAt: Instant;
  /** When a second factor or a recovery code was last shown in the session. */
  lastFactorAt: Instant | null;
  current: boolean;
}>;

export type NameSessionResult = Readonly<{ ok: true } | { ok: false; reason: 'too_long' }>;

/** A sensitive action requires authentication no older than this. */
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

/** Completes a sign-in that is waiting for a second factor. */
export type VerifySecondFactorRequest = Readonly<{
  mfaToken: Token;
  factor: FactorResponse;
  device: Token | null;
}>;

/** A credential required before a sensitive action. */
export type ReauthCredential = Readonly<{ password: string }> | FactorResponse;
export type ReauthResult = Result<EmailsToSend, 'invalid_credentials' | RateLimit>;

/** The emails that the caller has to queue. */
export type EmailsToSend = Readonly<{ emails: readonly Email[] }>;
/** Emails to queue now and to send after `delayMs`, 0 as a rule. */
export type DelayableEmails = EmailsToSend & Readonly<{ delayMs: number }>;

export type RequestPasswordResetRequest = EmailChallengeAnswer &
  Readonly<{ email: string; clientIp: ClientIp }>;
export type RequestPasswordResetResult = Result<
  DelayableEmails,
  'email_invalid' | RateLimit | ChallengeRequirement
>;
export type ResetPasswordRequest = Readonly<{ token: Token; password: string; clientIp: ClientIp }>;
export type ResetPasswordResult = Result<EmailsToSend, 'token_invalid' | PasswordError | RateLimit>;

export type ChangePasswordRequest = Readonly<{ current: string; next: string }>;
export type ChangePasswordResult = Result<
  EmailsToSend & { signedIn: SignedIn },
  'invalid_credentials' | PasswordError | RateLimit
>;

export type RequestEmailChangeRequest = Readonly<{ email: string; clientIp: ClientIp }>;
export type RequestEmailChangeResult = Result<EmailsToSend, 'email_invalid' | RateLimit>;
export type ConfirmEmailChangeRequest = Readonly<{ token: Token; clientIp: ClientIp }>;
export type ConfirmEmailChangeResult = Result<
  EmailsToSend & { account: AccountId },
  'token_invalid' | RateLimit
>;

export type SetLanguageResult = Result<NoData, 'language_invalid'>;

/** The secret in base32 for typing, and as an otpauth:// URI for a QR code. */
export type TotpEnrollment = Readonly<{ secret: string; uri: string }>;
/** `recoveryCodes` holds new codes with the user's first factor and is empty after that. */
export type ConfirmTotpResult = Result<
  EmailsToSend & { recoveryCodes: readonly string[] },
  'invalid_credentials' | 'not_pending'
>;

export type AddPasskeyRequest = Readonly<{ name: string; response: unknown }>;
/** `recoveryCodes` holds new codes with the user's first factor and is null after that. */
export type AddPasskeyResult = Result<
  EmailsToSend & { recoveryCodes: readonly string[] | null },
  'invalid_credentials' | 'too_long'
>;

export type NewRecoveryCodes = EmailsToSend & Readonly<{ codes: readonly string[] }>;

/**
 * The recipient of the last email, which is sent after everything else about the user is erased.
 */
export type ErasedIdentity = Readonly<{ email: string; language: string }>;
