/**
 * Stands in for Postgres behind Neon's HTTP endpoint: takes every statement, keeps nothing, answers as
 * if it went well. The ledger's outbox then does all its own work and the bench measures that, not a
 * database sharing two cores with it.
 */

type Answer = Readonly<{
  command: string;
  rowCount: number;
  rowAsArray: true;
  rows: readonly (readonly string[])[];
  fields: readonly Readonly<{ name: string; dataTypeID: number }>[];
}>;

const DONE: Answer = { command: 'INSERT', rowCount: 1, rowAsArray: true, rows: [], fields: [] };

/** A key that was just minted is read back as active. */
const KEY_STATE: Answer = {
  ...DONE,
  command: 'SELECT',
  rows: [['active']],
  fields: [{ name: 'state', dataTypeID: 25 }],
};

/** All lines of a delivery were new (packages/database/ledger.ts, `Verdict`); booleans are 16, bigints 20. */
function delivered(lines: number): Answer {
  return {
    ...DONE,
    command: 'SELECT',
    rows: [['t', '0', '0', String(lines)]],
    fields: [
      { name: 'anchored', dataTypeID: 16 },
      { name: 'equal', dataTypeID: 20 },
      { name: 'different', dataTypeID: 20 },
      { name: 'inserted', dataTypeID: 20 },
    ],
  };
}

function linesIn(parameters: unknown): number {
  const [first]: unknown[] = Array.isArray(parameters) ? parameters : [];
  const lines: unknown = typeof first === 'string' ? JSON.parse(first) : null;
  return Array.isArray(lines) ? lines.length : 0;
}

function answerOne(asked: unknown): Answer {
  if (typeof asked !== 'object' || asked === null || !('query' in asked)) return DONE;
  const { query } = asked;
  if (typeof query !== 'string') return DONE;
  if (query.startsWith('select "state" from "api_keys"')) return KEY_STATE;
  if (query.includes('as anchored'))
    return delivered(linesIn('params' in asked ? asked.params : null));
  return DONE;
}

/** Neon's protocol: `{query, params}` is one statement, `{queries: [...]}` a transaction. */
export function answerSql(body: string): Readonly<{ text: string; statements: number }> {
  const asked: unknown = JSON.parse(body);
  const queries =
    typeof asked === 'object' && asked !== null && 'queries' in asked ? asked.queries : null;
  if (!Array.isArray(queries)) return { text: JSON.stringify(answerOne(asked)), statements: 1 };
  return { text: JSON.stringify({ results: queries.map(answerOne) }), statements: queries.length };
}
