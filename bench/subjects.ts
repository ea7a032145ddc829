/** Starts the compared subjects (subject.ts). */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startFarebox } from './farebox.ts';
import { startLlms } from './llms.ts';
import { startPortkey } from './portkey.ts';
import type { BenchContext, Subject, SubjectName } from './subject.ts';
import { workerModule } from './worker-module.ts';
import { objects, port, type Script, service, startWorkerd, text } from './workerd.ts';

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
    case 'distant-floor':
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

type WorkerName = 'bare' | 'floor' | 'reader' | 'distant-floor';

/** The Workers of a subject; the first one takes the calls. */
function toScripts(name: WorkerName, folder: string, upstreamPort: number): readonly Script[] {
  const upstream = text('UPSTREAM', `http://127.0.0.1:${upstreamPort}`);
  const objectsOfAccounts = objects('ACCOUNT', 'AccountObject');
  const classes = ['AccountObject'];
  if (name === 'bare')
    return [
      { name, module: workerModule(name, folder), flags: [], bindings: [upstream], classes: [] },
    ];
  if (name === 'distant-floor') {
    const module = workerModule(name, folder);
    const bindings = [upstream, service('LEDGER', 'ledger', 'Calls')];
    return [
      { name, module, flags: [], bindings, classes: [] },
      { name: 'ledger', module, flags: [], bindings: [objectsOfAccounts], classes },
    ];
  }
  const bindings = [upstream, text('READS', String(name === 'reader')), objectsOfAccounts];
  return [{ name, module: workerModule('floor', folder), flags: [], bindings, classes }];
}

async function startWorker(name: WorkerName, context: BenchContext): Promise<Subject> {
  const folder = join(context.folder, name);
  mkdirSync(join(folder, 'disk'), { recursive: true });
  const process = await startWorkerd(context.processes, {
    folder,
    scripts: toScripts(name, folder, context.upstreamPort),
    external: {},
    sockets: [{ name: 'http', service: name }],
    inspector: context.inspector,
  });
  const count = name === 'bare' ? 1 : context.accounts;
  const accounts = Array.from({ length: count }, (_, at) => ({ authorization: `Bearer ${at}` }));
  const inspectorPort = process.ports.get('inspector') ?? null;
  return { name, port: port(process, 'http'), process, accounts, inspectorPort, tailMs: 0 };
}
