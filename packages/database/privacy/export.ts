/**
 * The data export: everything stored about one account, table by table. Every table of the schema
 * is either listed here or named below with the reason why it is not; a test checks this.
 * Credentials (hashes, sealed secrets, public keys) and the names of other persons are never
 * exported.
 */
import type { AccountId } from '@farebox/ledger';
import { and, asc, eq, getTableColumns, type SQL, sql } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { accounts, identities } from '../schema/accounts.ts';
import { depositAddresses, depositRemainders, deposits } from '../schema/deposits.ts';
import { emailEvents, emails, notifications, suppressions } from '../schema/email.ts';
import { apiKeys, calls, ledgerEntries, usageDays } from '../schema/ledger.ts';
import { adjustments, correctionCalls, operatorActions } from '../schema/operators.ts';
import { consents, receipts } from '../schema/privacy.ts';
import { refunds } from '../schema/refunds.ts';
import {
  emailTokens,
  knownDevices,
  passkeyChallenges,
  passkeys,
  recoveryCodes,
  sessions,
  signInSteps,
  signUps,
  totpFactors,
} from '../schema/users.ts';
import { webhookAttempts, webhooks } from '../schema/webhooks.ts';

/** The account to export. `mailboxHash` identifies its mailbox where no address is stored. */
export type DataSubject = Readonly<{ account: AccountId; mailboxHash: string }>;

type ExportSource = Readonly<{
  table: PgTable;
  ownedBy: (subject: DataSubject) => SQL;
  /** Columns that identify a row within the account; they order the export. */
  order: readonly PgColumn[];
  /** Columns that are not exported. */
  omit: readonly PgColumn[];
}>;

function byAccount(
  table: PgTable,
  account: PgColumn,
  order: readonly PgColumn[],
  omit: readonly PgColumn[] = [],
): ExportSource {
  return { table, ownedBy: (subject) => eq(account, subject.account), order, omit };
}

const EXPORT_SOURCES = {
  accounts: byAccount(accounts, accounts.id, [accounts.id]),
  identities: byAccount(
    identities,
    identities.accountId,
    [identities.accountId],
    [identities.passwordHash],
  ),
  sign_ups: {
    table: signUps,
    ownedBy: ({ account }: DataSubject) => sql`${signUps.emailKey} in
      (select ${identities.emailKey} from ${identities} where ${identities.accountId} = ${account})`,
    order: [signUps.tokenHash],
    omit: [signUps.tokenHash, signUps.passwordHash],
  },
  email_tokens: byAccount(
    emailTokens,
    emailTokens.accountId,
    [emailTokens.tokenHash],
    [emailTokens.tokenHash],
  ),
  sessions: byAccount(sessions, sessions.accountId, [sessions.tokenHash], [sessions.tokenHash]),
  known_devices: byAccount(
    knownDevices,
    knownDevices.accountId,
    [knownDevices.tokenHash],
    [knownDevices.tokenHash],
  ),
  sign_in_steps: byAccount(
    signInSteps,
    signInSteps.accountId,
    [signInSteps.tokenHash],
    [signInSteps.tokenHash],
  ),
  totp_factors: byAccount(
    totpFactors,
    totpFactors.accountId,
    [totpFactors.accountId],
    [totpFactors.sealedSecret, totpFactors.lastStep],
  ),
  passkeys: byAccount(
    passkeys,
    passkeys.accountId,
    [passkeys.credentialId],
    [passkeys.credentialId, passkeys.publicKey, passkeys.counter],
  ),
  passkey_challenges: byAccount(
    passkeyChallenges,
    passkeyChallenges.accountId,
    [passkeyChallenges.challengeHash],
    [passkeyChallenges.challengeHash],
  ),
  recovery_codes: byAccount(
    recoveryCodes,
    recoveryCodes.accountId,
    [recoveryCodes.codeHash],
    [recoveryCodes.codeHash],
  ),
  api_keys: byAccount(apiKeys, apiKeys.accountId, [apiKeys.keyId], [apiKeys.secretHash]),
  ledger_entries: byAccount(ledgerEntries, ledgerEntries.accountId, [ledgerEntries.seq]),
  calls: byAccount(calls, calls.accountId, [calls.createdAt, calls.id]),
  usage_days: byAccount(usageDays, usageDays.accountId, [
    usageDays.day,
    usageDays.keyId,
    usageDays.model,
  ]),
  adjustments: byAccount(
    adjustments,
    adjustments.accountId,
    [adjustments.id],
    [adjustments.proposedBy, adjustments.decidedBy],
  ),
  correction_calls: byAccount(correctionCalls, correctionCalls.accountId, [correctionCalls.callId]),
  deposit_addresses: byAccount(depositAddresses, depositAddresses.accountId, [
    depositAddresses.family,
    depositAddresses.address,
  ]),
  deposits: byAccount(deposits, deposits.accountId, [
    deposits.chain,
    deposits.txHash,
    deposits.logIndex,
  ]),
  refunds: byAccount(
    refunds,
    refunds.accountId,
    [refunds.requestedAt, refunds.id],
    [
      refunds.confirmationHash,
      refunds.approvedBy,
      refunds.decidedBy,
      refunds.exportedBy,
      refunds.failureReportedBy,
    ],
  ),
  deposit_remainders: byAccount(depositRemainders, depositRemainders.accountId, [
    depositRemainders.chain,
  ]),
  operator_actions: byAccount(
    operatorActions,
    operatorActions.subject,
    [operatorActions.seq],
    [
      operatorActions.operator,
      operatorActions.reason,
      operatorActions.previousSeq,
      operatorActions.previousHash,
      operatorActions.hash,
    ],
  ),
  notifications: byAccount(notifications, notifications.accountId, [
    notifications.at,
    notifications.id,
  ]),
  webhooks: byAccount(webhooks, webhooks.accountId, [webhooks.id]),
  webhook_attempts: byAccount(webhookAttempts, webhookAttempts.accountId, [
    webhookAttempts.dueAt,
    webhookAttempts.eventId,
    webhookAttempts.attempt,
  ]),
  emails: byAccount(emails, emails.accountId, [emails.queuedAt, emails.id]),
  email_events: {
    table: emailEvents,
    ownedBy: ({ account }: DataSubject) => sql`${emailEvents.emailId} in
      (select ${emails.id} from ${emails} where ${emails.accountId} = ${account})`,
    order: [emailEvents.id],
    omit: [],
  },
  suppressions: {
    table: suppressions,
    ownedBy: ({ mailboxHash }: DataSubject) => eq(suppressions.mailboxHash, mailboxHash),
    order: [suppressions.mailboxHash],
    omit: [suppressions.mailboxHash],
  },
  consents: byAccount(consents, consents.accountId, [consents.kind]),
  receipts: byAccount(receipts, receipts.accountId, [receipts.at, receipts.id]),
} as const satisfies Record<string, ExportSource>;

