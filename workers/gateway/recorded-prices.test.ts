/**
 * Recorded answers of real providers, billed at other moments of the week: the buckets are the
 * recording's own at every moment, and the cost is that of the rule that a reader of the price list
 * would apply. FAREBOX_CORPUS names the folder; skipped where it is unset.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  findListedModel,
  isPricedSurcharge,
  type ListedModel,
  type PriceKey,
  type PriceRule,
  RELEASED,
  RELEASED_CATALOG,
} from '@farebox/catalog';
import { type Dialect, parseRequest } from '@farebox/dialects';
import { BUCKETS, totalInputTokens, type Usage } from '@farebox/money';
import { configureProviders, createMeter, type Reading } from '@farebox/providers';
import { PROVIDER_IDS } from '@farebox/providers/list';
import { describe, expect, it } from 'vitest';
import { computeBill } from './bill.ts';
import { type Plan, planCall } from './plan.ts';

const CORPUS = process.env.FAREBOX_CORPUS ?? '';
const RECORDED = CORPUS !== '' && existsSync(join(CORPUS, 'INDEX.tsv'));

const NATIVE_API: Readonly<Record<string, Dialect>> = {
  'openai-chat': 'chat',
  'openai-responses': 'responses',
  'anthropic-messages': 'messages',
  'gemini-generate': 'gemini',
};

type Recording = Readonly<{
  id: string;
  dialect: Dialect;
  model: string;
  stream: boolean;
  bytes: Uint8Array;
}>;

type Meta = Readonly<
  Record<'id' | 'api' | 'provider' | 'model' | 'response_file', string> & {
    stream: boolean;
    status: number;
    usage: unknown;
  }
>;

function readRecording(folder: string): Recording[] {
  const meta: Meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8'));
  const dialect = NATIVE_API[meta.api];
  if (dialect === undefined || meta.status !== 200 || meta.usage === null) return [];
  const bytes = readFileSync(join(folder, meta.response_file));
  const model = `${meta.provider}/${meta.model}`;
  return [{ id: meta.id, dialect, model, stream: meta.stream, bytes }];
}

const recordings = !RECORDED
  ? []
  : readdirSync(CORPUS, { withFileTypes: true, recursive: true })
      .filter(({ name }) => name === 'meta.json')
      .flatMap(({ parentPath }) => readRecording(parentPath))
      .sort((a, b) => (a.id < b.id ? -1 : 1));

/** Every weekday at five hours, a public holiday in China, and a day after known changes. */
const MOMENTS = [
  ...['23', '24', '25', '26', '27', '28', '29'].flatMap((day) =>
    ['00:59', '02:00', '05:00', '09:59', '23:00'].map((time) => `2026-11-${day}T${time}:00Z`),
  ),
  '2026-10-01T02:00:00Z',
  '2027-03-05T07:00:00Z',
];

const deps = {
  catalog: RELEASED_CATALOG,
  providers: configureProviders({
    apiKeys: Object.fromEntries(PROVIDER_IDS.map((id) => [id, 'k'])),
    baseUrls: {},
    extra: [{ id: 'openrouter', baseUrl: 'https://openrouter.example/api/v1', apiKey: 'k' }],
  }),
  defaultMaxOutput: 4096,
};

function planRecording({ dialect, model, stream }: Recording, now: number): Plan | null {
  const prompt = [{ role: 'user', content: 'Hi' }];
  const requests: Readonly<Record<Dialect, object>> = {
    chat: { model, stream, max_tokens: 4096, messages: prompt },
    messages: { model, stream, max_tokens: 4096, messages: prompt },
    responses: { model, stream, max_output_tokens: 4096, input: prompt },
    gemini: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
  };
  const body = requests[dialect];
  const streamFormat = stream ? ('events' as const) : null;
  const target = { version: 'v1beta', model, method: 'generateContent', streamFormat };
  const parsed = parseRequest(dialect, new TextEncoder().encode(JSON.stringify(body)), target);
  if (!parsed.ok) throw new Error(parsed.reason);
  const planned = planCall(parsed.facts, new Headers(), deps, now);
  // A model that is retired by then.
  return planned.ok ? planned.plan : null;
}

function readRecordedAnswer(
  { dialect, stream, bytes }: Recording,
  { provider, model }: Plan,
): Reading {
  const meter = createMeter({
    provider,
    dialect,
    stream,
    contentType: null,
    model: model.upstreamName,
    choices: 1,
    hideUsage: false,
    replaceError: null,
  });
  meter.feed(bytes);
  meter.end();
  return meter.reading();
}

