/**
 * The bill is exact: every recorded answer of a real provider, replayed through the whole gateway, is
 * billed by the recording's own usage at the dated price, and reaches the caller byte for byte. The
 * recordings are found by FAREBOX_CORPUS.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LocalStack, startStack } from '@farebox/local';
import { calcPrice } from '@pydantic/genai-prices';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BillJson, balanceOf, billOf } from './bills.ts';
import { ScriptedUpstream } from './scripted-upstream.ts';

type Meta = Readonly<{
  id: string;
  provider: string;
  api: 'openai-chat' | 'anthropic-messages';
  model: string;
  stream: boolean;
  status: number;
  content_type: string | null;
  response_file: string;
  request_known: boolean;
  usage: Readonly<
    Record<'input_total' | 'output_total' | 'cached_read' | 'cached_write' | 'reasoning', number>
  > | null;
  cost_reported_usd: number | null;
}>;

type Case = Readonly<{ meta: Meta; body: Buffer; request: Record<string, unknown> | null }>;

const CORPUS = process.env.FAREBOX_CORPUS;
const found = CORPUS !== undefined && existsSync(join(CORPUS, 'INDEX.tsv'));

function readCase(folder: string): Case {
  const meta: Meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8'));
  const body = readFileSync(join(folder, meta.response_file));
  const path = join(folder, 'request.json');
  const request = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
  return { meta, body, request };
}

function casesIn(root: string): Case[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.name === 'meta.json')
    .map((entry) => readCase(entry.parentPath))
    .filter(({ meta }) => meta.api === 'openai-chat' || meta.api === 'anthropic-messages')
    .sort((a, b) => (a.meta.id < b.meta.id ? -1 : 1));
}

const cases = found && CORPUS !== undefined ? casesIn(CORPUS) : [];

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  if (!found) return;
  upstream = await ScriptedUpstream.start();
  const chat = { baseUrl: `${upstream.url}/v1`, apiKey: 'k' };
  const bare = { baseUrl: upstream.url, apiKey: 'k' };
  stack = await startStack({
    database: 'pglite-memory',
    providers: { openai: chat, anthropic: bare, google: bare, xai: chat, deepseek: bare },
    extraProviders: [{ id: 'openrouter', base_url: `${upstream.url}/api/v1`, api_key: 'k' }],
    quiet: true,
  });
  ({ apiKey } = await stack.createAccount({ creditUsd: '10000' }));
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

/** A plain request for the recorded answer, where the recorded one is not known or asks for what we refuse. */
function plainRequest({ meta }: Case): Record<string, unknown> {
  const limit = meta.api === 'anthropic-messages' ? { max_tokens: 4096 } : {};
  return { messages: [{ role: 'user', content: 'Hello.' }], stream: meta.stream, ...limit };
}

function send(one: Case, request: Record<string, unknown>): Promise<Response> {
  const path = one.meta.api === 'openai-chat' ? '/v1/chat/completions' : '/v1/messages';
  return fetch(`${stack.gatewayUrl}${path}`, {
    method: 'POST',
    headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({ ...request, model: `${one.meta.provider}/${one.meta.model}` }),
  });
}

async function replay(one: Case): Promise<Readonly<{ response: Response; asRecorded: boolean }>> {
  const { meta, body } = one;
  upstream.answer = (_, response) => {
    response.writeHead(meta.status, { 'content-type': meta.content_type ?? 'application/json' });
    response.end(body);
  };
  const before = upstream.received.length;
  const recorded = one.request === null ? null : { ...plainRequest(one), ...one.request };
  if (recorded !== null) {
    const response = await send(one, recorded);
    if (upstream.received.length > before) return { response, asRecorded: true };
    await response.body?.cancel();
  }
  return { response: await send(one, plainRequest(one)), asRecorded: false };
}

function totals(bill: BillJson): Record<string, number> {
  const usage = bill.usage ?? {};
  const of = (name: string) => usage[name] ?? Number.NaN;
  const cachedWrite = of('cache_write_5m') + of('cache_write_1h');
  return {
    input_total: of('input_uncached') + of('cache_read') + cachedWrite,
    output_total: of('output'),
    cached_read: of('cache_read'),
    cached_write: cachedWrite,
    reasoning: of('output_reasoning'),
  };
}

