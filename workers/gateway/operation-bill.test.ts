/**
 * Bills of operations: a hold covers whatever its call may use, what is reported is charged to the
 * nano, and every way to end has its bill. Seeds are fixed.
 */
import { RELEASED_CATALOG } from '@farebox/catalog';
import { type Operation, parseOperation } from '@farebox/dialects';
import { configureProviders, type OperationUse } from '@farebox/providers';
import { PROVIDER_IDS } from '@farebox/providers/list';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndReason } from './end-reason.ts';
import { computeOperationBill, NOTHING_USED } from './operation-bill.ts';
import { type OperationPlan, planOperation } from './operation-plan.ts';

const SEED = 20261126;
const NOW = Date.parse('2026-11-26T12:00:00Z');
const cohere = { id: 'cohere', baseUrl: 'https://api.cohere.ai/compatibility/v1', apiKey: 'k' };
const deps = {
  catalog: RELEASED_CATALOG,
  providers: configureProviders({
    apiKeys: Object.fromEntries(PROVIDER_IDS.map((id) => [id, 'k'])),
    baseUrls: {},
    extra: [cohere],
  }),
};

const encoder = new TextEncoder();

function plan(operation: Operation, body: object): OperationPlan {
  const bytes = encoder.encode(JSON.stringify(body));
  const parsed = parseOperation(operation, bytes, 'application/json');
  if (!parsed.ok) throw new Error(parsed.reason);
  const planned = planOperation(parsed.facts, deps, NOW);
  if (!planned.ok) throw new Error(planned.reason);
  return planned.plan;
}

function tryPlanForm(model: string, file: Uint8Array, fields: Record<string, string> = {}) {
  const head = Object.entries({ model, ...fields }).map(
    ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const fileHead = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n';
  const bytes = Buffer.concat([
    Buffer.from(head.join('') + fileHead),
    file,
    Buffer.from('\r\n--b--'),
  ]);
  const type = 'multipart/form-data; boundary=b';
  const parsed = parseOperation('transcriptions', new Uint8Array(bytes), type);
  if (!parsed.ok) throw new Error(parsed.reason);
  return planOperation(parsed.facts, deps, NOW);
}

function planForm(model: string, file: Uint8Array, fields: Record<string, string> = {}) {
  const planned = tryPlanForm(model, file, fields);
  if (!planned.ok) throw new Error(planned.reason);
  return planned.plan;
}

function bill(
  operationPlan: OperationPlan,
  use: Partial<OperationUse>,
  endReason: EndReason = 'complete',
  failed = false,
) {
  const outcome = { use: { ...NOTHING_USED, ...use }, failed, endReason };
  return computeOperationBill(operationPlan, { ...outcome, held: operationPlan.maxCost });
}

/** Seconds of 32,000 bytes; by default 16,000 samples of 16 bits. */
function buildWav(seconds: number, format = 1, rate = 16_000, bits = 16): Uint8Array {
  const header = Buffer.alloc(44);
  header.write('RIFF\0\0\0\0WAVEfmt ', 0, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(format, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt16LE(bits, 34);
  header.write('data', 36, 'latin1');
  return Buffer.concat([header, new Uint8Array(seconds * 32_000)]);
}

/** What browsers record: its blocks may have any size. */
function buildWebm(bytes: number): Uint8Array {
  return Buffer.concat([Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3), new Uint8Array(bytes)]);
}

const share = fc.double({ min: 0, max: 1, noNaN: true });
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 400 });
const images = RELEASED_CATALOG.listModels(PROVIDER_IDS).filter(({ operations }) =>
  operations.includes('images'),
);

