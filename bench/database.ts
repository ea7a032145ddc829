/**
 * Stands in for Postgres behind Neon's HTTP endpoint: takes every statement, keeps nothing, answers as
 * if it went well. The ledger's outbox then does all its own work and the bench measures that, not a
 * database sharing two cores with it.
 */

const DONE = { command: 'INSERT', rowCount: 1, rowAsArray: true, rows: [], fields: [] };

/** The one row that is read back: a key just minted is active. */
const KEY_STATE = {
  ...DONE,
  command: 'SELECT',
  rows: [['active']],
  fields: [{ name: 'state', dataTypeID: 25 }],
};

function answerOne(query: unknown): object {
  const text = typeof query === 'object' && query !== null && 'query' in query ? query.query : '';
  const asksState = typeof text === 'string' && text.startsWith('select "state" from "api_keys"');
  return asksState ? KEY_STATE : DONE;
}

/** Neon's protocol: `{query, params}` is one statement, `{queries: [...]}` a transaction. */
export function answerSql(body: string): Readonly<{ text: string; statements: number }> {
  const asked: unknown = JSON.parse(body);
  const queries =
    typeof asked === 'object' && asked !== null && 'queries' in asked ? asked.queries : null;
  if (!Array.isArray(queries)) return { text: JSON.stringify(answerOne(asked)), statements: 1 };
  return { text: JSON.stringify({ results: queries.map(answerOne) }), statements: queries.length };
}
