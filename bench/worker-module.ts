/** The bench's own Workers as JavaScript modules. */
import { readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';

/** Writes a bench Worker as JavaScript into the configuration's folder. Returns its file name. */
export function workerModule(name: string, folder: string): string {
  const source = join(import.meta.dirname, 'workers', `${name}.ts`);
  writeFileSync(join(folder, `${name}.js`), stripTypeScriptTypes(readFileSync(source, 'utf8')));
  return `${name}.js`;
}