describe('the hold of a call to an operation', () => {
  it('covers the tokens of any texts that are embedded, and is at most a few times their price', () => {
    const model = 'text-embedding-3-large';
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 50 }), share, (input, part) => {
        const embedded = plan('embeddings', { model, input });
        // A token spans a byte or more, and each text may have a special one.
        const most = encoder.encode(input.join('')).length + input.length;
        const reported = { input_uncached: Math.floor(part * most) };
        const { cost } = bill(embedded, { reported, hasOutput: true });
        expect(cost).toBeLessThanOrEqual(embedded.maxCost);
        expect(embedded.maxCost).toBeLessThanOrEqual(BigInt(40 * most + 1) * 130n);
      }),
      { seed: SEED },
    );
  });

  it('covers the images of any model, at any size and quality', () => {
    const choice = fc.constantFrom(
      undefined,
      'auto',
      '1k',
      '2k',
      'low',
      'medium',
      'high',
      '1024x1024',
    );
    const request = fc.record({
      model: fc.constantFrom(...images),
      n: fc.integer({ min: 1, max: 10 }),
      resolution: choice,
      quality: choice,
      partial_images: fc.integer({ min: 0, max: 3 }),
      made: share,
      tokens: share,
    });
    fc.assert(
      fc.property(request, ({ model, made, tokens, ...body }) => {
        const planned = plan('images', { ...body, model: model.name, prompt: 'A cat' });
        const each = model.maxOutput + 100 * body.partial_images;
        const image = Math.ceil(made * body.n);
        const reported = { image_output: Math.floor(tokens * each * body.n), input_uncached: 5 };
        const isByToken = planned.prices.surchargePrices.image_output !== undefined;
        const use = isByToken ? { reported } : { observed: { image } };
        const { cost, reason } = bill(planned, { ...use, hasOutput: true });
        expect(cost).toBeLessThanOrEqual(planned.maxCost);
        expect(reason).toMatch(/provider_reported|counted/);
      }),
      { seed: SEED },
    );
  });

  it('covers every character that is spoken, and half an hour of speech', () => {
    fc.assert(
      fc.property(text, (input) => {
        const spoken = plan('speech', { model: 'tts-1-hd', voice: 'nova', input });
        expect(spoken.maxCost).toBe(BigInt(Array.from(input).length) * 30_000n);
        const modern = plan('speech', { model: 'gpt-4o-mini-tts', voice: 'nova', input });
        const { cost } = bill(modern, { observed: { audio_output: 900 }, hasOutput: true });
        expect(cost).toBeLessThanOrEqual(modern.maxCost);
      }),
      { seed: SEED },
    );
  });

  it.each(['whisper-1', 'gpt-transcribe', 'gpt-4o-transcribe', 'gpt-4o-mini-transcribe'])(
    'of %s covers a recording of any length',
    (model) => {
      for (const seconds of [1, 59, 61, 300]) {
        const transcribed = planForm(model, buildWav(seconds), { prompt: 'Names: Ada' });
        const byTokens = { audio_input: 10 * seconds, input_uncached: 20, output: 4 * seconds };
        const bySeconds = { audio_second: seconds };
        for (const reported of [byTokens, bySeconds]) {
          const { cost } = bill(transcribed, { reported, hasOutput: true });
          expect(cost).toBeLessThanOrEqual(transcribed.maxCost);
          expect(cost).toBeGreaterThan(0n);
        }
      }
    },
  );

  it('covers the search units of any documents, by the rule that Cohere documents', () => {
    const documents = fc.array(fc.string({ maxLength: 3_000 }), { minLength: 1, maxLength: 250 });
    fc.assert(
      fc.property(documents, text, share, (list, query, part) => {
        const ranked = plan('rerank', { model: 'cohere/rerank-v3.5', query, documents: list });
        // Every 500 tokens of a document, query included, are one more document; a token of English
        // has about four bytes.
        const chunks = list.map(({ length }) => Math.max(1, Math.ceil(length / 4 / 400)));
        const units = Math.ceil(chunks.reduce((sum, count) => sum + count, 0) / 100);
        const reported = { rerank: Math.max(1, Math.floor(part * units)) };
        expect(bill(ranked, { reported, hasOutput: true }).cost).toBeLessThanOrEqual(
          ranked.maxCost,
        );
      }),
      { seed: SEED, numRuns: 50 },
    );
  });
});

