/**
 * The compared subjects. Each runs in its own process, so that its CPU time and memory can be measured. All get the same
 * requests and use the same upstream.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { startFarebox } from './farebox.ts';
import { startPortkey } from './portkey.ts';
import type { Process, ProcessGroup } from './processes.ts';
import { objects, port, type Script, startWorkerd, text } from './workerd.ts';

export const SUBJECTS = ['direct', 'bare', 'floor', 'reader', 'farebox', 'portkey'] as const;
export type SubjectName = (typeof SUBJECTS)[number];

export type Subject = Readonly<{
  name: SubjectName;
  port: number;
  process: Process;
  /** The header fields of each account's calls. One entry for subjects without accounts. */
  accounts: readonly Readonly<Record<string, string>>[];
  inspectorPort: number | null;
  /** How long after its last response it may start work that belongs to its calls. */
  tailMs: number;
}>;

/** What a subject needs to start. */
export type BenchContext = Readonly<{
  processes: ProcessGroup;
  upstream: Process;
  upstreamPort: number;
  /** The run's temporary folder, and the cache that is kept between runs. */
  folder: string;
  cache: string;
  accounts: number;
  inspector: boolean;
  log: (line: string) => void;
}>;

export async function startSubject(name: SubjectName, context: BenchContext): Promise<Subject> {
  switch (name) {
    case 'direct':
      return {
        name,
        port: context.upstreamPort,
        process: context.upstream,
        accounts: [{ authorization: 'Bearer bench' }],
        inspectorPort: null,
        tailMs: 0,
      };
    case 'bare':
    case 'floor':
    case 'reader':
      return startWorker(name, context);
    case 'farebox':
      return startFarebox(context);
    case 'portkey':
      return startPortkey(context);
  }
}

async function startWorker(
  name: 'bare' | 'floor' | 'reader',
  context: BenchContext,
): Promise<Subject> {
  const folder = join(context.folder, name);
  mkdirSync(join(folder, 'disk'), { recursive: true });
  const module = workerModule(name === 'bare' ? 'bare' : 'floor', folder);
  const upstream = text('UPSTREAM', `http://127.0.0.1:${context.upstreamPort}/v1`);
  const script: Script =
    name === 'bare'
      ? { name, module, flags: [], bindings: [upstream], classes: [] }
      : {
          name,
          module,
          flags: [],
          bindings: [
            upstream,
            text('READS', String(name === 'reader')),
            objects('ACCOUNT', 'AccountObject'),
          ],
          classes: ['AccountObject'],
        };
  const sockets = [{ name: 'http', service: name }];
  const { inspector } = context;
  const process = await startWorkerd(context.processes, {
    folder,
    scripts: [script],
    external: {},
    sockets,
    inspector,
  });
  const count = name === 'bare' ? 1 : context.accounts;
  const accounts = Array.from({ length: count }, (_, at) => ({ authorization: `Bearer ${at}` }));
  const inspectorPort = process.ports.get('inspector') ?? null;
  return { name, port: port(process, 'http'), process, accounts, inspectorPort, tailMs: 0 };
}

/** Writes a bench Worker as JavaScript into the configuration's folder. Returns its file name. */
export function workerModule(name: string, folder: string): string {
  const source = join(import.meta.dirname, 'workers', `${name}.ts`);
  writeFileSync(join(folder, `${name}.js`), stripTypeScriptTypes(readFileSync(source, 'utf8')));
  return `${name}.js`;
}
