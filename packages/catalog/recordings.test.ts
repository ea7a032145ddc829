/**
 * The catalogue against recorded traffic: every answered model is known, and what xAI says it charged
 * is what our prices give. Recordings are found through FAREBOX_CORPUS and skipped without it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { costOf, NO_USAGE } from '@farebox/money';
import { describe, expect, test } from 'vitest';
import { feePrice, findModel, type Model, priceAt } from './index.ts';

const FOLDER = process.env.FAREBOX_CORPUS ?? '';
const RECORDED = FOLDER !== '' && existsSync(join(FOLDER, 'INDEX.tsv'));
const PROVIDERS = ['openai', 'anthropic', 'google', 'xai', 'deepseek', 'openrouter'];
/** Bills nothing we pass through, or made-up figures: an image tool's call in the Responses dialect. */
const NOT_A_PRICE = /image-generation-tool/;

type Case = Readonly<Record<string, string>>;

function cases(): Case[] {
  if (!RECORDED) return [];
  const [head = '', ...lines] = readFileSync(join(FOLDER, 'INDEX.tsv'), 'utf8').trim().split('\n');
  const names = head.split('\t');
  return lines.map((line) => {
    const cells = line.split('\t');
    return Object.fromEntries(names.map((name, place) => [name, cells[place] ?? '']));
  });
}

function found(one: Case): Model {
  const asked = one.provider === 'openrouter' ? `openrouter/${one.model}` : (one.model ?? '');
  const model = findModel(asked, PROVIDERS);
  if (model === undefined) throw new Error(`${one.id}: ${asked} is unknown`);
  return model;
}

/** xAI prices image tokens as input where it counts more cached tokens than prompt (the recordings' README). */
function chargeOf(one: Case, model: Model): bigint {
  const meta = readFileSync(join(FOLDER, one.id ?? '', 'meta.json'), 'utf8');
  const images = Number(/"image_tokens": (\d+)/.exec(meta)?.[1] ?? 0);
  const searches = Number(/"num_server_side_tools_used": (\d+)/.exec(meta)?.[1] ?? 0);
  const [input, cached] = [Number(one.input_total), Number(one.cached_read)];
  const uncached = cached > input ? images : input - cached;
  const usage = {
    ...NO_USAGE,
    input_uncached: uncached,
    cache_read: cached,
    output: Number(one.output_total),
  };
  const search = {
    kind: 'web_search',
    count: searches,
    nano_usd_per_million: feePrice(model, 'web_search'),
  } as const;
  return costOf(usage, priceAt(model, new Date('2026-11-23T12:00:00Z'), input), [search]);
}

describe.skipIf(!RECORDED)('recorded traffic (set FAREBOX_CORPUS to run)', () => {
  const answered = cases().filter(({ status }) => status === '200');
  const ours = answered.filter(({ api }) => api === 'openai-chat' || api === 'anthropic-messages');

  test('every answered model of both dialects is known', () => {
    expect(ours.length).toBeGreaterThan(100);
    for (const one of ours) {
      const asked = one.model ?? '';
      expect(findModel(asked, PROVIDERS), `${one.id}: ${asked}`).toBeDefined();
      expect(found(one).provider).toBe(one.provider);
    }
  });

  const charged = answered.filter(
    (one) =>
      one.provider === 'xai' && one.cost_reported_usd !== '' && !NOT_A_PRICE.test(one.id ?? ''),
  );
  test.for(charged)('xAI charged what our prices give: $id', (one) => {
    const nano = Math.round(Number(one.cost_reported_usd) * 1e10) / 10;
    expect(Number(chargeOf(one, found(one)))).toBe(Math.ceil(nano));
  });
});