describe('the bill of a transcription', () => {
  // 320,000 bytes, which are 40 seconds at 8,000 bytes a second and hold at most 427.
  const muLaw = buildWav(10, 7, 8_000, 65_528);
  const PER_SECOND = 100_000n;

  it('holds and charges what the samples last, whatever the header says of their width', () => {
    const json = planForm('whisper-1', muLaw);
    expect(json.maxCost).toBe(41n * PER_SECOND);
    const reported = { audio_second: 40 };
    expect(bill(json, { reported, hasOutput: true })).toMatchObject({
      cost: 40n * PER_SECOND,
      reason: 'provider_reported',
    });
    const text = planForm('whisper-1', muLaw, { response_format: 'text' });
    expect(bill(text, { hasOutput: true })).toMatchObject({
      cost: 40n * PER_SECOND,
      reason: 'counted',
    });
  });

  it.each([40, 400, 800])(
    'is the %d seconds that the provider reports where the bytes can hold them',
    (audio_second) => {
      const planned = planForm('whisper-1', buildWav(10));
      expect(bill(planned, { reported: { audio_second }, hasOutput: true })).toMatchObject({
        cost: BigInt(audio_second) * PER_SECOND,
        reason: 'provider_reported',
      });
    },
  );

  it('is an estimate where the bytes can not hold the seconds that are reported', () => {
    const reported = { audio_second: 36_000 };
    const measured = planForm('whisper-1', buildWav(10));
    expect(bill(measured, { reported, hasOutput: true })).toMatchObject({
      cost: 10n * PER_SECOND,
      reason: 'estimated_usage_implausible',
    });
    const guessed = planForm('whisper-1', buildWebm(320_000));
    expect(bill(guessed, { reported, hasOutput: true })).toMatchObject({
      cost: guessed.maxCost,
      reason: 'estimated_usage_implausible',
    });
  });

  it.each(['text', 'srt', 'vtt'])(
    'is not left to a guess: %s of a recording of unknown length is refused',
    (response_format) => {
      const webm = buildWebm(320_000);
      expect(tryPlanForm('whisper-1', webm, { response_format })).toMatchObject({
        ok: false,
        reason: 'invalid_field',
        field: 'response_format',
      });
      expect(tryPlanForm('whisper-1', buildWav(10), { response_format }).ok).toBe(true);
    },
  );

  it('is no count where a provider reports nothing of a recording of unknown length', () => {
    const planned = planForm('whisper-1', buildWebm(320_000));
    expect(bill(planned, { hasOutput: true }).reason).toBe('estimated_usage_missing');
  });
});

describe('the bill of a call to an operation', () => {
  // 0.02 USD a million tokens.
  const embedding = plan('embeddings', {
    model: 'text-embedding-3-small',
    input: 'x'.repeat(4000),
  });
  // 0.04 USD an image, 0.01 one that is read (docs.x.ai, 2026-10-13).
  const edit = plan('image_edits', {
    model: 'xai/grok-imagine-image-2.0',
    prompt: 'A hat',
    n: 2,
    images: [{ image_url: 'https://a.example/1.png' }, { image_url: 'https://a.example/2.png' }],
  });

  it('is what the provider reports', () => {
    const reported = { input_uncached: 7 };
    expect(bill(embedding, { reported, hasOutput: true })).toMatchObject({
      cost: 140n,
      reason: 'provider_reported',
      usage: { input_uncached: 7 },
    });
  });

  it('has the pictures that were read beside those that were made', () => {
    expect(bill(edit, { observed: { image: 1 }, hasOutput: true })).toMatchObject({
      cost: 60_000_000n,
      reason: 'counted',
      fees: [
        { kind: 'image', count: 1 },
        { kind: 'source_image', count: 2 },
      ],
    });
  });

  it('keeps what the provider states that it charges', () => {
    const use = { observed: { image: 2 }, statedCost: 100_000_000n, hasOutput: true };
    expect(bill(edit, use)).toMatchObject({ cost: 100_000_000n, providerCost: 100_000_000n });
  });

  it('is an estimate where the report is far more than the call can have used', () => {
    const reported = { input_uncached: 900_000_000 };
    const { cost, reason } = bill(embedding, { reported, hasOutput: true });
    expect(reason).toBe('estimated_usage_implausible');
    expect(cost).toBeLessThanOrEqual(embedding.maxCost);
  });

  it.each<[EndReason, boolean, boolean, string, boolean]>([
    ['complete', false, true, 'estimated_usage_missing', true],
    ['complete', false, false, 'waived_empty', false],
    ['complete', true, false, 'waived_upstream_error', false],
    ['complete', true, true, 'estimated_after_upstream_cut', true],
    ['client_disconnected', false, true, 'estimated_after_disconnect', true],
    ['client_disconnected', false, false, 'estimated_after_disconnect', true],
    ['upstream_disconnected', false, true, 'estimated_after_upstream_cut', true],
    ['upstream_disconnected', false, false, 'waived_upstream_error', false],
    ['upstream_timeout', false, false, 'waived_upstream_error', false],
    ['stopped_by_account', false, true, 'estimated_after_disconnect', true],
  ])(
    'that ends as %s (failed: %s, output: %s) has the reason %s',
    (end, failed, hasOutput, reason, isCharged) => {
      const ended = bill(embedding, { hasOutput }, end, failed);
      expect(ended.reason).toBe(reason);
      expect(ended.cost > 0n).toBe(isCharged);
      expect(ended.cost).toBeLessThanOrEqual(embedding.maxCost);
    },
  );
});

