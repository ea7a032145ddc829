/**
 * `npm run bench`: compares Farebox with the least such a gateway can cost on this platform and with a
 * peer, on one machine and on loopback. It writes bench/results/ and leaves no process behind. Its
 * numbers are ratios within one run; absolute ones say more about the machine than about the product.
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runConsole } from './console.ts';
import { runDeposits } from './deposits.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { Crew, type Process } from './processes.ts';
import { runProfile } from './profile.ts';
import { writeComparison } from './report.ts';
import { runRounds } from './rounds.ts';
import { runSoak } from './soak.ts';
import { type Stage, type Subject, startSubject } from './subjects.ts';

const CACHE = join(import.meta.dirname, '../.farebox/bench');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function startUpstream(crew: Crew): Promise<Readonly<{ upstream: Process; port: number }>> {
  const upstream = crew.script('upstream.ts');
  const [hello]: unknown[] = await once(upstream.child, 'message');
  if (typeof hello === 'object' && hello !== null && 'port' in hello) {
    if (typeof hello.port === 'number') return { upstream, port: hello.port };
  }
  throw new Error('bench: the upstream did not start');
}

async function startAll(options: Options, stage: Stage): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const name of options.subjects) {
    subjects.push(await startSubject(name, stage));
    say(`started ${name}`);
  }
  return subjects;
}

async function perform(options: Options, crew: Crew, folder: string): Promise<boolean> {
  const { upstream, port } = await startUpstream(crew);
  const generator = crew.script('load.ts');
  await once(generator.child, 'message');
  const stage: Stage = {
    crew,
    upstream,
    upstreamPort: port,
    folder,
    cache: CACHE,
    accounts: Math.max(...options.accounts),
    inspector: options.task === 'profile',
    say,
  };
  const subjects = await startAll(options, stage);
  if (options.task === 'soak') return runSoak(generator, subjects, options, say);
  if (options.task === 'profile') return runProfile(generator, subjects, options, say);
  const cells = await runRounds(generator, subjects, options, say);
  return writeComparison(cells, { generator, upstream, subjects }, options, say);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.task === 'console') {
    process.exitCode = (await runConsole(say)) ? 0 : 1;
    return;
  }
  if (options.task === 'deposits') {
    process.exitCode = (await runDeposits(say)) ? 0 : 1;
    return;
  }
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(
    join(options.storage === 'disk' ? CACHE : '/dev/shm', 'farebox-bench-'),
  );
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const crew = new Crew();
  const sound = await perform(options, crew, folder);
  await crew.stopAll();
  process.exitCode = sound ? 0 : 1;
}

main().catch((error: unknown) => {
  const why = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${why}\n${why.startsWith('bench:') ? '' : `${USAGE}\n`}`);
  process.exit(1);
});
