/**
 * Estimates of recorded calls beside what their providers reported
 * (docs/decisions/0026-calibrated-estimates.md). Found by FAREBOX_CORPUS; skipped where that is
 * unset. Prints ratios only, never a recorded text.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Dialect, parseRequest } from '@farebox/dialects';
import { describe, expect, it } from 'vitest';
import {
  applyOutputFactors,
  fitOutputFactors,
  fitPreambles,
  type InputSample,
  type OutputSample,
} from './calibration-fit.testing.ts';
import {
  type Calibration,
  configureProviders,
  createMeter,
  estimateInputTokens,
  type Meter,
  type Provider,
} from './index.ts';
import { PROVIDER_IDS } from './list.ts';

const ROOT = process.env.FAREBOX_CORPUS ?? '';

/** Below this a single token more or less decides the ratio. */
const MIN_COMPARED_TOKENS = 20;

/** Groups with fewer answers are printed and not judged one by one. */
const MIN_JUDGED_ANSWERS = 4;

type Recording = Readonly<{
  id: string;
  provider: string;
  dialect: Dialect;
  stream: boolean;
  model: string;
  features: readonly string[];
  reported: Readonly<{ input: number; output: number; reasoning: number }>;
  /** The request, where it was recorded. */
  request: string | null;
  body: Buffer;
  text: string;
}>;

const DIALECTS: Readonly<Record<string, Recording['dialect']>> = {
  'openai-chat': 'chat',
  'openai-responses': 'responses',
  'anthropic-messages': 'messages',
};

function readRequest(folder: string, model: string): string | null {
  if (!readdirSync(folder).includes('request.json')) return null;
  const request = JSON.parse(readFileSync(join(folder, 'request.json'), 'utf8'));
  return JSON.stringify({ max_tokens: 1000, ...request, model });
}

function readRecording(file: string): Recording | null {
  const meta = JSON.parse(readFileSync(file, 'utf8'));
  const dialect = DIALECTS[meta.api];
  if (dialect === undefined || meta.status !== 200 || meta.usage === null) return null;
  const body = readFileSync(join(dirname(file), meta.response_file));
  return {
    id: meta.id,
    provider: meta.provider,
    dialect,
    stream: meta.stream,
    model: meta.model,
    features: meta.features,
    reported: {
      input: meta.usage.input_total,
      output: meta.usage.output_total,
      reasoning: meta.usage.reasoning,
    },
    request: readRequest(dirname(file), meta.model),
    body,
    text: body.toString(),
  };
}

function readRecordings(): Recording[] {
  if (ROOT === '') return [];
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('meta.json'))
    .sort()
    .flatMap((file) => readRecording(join(ROOT, file)) ?? []);
}

/**
 * Outputs whose tokens no byte of the answer shows: Grok 4.3 streams a part of its reasoning, a
 * redacted block is encrypted, results of server tools are input, and a refusal or an error ends
 * an output that was not sent. Summaries stand for reasoning that is billed in their place.
 */
const HIDDEN_OUTPUT = /server_tool|redacted_thinking|refusal|stream_error/;

const SUMMARY = /"type":\s*"summary_text"/;

function isShown({ model, features, text }: Recording): boolean {
  const isHidden = model.startsWith('grok-4.3') || SUMMARY.test(text);
  return !isHidden && !features.some((name) => HIDDEN_OUTPUT.test(name));
}

const providers = configureProviders({
  apiKeys: Object.fromEntries(PROVIDER_IDS.map((id) => [id, 'k'])),
  baseUrls: {},
  extra: [{ id: 'openrouter', baseUrl: 'https://openrouter.example/api/v1', apiKey: 'k' }],
});

function getProvider(id: string): Provider {
  const provider = providers.get(id);
  if (provider === undefined) throw new Error(id);
  return provider;
}

function createTestMeter(
  { provider: id, dialect, stream, model }: Recording,
  calibration: Partial<Calibration> = {},
): Meter {
  const provider = getProvider(id);
  return createMeter({
    provider: { ...provider, calibration: { ...provider.calibration, ...calibration } },
    dialect,
    stream,
    model,
    contentType: null,
    choices: 1,
    hideUsage: false,
    replaceError: null,
  });
}

function readWhole(recording: Recording, calibration: Partial<Calibration> = {}): Meter {
  const meter = createTestMeter(recording, calibration);
  meter.feed(recording.body);
  meter.end();
  return meter;
}

