/**
 * The bill is exact: every recorded answer of a real provider, replayed through the whole gateway,
 * is billed by the recording's own usage at the dated price, and reaches the caller byte for byte.
 * The environment variable FAREBOX_CORPUS names their folder.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LocalStack, startStack } from '@farebox/local';
import { calcPrice } from '@pydantic/genai-prices';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BillJson, fetchSettledBalance, waitForBill } from '../support/bills.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

/**
 * Of each API: the gateway's path, a request for an answer whose own is unknown, and a model that
 * exists.
 */
const PROMPT = [{ role: 'user', content: 'Hello.' }];
const OPENAI = { provider: 'openai', model: 'gpt-5.4' };
const APIS = {
  'openai-chat': {
    path: '/v1/chat/completions',
    request: { messages: PROMPT },
    known: OPENAI,
  },
  'anthropic-messages': {
    path: '/v1/messages',
    request: { messages: PROMPT, max_tokens: 4096 },
    known: { provider: 'anthropic', model: 'claude-sonnet-4-6' },
  },
  'openai-responses': { path: '/v1/responses', request: { input: PROMPT }, known: OPENAI },
  'gemini-generate': {
    path: '/v1beta/models/{model}',
    request: { contents: [{ role: 'user', parts: [{ text: 'Hello.' }] }] },
    known: { provider: 'google', model: 'gemini-3.5-flash' },
  },
} as const;

type Meta = Readonly<{
  id: string;
  provider: string;
  api: keyof typeof APIS;
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
  features: readonly string[];
}>;

type Case = Readonly<{ meta: Meta; body: Buffer; request: Record<string, unknown> | null }>;

const CORPUS = process.env.FAREBOX_CORPUS;
const hasCorpus = CORPUS !== undefined && existsSync(join(CORPUS, 'INDEX.tsv'));

function readCase(folder: string): Case {
  const json = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8'));
  const meta: Meta = { ...json, model: json.model ?? '' };
  const body = readFileSync(join(folder, meta.response_file));
  const path = join(folder, 'request.json');
  const request = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
  return { meta, body, request };
}

function loadCases(root: string): Case[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.name === 'meta.json')
    .map((entry) => readCase(entry.parentPath))
    .filter(({ meta }) => Object.hasOwn(APIS, meta.api))
    .sort((a, b) => (a.meta.id < b.meta.id ? -1 : 1));
}

const cases = hasCorpus && CORPUS !== undefined ? loadCases(CORPUS) : [];

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  if (!hasCorpus) return;
  upstream = await ScriptedUpstream.start();
  const v1Endpoint = { baseUrl: `${upstream.url}/v1`, apiKey: 'k' };
  const rootEndpoint = { baseUrl: upstream.url, apiKey: 'k' };
  stack = await startStack({
    database: 'pglite-memory',
    providers: {
      openai: v1Endpoint,
      anthropic: rootEndpoint,
      google: rootEndpoint,
      xai: v1Endpoint,
      deepseek: rootEndpoint,
    },
    extraProviders: [
      {
        id: 'openrouter',
        base_url: `${upstream.url}/api/v1`,
        api_key: 'k',
        dialects: ['chat', 'responses'],
      },
    ],
    quiet: true,
  });
  ({ apiKey } = await stack.createAccount({ creditUsd: '10000' }));
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

/**
 * A plain request for the recorded answer, if the recorded request is unknown or would be rejected.
 */
function plainRequest({ meta }: Case): Record<string, unknown> {
  const { request } = APIS[meta.api];
  return namesModelInUrl(meta) ? request : { ...request, stream: meta.stream };
}

function namesModelInUrl({ api }: Meta): boolean {
  return APIS[api].path.includes('{model}');
}

function send({ meta }: Case, request: Record<string, unknown>): Promise<Response> {
  const model = `${meta.provider}/${meta.model}`;
  const method = meta.stream ? ':streamGenerateContent?alt=sse' : ':generateContent';
  const isInUrl = namesModelInUrl(meta);
  const path = APIS[meta.api].path.replace('{model}', `${model}${method}`);
  return fetch(`${stack.gatewayUrl}${path}`, {
    method: 'POST',
    headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
    body: JSON.stringify(isInUrl ? request : { ...request, model }),
  });
}

