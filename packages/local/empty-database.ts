/**
 * A migrated, empty database for tests that need no Worker. Tests connect to it as the Workers do.
 * It is deleted when closed.
 */
import { join } from 'node:path';
import { type DatabaseChoice, openDatabase } from './database.ts';
import { migrate } from './migrate.ts';
import { getCacheDir, ROOT } from './paths.ts';

export type EmptyDatabase = Readonly<{
  url: string;
  /** The PostgreSQL behind the endpoint, for tools that speak its wire protocol. */
  directUrl: string;
  close(): Promise<void>;
}>;

export async function createEmptyDatabase(
  choice: Exclude<DatabaseChoice, 'pglite'> = 'pglite-memory',
  migrations = join(ROOT, 'migrations'),
): Promise<EmptyDatabase> {
  const paths = { stateDir: ROOT, cacheDir: getCacheDir(ROOT) };
  const opened = await openDatabase({ choice, ...paths, port: 0 });
  try {
    await migrate(opened.directUrl, migrations);
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
}
