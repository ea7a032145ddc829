/**
 * The tables of users: credentials, emails, consents, receipts and notifications. All are keyed by
 * the account and deleted with it, except receipts (which identify no user) and suppressions (which
 * are hashes). Secrets are stored as hashes, or sealed where they must be read. May import only
 * drizzle and its siblings.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  timestamp,
  varchar,
} from 'drizzle-orm/pg-core';
import { accounts } from './ledger.ts';

const instant = (name: string) =>
  timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
const accountId = () =>
  varchar('account_id', { length: 16 })
    .notNull()
    .references(() => accounts.id);
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
    createdAt: instant('created_at').notNull(),
    seenAt: instant('seen_at').notNull(),
    /**
     * When the user last showed a password or a factor; sensitive actions require it to be recent.
     */
    lastAuthAt: instant('last_auth_at').notNull(),
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

/** Attempt counters. `bucket` is a keyed hash of what it counts, and reveals nothing of it. */
export const rateLimitCounters = pgTable(
  'rate_limit_counters',
  {
    bucket: varchar('bucket', { length: 64 }).primaryKey(),
    count: integer('count').notNull(),
    resetsAt: instant('resets_at').notNull(),
  },
  (t) => [index('rate_limit_counters_resets_at').on(t.resetsAt)],
);

/** One row per email handed to the queue. It refers to the account, never to the address. */
export const emails = pgTable(
  'emails',
  {
    id: varchar('id', { length: 32 }).primaryKey(),
    /** Null for an email about an account that does not exist (any more). */
    accountId: varchar('account_id', { length: 16 }).references(() => accounts.id),
    kind: varchar('kind', { length: 32 }).notNull(),
    state: varchar('state', { length: 16 }).notNull(),
    /** The provider's own closed word for a bounce or rejection. */
    reason: varchar('reason', { length: 40 }),
    /** The provider's id of the email. */
    providerId: varchar('provider_id', { length: 128 }).unique('emails_provider_id'),
    queuedAt: instant('queued_at').notNull(),
    sentAt: instant('sent_at'),
    endedAt: instant('ended_at'),
  },
  (t) => [
    check('emails_id_shape', sql`${t.id} ~ '^[0-9a-f]{32}$'`),
    check('emails_kind_shape', sql`${t.kind} ~ '^[a-z_]+$'`),
    check('emails_reason_shape', sql`${t.reason} ~ '^[A-Za-z0-9_-]+$'`),
    check(
      'emails_state',
      sql`${t.state} in ('queued', 'sent', 'delivered', 'bounced', 'complained', 'rejected', 'delayed', 'suppressed', 'failed')`,
    ),
    index('emails_account').on(t.accountId, t.queuedAt),
    index('emails_queued_at').on(t.queuedAt),
    // Operators list the latest failures.
    index('emails_failures').on(t.state, t.queuedAt),
  ],
);

/** Events from the email provider, by its message id, so that each counts once. */
export const emailEvents = pgTable(
  'email_events',
  {
    id: varchar('id', { length: 64 }).primaryKey(),
    emailId: varchar('email_id', { length: 32 })
      .notNull()
      .references(() => emails.id, { onDelete: 'cascade' }),
    kind: varchar('kind', { length: 16 }).notNull(),
    at: instant('at').notNull(),
  },
  (t) => [
    check('email_events_kind_shape', sql`${t.kind} ~ '^[a-z_]+$'`),
    index('email_events_email').on(t.emailId),
  ],
);

/** Mailboxes that must not be emailed, as keyed hashes: they outlive the account. */
export const suppressions = pgTable(
  'suppressions',
  {
    mailboxHash: varchar('mailbox_hash', { length: 64 }).primaryKey(),
    reason: varchar('reason', { length: 16 }).notNull(),
    since: instant('since').notNull(),
  },
  (t) => [check('suppressions_reason', sql`${t.reason} in ('bounced', 'complained')`)],
);

/** Consents by kind of email; without a row the default of the kind applies. */
export const consents = pgTable(
  'consents',
  {
    accountId: accountId(),
    kind: varchar('kind', { length: 32 }).notNull(),
    given: boolean('given').notNull(),
    since: instant('since').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.accountId, t.kind] }),
    check('consents_kind_shape', sql`${t.kind} ~ '^[a-z_]+$'`),
  ],
);

/** Proof that a right was exercised, and when. Kept as evidence, and identifies no user. */
export const receipts = pgTable(
  'receipts',
  {
    id: varchar('id', { length: 32 }).primaryKey(),
    accountId: accountId(),
    kind: varchar('kind', { length: 32 }).notNull(),
    /** The consent or field concerned; a word from a closed list. */
    about: varchar('about', { length: 32 }),
    /** Who acted: the user, an operator for them, or a link in an email. */
    actor: varchar('actor', { length: 16 }).notNull(),
    at: instant('at').notNull(),
  },
  (t) => [
    check('receipts_id_shape', sql`${t.id} ~ '^[0-9a-f]{32}$'`),
    check('receipts_words', sql`${t.kind} ~ '^[a-z_]+$' and ${t.about} ~ '^[a-z_]+$'`),
    check('receipts_actor', sql`${t.actor} in ('user', 'operator', 'link')`),
    index('receipts_account').on(t.accountId, t.at),
  ],
);

/** Notifications of the account object about its keys and balance, as its owner sees them. */
export const notifications = pgTable(
  'notifications',
  {
    accountId: accountId(),
    id: varchar('id', { length: 64 }).notNull(),
    kind: varchar('kind', { length: 32 }).notNull(),
    keyId: bigint('key_id', { mode: 'number' }),
    model: varchar('model', { length: 128 }),
    amount: bigint('amount', { mode: 'bigint' }),
    at: instant('at').notNull(),
    dismissedAt: instant('dismissed_at'),
  },
  (t) => [
    primaryKey({ columns: [t.accountId, t.id] }),
    check('notifications_kind_shape', sql`${t.kind} ~ '^[a-z_]+$'`),
    check('notifications_model_shape', sql`${t.model} ~ '^[!-~]+$'`),
    index('notifications_account').on(t.accountId, t.at),
    index('notifications_at').on(t.at),
  ],
);