/** Returns the reported tokens that the bytes of the answer show. */
function countShownOutput(recording: Recording, meter: Meter): number {
  const { output, reasoning } = recording.reported;
  const { passes } = meter.reading();
  const isReasoningShown = /"(reasoning_content|reasoning|thinking)":\s*".|"reasoning_text"/.test(
    recording.text,
  );
  const hidden = isReasoningShown ? 0 : Math.min(reasoning, output);
  return passes.reduce((sum, pass) => sum + pass.output, output - hidden);
}

function toOutputKind({ features, text }: Recording): string {
  if (features.includes('tool_call')) return 'tool calls';
  const letters = text.match(/\p{L}/gu) ?? [];
  const others = letters.filter((letter) => letter > '\u024f').length;
  if (others > letters.length / 10) return 'other scripts';
  return text.includes('```') ? 'code' : 'prose';
}

/** Recordings of one test and conversation are variants of each other: their names tell. */
function toFamily({ id }: Recording): string {
  return id.replace(/(-\d+)?-(sse|json)(-v\d+)?$/, '');
}

/**
 * One recording in three, by its bytes: not among the texts that the table of probabilities was
 * measured with.
 */
function isOutsideTable({ body }: Recording): boolean {
  return Number.parseInt(createHash('sha256').update(body).digest('hex').slice(0, 8), 16) % 3 === 0;
}

type Summary = Readonly<{ name: string; count: number; median: number; ninthDecile: number }>;

