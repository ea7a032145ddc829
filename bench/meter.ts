/**
 * `npm run bench -- --meter`: what reading a stream costs the gateway, an event, in each dialect:
 * the streams of the row "paced", event by event, through the meter and nothing else. All dialects
 * are read in each round, one after another. Compare ratios: times depend on the machine.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { configureProviders, createMeter, type Meter, type Provider } from '@farebox/providers';
import { BENCH_DIALECTS, type BenchDialect, PAYLOADS, STREAM_TIMINGS } from './payloads.ts';
import { RESULTS, table } from './report.ts';
import { ratios, spread } from './statistics.ts';

const ROUNDS = 21;
const STREAMS = 1_000;
const ENCODER = new TextEncoder();
const PROVIDERS: Readonly<Record<BenchDialect, string>> = {
  chat: 'openai',
  messages: 'anthropic',
  responses: 'openai',
  gemini: 'google',
};

/** Returns a stream's HTTP chunks: each is one event with text, the first and last ones more. */
function buildChunks(dialect: BenchDialect): readonly Uint8Array[] {
  const { openingEvents, textEvent, finalEvents } = PAYLOADS[dialect];
  const texts = Array.from({ length: STREAM_TIMINGS.paced.chunks - 1 }, (_, index) =>
    textEvent(` word${index}`, true),
  );
  const [first, ...rest] = texts;
  return [`${openingEvents()}${first}`, ...rest, finalEvents(true)].map((text) =>
    ENCODER.encode(text),
  );
}

type Case = Readonly<{
  name: string;
  chunks: readonly Uint8Array[];
  createMeter: () => Meter;
}>;

function buildCase(dialect: BenchDialect, usage: boolean, provider: Provider): Case {
  return {
    name: dialect === 'chat' ? `chat, usage ${usage ? '' : 'not '}asked for` : dialect,
    chunks: buildChunks(dialect),
    createMeter: () =>
      createMeter({
        ...{ provider, dialect, stream: true, contentType: 'text/event-stream' },
        ...{ model: PAYLOADS[dialect].model, choices: 1, hideUsage: !usage, replaceError: null },
      }),
  };
}

function buildCases(): readonly Case[] {
  const apiKeys = Object.fromEntries(Object.values(PROVIDERS).map((id) => [id, 'bench']));
  const providers = configureProviders({ apiKeys, baseUrls: {}, extra: [] });
  const find = (dialect: BenchDialect) => {
    const provider = providers.get(PROVIDERS[dialect]);
    if (provider === undefined) throw new Error('bench: a provider is not in the list');
    return provider;
  };
  const asked = BENCH_DIALECTS.map((dialect) => buildCase(dialect, true, find(dialect)));
  return [buildCase('chat', false, find('chat')), ...asked];
}

/** Returns microseconds of CPU time an HTTP chunk. */
function measure({ chunks, createMeter: create, name }: Case): number {
  const before = process.cpuUsage();
  for (let stream = 0; stream < STREAMS; stream += 1) {
    const meter = create();
    for (const chunk of chunks) meter.feed(chunk);
    if (meter.reading().usage === null) throw new Error(`bench: ${name} reports no usage`);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (STREAMS * chunks.length);
}

/** Runs the bench of the meter and writes its table. */
export function runMeter(log: (line: string) => void): void {
  const cases = buildCases();
  const rounds: number[][] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const times = cases.map(measure);
    if (round > 0) rounds.push(times);
  }
  const columns = cases.map((_, at) => rounds.map((times) => times[at] ?? Number.NaN));
  const rows = cases.map(({ name, chunks }, at) => {
    const time = spread(columns[at] ?? []);
    const ratio = spread(ratios(columns[at] ?? [], columns[1] ?? []));
    const bytes = chunks.reduce((sum, { length }) => sum + length, 0) / chunks.length;
    return [
      name,
      bytes.toFixed(0),
      `${time.median.toFixed(2)} (${time.least.toFixed(2)} to ${time.most.toFixed(2)})`,
      ratio.median.toFixed(2),
    ];
  });
  const text = `# The meter of a stream

${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, Node ${process.version}, ${ROUNDS} rounds of ${STREAMS} streams of ${STREAM_TIMINGS.paced.chunks} events, each in a
chunk of its own. The ratio is that to Chat Completions with usage asked for.

${table(['stream', 'bytes an event', 'µs of CPU an event', 'ratio'], rows)}
`;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'meter.md'), text);
  log(text);
}
