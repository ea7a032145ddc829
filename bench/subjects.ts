/** Starts the compared subjects (subject.ts). */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startFarebox } from './farebox.ts';
import { startLlms } from './llms.ts';
import { startPortkey } from './portkey.ts';
import type { BenchContext, Subject, SubjectName } from './subject.ts';
import { workerModule } from './worker-module.ts';
import { objects, port, type Script, startWorkerd, text } from './workerd.ts';

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
    case 'distant':
    case 'before':
      return startFarebox(name, context);
    case 'portkey':
      return startPortkey(context);
    case 'llms':
      return startLlms(context);
  }
}

async function startWorker(
  name: 'bare' | 'floor' | 'reader',
  context: BenchContext,
): Promise<Subject> {
  const folder = join(context.folder, name);
  mkdirSync(join(folder, 'disk'), { recursive: true });
  const module = workerModule(name === 'bare' ? 'bare' : 'floor', folder);
  const upstream = text('UPSTREAM', `http://127.0.0.1:${context.upstreamPort}`);
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
