/** GET /v1/models: the models with their prices and limits, in the shape that each SDK expects. */

import {
  type Catalog,
  isRetired,
  type Model,
  publishPrices,
  resolvePrices,
  standardTerms,
} from '@farebox/catalog';
import { DIALECT_SPECS, OPERATION_SPECS } from '@farebox/dialects';
import { type KeyLimits, NO_LIMITS } from '@farebox/ledger';
import { NO_USAGE, pricesToJson } from '@farebox/money';
import { authenticate } from './authenticate.ts';
import { baseHeaders } from './base-headers.ts';
import { type RequestContext, respondError } from './context.ts';
import { checkKeyModel } from './key-models.ts';
import { selectPage } from './model-pages.ts';
import { supportedEndpoints } from './plan.ts';
import { getCatalog } from './resolve-model.ts';

function toInstant(date: string | null): string | null {
  return date === null ? null : new Date(date).toISOString();
}

/** The lifecycle in the words of Anthropic's models endpoint. */
function lifecycleJson(model: Model, now: number): Record<string, unknown> {
  const { lifecycle, deprecated } = model;
  const stage = deprecated ? 'deprecated' : 'active';
  return {
    lifecycle: isRetired(model, now) ? 'retired' : stage,
    deprecated,
    deprecated_at: toInstant(lifecycle.deprecatedOn),
    retires_at: toInstant(lifecycle.retiresOn),
    successor: lifecycle.successor,
  };
}

/** The names of Anthropic's capabilities where there is one. What no source states is left out. */
const CAPABILITY_NAMES = {
  tools: 'tools',
  structuredOutput: 'structured_outputs',
  reasoning: 'thinking',
  imageInput: 'image_input',
  documentInput: 'pdf_input',
  audioInput: 'audio_input',
} as const satisfies Readonly<Record<keyof Model['capabilities'], string>>;

function capabilitiesJson({ capabilities }: Model): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(capabilities).map(([name, supported]) => [
      Reflect.get(CAPABILITY_NAMES, name),
      { supported },
    ]),
  );
}

/** The modalities in the words of OpenRouter's models endpoint. */
function architectureJson({ capabilities, operations }: Model) {
  const { imageInput, documentInput, audioInput } = capabilities;
  const further = [
    ...(imageInput ? ['image'] : []),
    ...(documentInput ? ['file'] : []),
    ...(audioInput ? ['audio'] : []),
  ];
  const [operation] = operations;
  if (operation === undefined)
    return { input_modalities: ['text', ...further], output_modalities: ['text'] };
  const { input, output } = OPERATION_SPECS[operation].modalities;
  return {
    input_modalities: [...new Set([input, ...further])],
    output_modalities: [output],
  };
}

function pricesJson(model: Model, now: number): Record<string, unknown> {
  const { prices, providerPrices, rule } = resolvePrices(model, standardTerms(now), NO_USAGE);
  const { source, sourceDate, confirmedOn, citation, disputed } = model.provenance;
  return {
    ...publishPrices(model, now),
    price_rule: rule,
    prices_nano_usd_per_million: pricesToJson(prices),
    provider_prices_nano_usd_per_million: pricesToJson(providerPrices),
    price_source: source,
    price_source_date: sourceDate,
    price_confirmed_on: confirmedOn,
    price_citation: citation,
    price_disputed: disputed,
  };
}

/**
 * Returns the most tokens of an answer; null where it has none, as an embedding or a ranking, or is
 * billed by its length.
 */
function getMaxOutput({ operations, maxOutput }: Model): number | null {
  return operations.length === 0 || maxOutput > 1 ? maxOutput : null;
}

/**
 * Returns an entry for every client: OpenAI's `object` and `created`, Anthropic's `type`,
 * `created_at` and limits, OpenRouter's `pricing`, `architecture` and `top_provider`.
 */
function modelJson(ctx: RequestContext, model: Model, now: number): Record<string, unknown> {
  const provider = ctx.deps.providers.get(model.provider);
  const maxOutput = getMaxOutput(model);
  return {
    id: model.name,
    object: 'model',
    type: 'model',
    name: model.displayName,
    display_name: model.displayName,
    created: Math.floor(model.created.getTime() / 1000),
    created_at: model.created.toISOString(),
    owned_by: model.provider,
    context_length: model.contextWindow,
    max_input_tokens: model.contextWindow,
    max_output_tokens: maxOutput,
    max_tokens: maxOutput,
    top_provider: {
      context_length: model.contextWindow,
      max_completion_tokens: maxOutput,
    },
    architecture: architectureJson(model),
    capabilities: capabilitiesJson(model),
    endpoints: provider === undefined ? [] : supportedEndpoints(provider, model),
    ...lifecycleJson(model, now),
    ...pricesJson(model, now),
  };
}

