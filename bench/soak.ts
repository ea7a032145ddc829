/**
 * Memory while many long streams are open: each subject in turn holds them for a minute, and its curve
 * must be flat once all of them run. A gateway that buffers, or keeps what it read, shows here.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { curvesOf } from './chart.ts';
import type { LoadResult } from './load.ts';
import type { Options } from './options.ts';
import { cpuMs, memory, type Process, quiet } from './processes.ts';
import { growth, RESULTS, table } from './report.ts';
import { load } from './rounds.ts';
import type { Subject } from './subjects.ts';
import { durationMs, RHYTHMS, renderRequest, requestBody } from './traffic.ts';

/** All streams are opened within this time. */
const OPENING_MS = 4000;
/** How much of the curve is compared at either end, in seconds. */
const PART = 15;
/** More growth than this between the two ends is not flat. */
const FLAT_MOST = 1.1;

type Soak = Readonly<{
  subject: string;
  idleMb: number;
  /** One value a second while the streams run. */
  curveMb: readonly number[];
  /** The most while as many streams run again in the same process: a leak would show above the first. */
  againMb: number;
  growth: number;
  flat: boolean;
  kilobytesPerStream: number;
  cpuShare: number;
  load: LoadResult;
}>;

type Wave = Readonly<{ curveMb: readonly number[]; load: LoadResult }>;

async function wave(generator: Process, subject: Subject, options: Options): Promise<Wave> {
  const { pid } = subject.process;
  const body = requestBody('long', options.bodyBytes);
  let running = true;
  const loaded = load(generator, {
    port: subject.port,
    requests: subject.accounts.map((fields) => renderRequest(fields, body)),
    connections: options.soakStreams,
    spreadMs: OPENING_MS,
    warmMs: 0,
    windowMs: OPENING_MS + durationMs(RHYTHMS.long) + 10_000,
    ending: 'data: [DONE]',
    once: true,
  }).finally(() => {
    running = false;
  });
  await sleep(OPENING_MS);
  const curveMb: number[] = [];
  const last = (durationMs(RHYTHMS.long) - OPENING_MS) / 1000;
  for (let second = 0; running && second < last; second += 1) {
    curveMb.push(memory(pid).nowMb);
    await sleep(1000);
  }
  return { curveMb, load: await loaded };
}

async function soak(generator: Process, subject: Subject, options: Options): Promise<Soak> {
  const { pid } = subject.process;
  const idleMb = memory(pid).nowMb;
  const cpuBefore = cpuMs(pid);
  const first = await wave(generator, subject, options);
  const cpuShare = (cpuMs(pid) - cpuBefore) / (durationMs(RHYTHMS.long) + OPENING_MS);
  const again = await wave(generator, subject, options);
  const grown = growth(first.curveMb, PART);
  return {
    subject: subject.name,
    idleMb,
    curveMb: first.curveMb,
    againMb: Math.max(...again.curveMb),
    growth: grown,
    flat: grown <= FLAT_MOST && first.load.errors === 0,
    kilobytesPerStream: ((Math.max(...first.curveMb) - idleMb) * 1024) / options.soakStreams,
    cpuShare,
    load: first.load,
  };
}

function soakLine(result: Soak): string[] {
  return [
    result.subject,
    result.idleMb.toFixed(0),
    Math.max(...result.curveMb).toFixed(0),
    result.againMb.toFixed(0),
    result.kilobytesPerStream.toFixed(0),
    result.growth.toFixed(3),
    result.flat ? 'yes' : 'NO',
    (result.cpuShare * 100).toFixed(0),
    String(result.load.errors),
  ];
}

export async function runSoak(
  generator: Process,
  subjects: readonly Subject[],
  options: Options,
  say: (line: string) => void,
): Promise<boolean> {
  const results: Soak[] = [];
  for (const subject of subjects) {
    say(`${subject.name}: ${options.soakStreams} streams of ${durationMs(RHYTHMS.long) / 1000} s`);
    results.push(await soak(generator, subject, options));
    await quiet(subject.process.pid, 5000);
    say(
      `${subject.name}: ${results
        .at(-1)
        ?.curveMb.map((value) => value.toFixed(0))
        .join(' ')}`,
    );
  }
  const headings = [
    'subject',
    'idle MB',
    'most MB',
    'again MB',
    'KB per stream',
    'end to start',
    'flat',
    'CPU %',
    'errors',
  ];
  const title = `Memory while ${options.soakStreams} paced streams are open`;
  const text = `# Soak\n\n${new Date().toISOString()}. ${title}: the middle of the last ${PART} s against the first ${PART} s; flat is at most ${FLAT_MOST}.\n\n${table(headings, results.map(soakLine))}\n`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'soak.generated.json'), `${JSON.stringify(results, null, 1)}\n`);
  writeFileSync(join(RESULTS, 'soak.md'), text);
  const curves = results.map(({ subject, curveMb }) => ({ name: subject, values: curveMb }));
  writeFileSync(join(RESULTS, 'soak.svg'), curvesOf(title, 'MB', curves));
  say(`\n${text}\nwritten to bench/results/soak.{generated.json,md,svg}`);
  return results.every((result) => result.load.errors === 0);
}