async function replay(
  testCase: Case,
): Promise<Readonly<{ response: Response; usedRecordedRequest: boolean }>> {
  const { meta, body } = testCase;
  upstream.handler = (_, response) => {
    response.writeHead(meta.status, { 'content-type': meta.content_type ?? 'application/json' });
    response.end(body);
  };
  const before = upstream.received.length;
  const recorded =
    testCase.request === null ? null : { ...plainRequest(testCase), ...testCase.request };
  if (recorded !== null) {
    const response = await send(testCase, recorded);
    if (upstream.received.length > before) return { response, usedRecordedRequest: true };
    await response.body?.cancel();
  }
  return { response: await send(testCase, plainRequest(testCase)), usedRecordedRequest: false };
}

function sumUsage(bill: BillJson): Record<string, number> {
  const usage = bill.usage ?? {};
  const getBucket = (name: string) => usage[name] ?? Number.NaN;
  const writes = ['cache_write_5m', 'cache_write_30m', 'cache_write_1h', 'cache_write_12h'];
  const cachedWrite = writes.reduce((sum, name) => sum + getBucket(name), 0);
  // Audio has a price of its own, and is a fee beside the buckets.
  const audio = bill.fees.find(({ kind }) => kind === 'audio_input')?.count ?? 0;
  return {
    input_total: getBucket('input_uncached') + getBucket('cache_read') + cachedWrite + audio,
    output_total: getBucket('output'),
    cached_read: getBucket('cache_read'),
    cached_write: cachedWrite,
    reasoning: getBucket('output_reasoning'),
  };
}

/** Computes the bill independently of the product: one sum, one ceiling. */
function computeCost(bill: BillJson): bigint {
  let numerator = 0n;
  for (const [bucket, price] of Object.entries(bill.prices ?? {})) {
    numerator += BigInt(bill.usage?.[bucket] ?? 0) * BigInt(price);
  }
  const surcharges = bill.fees.reduce(
    (sum, surcharge) => sum + BigInt(surcharge.cost_nano_usd),
    0n,
  );
  return (numerator + 999_999n) / 1_000_000n + surcharges;
}

/** Models whose price has changed since they were recorded, or since the source's date. */
const PRICED_ANEW = /^(deepseek-v4|openai\/gpt-5\.6-sol)/;

/** What OpenRouter says that it charged; elsewhere, what the price source computes. In nano-USD. */
function computeSourceCost({ meta }: Case, bill: BillJson): number | null {
  if (bill.usage === null || PRICED_ANEW.test(meta.model)) return null;
  const isOffered = meta.provider === 'openrouter' && !meta.model.endsWith(':free');
  if (isOffered && meta.cost_reported_usd !== null) return meta.cost_reported_usd * 1e9;
  const { cache_write_5m: brief = 0, cache_write_30m: usual = 0 } = bill.usage;
  const cacheWrite = brief + usual + (bill.usage.cache_write_1h ?? 0);
  const cacheRead = bill.usage.cache_read ?? 0;
  const result = calcPrice(
    {
      input_tokens: (bill.usage.input_uncached ?? 0) + cacheRead + cacheWrite,
      cache_read_tokens: cacheRead,
      cache_write_tokens: cacheWrite,
      output_tokens: bill.usage.output ?? 0,
    },
    meta.model,
    { providerId: meta.provider === 'xai' ? 'x-ai' : meta.provider },
  );
  return result === null ? null : result.total_price * 1e9;
}

const reportRows: string[] = [];
/** The recordings whose bill was compared with a source that is none of ours. */
let comparedCount = 0;

