/**
 * The tables of authentication: sign-ups, sessions and factors. All are keyed by the account and
 * deleted with it. Secrets are stored as hashes, or sealed where they must be read.
 */
import { sql } from 'drizzle-orm';
import { bigint, check, index, integer, pgTable, primaryKey, varchar } from 'drizzle-orm/pg-core';
import { accountId, instant } from './accounts.ts';

/** The hexadecimal SHA-256 of a token of 256 random bits. */
const tokenHash = (name = 'token_hash') => varchar(name, { length: 64 });

/** A sign-up whose email is not verified. The account is created when it is. */
export const signUps = pgTable(
  'sign_ups',
  {
    tokenHash: tokenHash().primaryKey(),
    email: varchar('email', { length: 254 }).notNull(),
    emailKey: varchar('email_key', { length: 254 }).notNull(),
    passwordHash: varchar('password_hash', { length: 255 }).notNull(),
    language: varchar('language', { length: 35 }).notNull(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [index('sign_ups_expires_at').on(t.expiresAt)],
);

/** Tokens of links in emails. Using a link deletes its row. */
export const emailTokens = pgTable(
  'email_tokens',
  {
    tokenHash: tokenHash().primaryKey(),
    accountId: accountId(),
    purpose: varchar('purpose', { length: 16 }).notNull(),
    /** For a change of address: where the link was sent. */
    newEmail: varchar('new_email', { length: 254 }),
    newEmailKey: varchar('new_email_key', { length: 254 }),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    check('email_tokens_purpose', sql`${t.purpose} in ('reset', 'change_email')`),
    check(
      'email_tokens_new_email',
      sql`(${t.purpose} = 'change_email') = (${t.newEmail} is not null and ${t.newEmailKey} is not null)`,
    ),
    index('email_tokens_account').on(t.accountId),
    index('email_tokens_expires_at').on(t.expiresAt),
  ],
);

export const sessions = pgTable(
  'sessions',
  {
    tokenHash: tokenHash().primaryKey(),
    accountId: accountId(),
    /** Identifies the session in its owner's list, and authenticates nothing. */
    handle: varchar('handle', { length: 16 }).notNull().unique('sessions_handle'),
    /** The name its owner gave it; nothing is taken from the browser. */
    name: varchar('name', { length: 64 }),
    createdAt: instant('created_at').notNull(),
    seenAt: instant('seen_at').notNull(),
    /**
     * When the user last showed a password or a factor; sensitive actions require it to be recent.
     */
    lastAuthAt: instant('last_auth_at').notNull(),
    /** When the user last showed a second factor or a recovery code in this session. */
    lastFactorAt: instant('last_factor_at'),
    /** The absolute expiry, whatever the activity. */
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    index('sessions_account').on(t.accountId),
    index('sessions_expires_at').on(t.expiresAt),
    check('sessions_handle_shape', sql`${t.handle} ~ '^[0-9a-f]{16}$'`),
  ],
);

/** Browsers that have signed in before: not subject to the rate limits that strangers fill. */
export const knownDevices = pgTable(
  'known_devices',
  {
    tokenHash: tokenHash().primaryKey(),
    accountId: accountId(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    index('known_devices_account').on(t.accountId),
    index('known_devices_expires_at').on(t.expiresAt),
  ],
);

/** Sign-ins between the correct password and the second factor. */
export const signInSteps = pgTable(
  'sign_in_steps',
  {
    tokenHash: tokenHash().primaryKey(),
    accountId: accountId(),
    tries: integer('tries').notNull(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    index('sign_in_steps_account').on(t.accountId),
    index('sign_in_steps_expires_at').on(t.expiresAt),
  ],
);

export const totpFactors = pgTable('totp_factors', {
  accountId: accountId().primaryKey(),
  /** AES-256-GCM under the console's secret: a code can't be verified against a hash. */
  sealedSecret: varchar('sealed_secret', { length: 160 }).notNull(),
  createdAt: instant('created_at').notNull(),
  /** Null until a first code proves that the user's app has the secret. */
  confirmedAt: instant('confirmed_at'),
  /** The last time step that was used: a code is accepted once (RFC 6238 section 5.2). */
  lastStep: bigint('last_step', { mode: 'number' }).notNull(),
});

export const passkeys = pgTable(
  'passkeys',
  {
    /** Base64url; WebAuthn allows 1023 bytes. */
    credentialId: varchar('credential_id', { length: 1364 }).primaryKey(),
    accountId: accountId(),
    /** COSE, base64url. */
    publicKey: varchar('public_key', { length: 1024 }).notNull(),
    counter: bigint('counter', { mode: 'number' }).notNull(),
    /** The name its owner gave it. */
    name: varchar('name', { length: 64 }).notNull(),
    transports: varchar('transports', { length: 16 }).array().notNull(),
    createdAt: instant('created_at').notNull(),
    usedAt: instant('used_at'),
  },
  (t) => [index('passkeys_account').on(t.accountId)],
);

/** WebAuthn challenges. An answer, valid or not, deletes the row. */
export const passkeyChallenges = pgTable(
  'passkey_challenges',
  {
    challengeHash: tokenHash('challenge_hash').primaryKey(),
    accountId: accountId(),
    purpose: varchar('purpose', { length: 16 }).notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    check(
      'passkey_challenges_purpose',
      sql`${t.purpose} in ('register', 'sign_in', 'reauthenticate')`,
    ),
    index('passkey_challenges_account').on(t.accountId),
    index('passkey_challenges_expires_at').on(t.expiresAt),
  ],
);

/** Using a code deletes its row. */
export const recoveryCodes = pgTable(
  'recovery_codes',
  {
    accountId: accountId(),
    codeHash: tokenHash('code_hash').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.accountId, t.codeHash] })],
);
