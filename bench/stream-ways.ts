/**
 * Compares ways to pass a stream on in a Worker of a few lines (workers/stream-way.ts): 64 paced
 * streams at a time, in interleaved rounds, CPU time of each Worker's own process.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Options } from './options.ts';
import { cpuMs, type Process, waitUntilIdle } from './processes.ts';
import { RESULTS, table } from './report.ts';
import { buildLoadSpec, type Row, runLoad } from './rounds.ts';
import { spread } from './statistics.ts';
import type { BenchContext, Subject } from './subject.ts';
import { workerModule } from './worker-module.ts';
import { port, startWorkerd, text } from './workerd.ts';

/** The ways of workers/stream-way.ts, and what each is. */
const WAYS: Readonly<Record<string, string>> = {
  native: '`new Response(body)`',
  pipe: '`pipeTo` an `IdentityTransformStream`',
  tee_look: '`tee`, one branch piped, the other read every 50 ms',
  tee_end: '`tee`, one branch piped, the other read whole (`arrayBuffer`)',
  tee_at_least: '`tee`, one branch piped, the other read by `readAtLeast(1024)`',
  tee_events: '`tee`, one branch piped, the other into `EventSource.from`',
  native_after_first: 'the first bytes by hand, then as `tee` with a look every 50 ms',
  read_write: '`read`, then `write` awaited',
  read_unawaited: '`read`, then `write` not awaited',
  read_compact: '`read` into one buffer, `write` of copies not awaited',
  gather: '`read` each, `write` once in 20 ms, a timer at 20 ms',
  gather_patient: '`read` each, `write` once in 20 ms, a timer at 40 ms',
};

type Sample = Readonly<{
  way: string;
  cpuMsPerCall: number;
  perSecond: number;
  firstByteMs: number;
  frameDelayP99Ms: number;
  errors: number;
}>;

const ROW: Row = {
  ...{ pace: 'paced', connections: 64, accounts: 1, dialect: 'chat', usage: true, bodyBytes: 600 },
};

async function startWay(context: BenchContext, way: string): Promise<Subject> {
  const folder = join(context.folder, way);
  mkdirSync(join(folder, 'disk'), { recursive: true });
  const upstream = text('UPSTREAM', `http://127.0.0.1:${context.upstreamPort}`);
  const module = workerModule('stream-way', folder);
  const script = {
    name: way,
    module,
    flags: [],
    bindings: [upstream, text('WAY', way)],
    classes: [],
  };
  const process = await startWorkerd(context.processes, {
    ...{ folder, scripts: [script], external: {}, inspector: false },
    sockets: [{ name: 'http', service: way }],
  });
  const rest = { accounts: [{}], inspectorPort: null, tailMs: 0 };
  return { name: 'bare', port: port(process, 'http'), process, ...rest };
}

async function measure(
  generator: Process,
  subject: Subject,
  way: string,
  options: Options,
): Promise<Sample> {
  const { pid } = subject.process;
  const before = cpuMs(pid);
  const load = await runLoad(generator, buildLoadSpec(subject, ROW, options));
  await waitUntilIdle(pid, 3000);
  const cpuMsPerCall = (cpuMs(pid) - before) / load.total;
  const timed = await runLoad(
    generator,
    buildLoadSpec(subject, { ...ROW, pace: 'frames' }, options),
  );
  return {
    ...{ way, cpuMsPerCall, perSecond: load.perSecond, firstByteMs: load.firstByteP50 },
    ...{ frameDelayP99Ms: timed.frameDelayP99, errors: load.errors + timed.errors },
  };
}

function toRow(way: string, samples: readonly Sample[]): string[] {
  const own = samples.filter((sample) => sample.way === way);
  const show = (measureOf: (sample: Sample) => number, digits: number) => {
    const { median, least, most } = spread(own.map(measureOf));
    return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
  };
  return [
    WAYS[way] ?? way,
    show((sample) => sample.cpuMsPerCall, 2),
    show((sample) => sample.perSecond, 0),
    show((sample) => sample.firstByteMs, 1),
    show((sample) => sample.frameDelayP99Ms, 1),
    String(own.reduce((sum, { errors }) => sum + errors, 0)),
  ];
}

export async function runStreamWays(
  generator: Process,
  context: BenchContext,
  options: Options,
): Promise<boolean> {
  const names = Object.keys(WAYS);
  const subjects = new Map<string, Subject>();
  for (const way of names) subjects.set(way, await startWay(context, way));
  const samples: Sample[] = [];
  for (let round = -1; round < options.rounds; round += 1) {
    for (const [way, subject] of subjects) {
      const sample = await measure(generator, subject, way, options);
      // The first round warms up.
      if (round >= 0) samples.push(sample);
    }
    context.log(`round ${round + 1}/${options.rounds}`);
  }
  const headings = [
    'way',
    'CPU ms a call',
    'calls/s',
    'first byte ms p50',
    'event p99 ms',
    'errors',
  ];
  const rows = names.map((way) => toRow(way, samples));
  const document = `# Ways to pass a stream on\n\n${new Date().toISOString()}, ${options.rounds} interleaved rounds. 64 streams at once of 30 chunks, one each 5 ms; the delay of events is of 64 streams of 64, one each 20 ms. Median and range.\n\n${table(headings, rows)}\n`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'stream-ways.md'), document);
  writeFileSync(
    join(RESULTS, 'stream-ways.generated.json'),
    `${JSON.stringify(samples, null, 1)}\n`,
  );
  context.log(document);
  return samples.every(({ errors }) => errors === 0);
}
