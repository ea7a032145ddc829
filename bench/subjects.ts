/**
 * The subjects that are compared, each in a process of its own so that its CPU and memory can be told
 * apart. All of them get the same bodies and reach the same upstream.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { startFarebox } from './farebox.ts';
import { startPortkey } from './portkey.ts';
import type { Crew, Process } from './processes.ts';
import { objects, port, type Script, serve, text } from './workerd.ts';

export const SUBJECTS = ['direct', 'bare', 'floor', 'reader', 'farebox', 'portkey'] as const;
export type SubjectName = (typeof SUBJECTS)[number];

export type Subject = Readonly<{
  name: SubjectName;
  port: number;
  process: Process;
  /** The header fields of each account's calls; one entry where accounts mean nothing. */
  accounts: readonly Readonly<Record<string, string>>[];
  inspectorPort: number | null;
  /** How long after its last answer it may begin work that belongs to its calls. */
  tailMs: number;
}>;

/** What a subject needs to start. */
export type Stage = Readonly<{
  crew: Crew;
  upstream: Process;
  upstreamPort: number;
  /** The run's scratch folder, and the one that outlives runs. */
  folder: string;
  cache: string;
  accounts: number;
  inspector: boolean;
  say: (line: string) => void;
}>;

export async function startSubject(name: SubjectName, stage: Stage): Promise<Subject> {
  switch (name) {
    case 'direct':
      return {
        name,
        port: stage.upstreamPort,
        process: stage.upstream,
        accounts: [{ authorization: 'Bearer bench' }],
        inspectorPort: null,
        tailMs: 0,
      };
    case 'bare':
    case 'floor':
    case 'reader':
      return startWorker(name, stage);
    case 'farebox':
      return startFarebox(stage);
    case 'portkey':
      return startPortkey(stage);
  }
}

async function startWorker(name: 'bare' | 'floor' | 'reader', stage: Stage): Promise<Subject> {
  const folder = join(stage.folder, name);
  mkdirSync(join(folder, 'disk'), { recursive: true });
  const module = workerModule(name === 'bare' ? 'bare' : 'floor', folder);
  const upstream = text('UPSTREAM', `http://127.0.0.1:${stage.upstreamPort}/v1`);
  const script: Script =
    name === 'bare'
      ? { name, module, flags: [], bindings: [upstream], classes: [] }
      : {
          name,
          module,
          flags: [],
          bindings: [upstream, text('READS', String(name === 'reader')), objects('BOOK', 'Book')],
          classes: ['Book'],
        };
  const sockets = [{ name: 'http', service: name }];
  const { inspector } = stage;
  const process = await serve(stage.crew, {
    folder,
    scripts: [script],
    external: {},
    sockets,
    inspector,
  });
  const wanted = name === 'bare' ? 1 : stage.accounts;
  const accounts = Array.from({ length: wanted }, (_, at) => ({ authorization: `Bearer ${at}` }));
  const inspectorPort = process.ports.get('inspector') ?? null;
  return { name, port: port(process, 'http'), process, accounts, inspectorPort, tailMs: 0 };
}

/** Puts a bench Worker's source, as JavaScript, beside the configuration; returns its file name. */
export function workerModule(name: string, folder: string): string {
  const source = join(import.meta.dirname, 'workers', `${name}.ts`);
  writeFileSync(join(folder, `${name}.js`), stripTypeScriptTypes(readFileSync(source, 'utf8')));
  return `${name}.js`;
}
