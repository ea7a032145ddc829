/**
 * Recorded answers of real providers through the meter: whole, byte by byte and in random chunks.
 * Found by FAREBOX_CORPUS; skipped where that is unset. Prints counts only, never a recorded text. `calibration.test.ts`
 * compares the estimates with them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dialect } from '@farebox/dialects';
import { BUCKETS, NO_USAGE } from '@farebox/money';
import { describe, expect, it } from 'vitest';
import {
  configureProviders,
  createMeter,
  type Meter,
  type Provider,
  type Reading,
} from './index.ts';
import { PROVIDER_IDS } from './list.ts';

const ROOT = process.env.FAREBOX_CORPUS ?? '';
const SEED = 20261123;

type RecordingMeta = Readonly<{
  id: string;
  provider: string;
  api: string;
  stream: boolean;
  status: number;
  model: string;
  response_file: string;
  features: readonly string[];
  cost_reported_usd: number | null;
  usage: Readonly<{
    input_total: number;
    output_total: number;
    cached_read: number;
    cached_write: number;
    reasoning: number;
  }> | null;
}>;

const DIALECTS: Readonly<Record<string, Dialect>> = {
  'openai-chat': 'chat',
  'openai-responses': 'responses',
  'anthropic-messages': 'messages',
  'gemini-generate': 'gemini',
};

function recordings(): { meta: RecordingMeta; body: Uint8Array }[] {
  const results: { meta: RecordingMeta; body: Uint8Array }[] = [];
  for (const provider of readdirSync(ROOT, { withFileTypes: true })) {
    if (!provider.isDirectory()) continue;
    for (const api of Object.keys(DIALECTS)) {
      const folder = join(ROOT, provider.name, api);
      if (!existsSync(folder)) continue;
      for (const name of readdirSync(folder)) {
        const meta: RecordingMeta = JSON.parse(
          readFileSync(join(folder, name, 'meta.json'), 'utf8'),
        );
        if (meta.status !== 200) continue;
        results.push({ meta, body: readFileSync(join(folder, name, meta.response_file)) });
      }
    }
  }
  return results;
}

const providers = configureProviders({
  apiKeys: Object.fromEntries(PROVIDER_IDS.map((id) => [id, 'k'])),
  baseUrls: {},
  extra: [{ id: 'openrouter', baseUrl: 'https://openrouter.example/api/v1', apiKey: 'k' }],
});

function createTestMeter(meta: RecordingMeta, hideUsage = false): Meter {
  const provider: Provider | undefined = providers.get(meta.provider);
  if (provider === undefined) throw new Error(meta.provider);
  const dialect = DIALECTS[meta.api];
  if (dialect === undefined) throw new Error(meta.api);
  return createMeter({
    provider,
    dialect,
    stream: meta.stream,
    contentType: null,
    model: meta.model ?? '',
    choices: 1,
    hideUsage,
    replaceError: null,
  });
}

/** A small deterministic generator (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function feedInChunks(meter: Meter, body: Uint8Array, size: () => number): Buffer {
  const out: Uint8Array[] = [];
  for (let at = 0; at < body.length; ) {
    const end = Math.min(body.length, at + size());
    out.push(...meter.feed(body.subarray(at, end)));
    at = end;
  }
  out.push(...meter.end());
  return Buffer.concat(out);
}

/** All reported tokens: a compaction moves most of the input out of the usage into a pass. */
function countReportedTokens({ usage, passes }: Reading): number {
  const counts = [usage ?? NO_USAGE, ...passes].flatMap((part) =>
    BUCKETS.map((bucket) => part[bucket]),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

type ChatEvent = Readonly<Record<string, unknown>>;

/** The events of a chat stream but its end marker. */
function readEvents(body: Uint8Array): ChatEvent[] {
  const lines: string[] = Buffer.from(body).toString().split('\n');
  const data = lines.filter((line) => line.startsWith('data: {')).map((line) => line.slice(6));
  return data.map((text) => JSON.parse(text));
}

function isUsageChunk({ choices, usage }: ChatEvent): boolean {
  return Array.isArray(choices) && choices.length === 0 && typeof usage === 'object';
}

function withoutUsage(event: ChatEvent): ChatEvent {
  if (event.usage === null) return event;
  const { usage: _usage, ...rest } = event;
  return rest;
}

describe.skipIf(ROOT === '')('recorded answers (FAREBOX_CORPUS)', () => {
  const cases = ROOT === '' ? [] : recordings();

  it('yield the recorded usage for any chunk boundaries', () => {
    const next = random(SEED);
    process.stdout.write(`seed ${SEED}, ${cases.length} recordings\n`);
    for (const { meta, body } of cases) {
      const sizes = [() => body.length, () => 1, () => 1 + Math.floor(next() * 400)];
      const readings = sizes.map((size) => {
        const meter = createTestMeter(meta);
        expect(feedInChunks(meter, body, size).equals(body), meta.id).toBe(true);
        return meter.reading();
      });
      const reading = readings[0];
      expect(readings[1], meta.id).toEqual(reading);
      expect(readings[2], meta.id).toEqual(reading);
      const { usage } = reading ?? {};
      if (!meta.usage) {
        expect(usage, meta.id).toBeNull();
        continue;
      }
      expect(reading?.usageFinal, meta.id).toBe(true);
      expect(usage?.cache_read, meta.id).toBe(meta.usage.cached_read);
      expect((usage?.cache_write_5m ?? 0) + (usage?.cache_write_1h ?? 0), meta.id).toBe(
        meta.usage.cached_write,
      );
      expect(usage?.output, meta.id).toBe(meta.usage.output_total);
      const reasoning = Math.min(meta.usage.reasoning, meta.usage.output_total);
      expect(usage?.output_reasoning, meta.id).toBe(reasoning);
      if (meta.features.includes('cached_gt_input')) continue;
      const { cached_read, cached_write, input_total } = meta.usage;
      // Audio has a price of its own, and is a fee beside the buckets.
      const audio = reading?.surcharges.find(({ kind }) => kind === 'audio_input')?.count ?? 0;
      const uncached = input_total - cached_read - cached_write - audio;
      expect(usage?.input_uncached, meta.id).toBe(uncached);
    }
  });

  it('yield the cost that the provider states, in nano-USD rounded up', () => {
    const stated = cases.flatMap(({ meta, body }) => {
      const meter = createTestMeter(meta);
      feedInChunks(meter, body, () => body.length);
      const { statedCost } = meter.reading();
      return statedCost === null ? [] : [{ meta, statedCost }];
    });
    expect(stated.some(({ meta }) => meta.provider === 'openrouter')).toBe(true);
    for (const { meta, statedCost } of stated) {
      const nanoUsd = Math.ceil(Number(((meta.cost_reported_usd ?? 0) * 1e9).toFixed(1)));
      expect(statedCost, meta.id).toBe(BigInt(nanoUsd));
    }
  });

  it('lose only usage when it is hidden', () => {
    const next = random(SEED);
    let spliced = 0;
    for (const { meta, body } of cases) {
      if (!meta.stream || meta.api !== 'openai-chat') continue;
      const visible = readEvents(body)
        .filter((event) => !isUsageChunk(event))
        .map(withoutUsage);
      for (const size of [() => body.length, () => 1, () => 1 + Math.floor(next() * 400)]) {
        const out = feedInChunks(createTestMeter(meta, true), body, size);
        expect(readEvents(out), meta.id).toEqual(visible);
        if (out.length < body.length) spliced += 1;
      }
    }
    expect(spliced).toBeGreaterThan(0);
  });

  it('never lower the estimate as more bytes arrive', () => {
    for (const { meta, body } of cases) {
      // Some recordings are several answers, one after another; each starts its counts anew.
      const starts = /"type":"(message_start|response\.created)"/g;
      const answers = [...Buffer.from(body).toString().matchAll(starts)].length;
      if (!meta.stream || answers > 1) continue;
      const meter = createTestMeter(meta);
      let before = meter.reading();
      for (let at = 0; at < body.length; at += 97) {
        meter.feed(body.subarray(at, at + 97));
        const now = meter.reading();
        expect(now.estimatedOutputTokens).toBeGreaterThanOrEqual(before.estimatedOutputTokens);
        // Gemini's last event counts all of it, and may count less than was counted on the way.
        if (meta.api !== 'gemini-generate' || !now.finished)
          expect(countReportedTokens(now), meta.id).toBeGreaterThanOrEqual(
            countReportedTokens(before),
          );
        before = now;
      }
    }
  });
});
