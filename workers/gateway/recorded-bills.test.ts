/**
 * Bills of recorded answers: what xAI states that it charges, and the estimates for every prefix of
 * a stream. Found by FAREBOX_CORPUS; skipped where that is unset. Prints counts only, never a
 * recorded text.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RELEASED_CATALOG } from '@farebox/catalog';
import { DIALECT_SPECS, type Dialect, parseRequest } from '@farebox/dialects';
import { costWithoutMargin, NO_USAGE } from '@farebox/money';
import { configureProviders, createMeter, type Meter, type Reading } from '@farebox/providers';
import { PROVIDER_IDS } from '@farebox/providers/list';
import { describe, expect, it } from 'vitest';
import { type CallOutcome, computeBill, estimateBill } from './bill.ts';
import type { EndReason } from './end-reason.ts';
import { type Plan, planCall } from './plan.ts';
import { priceUsage } from './usage-prices.ts';

const ROOT = process.env.FAREBOX_CORPUS ?? '';
const NOW = Date.parse('2026-11-23T12:00:00Z');
const DIALECTS: Readonly<Record<string, Dialect>> = {
  'openai-chat': 'chat',
  'openai-responses': 'responses',
  'anthropic-messages': 'messages',
  'gemini-generate': 'gemini',
};

const deps = {
  catalog: RELEASED_CATALOG,
  providers: configureProviders({
    apiKeys: Object.fromEntries(PROVIDER_IDS.map((id) => [id, 'k'])),
    baseUrls: {},
    extra: [],
  }),
  defaultMaxOutput: 4096,
};

type Recording = Readonly<{
  id: string;
  features: readonly string[];
  stream: boolean;
  costUsd: number | null;
  plan: Plan;
  body: Buffer;
}>;

function readJson(file: string) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

const GO_ON = [{ role: 'user', content: 'Go on.' }];
const SHORT_REQUESTS: Readonly<Record<Dialect, object>> = {
  chat: { messages: GO_ON, max_tokens: 8192 },
  messages: { messages: GO_ON, max_tokens: 8192 },
  responses: { input: GO_ON, max_output_tokens: 8192 },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'Go on.' }] }] },
};

/** Returns the request's plan; a request that was not recorded is a short one. */
function planRecorded(folder: string, dialect: Dialect, model: string, stream: boolean) {
  const file = join(folder, 'request.json');
  const isRecorded = readdirSync(folder).includes('request.json');
  const streamFormat = stream ? ('events' as const) : null;
  const target = { version: 'v1beta', model, method: 'generateContent', streamFormat };
  const recorded = isRecorded ? readJson(file) : SHORT_REQUESTS[dialect];
  const body = JSON.stringify(dialect === 'gemini' ? recorded : { ...recorded, model });
  const parsed = parseRequest(dialect, new TextEncoder().encode(body), target);
  if (!parsed.ok) return null;
  const planned = planCall(parsed.facts, new Headers(), deps, NOW);
  return planned.ok ? planned.plan : null;
}

function readRecording(file: string): Recording | null {
  const meta = readJson(file);
  const dialect = DIALECTS[meta.api];
  if (dialect === undefined || meta.status !== 200 || meta.usage === null) return null;
  const plan = planRecorded(dirname(file), dialect, meta.model, meta.stream);
  if (plan === null) return null;
  const body = readFileSync(join(dirname(file), meta.response_file));
  const { id, features, stream, cost_reported_usd: costUsd } = meta;
  return { id, features, stream, costUsd, plan, body };
}

function readRecordings(): Recording[] {
  if (ROOT === '') return [];
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('meta.json'))
    .sort()
    .flatMap((file) => readRecording(join(ROOT, file)) ?? []);
}

function createTestMeter({ plan, stream }: Recording): Meter {
  return createMeter({
    provider: plan.provider,
    dialect: plan.facts.dialect,
    stream,
    contentType: stream ? 'text/event-stream' : 'application/json',
    model: plan.model.upstreamName,
    choices: plan.facts.choices,
    hideUsage: false,
    replaceError: null,
  });
}

function makeOutcome(reading: Reading, endReason: EndReason, floor = 0n): CallOutcome {
  const rest = { hiddenGenerationMs: 0, maxOutput: 1_000_000, held: 10n ** 15n, floor };
  return { reading, endReason, ...rest };
}

type PrefixBills = Readonly<{ bills: readonly bigint[]; floors: readonly bigint[] }>;

/**
 * Feeds a stream event by event, each with a checkpoint; returns the bill of a call that ends so
 * after each.
 */
