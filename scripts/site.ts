/**
 * `npm run site`: builds the public site into `workers/site/dist`, or into the folder after `--out`.
 * The generator has JSX, which Node does not run, so it is bundled first. Its settings are
 * environment variables (docs/development.md).
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');
const CACHE = join(ROOT, 'node_modules/.cache/farebox');

mkdirSync(CACHE, { recursive: true });
// Named by process: two test runs may build at once.
const outfile = join(CACHE, `site-generator-${process.pid}.mjs`);
await build({
  entryPoints: [join(ROOT, 'workers/site/generator/cli.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  jsx: 'automatic',
  jsxImportSource: 'hono/jsx',
  logLevel: 'error',
});
await import(pathToFileURL(outfile).href);
