/**
 * The playground's estimate of a call against the gateway's plan of the very request that it sends:
 * the page can import nothing and sends nothing while a message is typed, so that its script has the
 * rules of prices and holds again. Every model of the release, each API of it, at any hour and length.
 */
import {
  isRetired,
  type Model,
  publishPrices,
  RELEASED_CATALOG,
  resolvePrices,
  standardTerms,
} from '@farebox/catalog';
import { NO_USAGE, TOKEN_COST_SCRIPT, tokenCost } from '@farebox/money';
import { configureProviders } from '@farebox/providers';
import { PROVIDER_IDS } from '@farebox/providers/list';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENDPOINT_SPECS, parseRequest, type UpstreamEndpoint } from '../packages/dialects/index.ts';
import { CALL_ESTIMATE_SCRIPT } from '../workers/console/playground/call-estimate.script.ts';
import { PLAYGROUND_DIALECTS_SCRIPT } from '../workers/console/playground/dialects.script.ts';
import { type Plan, planCall, supportedEndpoints } from '../workers/gateway/plan.ts';

const SEED = 20261127;
const FROM = new Date('2026-11-27T00:00:00Z');
const UNTIL = new Date('2026-12-28T00:00:00Z');
const DEPS = {
  catalog: RELEASED_CATALOG,
  providers: configureProviders({
    apiKeys: Object.fromEntries(PROVIDER_IDS.map((id) => [id, 'k'])),
    baseUrls: {},
    extra: [],
  }),
  defaultMaxOutput: 32_768,
};

const GEMINI_TARGET = {
  version: 'v1beta',
  method: 'streamGenerateContent',
  streamFormat: 'events',
} as const;
const DAY_MS = 86_400_000;

type Turn = Readonly<{ role: 'user' | 'assistant'; content: string }>;
type Item = Readonly<{ context_length: number; pricing: object }>;
type RequestFields = Readonly<{
  model: string;
  system: string;
  turns: readonly Turn[];
  limit: number;
  temperature: number | undefined;
}>;
type Estimate = Readonly<{ least: bigint; most: bigint; held: bigint }>;
type PlaygroundScript = Readonly<{
  toBody: (path: string, fields: RequestFields) => object;
  estimate: (path: string, item: Item, fields: RequestFields, input: number, at: Date) => Estimate;
}>;

/** Runs the script as the page does. */
function runScript(): PlaygroundScript {
  const run = new Function(`${TOKEN_COST_SCRIPT}${PLAYGROUND_DIALECTS_SCRIPT}${CALL_ESTIMATE_SCRIPT}
    const toBody = (path, fields) => DIALECTS[path].streamed(DIALECTS[path].body(fields));
    return { toBody, estimate: (path, item, fields, input, at) =>
      estimateCall(item, toRequest(DIALECTS[path], DIALECTS[path].body(fields), fields.limit), input, at) };`);
  return run();
}
const SCRIPT = runScript();

const ENDPOINTS: readonly UpstreamEndpoint[] = ['chat', 'messages', 'responses', 'gemini'];
const MODELS = RELEASED_CATALOG.listModels(PROVIDER_IDS).filter(
  (model) => model.operations.length === 0 && !isRetired(model, UNTIL.getTime()),
);

type Callable = Readonly<{ model: Model; endpoint: UpstreamEndpoint; path: string }>;

/** Each model with each API that the playground speaks and its provider serves. */
const CALLABLE: readonly Callable[] = MODELS.flatMap((model) => {
  const provider = DEPS.providers.get(model.provider);
  const served = provider === undefined ? [] : supportedEndpoints(provider, model);
  return ENDPOINTS.map((endpoint) => ({
    model,
    endpoint,
    path: ENDPOINT_SPECS[endpoint].path,
  })).filter(({ path }) => served.includes(path));
});

/** The model as the page has it, which was loaded when the day of `at` began. */
function toItem(model: Model, at: Date): Item {
  const { pricing } = publishPrices(model, at.getTime() - (at.getTime() % DAY_MS));
  return { context_length: model.contextWindow, pricing };
}

