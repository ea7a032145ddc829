/**
 * Applies the files of `migrations/` in the order of their names, each once and in its own
 * transaction, and records them in `farebox_migrations`. There are no down migrations. A file that
 * changed after it was applied is an error, because the state of the database would be unknown.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

const CREATE_MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS farebox_migrations (
  name text PRIMARY KEY,
  sha256 text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)`;

function sqlFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
}

async function applyOne(client: pg.Client, name: string, text: string): Promise<boolean> {
  const sha256 = createHash('sha256').update(text).digest('hex');
  await client.query('BEGIN');
  try {
    // A concurrent run waits here and then finds the file applied.
    await client.query('LOCK TABLE farebox_migrations IN EXCLUSIVE MODE');
    const known = await client.query('SELECT sha256 FROM farebox_migrations WHERE name = $1', [
      name,
    ]);
    const appliedHash: unknown = known.rows[0]?.sha256;
    if (appliedHash !== undefined && appliedHash !== sha256) {
      throw new Error(`Migration ${name} was changed after it was applied.`);
    }
    if (appliedHash === undefined) {
      // A query without parameters uses the simple protocol, the only one that accepts several
      // statements.
      await client.query(text);
      await client.query('INSERT INTO farebox_migrations (name, sha256) VALUES ($1, $2)', [
        name,
        sha256,
      ]);
    }
    await client.query('COMMIT');
    return appliedHash === undefined;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** Applies pending migrations. Returns the names of the files it applied. */
export async function migrate(
  connectionString: string,
  folder: string,
): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query('SET client_min_messages = warning');
    await client.query(CREATE_MIGRATIONS_TABLE);
    const applied: string[] = [];
    for (const name of sqlFiles(folder)) {
      if (await applyOne(client, name, readFileSync(join(folder, name), 'utf8')))
        applied.push(name);
    }
    return applied;
  } finally {
    await client.end();
  }
}
