/**
 * Measures memory while many long streams are open. Each subject holds them for a minute, and its
 * curve must be flat once all of them run: it rises if a gateway buffers or keeps what it read.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { renderCurves } from './chart.ts';
import type { LoadResult } from './load.ts';
import type { Options } from './options.ts';
import { durationMs, PAYLOADS, renderRequest, requestBody, STREAM_TIMINGS } from './payloads.ts';
import { cpuMs, memory, type Process, waitUntilIdle } from './processes.ts';
import { growth, RESULTS, table } from './report.ts';
import { runLoad } from './rounds.ts';
import type { Subject } from './subject.ts';

/** All streams are opened within this time. */
const OPENING_MS = 4000;
/** How many seconds of the curve are compared at each end. */
const PART_SECONDS = 15;
/** The maximum growth between the two ends that counts as flat. */
const MAX_FLAT_GROWTH = 1.05;

type SoakResult = Readonly<{
  subject: string;
  idleMb: number;
  /** One value per second while the streams run. */
  curveMb: readonly number[];
  /**
   * The maximum while the same number of streams runs again in the process. A leak would raise it.
   */
  againMb: number;
  growth: number;
  flat: boolean;
  kilobytesPerStream: number;
  cpuShare: number;
  load: LoadResult;
}>;

type StreamRun = Readonly<{ curveMb: readonly number[]; load: LoadResult }>;

async function runStreams(
  generator: Process,
  subject: Subject,
  options: Options,
): Promise<StreamRun> {
  const { pid } = subject.process;
  const spec = { pace: 'long', dialect: 'chat', usage: false, bytes: options.bodyBytes } as const;
  const body = requestBody(spec, subject.models?.chat);
  let running = true;
  const loadResult = runLoad(generator, {
    port: subject.port,
    requests: subject.accounts.map((fields) =>
      renderRequest(
        PAYLOADS.chat.path(PAYLOADS.chat.model, 'long'),
        { ...fields, ...subject.dialectFields?.chat },
        body,
      ),
    ),
    connections: options.soakStreams,
    spreadMs: OPENING_MS,
    warmupMs: 0,
    windowMs: OPENING_MS + durationMs(STREAM_TIMINGS.long) + 10_000,
    expectedEnding: 'data: [DONE]',
    once: true,
    frames: 0,
  }).finally(() => {
    running = false;
  });
  await sleep(OPENING_MS);
  const curveMb: number[] = [];
  const last = (durationMs(STREAM_TIMINGS.long) - OPENING_MS) / 1000;
  for (let second = 0; running && second < last; second += 1) {
    curveMb.push(memory(pid).nowMb);
    await sleep(1000);
  }
  return { curveMb, load: await loadResult };
}

async function soakSubject(
  generator: Process,
  subject: Subject,
  options: Options,
): Promise<SoakResult> {
  const { pid } = subject.process;
  const idleMb = memory(pid).nowMb;
  const cpuBefore = cpuMs(pid);
  const first = await runStreams(generator, subject, options);
  const cpuShare = (cpuMs(pid) - cpuBefore) / (durationMs(STREAM_TIMINGS.long) + OPENING_MS);
  const again = await runStreams(generator, subject, options);
  const grown = growth(first.curveMb, PART_SECONDS);
  return {
    subject: subject.name,
    idleMb,
    curveMb: first.curveMb,
    againMb: Math.max(...again.curveMb),
    growth: grown,
    flat: grown <= MAX_FLAT_GROWTH && first.load.errors === 0,
    kilobytesPerStream: ((Math.max(...first.curveMb) - idleMb) * 1024) / options.soakStreams,
    cpuShare,
    load: first.load,
  };
}

function soakRow(result: SoakResult): string[] {
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
  log: (line: string) => void,
): Promise<boolean> {
  const results: SoakResult[] = [];
  for (const subject of subjects) {
    log(
      `${subject.name}: ${options.soakStreams} streams of ${durationMs(STREAM_TIMINGS.long) / 1000} s`,
    );
    results.push(await soakSubject(generator, subject, options));
    await waitUntilIdle(subject.process.pid, 5000);
    log(
      `${subject.name}: ${results
        .at(-1)
        ?.curveMb.map((value) => value.toFixed(0))
        .join(' ')}`,
    );
  }
  const headings = [
    'subject',
    'idle MB',
    'max MB',
    'max MB again',
    'KB per stream',
    'growth',
    'flat',
    'CPU %',
    'errors',
  ];
  const title = `Memory while ${options.soakStreams} paced streams are open`;
  const text = `# Soak\n\n${new Date().toISOString()}. ${title}. Growth is the median of the last ${PART_SECONDS} s relative to that of the first ${PART_SECONDS} s; flat means at most ${MAX_FLAT_GROWTH}.\n\n${table(headings, results.map(soakRow))}\n`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'soak.generated.json'), `${JSON.stringify(results, null, 1)}\n`);
  writeFileSync(join(RESULTS, 'soak.md'), text);
  const curves = results.map(({ subject, curveMb }) => ({ name: subject, values: curveMb }));
  writeFileSync(join(RESULTS, 'soak.svg'), renderCurves(title, 'MB', curves));
  log(`\n${text}\nwritten to bench/results/soak.{generated.json,md,svg}`);
  return results.every((result) => result.load.errors === 0);
}