function plan({ endpoint, path }: Callable, fields: RequestFields, at: Date): Plan {
  const bytes = new TextEncoder().encode(JSON.stringify(SCRIPT.toBody(path, fields)));
  const urlTarget = endpoint === 'gemini' ? { ...GEMINI_TARGET, model: fields.model } : null;
  const parsed = parseRequest(endpoint, bytes, urlTarget);
  if (!parsed.ok) throw new Error(parsed.reason);
  const planned = planCall(parsed.facts, new Headers(), DEPS, at.getTime());
  if (!planned.ok) throw new Error(planned.reason);
  return planned.plan;
}

/** The hold as packages/ledger and POST /v1/estimate compute it. */
function computeHold({ output, maxOutputs, maxInputCost, maxOutputPrice }: Plan): bigint {
  if (output.kind !== 'explicit') throw new Error('the playground always sends a limit');
  return maxInputCost + tokenCost(output.tokens * maxOutputs, maxOutputPrice);
}

const text = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('Привет, мир', '你好', '안녕', 'ﷺ ﬃ é \u0301', '"quoted"\n\\ \t', '😀', ''),
);
/** On both sides of the thresholds of long-context prices. */
const longText = fc
  .constantFrom(30_000, 99_000, 126_500, 198_000, 253_000, 273_000, 512_500)
  .map((length) => 'a'.repeat(length));
const content = text.map((written) => written.trim() || 'Hello');
const lastContent = fc.oneof({ arbitrary: content, weight: 4 }, { arbitrary: longText, weight: 1 });
const buildFields = ({ model }: Callable) =>
  fc.record({
    model: fc.constant(model.name),
    system: text.map((written) => written.trim()),
    turns: fc
      .tuple(fc.array(fc.tuple(content, content), { maxLength: 3 }), lastContent)
      .map(([pairs, last]): Turn[] => [
        ...pairs.flatMap(([asked, answered]): Turn[] => [
          { role: 'user', content: asked },
          { role: 'assistant', content: answered },
        ]),
        { role: 'user', content: last },
      ]),
    limit: fc.integer({ min: 1, max: Math.max(1, model.maxOutput) }),
    temperature: fc.constantFrom(undefined, 0, 0.7, 2),
  });
const call = fc
  .constantFrom(...CALLABLE)
  .chain((callable) =>
    fc.record({ callable: fc.constant(callable), fields: buildFields(callable) }),
  );
const moment = fc.date({ min: FROM, max: UNTIL, noInvalidDate: true });

describe('the estimate of a call in the playground', () => {
  it('knows every API that the playground speaks', () => {
    expect(new Set(CALLABLE.map(({ endpoint }) => endpoint))).toEqual(new Set(ENDPOINTS));
  });

  it('says what the gateway holds for the request, at any hour and length', () => {
    fc.assert(
      fc.property(call, moment, ({ callable, fields }, at) => {
        const planned = plan(callable, fields, at);
        const item = toItem(callable.model, at);
        const { held } = SCRIPT.estimate(callable.path, item, fields, 1, at);
        expect(held).toBe(computeHold(planned));
      }),
      { seed: SEED, numRuns: 600 },
    );
  });

  it('has the price of the hour and of the length of the input', () => {
    const lengths = fc.constantFrom(1, 1_000, 32_001, 100_001, 199_999, 200_000, 200_001, 600_000);
    fc.assert(
      fc.property(call, moment, lengths, ({ callable, fields }, at, input) => {
        const item = toItem(callable.model, at);
        const { least, most } = SCRIPT.estimate(callable.path, item, fields, input, at);
        const usage = { ...NO_USAGE, input_uncached: input };
        const { prices } = resolvePrices(callable.model, standardTerms(at.getTime()), usage);
        expect(least).toBe(tokenCost(input, prices.input_uncached));
        expect(most).toBe(least + tokenCost(fields.limit, prices.output));
      }),
      { seed: SEED, numRuns: 600 },
    );
  });
});