export type ExportedTable = keyof typeof EXPORT_SOURCES;

function isExported(name: string): name is ExportedTable {
  return Object.hasOwn(EXPORT_SOURCES, name);
}

/** In the order in which they are shown. */
export const EXPORTED_TABLES: readonly ExportedTable[] =
  Object.keys(EXPORT_SOURCES).filter(isExported);

/** Tables without personal data, and why. */
export const NOT_EXPORTED: Readonly<Record<string, string>> = {
  rate_limit_counters: 'keyed hashes of what is counted, which can’t be traced to an account',
  reconciliation_runs: 'counts over all accounts',
  corrections: 'counts and sums over all accounts; what each call gave back is in correction_calls',
  deposit_keys: 'fingerprints of the operator’s public keys',
  chain_cursors: 'the progress of reading each chain',
  chain_incidents: 'failures of a chain, in blocks and hashes',
  swept_deposits: 'sweeps between addresses of the operator’s keys',
  deposit_differences: 'differences that the audit found on addresses of the operator’s keys',
  catalog_versions: 'changes of models and prices, which concern no customer',
  catalog_models: 'models and prices',
  catalog_margins: 'the margin on prices',
  catalog_proposals: 'changes of models and prices that operators propose',
  catalog_releases: 'the price list of each release',
  price_acknowledgements: 'what operators know of prices',
  parity_reports: 'counts over all accounts, and ids of calls without an account',
  legal_announcements: 'how far each version of a legal text is announced',
  status_days: 'checks of components, which concern no customer',
  status_incidents: 'incidents as operators describe them in public',
};

export function parseExportedTable(name: string): ExportedTable | undefined {
  return isExported(name) ? name : undefined;
}

/** The exported columns, by their names in the database. */
export function getExportedColumns(table: ExportedTable): readonly string[] {
  return visibleColumns(EXPORT_SOURCES[table]).map(({ name }) => name);
}

function visibleColumns({ table, omit }: ExportSource): readonly PgColumn[] {
  return Object.values(getTableColumns(table)).filter((column) => !omit.includes(column));
}

/**
 * Values in the order of `getExportedColumns`: strings, numbers, bigint, booleans, dates, lists or
 * null.
 */
export type ExportedRow = readonly unknown[];

/** Rows per statement. */
const ROWS_PER_STATEMENT = 500;

/** Reads all rows, a bounded number at a time. */
export async function* exportRows(
  db: Database,
  name: ExportedTable,
  subject: DataSubject,
): AsyncGenerator<readonly ExportedRow[]> {
  const source: ExportSource = EXPORT_SOURCES[name];
  const columns = visibleColumns(source);
  let last: readonly unknown[] | undefined;
  for (;;) {
    const rows = await readPage(db, source, subject, last);
    yield rows.map((row) => columns.map(({ name: column }) => row[column]));
    const lastRow = rows.at(-1);
    if (lastRow === undefined || rows.length < ROWS_PER_STATEMENT) return;
    last = source.order.map(({ name: column }) => lastRow[column]);
  }
}

async function readPage(
  db: Database,
  { table, ownedBy, order, omit }: ExportSource,
  subject: DataSubject,
  after: readonly unknown[] | undefined,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const columns = Object.values(getTableColumns(table)).filter(
    (column) => order.includes(column) || !omit.includes(column),
  );
  return queryOrThrow(
    db
      .select(Object.fromEntries(columns.map((column) => [column.name, column])))
      .from(table)
      .where(and(ownedBy(subject), after === undefined ? undefined : isAfter(order, after)))
      .orderBy(...order.map((column) => asc(column)))
      .limit(ROWS_PER_STATEMENT),
  );
}

/** Compares rows as PostgreSQL does, so that it can use the index of `order`. */
function isAfter(order: readonly PgColumn[], values: readonly unknown[]): SQL {
  const columns = order.map((column) => sql`${column}`);
  const last = order.map((column, index) => sql`${sql.param(values[index], column)}`);
  return sql`(${sql.join(columns, sql`, `)}) > (${sql.join(last, sql`, `)})`;
}
