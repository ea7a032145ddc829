/**
 * Queries the database of a running stack directly, through the Workers' protocol; rows of texts.
 */
import type { LocalStack } from '@farebox/local';

export type Row = readonly (string | null)[];

async function send(stack: Pick<LocalStack, 'databaseUrl'>, body: object): Promise<unknown> {
  const { origin } = new URL(stack.databaseUrl.replace(/^postgres(ql)?:/, 'http:'));
  const headers = { 'neon-array-mode': 'true', 'neon-raw-text-output': 'true' };
  const response = await fetch(`${origin}/sql`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  const payload: unknown = await response.json();
  if (!response.ok) throw new Error(`the database answered ${JSON.stringify(payload)}`);
  return payload;
}

/** Runs statements in one transaction; their rows are not returned. */
export async function sqlBatch(
  stack: Pick<LocalStack, 'databaseUrl'>,
  queries: readonly Readonly<{ query: string; params: readonly string[] }>[],
): Promise<void> {
  await send(stack, { queries });
}

export async function sql(
  stack: Pick<LocalStack, 'databaseUrl'>,
  query: string,
  params: readonly string[] = [],
): Promise<readonly Row[]> {
  const payload = await send(stack, { query, params });
  const rows: unknown = Reflect.get(Object(payload), 'rows');
  if (!Array.isArray(rows)) throw new Error('no rows');
  return rows.map((row: unknown) =>
    (Array.isArray(row) ? row : Object.values(Object(row))).map((cell: unknown) =>
      cell === null || cell === undefined ? null : String(cell),
    ),
  );
}
