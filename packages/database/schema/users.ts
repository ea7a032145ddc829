/**
 * The tables about people: how they prove who they are, what they were sent, what they agreed to. All of
 * it is keyed by the account and goes when the account goes, but for receipts (which name no person)
 * and suppressed addresses (which are hashes). Secrets are hashes, or sealed where they must be read.
 * Like schema.ts this may import nothing but drizzle and its sibling.
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
/** SHA-256, hexadecimal, of 256 random bits that only their holder has. */
const tokenHash = (name = 'token_hash') => varchar(name, { length: 64 });

/** A sign-up that its mailbox has not confirmed: no account exists until it does. */
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

/** What a link in a mail proves. Using one deletes it. */
export const emailTokens = pgTable(
  'email_tokens',
  {
    tokenHash: tokenHash().primaryKey(),
    accountId: accountId(),
    purpose: varchar('purpose', { length: 16 }).notNull(),
    /** Only for a change of address: where the link was sent. */
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
    /** Names the session to its owner, in a list; good for nothing else. */
    handle: varchar('handle', { length: 16 }).notNull().unique('sessions_handle'),
    createdAt: instant('created_at').notNull(),
    seenAt: instant('seen_at').notNull(),
    /** When the person last showed a password or a factor: what dear actions ask for. */
    lastAuthAt: instant('last_auth_at').notNull(),
    /** However busy it is. */
    expiresAt: instant('expires_at').notNull(),
  },
  (t) => [
    index('sessions_account').on(t.accountId),
    index('sessions_expires_at').on(t.expiresAt),
    check('sessions_handle_shape', sql`${t.handle} ~ '^[0-9a-f]{16}$'`),
  ],
);

/** A browser that has signed in before: it gets past the throttle a stranger filled. */
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

/** Between the right password and the second factor. */
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
  /** AES-256-GCM under the console's own secret: a code can't be checked against a hash. */
  sealedSecret: varchar('sealed_secret', { length: 160 }).notNull(),
  createdAt: instant('created_at').notNull(),
  /** Null until a first code proved that the person's app has it. */
  confirmedAt: instant('confirmed_at'),
  /** The last time step that was used: a code counts once (RFC 6238 section 5.2). */
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
    /** What its owner calls it. */
    name: varchar('name', { length: 64 }).notNull(),
    transports: varchar('transports', { length: 16 }).array().notNull(),
    createdAt: instant('created_at').notNull(),
    usedAt: instant('used_at'),
  },
  (t) => [index('passkeys_account').on(t.accountId)],
);

/** A question put to a passkey; answering it, or trying to, deletes it. */
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

/** Using one deletes it. */
export const recoveryCodes = pgTable(
  'recovery_codes',
  {
    accountId: accountId(),
    codeHash: tokenHash('code_hash').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.accountId, t.codeHash] })],
);

/** How often something was tried; `bucket` is a keyed hash of what it counts, and says nothing of it. */
export const rateLimitCounters = pgTable(
  'rate_limit_counters',
  {
    bucket: varchar('bucket', { length: 64 }).primaryKey(),
    count: integer('count').notNull(),
    resetsAt: instant('resets_at').notNull(),
  },
  (t) => [index('rate_limit_counters_resets_at').on(t.resetsAt)],
);

/** One row a mail handed to the queue. It names the account, never the address. */
export const emails = pgTable(
  'emails',
  {
    id: varchar('id', { length: 32 }).primaryKey(),
    /** Null for mail about an account that does not exist, or no longer. */
    accountId: varchar('account_id', { length: 16 }).references(() => accounts.id),
    kind: varchar('kind', { length: 32 }).notNull(),
    state: varchar('state', { length: 16 }).notNull(),
    /** Of a bounce or refusal: the provider's own closed word. */
    reason: varchar('reason', { length: 40 }),
    /** The provider's id of the mail. */
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
    // Operators look at what went wrong lately.
    index('emails_failures').on(t.state, t.queuedAt),
  ],
);

/** What the mail provider told us; its own message id, so that nothing counts twice. */
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

/** Addresses that no further mail may go to, as keyed hashes: they outlive the account. */
export const suppressions = pgTable(
  'suppressions',
  {
    mailboxHash: varchar('mailbox_hash', { length: 64 }).primaryKey(),
    reason: varchar('reason', { length: 16 }).notNull(),
    since: instant('since').notNull(),
  },
  (t) => [check('suppressions_reason', sql`${t.reason} in ('bounced', 'complained')`)],
);

/** What a person said about each kind of mail; no row means what the kind's default says. */
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

/** That a right was used, and when; it stays as evidence and names nobody. */
export const receipts = pgTable(
  'receipts',
  {
    id: varchar('id', { length: 32 }).primaryKey(),
    accountId: accountId(),
    kind: varchar('kind', { length: 32 }).notNull(),
    /** Which consent, or which field; a word of ours. */
    about: varchar('about', { length: 32 }),
    /** Who did it on the person's behalf. */
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

/** What the account's object noticed about its own keys and balance, as its owner is shown it. */
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
