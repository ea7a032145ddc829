/**
 * The catalog against recorded traffic: every answered model is known, and our prices give the
 * charges that xAI states. FAREBOX_CORPUS names the folder; skipped where it is unset.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { computeCost, NO_USAGE } from '@farebox/money';
import { PROVIDER_IDS } from '@farebox/providers/list';
import { describe, expect, test } from 'vitest';
import { findModel, type Model, resolvePrices, standardTerms } from './index.ts';

const CORPUS_DIR = process.env.FAREBOX_CORPUS ?? '';
const RECORDED = CORPUS_DIR !== '' && existsSync(join(CORPUS_DIR, 'INDEX.tsv'));
const PROVIDERS = [...PROVIDER_IDS, 'openrouter'];
/** Calls that no price of ours covers: an image tool's call in the Responses dialect. */
const NOT_A_PRICE = /image-generation-tool/;

type Case = Readonly<Record<string, string>>;

function cases(): Case[] {
  if (!RECORDED) return [];
  const [head = '', ...lines] = readFileSync(join(CORPUS_DIR, 'INDEX.tsv'), 'utf8')
    .trim()
    .split('\n');
  const names = head.split('\t');
  return lines.map((line) => {
    const cells = line.split('\t');
    return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']));
  });
}

function requireModel(recording: Case): Model {
  const name =
    recording.provider === 'openrouter' ? `openrouter/${recording.model}` : (recording.model ?? '');
  const model = findModel(name, PROVIDERS);
  if (model === undefined) throw new Error(`${recording.id}: ${name} is unknown`);
  return model;
}

/**
 * xAI prices image tokens as input where it counts more cached tokens than prompt (the recordings'
 * README).
 */
function computeCharge(recording: Case, model: Model): bigint {
  const meta = readFileSync(join(CORPUS_DIR, recording.id ?? '', 'meta.json'), 'utf8');
  const images = Number(/"image_tokens": (\d+)/.exec(meta)?.[1] ?? 0);
  const searches = Number(/"num_server_side_tools_used": (\d+)/.exec(meta)?.[1] ?? 0);
  const [input, cached] = [Number(recording.input_total), Number(recording.cached_read)];
  const uncached = cached > input ? images : input - cached;
  const usage = {
    ...NO_USAGE,
    input_uncached: uncached,
    cache_read: cached,
    output: Number(recording.output_total),
  };
  const terms = standardTerms(Date.parse('2026-11-23T12:00:00Z'));
  const { prices, surchargePrices } = resolvePrices(model, terms, usage);
  const search = {
    kind: 'web_search',
    count: searches,
    nano_usd_per_million: surchargePrices.web_search ?? 0n,
  } as const;
  return computeCost(usage, prices, [search]);
}

/** The dialects that the gateway speaks, in the words of the recordings. */
const APIS: ReadonlySet<string> = new Set([
  'openai-chat',
  'anthropic-messages',
  'openai-responses',
]);

describe.skipIf(!RECORDED)('recorded traffic (set FAREBOX_CORPUS to run)', () => {
  const answered = cases().filter(({ status }) => status === '200');
  const ours = answered.filter(({ api }) => APIS.has(api ?? ''));

  test('contains every model that a recorded answer names', () => {
    expect(ours.length).toBeGreaterThan(100);
    for (const recording of ours) {
      const name = recording.model ?? '';
      expect(findModel(name, PROVIDERS), `${recording.id}: ${name}`).toBeDefined();
      expect(requireModel(recording).provider).toBe(recording.provider);
    }
  });

  const charged = answered.filter(
    (recording) =>
      recording.provider === 'xai' &&
      recording.cost_reported_usd !== '' &&
      !NOT_A_PRICE.test(recording.id ?? ''),
  );
  test.for(charged)('xAI charged what our prices give: $id', (recording) => {
    const nano = Math.round(Number(recording.cost_reported_usd) * 1e10) / 10;
    expect(Number(computeCharge(recording, requireModel(recording)))).toBe(Math.ceil(nano));
  });
});
