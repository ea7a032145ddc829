/**
 * Executes one `POST /sql` of the Neon driver: a statement, or a batch in one transaction. Values
 * are PostgreSQL's own text in both directions, so nothing is rounded. A database error becomes
 * HTTP 400 with PostgreSQL's fields, as the driver expects.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type pg from 'pg';

export type SqlAnswer = Readonly<{ status: number; body: unknown }>;

type Statement = Readonly<{ query: string; params: unknown[] }>;

const ERROR_FIELDS = [
  'message',
  'severity',
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const;

const ISOLATION: Readonly<Record<string, string>> = {
  ReadUncommitted: 'READ UNCOMMITTED',
  ReadCommitted: 'READ COMMITTED',
  RepeatableRead: 'REPEATABLE READ',
  Serializable: 'SERIALIZABLE',
};

/** Keeps every value as the text PostgreSQL sent. */
const TEXT_TYPES = { getTypeParser: () => (text: unknown) => text };

function parseStatement(value: unknown): Statement | null {
  if (typeof value !== 'object' || value === null || !('query' in value)) return null;
  const params = 'params' in value ? value.params : [];
  if (typeof value.query !== 'string' || !Array.isArray(params)) return null;
  return { query: value.query, params };
}

async function run(client: pg.Pool | pg.PoolClient, statement: Statement): Promise<unknown> {
  const config = {
    text: statement.query,
    values: statement.params,
    rowMode: 'array' as const,
    types: TEXT_TYPES,
    // Neon's endpoint uses the extended protocol even without parameters, which allows one
    // statement only.
    queryMode: 'extended',
  };
  const result = await client.query(config);
  return {
    command: result.command,
    rowCount: result.rowCount,
    rowAsArray: true,
    rows: result.rows,
    fields: result.fields,
  };
}

function buildBegin(headers: IncomingHttpHeaders): string {
  const isolation = ISOLATION[String(headers['neon-batch-isolation-level'] ?? '')];
  const words = ['BEGIN'];
  if (isolation !== undefined) words.push(`ISOLATION LEVEL ${isolation}`);
  if (headers['neon-batch-read-only'] === 'true') words.push('READ ONLY');
  if (headers['neon-batch-deferrable'] === 'true') words.push('DEFERRABLE');
  return words.join(' ');
}

async function runBatch(
  pool: pg.Pool,
  headers: IncomingHttpHeaders,
  statements: readonly Statement[],
): Promise<unknown> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query(buildBegin(headers));
    const results: unknown[] = [];
    for (const statement of statements) results.push(await run(client, statement));
    await client.query('COMMIT');
    return { results };
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

function toErrorAnswer(error: unknown): SqlAnswer {
  const known = typeof error === 'object' && error !== null ? error : {};
  const fields = Object.fromEntries(
    ERROR_FIELDS.map((name) => [name, Reflect.get(known, name) ?? null]),
  );
  const sqlState = /^[0-9A-Z]{5}$/.test(String(fields.code));
  if (sqlState) return { status: 400, body: fields };
  return { status: 500, body: { message: 'The database behind the endpoint doesn’t respond.' } };
}

export async function answerSql(
  pool: pg.Pool,
  headers: IncomingHttpHeaders,
  body: string,
): Promise<SqlAnswer> {
  const malformed = {
    status: 400,
    body: { message: 'The body isn’t a statement.', code: '08P01' },
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return malformed;
  }
  const batch =
    typeof parsed === 'object' && parsed !== null && 'queries' in parsed ? parsed.queries : null;
  const given = Array.isArray(batch) ? batch : [parsed];
  const statements = given.map(parseStatement).filter((statement) => statement !== null);
  const [single] = statements;
  if (single === undefined || statements.length !== given.length) return malformed;
  try {
    const answer = batch === null ? run(pool, single) : runBatch(pool, headers, statements);
    return { status: 200, body: await answer };
  } catch (error) {
    return toErrorAnswer(error);
  }
}
