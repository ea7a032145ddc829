/**
 * Stands in for Postgres behind Neon's HTTP endpoint: takes every statement, keeps nothing, answers as
 * an insert that went well. The ledger's outbox then does all its own work and the bench measures that,
 * not a database sharing two cores with it.
 */

const DONE = { command: 'INSERT', rowCount: 1, rowAsArray: true, rows: [], fields: [] };

/** Neon's protocol: `{query, params}` is one statement, `{queries: [...]}` a transaction. */
export function answerSql(body: string): Readonly<{ text: string; statements: number }> {
  const asked: unknown = JSON.parse(body);
  const queries =
    typeof asked === 'object' && asked !== null && 'queries' in asked ? asked.queries : null;
  if (!Array.isArray(queries)) return { text: JSON.stringify(DONE), statements: 1 };
  return { text: JSON.stringify({ results: queries.map(() => DONE) }), statements: queries.length };
}
