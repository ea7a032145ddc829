/**
 * Estimates of the output of recorded answers beside what their providers reported
 * (docs/decisions/0026-calibrated-estimates.md). Found by FAREBOX_CORPUS; skipped where that is
 * unset. Prints ratios only, never a recorded text.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configureProviders, createMeter, type Meter } from './index.ts';
import { PROVIDER_IDS } from './list.ts';

const ROOT = process.env.FAREBOX_CORPUS ?? '';

/** Below this a single token more or less decides the ratio. */
const MIN_COMPARED_TOKENS = 20;

/** Groups with fewer answers are printed and not judged one by one. */
const MIN_JUDGED_ANSWERS = 4;

type Recording = Readonly<{
  id: string;
  provider: string;
  dialect: 'chat' | 'messages';
  stream: boolean;
  model: string;
  features: readonly string[];
  reported: Readonly<{ output: number; reasoning: number }>;
  body: Buffer;
  text: string;
}>;

const DIALECTS: Readonly<Record<string, Recording['dialect']>> = {
  'openai-chat': 'chat',
  'anthropic-messages': 'messages',
};

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
    reported: { output: meta.usage.output_total, reasoning: meta.usage.reasoning },
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
 * an output that was not sent.
 */
const HIDDEN_OUTPUT = /server_tool|redacted_thinking|refusal|stream_error/;

function isShown({ model, features }: Recording): boolean {
  return !model.startsWith('grok-4.3') && !features.some((name) => HIDDEN_OUTPUT.test(name));
}

const providers = configureProviders({
  apiKeys: Object.fromEntries(PROVIDER_IDS.map((id) => [id, 'k'])),
  baseUrls: {},
  extra: [{ id: 'openrouter', baseUrl: 'https://openrouter.example/api/v1', apiKey: 'k' }],
});

function createTestMeter({ provider: id, dialect, stream, model }: Recording): Meter {
  const provider = providers.get(id);
  if (provider === undefined) throw new Error(id);
  return createMeter({
    provider,
    dialect,
    stream,
    model,
    contentType: null,
    choices: 1,
    hideUsage: false,
    replaceError: null,
  });
}

/** Returns the reported tokens that the bytes of the answer show. */
function countShownOutput(recording: Recording, meter: Meter): number {
  const { output, reasoning } = recording.reported;
  const { passes } = meter.reading();
  const isReasoningShown = /"(reasoning_content|reasoning|thinking)":\s*"./.test(recording.text);
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

/**
 * One recording in three, by its bytes: not among the texts that the table of probabilities was
 * measured with. The providers' factors were fitted with all recordings.
 */
function isHeldOut({ body }: Recording): boolean {
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

function compareWithReports(recordings: readonly Recording[]): Summary[] {
  const groups = new Map<string, number[]>();
  for (const recording of recordings) {
    const meter = createTestMeter(recording);
    meter.feed(recording.body);
    meter.end();
    const shown = countShownOutput(recording, meter);
    if (shown < MIN_COMPARED_TOKENS) continue;
    const ratio = meter.reading().estimatedOutputTokens / shown;
    const kind = toOutputKind(recording);
    const part = isHeldOut(recording) ? 'held out' : 'development';
    for (const name of [`all, ${part}`, `all, ${kind}`, `${recording.provider}, ${kind}`]) {
      groups.set(name, [...(groups.get(name) ?? []), ratio]);
    }
  }
  return [...groups].map(([name, ratios]) => summarize(name, ratios));
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
  const shown = readRecordings().filter(isShown);

  it('are 0.95 to 1.10 of the reported output in the median, and at most 1.25 for nine in ten', () => {
    const summaries = compareWithReports(shown).sort((a, b) => a.name.localeCompare(b.name));
    process.stdout.write(`group, answers, median, ninth decile of estimated / reported\n`);
    process.stdout.write(`${summaries.map(printSummary).join('\n')}\n`);
    for (const { name, median, ninthDecile } of summaries.filter(
      ({ count }) => count >= MIN_JUDGED_ANSWERS,
    )) {
      expect(median, name).toBeGreaterThanOrEqual(0.95);
      expect(median, name).toBeLessThanOrEqual(1.1);
      expect(ninthDecile, name).toBeLessThanOrEqual(1.25);
    }
  });

  it('never fall from one event to the next', () => {
    for (const recording of readRecordings().filter(({ stream }) => stream)) {
      const estimates = estimateByEvent(recording);
      expect(estimates, recording.id).toEqual(estimates.toSorted((a, b) => a - b));
    }
  });
});
