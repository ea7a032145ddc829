/**
 * Checks that no column can hold content or network addresses, and that migrations delete nothing.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const FOLDER = join(import.meta.dirname, '../../migrations');
const SQL = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.sql'))
  .sort()
  .map((name) => readFileSync(join(FOLDER, name), 'utf8'))
  .join('\n');

/**
 * The columns as drizzle's last snapshot lists them; migrations.test.ts compares it with a
 * database.
 */
type Snapshot = Readonly<{
  tables: Readonly<
    Record<
      string,
      Readonly<{
        name: string;
        columns: Readonly<Record<string, Readonly<{ name: string; type: string }>>>;
      }>
    >
  >;
}>;
const SNAPSHOT: Snapshot = JSON.parse(
  readFileSync(
    join(
      FOLDER,
      'meta',
      readdirSync(join(FOLDER, 'meta'))
        .filter((name) => name.endsWith('_snapshot.json'))
        .sort()
        .at(-1) ?? '',
    ),
    'utf8',
  ),
);
/**
 * JSON: surcharges, whose shape a constraint checks, price lists that operators write, and reports
 * about models and providers that name no account.
 */
const JSON_COLUMNS = new Set([
  'calls.fees',
  'catalog_models.definition',
  'catalog_proposals.changes',
  'catalog_releases.list',
  'corrections.prices',
  'parity_reports.price_differences',
  'parity_reports.provider_costs',
]);
const COLUMNS = Object.values(SNAPSHOT.tables).flatMap((table) =>
  Object.values(table.columns).map(({ name, type }) => ({
    column: `${table.name}.${name}`,
    name,
    type,
  })),
);

/** Personal data of the account's owner. */
const PERSONAL = /email|password|language|phone|address|first_name|last_name/;
const NETWORK = /(^|_)(ip|host|url|uri|agent|header|referer|country|region|city)(_|$)/;
const CONTENT =
  /prompt|message|content|text|body|input$|output_text|answer|completion|tool|file|image|note|raw|payload|error|detail/;
const BOUNDED =
  /^(varchar\((\d+)\)(\[\])?|bigint|integer|smallint|boolean|numeric\(78, ?0\)|timestamp \(3\) with time zone)( |$)/;

/** WebAuthn itself allows more than 255 characters. */
const WIDER = new Map([
  ['passkeys.credential_id', 1364],
  ['passkeys.public_key', 1024],
]);

/**
 * Columns with a word of the lists above in their name that hold only an id or a word of a closed
 * list.
 */
const CLOSED = new Set(['email_events.email_id', 'chain_cursors.last_error']);

/** Personal data before an account exists, or before a change of its address is verified. */
const PASSING =
  /^(sign_ups\.(email|email_key|password_hash|language)|email_tokens\.new_email(_key)?)$/;

/**
 * What a transfer itself makes public (policy P13): an address on a chain, derived for one
 * account or chosen by its owner for a refund.
 */
const ON_CHAIN = /^(deposit_addresses|refunds|swept_deposits|deposit_differences)\.address$/;

describe('the columns of the schema', () => {
  it('are found in the snapshot', () => {
    expect(COLUMNS.length).toBeGreaterThan(50);
  });

  it('are bounded and of plain types, except fees, price lists and reports of prices', () => {
    const free = COLUMNS.filter(({ column, type }) => {
      if (JSON_COLUMNS.has(column)) return false;
      const width = Number(BOUNDED.exec(type)?.[2] ?? 0);
      return !BOUNDED.test(type) || width > (WIDER.get(column) ?? 255);
    });
    expect(free).toEqual([]);
    expect(SQL).toContain('calls_fees_shape');
  });

  it('have no name that suggests content or a network address', () => {
    const open = COLUMNS.filter(({ column }) => !CLOSED.has(column));
    expect(open.filter(({ name }) => CONTENT.test(name) || NETWORK.test(name))).toEqual([]);
  });

  it('hold personal data in identities only, and in sign-ups and email tokens until verified', () => {
    const personal = COLUMNS.filter(({ name }) => PERSONAL.test(name)).map(({ column }) => column);
    const outside = personal.filter(
      (column) => !column.startsWith('identities.') && !CLOSED.has(column),
    );
    const unknown = outside.filter((column) => !PASSING.test(column) && !ON_CHAIN.test(column));
    expect(unknown).toEqual([]);
  });
});

describe('docs/storage.md', () => {
  it('lists every table', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/storage.md'), 'utf8');
    const tables = [...new Set(COLUMNS.map(({ column }) => column.split('.')[0] ?? ''))];
    expect(tables.filter((table) => !page.includes(`| \`${table}\``))).toEqual([]);
  });
});

describe('the migrations', () => {
  it('drop no table and no column, and delete no row', () => {
    const statements = SQL.replaceAll('BEFORE UPDATE OR DELETE OR TRUNCATE', '');
    // Constraints and indexes hold no data: they are replaced by dropping and creating them.
    expect(statements).not.toMatch(/\bDROP\b(?! CONSTRAINT| INDEX)|\bTRUNCATE\b|\bDELETE FROM\b/i);
  });
});
