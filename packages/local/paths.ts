/** Where things are: the checkout, what this machine's stack keeps, and what can be made again. */
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** Survives restarts; `npm start -- --fresh` forgets it. */
export const STATE_DIR = process.env.FAREBOX_STATE_DIR ?? join(ROOT, '.farebox');

/** Bundles and an empty database: slow to make, and the same every time. */
export function getCacheDir(root: string): string {
  return join(root, 'node_modules', '.cache', 'farebox');
}