function summarize(name: string, ratios: readonly number[]): Summary {
  const sorted = ratios.toSorted((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return { name, count: sorted.length, median: quantile(0.5), ninthDecile: quantile(0.9) };
}

function printSummary({ name, count, median, ninthDecile }: Summary): string {
  const figures = [median, ninthDecile].map((ratio) => ratio.toFixed(2)).join('  ');
  return `${name.padEnd(36)} ${String(count).padStart(3)}  ${figures}`;
}

type Comparison = Readonly<{ recording: Recording; ratio: number }>;

/** Groups ratios by the names that `toNames` gives a recording. */
function summarizeGroups(
  comparisons: readonly Comparison[],
  toNames: (recording: Recording) => readonly string[],
): Summary[] {
  const groups = new Map<string, number[]>();
  for (const { recording, ratio } of comparisons)
    for (const name of toNames(recording)) groups.set(name, [...(groups.get(name) ?? []), ratio]);
  const summaries = [...groups].map(([name, ratios]) => summarize(name, ratios));
  return summaries.sort((a, b) => a.name.localeCompare(b.name));
}

function printTable(title: string, summaries: readonly Summary[]): void {
  process.stdout.write(`${title}: answers, median, ninth decile of estimated / reported\n`);
  process.stdout.write(`${summaries.map(printSummary).join('\n')}\n`);
}

function isComparable(recording: Recording): boolean {
  const meter = readWhole(recording);
  return isShown(recording) && countShownOutput(recording, meter) >= MIN_COMPARED_TOKENS;
}

function compareOutput(recording: Recording): Comparison {
  const meter = readWhole(recording);
  const shown = countShownOutput(recording, meter);
  return { recording, ratio: meter.reading().estimatedOutputTokens / shown };
}

/** So many tokens a call or argument that their number is read from the estimate. */
const PROBE_TOKENS = 1_000_000;
const NO_FRAMES = { first: 0, further: 0, argument: 0 };

function toOutputSample(recording: Recording): OutputSample {
  const meter = readWhole(recording);
  const estimate = (calibration: Partial<Calibration>) =>
    readWhole(recording, calibration).reading().estimatedOutputTokens;
  const count = (frames: Partial<Calibration['toolCallTokens']>) =>
    Math.floor(estimate({ toolCallTokens: { ...NO_FRAMES, ...frames } }) / PROBE_TOKENS);
  const tokenScale = { ascii: 1, nonAscii: 1 };
  return {
    shown: countShownOutput(recording, meter),
    text: estimate({ tokenScale, toolCallTokens: NO_FRAMES }),
    calls: count({ first: PROBE_TOKENS, further: PROBE_TOKENS }),
    arguments: count({ argument: PROBE_TOKENS }),
  };
}

/** Compares each recording of one provider by factors that were fitted without its family. */
function compareHeldOutOutput(recordings: readonly Recording[]): Comparison[] {
  const samples = recordings.map((recording) => ({ recording, sample: toOutputSample(recording) }));
  return samples.map(({ recording, sample }) => {
    const others = samples.filter((other) => toFamily(other.recording) !== toFamily(recording));
    const { isEventPerToken } = getProvider(recording.provider).calibration;
    const fitted = fitOutputFactors(
      others.map((other) => other.sample),
      isEventPerToken,
    );
    return { recording, ratio: applyOutputFactors(sample, fitted) / sample.shown };
  });
}

/** Inputs that no text tells: of tools that the provider runs, files, pictures, forced formats. */
const HIDDEN_INPUT = /server_tool|file_input|vision|structured|refusal|audio_input|video_input/;

function toInputSample(recording: Recording): InputSample | null {
  const { request, dialect, provider, features, reported, model } = recording;
  // OpenRouter passes on to providers that each have a format of their own.
  if (request === null || provider === 'openrouter') return null;
  if (features.some((name) => HIDDEN_INPUT.test(name))) return null;
  const parsed = parseRequest(dialect, new TextEncoder().encode(request));
  if (!parsed.ok || reported.input < MIN_COMPARED_TOKENS) return null;
  return { reported: reported.input, input: parsed.facts.estimatedInput, model };
}

function estimateInput({ input, model }: InputSample, calibration: Calibration): number {
  return estimateInputTokens(input, calibration, model);
}

/** Compares inputs by the factors in use, or by preambles fitted without its family. */
function compareInput(recordings: readonly Recording[], isHeldOut: boolean): Comparison[] {
  const samples = recordings.flatMap((recording) => {
    const sample = toInputSample(recording);
    return sample === null ? [] : [{ recording, sample }];
  });
  return samples.map(({ recording, sample }) => {
    const { calibration } = getProvider(recording.provider);
    const others = samples.filter((other) => toFamily(other.recording) !== toFamily(recording));
    const inUse = isHeldOut
      ? fitPreambles(
          others.map((other) => other.sample),
          calibration,
          estimateInput,
        )
      : calibration;
    return { recording, ratio: estimateInput(sample, inUse) / sample.reported };
  });
}

function groupByProvider(recordings: readonly Recording[]): (readonly Recording[])[] {
  return [...Map.groupBy(recordings, ({ provider }) => provider).values()];
}

/** Feeds a stream event by event and returns the estimate after each. */
function estimateByEvent(recording: Recording): number[] {
  const meter = createTestMeter(recording);
  return recording.text.split(/(?<=\n\n)/).map((event) => {
    meter.feed(Buffer.from(event));
    return meter.reading().estimatedOutputTokens;
  });
}

describe.skipIf(ROOT === '')('estimates of recorded answers (FAREBOX_CORPUS)', () => {
  const recordings = readRecordings();
  const comparable = recordings.filter(isComparable);
  const toKind = (recording: Recording) => [
    `all, ${toOutputKind(recording)}`,
    `${recording.provider}, ${toOutputKind(recording)}`,
  ];

  function judge(summaries: readonly Summary[]): void {
    for (const { name, count, median, ninthDecile } of summaries) {
      if (count < MIN_JUDGED_ANSWERS) continue;
      expect(median, name).toBeGreaterThanOrEqual(0.95);
      expect(median, name).toBeLessThanOrEqual(1.1);
      expect(ninthDecile, name).toBeLessThanOrEqual(1.25);
    }
  }

  it('are 0.95 to 1.10 of the reported output in the median, and at most 1.25 for nine in ten', () => {
    const summaries = summarizeGroups(comparable.map(compareOutput), (recording) => [
      ...toKind(recording),
      isOutsideTable(recording) ? 'all, outside the table' : 'all, in the table',
    ]);
    printTable('output', summaries);
    judge(summaries);
  });

  it('are so by factors that were fitted without the recording and its variants', () => {
    const heldOut = groupByProvider(comparable).flatMap(compareHeldOutOutput);
    const summaries = summarizeGroups(heldOut, (recording) => ['all', ...toKind(recording)]);
    printTable('output, held out', summaries);
    judge(summaries);
  });

  it('are near the reported input, in the median, by factors that were fitted without it, too', () => {
    const toNames = ({ provider, features }: Recording) => [
      'all',
      `${provider}, ${features.includes('tools') ? 'tools' : 'text'}`,
    ];
    for (const isHeldOut of [false, true]) {
      const compared = groupByProvider(recordings).flatMap((group) =>
        compareInput(group, isHeldOut),
      );
      const summaries = summarizeGroups(compared, toNames);
      printTable(isHeldOut ? 'input, held out' : 'input', summaries);
      for (const { name, count, median } of summaries) {
        if (count < MIN_JUDGED_ANSWERS) continue;
        expect(median, name).toBeGreaterThanOrEqual(0.85);
        expect(median, name).toBeLessThanOrEqual(1.15);
      }
    }
  });

  it('never fall from one event to the next', () => {
    for (const recording of recordings.filter(({ stream }) => stream)) {
      const estimates = estimateByEvent(recording);
      expect(estimates, recording.id).toEqual(estimates.toSorted((a, b) => a - b));
    }
  });
});
