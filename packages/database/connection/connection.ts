/**
 * The connection: one HTTP request for each statement or batch, the same in workerd and in Node, with
 * no socket to keep. What the driver throws quotes statements and parameters, so nothing of it leaves
 * this room: a failure is a `Failure` of two words, and lost infrastructure is a DatabaseFailure.
 */
import { isLoopback } from '@farebox/bindings';
import { neon, neonConfig } from '@neondatabase/serverless';
import { drizzle } from 'drizzle-orm/neon-http';

/** Longer than any statement here may take; without it a silent database would hold an alarm for ever. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Opens no connection: the first statement does. `url` is a secret and appears in no error. */
export function connect(url: string) {
  const host = URL.canParse(url) ? new URL(url).hostname : undefined;
  if (host === undefined || host === '')
    throw new Error('The database URL is not a URL with a host.');
  if (isLoopback(host)) {
    // The driver's default derives Neon's own API host from the name; a local endpoint has none.
    neonConfig.fetchEndpoint = (name, port) => `http://${name}:${port}/sql`;
  }
  neonConfig.fetchFunction = (input: string, init: RequestInit) =>
    globalThis.fetch(input, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  return drizzle(neon(url));
}

export type Database = ReturnType<typeof connect>;

/** `refused` is PostgreSQL's own answer, by its SQLSTATE; everything else is `unreachable`. */
export type QueryError =
  | Readonly<{ kind: 'unreachable' }>
  | Readonly<{ kind: 'refused'; sqlState: string; constraint: string | null }>;

/** The database did not do what it was asked, for no reason a caller could mend. */
export class DatabaseError extends Error {
  readonly queryError: QueryError;

  constructor(queryError: QueryError) {
    super(
      queryError.kind === 'refused'
        ? `The database refused a statement (SQLSTATE ${queryError.sqlState}).`
        : 'The database could not be reached.',
    );
    this.name = 'DatabaseFailure';
    this.queryError = queryError;
  }
}

export type QueryResult<T> =
  | Readonly<{ ok: true; value: T }>
  | Readonly<{ ok: false; error: QueryError }>;

/** Runs one statement or batch; the error it may end with is reduced to a `Failure`. */
export async function tryQuery<T>(statement: PromiseLike<T>): Promise<QueryResult<T>> {
  try {
    return { ok: true, value: await statement };
  } catch (error) {
    return { ok: false, error: toQueryError(error) };
  }
}

/** As `attempt`, where no failure is an expected outcome. */
export async function queryOrThrow<T>(statement: PromiseLike<T>): Promise<T> {
  const result = await tryQuery(statement);
  if (result.ok) return result.value;
  throw new DatabaseError(result.error);
}

function toQueryError(error: unknown): QueryError {
  // drizzle wraps the driver's error for a statement and passes it bare for a batch.
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (typeof cause !== 'object' || cause === null) return { kind: 'unreachable' };
  const sqlState = 'code' in cause ? cause.code : undefined;
  if (typeof sqlState !== 'string' || !/^[0-9A-Z]{5}$/.test(sqlState))
    return { kind: 'unreachable' };
  // 08 connection, 53 resources, 57 operator intervention, 40 rollback: the same statement may do later.
  if (/^(08|53|57|40)/.test(sqlState)) return { kind: 'unreachable' };
  const constraint = 'constraint' in cause ? cause.constraint : undefined;
  // A constraint's name is ours; anything that does not look like one is left out.
  const isOwnName = typeof constraint === 'string' && /^[a-z0-9_]{1,63}$/.test(constraint);
  return { kind: 'refused', sqlState, constraint: isOwnName ? constraint : null };
}