/** Decides with `Date` alone whether a rule holds for a call on standard terms. */
function ruleHolds({ when }: PriceRule, now: Date, usage: Usage): boolean {
  const { from, until, schedule, input } = when;
  if ((when.tier ?? 'standard') !== 'standard' || (when.speed ?? 'standard') !== 'standard')
    return false;
  if ((when.region ?? 'global') !== 'global') return false;
  if (from !== undefined && now < new Date(from)) return false;
  if (until !== undefined && now >= new Date(until)) return false;
  if (input !== undefined) {
    const count = input.buckets?.reduce((sum, bucket) => sum + usage[bucket], 0);
    const tokens = count ?? totalInputTokens(usage);
    if (input.inclusive ? tokens < input.tokens : tokens <= input.tokens) return false;
  }
  if (schedule === undefined) return true;
  const second = now.getUTCHours() * 3600 + now.getUTCMinutes() * 60;
  const isInside = schedule.windows.some(([start, end]) =>
    end < start ? second >= start || second < end : second >= start && second < end,
  );
  const local = new Date(now.getTime() + (schedule.utcOffsetMinutes ?? 0) * 60_000);
  const weekday = local.getUTCDay() === 0 ? 7 : local.getUTCDay();
  const day = local.toISOString().slice(0, 10);
  const isHoliday = (id: string | undefined): boolean =>
    id !== undefined && RELEASED.calendars[id]?.days.includes(day) === true;
  return (
    isInside &&
    (schedule.weekdays?.includes(weekday) ?? true) &&
    !isHoliday(schedule.except) &&
    (schedule.only === undefined || isHoliday(schedule.only))
  );
}

/** The price of a key by the first rule that holds and states it, or that of its substitute. */
function findPrice(model: ListedModel, key: PriceKey, now: Date, usage: Usage): number | undefined {
  const stated = model.prices.find(
    (rule) => rule.prices[key] !== undefined && ruleHolds(rule, now, usage),
  );
  if (stated !== undefined) return stated.prices[key];
  if (key.startsWith('cache_')) {
    const isLong = key === 'cache_write_12h';
    const isShort = key === 'cache_read' || key === 'cache_write_5m';
    const substitute = isShort ? 'input_uncached' : isLong ? 'cache_write_1h' : 'cache_write_5m';
    return findPrice(model, substitute, now, usage);
  }
  if (key === 'audio_input') return findPrice(model, 'input_uncached', now, usage);
  return key.endsWith('_output') ? findPrice(model, 'output', now, usage) : undefined;
}

describe.skipIf(!RECORDED)('recorded answers at any moment of the week (FAREBOX_CORPUS)', () => {
  it('are there', () => {
    expect(recordings.length).toBeGreaterThan(90);
  });

  it.for(recordings)('$id', (recording) => {
    for (const moment of MOMENTS) {
      const now = new Date(moment);
      const plan = planRecording(recording, now.getTime());
      if (plan === null) continue;
      const listed = findListedModel(RELEASED, plan.model.provider, plan.model.upstreamName);
      if (listed === undefined) continue;
      const reading = readRecordedAnswer(recording, plan);
      const bill = computeBill(plan, {
        reading,
        endReason: 'complete',
        hiddenGenerationMs: 0,
        maxOutput: 4096,
        held: 10n ** 18n,
        floor: 0n,
      });
      if (bill.reason === 'refused_without_output') {
        expect(bill.cost).toBe(0n);
        continue;
      }
      const { usage } = reading;
      if (usage === null) throw new Error('the recording has usage');
      expect(totalInputTokens(bill.usage)).toBe(totalInputTokens(usage));
      for (const bucket of ['input_uncached', 'cache_read', 'output'] as const)
        expect(bill.usage[bucket]).toBe(usage[bucket]);
      const size = reading.largestTurn ?? bill.usage;
      let millionths = 0n;
      for (const bucket of BUCKETS) {
        const price = BigInt(findPrice(listed, bucket, now, size) ?? 0);
        expect(bill.prices[bucket], `${bucket} at ${moment}`).toBe(price);
        millionths += BigInt(bill.usage[bucket]) * price;
      }
      for (const { kind, count, nano_usd_per_million } of bill.fees) {
        if (isPricedSurcharge(kind) && plan.model.upstreamName === listed.id)
          expect(nano_usd_per_million).toBe(BigInt(findPrice(listed, kind, now, size) ?? 0));
        millionths += BigInt(count) * nano_usd_per_million;
      }
      if (bill.reason === 'provider_reported')
        expect(bill.cost).toBe((millionths + 999_999n) / 1_000_000n);
    }
  });
});