/** The bill's own arithmetic, done again apart from the product: one sum, one ceiling. */
function costFrom(bill: BillJson): bigint {
  let numerator = 0n;
  for (const [bucket, price] of Object.entries(bill.prices ?? {})) {
    numerator += BigInt(bill.usage?.[bucket] ?? 0) * BigInt(price);
  }
  const fees = bill.fees.reduce((sum, fee) => sum + BigInt(fee.cost_nano_usd), 0n);
  return (numerator + 999_999n) / 1_000_000n + fees;
}

/** What the price source itself makes of the recorded usage, in nano-USD. */
function sourceCost({ meta }: Case, bill: BillJson): number | null {
  if (bill.usage === null) return null;
  const write = (bill.usage.cache_write_5m ?? 0) + (bill.usage.cache_write_1h ?? 0);
  const read = bill.usage.cache_read ?? 0;
  const result = calcPrice(
    {
      input_tokens: (bill.usage.input_uncached ?? 0) + read + write,
      cache_read_tokens: read,
      cache_write_tokens: write,
      output_tokens: bill.usage.output ?? 0,
    },
    meta.model,
    { providerId: meta.provider === 'xai' ? 'x-ai' : meta.provider },
  );
  return result === null ? null : result.total_price * 1e9;
}

const table: string[] = [];

describe.skipIf(!found)('every recorded answer is billed exactly', () => {
  it.each(
    cases.filter(({ meta }) => meta.status === 200).map((one) => [one.meta.id, one] as const),
  )('%s', async (id, one) => {
    const { response, asRecorded } = await replay(one);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(response.status).toBe(200);
    const bill = await billOf(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
    const { usage } = one.meta;
    table.push(
      [
        id.slice(0, 70).padEnd(70),
        bill.reason,
        bill.cost_nano_usd,
        asRecorded ? 'recorded' : 'plain',
      ].join('  '),
    );
    if (usage !== null) {
      expect(bill.reason).toMatch(/^(provider_reported|free)$/);
      const reported = totals(bill);
      // xAI can report more cached tokens than prompt tokens, and Gemini behind OpenRouter the same
      // tokens as read and as written; both charge what they report, beyond the prompt's own count.
      const beyond = usage.cached_read + usage.cached_write > usage.input_total;
      expect(reported).toEqual({
        ...usageOf(usage),
        input_total: beyond ? reported.input_total : usage.input_total,
        reasoning: Math.min(usage.reasoning, usage.output_total),
      });
    }
    expect(BigInt(bill.cost_nano_usd)).toBe(costFrom(bill));
    const source = sourceCost(one, bill);
    const fees = bill.fees.reduce((sum, fee) => sum + Number(fee.cost_nano_usd), 0);
    const hourly = (bill.usage?.cache_write_1h ?? 0) > 0;
    if (source !== null && !hourly) {
      expect(Math.abs(Number(bill.cost_nano_usd) - fees - source)).toBeLessThanOrEqual(1.001);
    }
    const hidden = one.meta.api === 'openai-chat' && one.meta.stream;
    if (!hidden) expect(bytes.equals(one.body)).toBe(true);
  });

  it.each(
    cases.filter(({ meta }) => meta.status !== 200).map((one) => [one.meta.id, one] as const),
  )('%s costs nothing, and is an error in the caller’s dialect', async (_, one) => {
    const known = /^(gpt-5.2-proo|claude-sonet-4-5)$/.test(one.meta.model);
    const model = one.meta.api === 'openai-chat' ? 'gpt-4o-mini' : 'claude-sonnet-4-5';
    const named =
      known || one.meta.model === ''
        ? {
            ...one,
            meta: {
              ...one.meta,
              model,
              provider: one.meta.api === 'openai-chat' ? 'openai' : 'anthropic',
            },
          }
        : one;
    const before = await balanceOf(stack.gatewayUrl, apiKey);
    const { response } = await replay(named);
    const body = (await response.json()) as { type?: string; error: { message: string } };
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(typeof body.error.message).toBe('string');
    if (one.meta.api === 'anthropic-messages') expect(body.type).toBe('error');
    await expect.poll(() => balanceOf(stack.gatewayUrl, apiKey)).toEqual(before);
  });

  it('prints its table', () => {
    process.stdout.write(`${table.join('\n')}\n${table.length} recordings billed\n`);
    expect(table.length).toBeGreaterThan(0);
  });
});

function usageOf(usage: NonNullable<Meta['usage']>): Record<string, number> {
  const { input_total, output_total, cached_read, cached_write, reasoning } = usage;
  return { input_total, output_total, cached_read, cached_write, reasoning };
}

it.runIf(!found)('has no recordings here: set FAREBOX_CORPUS to run these tests', () => {
  expect(cases).toEqual([]);
});