describe.skipIf(!hasCorpus)('the recorded answers of real providers', () => {
  it.each(
    cases
      .filter(({ meta }) => meta.status === 200)
      .map((testCase) => [testCase.meta.id, testCase] as const),
  )('%s', async (id, testCase) => {
    const { response, usedRecordedRequest } = await replay(testCase);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(response.status).toBe(200);
    const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
    const { usage } = testCase.meta;
    reportRows.push(
      [
        id.slice(0, 70).padEnd(70),
        bill.reason,
        bill.cost_nano_usd,
        usedRecordedRequest ? 'recorded' : 'plain',
      ].join('  '),
    );
    if (bill.reason === 'refused_without_output') {
      expect(testCase.meta.features).toContain('refusal');
      expect(bill.cost_nano_usd).toBe('0');
      return;
    }
    if (usage !== null) {
      expect(bill.reason).toMatch(/^(provider_reported|free)$/);
      const reported = sumUsage(bill);
      // xAI can report more cached tokens than prompt tokens, and Gemini behind OpenRouter the same
      // tokens as read and as written; both charge what they report, beyond the prompt's own count.
      const exceedsInput = usage.cached_read + usage.cached_write > usage.input_total;
      expect(reported).toEqual({
        ...toUsageTotals(usage),
        input_total: exceedsInput ? reported.input_total : usage.input_total,
        reasoning: Math.min(usage.reasoning, usage.output_total),
      });
    }
    expect(BigInt(bill.cost_nano_usd)).toBe(computeCost(bill));
    const sourcePrice = computeSourceCost(testCase, bill);
    if (sourcePrice !== null) comparedCount += 1;
    const surcharges = bill.fees.reduce(
      (sum, surcharge) => sum + Number(surcharge.cost_nano_usd),
      0,
    );
    const hasOneHourCacheWrite = (bill.usage?.cache_write_1h ?? 0) > 0;
    if (sourcePrice !== null && !hasOneHourCacheWrite) {
      expect(Math.abs(Number(bill.cost_nano_usd) - surcharges - sourcePrice)).toBeLessThanOrEqual(
        1.001,
      );
    }
    const hasAddedUsage = testCase.meta.api === 'openai-chat' && testCase.meta.stream;
    // An error about our own account at the provider is told in words of ours.
    const isRewritten = testCase.body.includes('insufficient_quota');
    if (isRewritten) expect(bytes.includes('insufficient_quota')).toBe(false);
    else if (!hasAddedUsage) expect(bytes.equals(testCase.body)).toBe(true);
  });

  it.each(
    cases
      .filter(({ meta }) => meta.status !== 200)
      .map((testCase) => [testCase.meta.id, testCase] as const),
  )('%s costs nothing and is an error in the caller’s dialect', async (_, testCase) => {
    const isUnknownModel = /^(gpt-5.2-proo|claude-sonet-4-5)$/.test(testCase.meta.model);
    const { meta } = testCase;
    const isUnnamed = isUnknownModel || meta.model === '';
    const namedCase = isUnnamed
      ? { ...testCase, meta: { ...meta, ...APIS[meta.api].known } }
      : testCase;
    const before = await fetchSettledBalance(stack.gatewayUrl, apiKey);
    const { response } = await replay(namedCase);
    const body = (await response.json()) as { type?: string; error: { message: string } };
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(typeof body.error.message).toBe('string');
    if (testCase.meta.api === 'anthropic-messages') expect(body.type).toBe('error');
    expect(await fetchSettledBalance(stack.gatewayUrl, apiKey)).toEqual(before);
  });

  it('prints the table of buckets and costs', () => {
    process.stdout.write(
      `${reportRows.join('\n')}\n${reportRows.length} recordings billed, ${comparedCount} as their source says\n`,
    );
    expect(reportRows.length).toBeGreaterThan(0);
    expect(comparedCount).toBeGreaterThan(reportRows.length * 0.9);
  });
});

function toUsageTotals(usage: NonNullable<Meta['usage']>): Record<string, number> {
  const { input_total, output_total, cached_read, cached_write, reasoning } = usage;
  return { input_total, output_total, cached_read, cached_write, reasoning };
}

it.runIf(!hasCorpus)('the recordings are missing: set FAREBOX_CORPUS to run these tests', () => {
  expect(cases).toEqual([]);
});
