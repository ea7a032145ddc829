/**
 * What the privacy policy says is stored: the tables of docs/storage.md, each with its purpose and
 * retention. The policy can say no more and no less than that document, because it is made of it; a
 * test finds a table without a purpose and a retention without a translation.
 */
import type { Language } from '@farebox/i18n';
import { type SiteMessages, siteMessagesFor } from '../texts/index.ts';
import { RETENTIONS } from '../texts/retentions.ts';
import { renderTable } from './content-table.tsx';
import type { Rendered } from './page.ts';

export type StoredTable = Readonly<{
  name: string;
  /** The classes of docs/storage.md: P, M, S, T. The account object's tables have none there. */
  classes: readonly string[];
  retention: string;
}>;

type Purpose = keyof SiteMessages['stored']['purposes'];

const PURPOSES: Readonly<Record<string, Purpose>> = {
  accounts: 'account',
  identities: 'account',
  sign_ups: 'account',
  email_tokens: 'account',
  sessions: 'signIn',
  known_devices: 'signIn',
  sign_in_steps: 'signIn',
  totp_factors: 'signIn',
  passkeys: 'signIn',
  passkey_challenges: 'signIn',
  recovery_codes: 'signIn',
  rate_limit_counters: 'abuse',
  emails: 'email',
  email_events: 'email',
  suppressions: 'email',
  notifications: 'email',
  webhooks: 'webhooks',
  webhook_attempts: 'webhooks',
  consents: 'consent',
  receipts: 'consent',
  api_keys: 'keys',
  ledger_entries: 'billing',
  calls: 'billing',
  usage_days: 'billing',
  adjustments: 'billing',
  correction_calls: 'billing',
  refunds: 'billing',
  deposit_addresses: 'deposits',
  deposits: 'deposits',
  deposit_remainders: 'deposits',
  swept_deposits: 'deposits',
  deposit_differences: 'deposits',
  operator_actions: 'operations',
  corrections: 'operations',
  catalog_versions: 'operations',
  catalog_proposals: 'operations',
  price_acknowledgements: 'operations',
  status_incidents: 'operations',
  'account object: account': 'billing',
  'account object: keys': 'keys',
  'account object: retired_secrets': 'keys',
  'account object: notifications': 'email',
  'account object: entries': 'billing',
  'account object: addresses': 'deposits',
  'account object: refunds': 'billing',
  'account object: refused_calls': 'billing',
};

function getSection(document: string, heading: string): string {
  return document.split(/^## /m).find((section) => section.startsWith(heading)) ?? '';
}

function parseRows(section: string): string[][] {
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
}

/** Reads the tables of docs/storage.md. */
export function parseStoredTables(document: string): StoredTable[] {
  const postgres = parseRows(getSection(document, 'Postgres')).map(
    ([name = '', , classes = '', retention = '']) => ({
      name: name.replaceAll('`', ''),
      classes: [...classes.matchAll(/\b[PMST]\b/g)].map(([name]) => name),
      retention,
    }),
  );
  const accountObject = parseRows(getSection(document, 'The account object')).map(
    ([name = '', , retention = '']) => ({
      name: `account object: ${name.replaceAll('`', '')}`,
      classes: name === '`migrations`' ? ['T'] : ['M'],
      retention,
    }),
  );
  return [...postgres, ...accountObject];
}

/** Tables that hold only technical data, and nothing of one account, are not in the policy. */
function isInPolicy({ name, classes }: StoredTable): boolean {
  return PURPOSES[name] !== undefined || classes.some((name) => name !== 'T');
}

/** Returns what the policy cannot say yet of these tables, one sentence each. */
export function findPolicyGaps(tables: readonly StoredTable[]): string[] {
  const listed = tables.filter(isInPolicy);
  const names = new Set(tables.map(({ name }) => name));
  return [
    ...listed
      .filter(({ name }) => PURPOSES[name] === undefined)
      .map(({ name }) => `${name} has no purpose`),
    ...listed
      .filter(({ retention }) => RETENTIONS[retention] === undefined)
      .map(({ name, retention }) => `the retention of ${name} is not translated: ${retention}`),
    ...Object.keys(PURPOSES)
      .filter((name) => !names.has(name))
      .map((name) => `${name} is not in docs/storage.md`),
  ];
}

function translateRetention(retention: string, language: Language): string {
  if (language === 'en') return retention;
  return RETENTIONS[retention]?.[language] ?? retention;
}

/** The policy's list of stored data, grouped by purpose. */
export function renderStoredData(tables: readonly StoredTable[], language: Language): Rendered {
  const { stored: t } = siteMessagesFor(language);
  const order = Object.keys(t.purposes);
  const rows = tables
    .filter(isInPolicy)
    .map((table) => ({ ...table, purpose: PURPOSES[table.name] }))
    .sort((one, other) => order.indexOf(one.purpose ?? '') - order.indexOf(other.purpose ?? ''))
    .map(({ name, purpose, retention }) => [
      purpose === undefined ? '' : t.purposes[purpose],
      { text: name, isCode: true },
      translateRetention(retention, language),
    ]);
  return renderTable({
    head: [t.purpose, t.table, t.retention],
    rows,
    phoneLayout: 'stacked',
  });
}
