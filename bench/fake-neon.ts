/**
 * A fake of Neon's HTTP endpoint: accepts every statement, stores nothing, and responds with
 * success. The ledger's outbox does all its work, and the bench doesn't measure a database that
 * shares two cores with it.
 */

type Answer = Readonly<{
  command: string;
  rowCount: number;
  rowAsArray: true;
  rows: readonly (readonly string[])[];
  fields: readonly Readonly<{ name: string; dataTypeID: number }>[];
}>;

const DONE: Answer = { command: 'INSERT', rowCount: 1, rowAsArray: true, rows: [], fields: [] };

/** A new key is read back as active. */
const KEY_STATE: Answer = {
  ...DONE,
  command: 'SELECT',
  rows: [['active']],
  fields: [{ name: 'state', dataTypeID: 25 }],
};

/**
 * All entries of a delivery were new (packages/database/ledger/ledger-ingest.ts). Type ids: boolean
 * 16, bigint 20.
 */
function deliveryAnswer(entryCount: number): Answer {
  return {
    ...DONE,
    command: 'SELECT',
    rows: [['t', '0', '0', String(entryCount)]],
    fields: [
      { name: 'anchored', dataTypeID: 16 },
      { name: 'equal', dataTypeID: 20 },
      { name: 'different', dataTypeID: 20 },
      { name: 'inserted', dataTypeID: 20 },
    ],
  };
}

function countEntries(parameters: unknown): number {
  const [first]: unknown[] = Array.isArray(parameters) ? parameters : [];
  const entries: unknown = typeof first === 'string' ? JSON.parse(first) : null;
  return Array.isArray(entries) ? entries.length : 0;
}

function answerStatement(request: unknown): Answer {
  if (typeof request !== 'object' || request === null || !('query' in request)) return DONE;
  const { query } = request;
  if (typeof query !== 'string') return DONE;
  if (query.startsWith('select "state" from "api_keys"')) return KEY_STATE;
  if (query.includes('as anchored'))
    return deliveryAnswer(countEntries('params' in request ? request.params : null));
  return DONE;
}

/** In Neon's protocol `{query, params}` is one statement, and `{queries: [...]}` a transaction. */
export function answerSql(body: string): Readonly<{ text: string; statements: number }> {
  const request: unknown = JSON.parse(body);
  const queries =
    typeof request === 'object' && request !== null && 'queries' in request
      ? request.queries
      : null;
  if (!Array.isArray(queries))
    return { text: JSON.stringify(answerStatement(request)), statements: 1 };
  return {
    text: JSON.stringify({ results: queries.map(answerStatement) }),
    statements: queries.length,
  };
}
