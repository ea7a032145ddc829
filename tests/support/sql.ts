/**
 * Queries the database of a running stack directly, through the Workers' protocol; rows of texts.
 */
import type { LocalStack } from '@farebox/local';

export type Row = readonly (string | null)[];

export async function sql(
  stack: Pick<LocalStack, 'databaseUrl'>,
  query: string,
  params: readonly string[] = [],
): Promise<readonly Row[]> {
  const { origin } = new URL(stack.databaseUrl.replace(/^postgres(ql)?:/, 'http:'));
  const headers = { 'neon-array-mode': 'true', 'neon-raw-text-output': 'true' };
  const body = JSON.stringify({ query, params });
  const response = await fetch(`${origin}/sql`, { method: 'POST', headers, body });
  const payload: unknown = await response.json();
  if (!response.ok) throw new Error(`the database answered ${JSON.stringify(payload)}`);
  const rows: unknown = Reflect.get(Object(payload), 'rows');
  if (!Array.isArray(rows)) throw new Error('no rows');
  return rows.map((row: unknown) =>
    (Array.isArray(row) ? row : Object.values(Object(row))).map((cell: unknown) =>
      cell === null || cell === undefined ? null : String(cell),
    ),
  );
}
