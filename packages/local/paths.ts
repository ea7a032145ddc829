/** Folders of the local stack: the checkout, its state, and its cache. */
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** Survives restarts. `npm start -- --fresh` deletes it. */
export const STATE_DIR = process.env.FAREBOX_STATE_DIR ?? join(ROOT, '.farebox');

/** Holds bundles and an empty database, which are slow to create and reproducible. */
export function getCacheDir(root: string): string {
  return join(root, 'node_modules', '.cache', 'farebox');
}