function billPrefixes(recording: Recording, endReason: EndReason): PrefixBills {
  const { plan } = recording;
  const meter = createTestMeter(recording);
  const bills: bigint[] = [];
  const floors: bigint[] = [0n];
  for (const event of recording.body.toString().split(/(?<=\n\n)/)) {
    meter.feed(Buffer.from(event));
    const reading = meter.reading();
    if (reading.usageFinal || reading.refusal !== null) break;
    const floor = floors.at(-1) ?? 0n;
    bills.push(computeBill(plan, makeOutcome(reading, endReason, floor)).cost);
    // As checkpoint-writer.ts makes them.
    const checkpoint = makeOutcome(reading, 'upstream_disconnected', floor);
    floors.push(estimateBill(plan, checkpoint, 'expired_at_checkpoint').cost);
  }
  return { bills, floors };
}

function readWhole(recording: Recording): Reading {
  const meter = createTestMeter(recording);
  meter.feed(recording.body);
  meter.end();
  return meter.reading();
}

function billWhole({ plan }: Recording, reading: Reading): bigint {
  return computeBill(plan, makeOutcome(reading, 'complete')).cost;
}

/**
 * Returns the reading of the same answer with the input as it is estimated: what a provider reads
 * from its cache unasked no part of the answer tells before its end.
 */
function withEstimatedInput({ plan }: Recording, reading: Reading): Reading {
  const { usage } = reading;
  const { mayCacheUnasked } = DIALECT_SPECS[plan.facts.dialect].request;
  if (usage === null || !mayCacheUnasked) return reading;
  const { output, output_reasoning } = usage;
  const input_uncached = plan.estimatedInputTokens;
  return { ...reading, usage: { ...NO_USAGE, input_uncached, output, output_reasoning } };
}

function atFourFifths(bills: readonly bigint[]): bigint {
  return bills[Math.floor(0.8 * bills.length) - 1] ?? 0n;
}

describe.skipIf(ROOT === '')('bills of recorded answers (FAREBOX_CORPUS)', () => {
  const recordings = readRecordings();
  // One recording is several answers, one after another.
  const streams = recordings.filter(
    ({ stream, body }) => stream && body.toString().split('"response.created"').length <= 2,
  );

  it('equal the charge that the provider states, wherever it states one', () => {
    let compared = 0;
    for (const recording of recordings) {
      const meter = createTestMeter(recording);
      meter.feed(recording.body);
      meter.end();
      const reading = meter.reading();
      if (reading.usage === null || reading.statedCost === null) continue;
      // An answer of OpenRouter's is planned here at the model's own provider, at other prices.
      if (!recording.id.startsWith(`${recording.plan.provider.id}/`)) continue;
      // Pictures have no price, and the charge of this recording is made up.
      if (reading.unpriceable > 0) continue;
      compared += 1;
      expect(reading.statedCost, recording.id).toBe(
        BigInt(Math.ceil(Number(((recording.costUsd ?? 0) * 1e9).toFixed(1)))),
      );
      const priced = priceUsage(recording.plan, reading.usage, reading);
      const computed = costWithoutMargin(priced.cost, priced);
      expect(computed, recording.id).toBe(reading.statedCost);
    }
    expect(compared).toBeGreaterThan(0);
  });

  it.each(['client_disconnected', 'upstream_disconnected'] as const)(
    'never fall, nor below a checkpoint, from event to event of a stream that ends as %s',
    (endReason) => {
      for (const recording of streams) {
        const { bills, floors } = billPrefixes(recording, endReason);
        expect(bills, recording.id).toEqual(bills.toSorted((a, b) => (a < b ? -1 : 1)));
        // Without output a provider that breaks off bills nothing, and its call costs nothing.
        for (const [index, bill] of bills.entries())
          if (bill > 0n) expect(bill, recording.id).toBeGreaterThanOrEqual(floors[index] ?? 0n);
      }
    },
  );

  it('stay below the whole bill for four fifths of the output where the provider broke off', () => {
    for (const recording of streams) {
      const { bills } = billPrefixes(recording, 'upstream_disconnected');
      const whole = billWhole(recording, readWhole(recording));
      expect(atFourFifths(bills), recording.id).toBeLessThanOrEqual(whole);
    }
  });

  it('stay below the whole bill of the estimated input where the client left', () => {
    for (const recording of streams) {
      const reading = readWhole(recording);
      // A client that leaves before a refusal is stated has left an answer like others.
      if (reading.refusal !== null) continue;
      const { bills } = billPrefixes(recording, 'client_disconnected');
      const whole = billWhole(recording, withEstimatedInput(recording, reading));
      expect(atFourFifths(bills), recording.id).toBeLessThanOrEqual(whole);
    }
  });
});
