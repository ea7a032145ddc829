/**
 * `npm run bench`: compares Farebox with the minimum cost of such a gateway on this platform and
 * with Portkey, on one machine over loopback. It writes bench/results/ and leaves no process
 * behind. Compare ratios within one run: absolute numbers depend on the machine.
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCatalog } from './catalog.ts';
import { runConsole } from './console.ts';
import { runDeposits } from './deposits.ts';
import { runMeter } from './meter.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { type Process, ProcessGroup } from './processes.ts';
import { runProfile } from './profile.ts';
import { writeComparison } from './report.ts';
import { runRounds } from './rounds.ts';
import { runSoak } from './soak.ts';
import { runStreamWays } from './stream-ways.ts';
import type { BenchContext, Subject } from './subject.ts';
import { startSubject } from './subjects.ts';

const CACHE = join(import.meta.dirname, '../.farebox/bench');

function log(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function startUpstream(
  processes: ProcessGroup,
): Promise<Readonly<{ upstream: Process; port: number }>> {
  const upstream = processes.script('upstream.ts');
  const [readyMessage]: unknown[] = await once(upstream.child, 'message');
  if (typeof readyMessage === 'object' && readyMessage !== null && 'port' in readyMessage) {
    if (typeof readyMessage.port === 'number') return { upstream, port: readyMessage.port };
  }
  throw new Error('bench: the upstream did not start');
}

async function startSubjects(options: Options, context: BenchContext): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const name of options.subjects) {
    subjects.push(await startSubject(name, context));
    log(`started ${name}`);
  }
  return subjects;
}

async function runTask(
  options: Options,
  processes: ProcessGroup,
  folder: string,
): Promise<boolean> {
  const { upstream, port } = await startUpstream(processes);
  const generator = processes.script('load.ts');
  await once(generator.child, 'message');
  const context: BenchContext = {
    processes,
    upstream,
    upstreamPort: port,
    folder,
    cache: CACHE,
    accounts: Math.max(...options.accounts),
    inspector: options.task === 'profile',
    before: options.before,
    log,
  };
  if (options.task === 'ways') return runStreamWays(generator, context, options);
  const subjects = await startSubjects(options, context);
  if (options.task === 'soak') return runSoak(generator, subjects, options, log);
  if (options.task === 'profile') return runProfile(generator, subjects, options, log);
  const cells = await runRounds({ generator, upstream }, subjects, options, log);
  return writeComparison(cells, { generator, upstream, subjects }, options, log);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.task === 'console') {
    process.exitCode = (await runConsole(log)) ? 0 : 1;
    return;
  }
  if (options.task === 'catalog') {
    process.exitCode = (await runCatalog(log)) ? 0 : 1;
    return;
  }
  if (options.task === 'meter') {
    runMeter(log);
    return;
  }
  if (options.task === 'deposits') {
    process.exitCode = (await runDeposits(log)) ? 0 : 1;
    return;
  }
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(
    join(options.storage === 'disk' ? CACHE : '/dev/shm', 'farebox-bench-'),
  );
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const processes = new ProcessGroup();
  const succeeded = await runTask(options, processes, folder);
  await processes.stopAll();
  process.exitCode = succeeded ? 0 : 1;
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n${message.startsWith('bench:') ? '' : `${USAGE}\n`}`);
  process.exit(1);
});