/** Returns a model as the caller's dialect lists it. */
function dialectModelJson(ctx: RequestContext, model: Model, now: number): unknown {
  const { native } = DIALECT_SPECS[ctx.dialect].modelList;
  if (native === null) return modelJson(ctx, model, now);
  return native.toModel({ ...model, reasoning: model.capabilities.reasoning });
}

/** The providers whose models clients of this dialect are told of. */
function listProviders({ deps, dialect }: RequestContext): readonly string[] {
  const { onlyCallable } = DIALECT_SPECS[dialect].modelList;
  return [...deps.providers]
    .filter(([, { endpoints }]) => !onlyCallable || endpoints[dialect] !== undefined)
    .map(([id]) => id);
}

/** Returns whether clients of this dialect are told of a model: some take all for callable. */
function isShown({ dialect }: RequestContext, { operations }: Model): boolean {
  const { onlyCallable, operations: served } = DIALECT_SPECS[dialect].modelList;
  const isCallable =
    operations.length === 0 || operations.some((operation) => served[operation] !== undefined);
  return isCallable || !onlyCallable;
}

function listServedModels(ctx: RequestContext, catalog: Catalog): readonly Model[] {
  const now = ctx.clock();
  const models = catalog.listModels(listProviders(ctx));
  return models.filter((model) => !isRetired(model, now) && isShown(ctx, model));
}

/** Returns the limits of the request's key, none without a key, or the error about the key. */
async function findLimits(ctx: RequestContext): Promise<KeyLimits | Response> {
  const { deps, request } = ctx;
  const caller = authenticate(deps, request.headers, ctx.clock());
  if (!caller.ok && caller.reason === 'missing_api_key') return NO_LIMITS;
  if (!caller.ok) return respondError(ctx, caller);
  const keyStatus = await deps.ledger.key(caller.account, caller.key);
  return keyStatus.ok ? keyStatus.value.limits : respondError(ctx, keyStatus);
}

function jsonResponse(ctx: RequestContext, value: unknown): Response {
  const headers = baseHeaders(ctx.id);
  headers['content-type'] = 'application/json';
  return new Response(JSON.stringify(value), { headers });
}

/** Newer models first, as Anthropic lists them; equally old ones stay in the catalog's order. */
function byRelease(a: Model, b: Model): number {
  return b.created.getTime() - a.created.getTime();
}

/** GET /v1/models */
export async function getModels(ctx: RequestContext): Promise<Response> {
  const limits = await findLimits(ctx);
  if (limits instanceof Response) return limits;
  const { page, bounds, native } = DIALECT_SPECS[ctx.dialect].modelList;
  const { catalog, list } = await getCatalog(ctx);
  const served = listServedModels(ctx, catalog);
  const now = ctx.clock();
  const listed = served.filter((model) => checkKeyModel(limits, model, now) === null);
  const query = new URL(ctx.request.url).searchParams;
  const selected = selectPage(listed.sort(byRelease), query, page);
  if (!selected.ok) return respondError(ctx, selected);
  const { items, hasMore } = selected.page;
  const entries = items.map((model) => dialectModelJson(ctx, model, now));
  const ends = bounds(
    items.map(({ name }) => name),
    hasMore,
  );
  if (native !== null) return jsonResponse(ctx, { [native.listName]: entries, ...ends });
  return jsonResponse(ctx, { object: 'list', data: entries, prices_dated: list.date, ...ends });
}

/**
 * GET /v1/models/{id}. Takes every name that calls accept; a retired model is found, not listed.
 */
export async function getModel(ctx: RequestContext, id: string): Promise<Response> {
  const limits = await findLimits(ctx);
  if (limits instanceof Response) return limits;
  const { catalog } = await getCatalog(ctx);
  const now = ctx.clock();
  const providers = listProviders(ctx);
  const model = catalog.findModel(id, providers);
  const isAllowed = model !== undefined && checkKeyModel(limits, model, now) === null;
  if (model === undefined || !isAllowed || !isShown(ctx, model)) {
    const suggestions = catalog.suggestModels(id, providers, now);
    return respondError(ctx, { reason: 'model_not_found', model: id, suggestions });
  }
  return jsonResponse(ctx, dialectModelJson(ctx, model, now));
}
