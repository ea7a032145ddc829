/**
 * models.dev's prices, and the lists of OpenRouter and Vercel, as `@earendil-works/pi-ai` packs
 * them: three upstreams in one package, each a source of its own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { type OpenPackage, PI_AI } from './packages.ts';
import type { Source, StatedPrices, Statement } from './statement.ts';

const COST = v.object({
  input: v.number(),
  output: v.number(),
  cacheRead: v.optional(v.number()),
  cacheWrite: v.optional(v.number()),
});
const MODEL = v.object({
  id: v.string(),
  name: v.string(),
  type: v.literal('chat'),
  reasoning: v.optional(v.boolean()),
  input: v.array(v.string()),
  contextWindow: v.number(),
  maxTokens: v.number(),
  cost: v.object({
    ...COST.entries,
    tiers: v.optional(v.array(v.object({ ...COST.entries, inputTokensAbove: v.number() }))),
  }),
});
const FILE = v.record(v.string(), v.record(v.string(), v.unknown()));

/** The package writes 0 where a source states no price of a cached token. */
function toPrices({ input, output, cacheRead, cacheWrite }: v.InferOutput<typeof COST>) {
  return {
    input,
    output,
    cacheRead: cacheRead === 0 && input > 0 ? undefined : cacheRead,
    cacheWrite: cacheWrite === 0 ? undefined : cacheWrite,
  } satisfies StatedPrices;
}

function toStatement(model: v.InferOutput<typeof MODEL>): Statement {
  const { cost } = model;
  return {
    prices: toPrices(cost),
    tiers: (cost.tiers ?? []).map((tier) => ({ ...toPrices(tier), above: tier.inputTokensAbove })),
    displayName: model.name.replace(/ \(latest\)$/, ''),
    limits: {
      context: model.contextWindow,
      output: Math.min(model.maxTokens, model.contextWindow),
    },
    // The package lists models with tools only.
    capabilities: {
      tools: true,
      reasoning: model.reasoning ?? false,
      imageInput: model.input.includes('image'),
    },
    released: undefined,
  };
}

function readStatements(path: string): Map<string, Statement> {
  const statements = new Map<string, Statement>();
  const groups = v.parse(FILE, JSON.parse(readFileSync(path, 'utf8')));
  for (const entry of Object.values(groups).flatMap((group) => Object.values(group))) {
    const model = v.safeParse(MODEL, entry);
    if (model.success) statements.set(model.output.id.toLowerCase(), toStatement(model.output));
  }
  return statements;
}

/** Our ids of the providers that the package names differently; resellers are read apart. */
const PROVIDER_IDS: Readonly<Record<string, string>> = { 'fireworks-ai': 'fireworks' };
const RESELLERS = ['openrouter.json', 'vercel-ai-gateway.json'];

/** A reseller's vendor and spelling to ours: `x-ai/grok-4.7`, `anthropic/claude-opus-5.5`. */
function toOwnName(name: string): string {
  return name
    .replace(/^(x-ai|spacexai)\//, 'xai/')
    .replace(/^(anthropic\/claude-[a-z]+-\d+)\.(\d)/, '$1-$2');
}

function readModelsDev(folder: string): Map<string, Statement> {
  const statements = new Map<string, Statement>();
  const files = readdirSync(folder).filter(
    (file) => /^[\w-]+\.json$/.test(file) && !RESELLERS.includes(file),
  );
  for (const file of files) {
    const provider = file.replace('.json', '');
    for (const [name, statement] of readStatements(join(folder, file))) {
      statements.set(`${PROVIDER_IDS[provider] ?? provider}/${name}`, statement);
    }
  }
  return statements;
}

function readReseller(folder: string, file: string, ownId: string): Map<string, Statement> {
  const statements = new Map<string, Statement>();
  for (const [name, statement] of readStatements(join(folder, file))) {
    statements.set(`${ownId}/${name}`, statement);
    if (!name.includes(':')) statements.set(toOwnName(name), statement);
  }
  return statements;
}

export function readPiAi(openPackage: OpenPackage): Source[] {
  const folder = join(openPackage(PI_AI), 'dist/providers/data');
  const stamp = (upstream: string) => ({
    name: `${PI_AI.spec}#${upstream}`,
    publishedOn: PI_AI.publishedOn,
    upstream,
  });
  return [
    { stamp: stamp('models.dev'), isReseller: false, statements: readModelsDev(folder) },
    {
      stamp: stamp('openrouter'),
      isReseller: true,
      statements: readReseller(folder, 'openrouter.json', 'openrouter'),
    },
    {
      stamp: stamp('vercel'),
      isReseller: true,
      statements: readReseller(folder, 'vercel-ai-gateway.json', 'vercel'),
    },
  ];
}