describe('a plan of an operation', () => {
  it.each([
    ['a model that converses', 'embeddings', { model: 'gpt-5.4', input: 'x' }],
    ['a model of another operation', 'speech', { model: 'whisper-1', input: 'x' }],
  ] as const)('is not made for %s', (_, operation, body) => {
    expect(() => plan(operation, body)).toThrow('model_not_supported_on_endpoint');
  });

  it('is not made for a model that nobody knows', () => {
    expect(() => plan('embeddings', { model: 'text-embedding-9', input: 'x' })).toThrow(
      'model_not_found',
    );
  });

  it('holds the most expensive size and quality where the request leaves them open', () => {
    const body = { model: 'xai/grok-imagine-image-2.0', prompt: 'A cat' };
    expect(plan('images', body).maxCost).toBe(80_000_000n);
    expect(plan('images', { ...body, resolution: '1k', quality: 'low' }).maxCost).toBe(40_000_000n);
    expect(plan('images', { ...body, resolution: '2k', quality: 'low' }).maxCost).toBe(60_000_000n);
  });

  // 0.04 USD for 1k in low quality, 0.06 for 2k in low and 1k in medium, 0.08 for 2k in medium.
  it.each([
    [{ resolution: '2K', quality: 'MEDIUM' }, 80_000_000n],
    [{ resolution: ' 2k ', quality: 'Low' }, 60_000_000n],
    [{ size: '1K', quality: 'medium' }, 60_000_000n],
    [{ size: '1k', quality: 'low' }, 40_000_000n],
    [{ resolution: '4k' }, 60_000_000n],
    [{ resolution: '4k', quality: 'low' }, 60_000_000n],
    [{ resolution: '4k', quality: 'high' }, 80_000_000n],
    [{ quality: 'zzz', size: '9x9' }, 80_000_000n],
    [{ quality: 'high', size: 'AUTO' }, 60_000_000n],
  ])('bills an image of %j as what the provider may take it for', (terms, cost) => {
    const body = { model: 'xai/grok-imagine-image-2.0', prompt: 'A cat', ...terms };
    const planned = plan('images', body);
    expect(bill(planned, { observed: { image: 1 }, hasOutput: true }).cost).toBe(cost);
    expect(planned.maxCost).toBeGreaterThanOrEqual(cost);
  });

  it('believes that a provider made somewhat more pictures than were asked for, and no more', () => {
    const body = { model: 'xai/grok-imagine-image-2.0', prompt: 'A cat', resolution: '1k' };
    const planned = plan('images', { ...body, quality: 'low' });
    const billFor = (image: number) => bill(planned, { observed: { image }, hasOutput: true });
    expect(billFor(2)).toMatchObject({ cost: 80_000_000n, reason: 'counted' });
    const implausible = { cost: planned.maxCost, reason: 'estimated_usage_implausible' };
    expect(billFor(1_000_000)).toMatchObject(implausible);
  });

  it('costs nothing for moderation', () => {
    const checked = plan('moderations', { model: 'omni-moderation-latest', input: 'x' });
    expect(checked.maxCost).toBe(0n);
    expect(bill(checked, { hasOutput: true })).toMatchObject({ cost: 0n, reason: 'free' });
  });
});
