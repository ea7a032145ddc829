/**
 * The connection to Postgres: one HTTP request per statement or batch, the same in workerd and in
 * Node, with no socket to keep open. The driver's errors quote statements and parameters, so they
 * never leave this file: a failed query is reduced to a `QueryError`, and an unexpected one is
 * thrown as a `DatabaseError`.
 */
import { isLoopback } from '@farebox/bindings';
import { neon, neonConfig } from '@neondatabase/serverless';
import { drizzle } from 'drizzle-orm/neon-http';

/**
 * Longer than any statement may take. Without it, a database that stops responding would hold an
 * alarm open forever.
 */
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Creates the client without connecting: the first statement does. `url` is a secret and appears in
 * no error.
 */
export function connect(url: string) {
  const host = URL.canParse(url) ? new URL(url).hostname : undefined;
  if (host === undefined || host === '')
    throw new Error('The database URL is not a URL with a host.');
  if (isLoopback(host)) {
    // The driver derives Neon's API host from the host name by default; a local endpoint has no
    // such host.
    neonConfig.fetchEndpoint = (name, port) => `http://${name}:${port}/sql`;
  }
  neonConfig.fetchFunction = (input: string, init: RequestInit) =>
    globalThis.fetch(input, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  return drizzle(neon(url));
}

export type Database = ReturnType<typeof connect>;

/**
 * `refused`: PostgreSQL returned an error, identified by its SQLSTATE. Everything else is
 * `unreachable`.
 */
export type QueryError =
  | Readonly<{ kind: 'unreachable' }>
  | Readonly<{ kind: 'refused'; sqlState: string; constraint: string | null }>;

/** A query failed for a reason that its caller cannot handle. */
export class DatabaseError extends Error {
  readonly queryError: QueryError;

  constructor(queryError: QueryError) {
    super(
      queryError.kind === 'refused'
        ? `The database refused a statement (SQLSTATE ${queryError.sqlState}).`
        : 'The database could not be reached.',
    );
    this.name = 'DatabaseError';
    this.queryError = queryError;
  }
}

export type QueryResult<T> =
  | Readonly<{ ok: true; value: T }>
  | Readonly<{ ok: false; error: QueryError }>;

/** Runs one statement or batch and reduces its error, if any, to a `QueryError`. */
export async function tryQuery<T>(statement: PromiseLike<T>): Promise<QueryResult<T>> {
  try {
    return { ok: true, value: await statement };
  } catch (error) {
    return { ok: false, error: toQueryError(error) };
  }
}

/** Runs one statement or batch. Throws a `DatabaseError` on any failure. */
export async function queryOrThrow<T>(statement: PromiseLike<T>): Promise<T> {
  const result = await tryQuery(statement);
  if (result.ok) return result.value;
  throw new DatabaseError(result.error);
}

function toQueryError(error: unknown): QueryError {
  // drizzle wraps the driver's error for a statement but not for a batch.
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (typeof cause !== 'object' || cause === null) return { kind: 'unreachable' };
  const sqlState = 'code' in cause ? cause.code : undefined;
  if (typeof sqlState !== 'string' || !/^[0-9A-Z]{5}$/.test(sqlState))
    return { kind: 'unreachable' };
  // 08 connection, 53 resources, 57 operator intervention, 40 rollback: a retry may succeed.
  if (/^(08|53|57|40)/.test(sqlState)) return { kind: 'unreachable' };
  const constraint = 'constraint' in cause ? cause.constraint : undefined;
  // Constraint names are ours; a text of any other form is not passed on.
  const isOwnName = typeof constraint === 'string' && /^[a-z0-9_]{1,63}$/.test(constraint);
  return { kind: 'refused', sqlState, constraint: isOwnName ? constraint : null };
}
