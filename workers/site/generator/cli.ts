/**
 * `npm run site -- --out <folder>`: writes the site's files. Settings come from the environment
 * (docs/development.md).
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseSiteSettings } from './settings.ts';
import { buildSite } from './site.ts';
import { readCommit, readSiteSource } from './source.ts';

const { values } = parseArgs({ options: { out: { type: 'string' }, root: { type: 'string' } } });
const root = values.root ?? process.cwd();
const out = values.out ?? join(root, 'workers/site/dist');
const settings = parseSiteSettings(process.env, Date.now(), readCommit(root));
rmSync(out, { recursive: true, force: true });
for (const { path, text } of buildSite(readSiteSource(root), settings)) {
  const file = join(out, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
