/**
 * A change of the catalog as an operator writes it: models, margins, or both. It is validated with
 * the validator of the price list. Pure.
 */
import {
  checkMargin,
  type ListedModel,
  type PriceList,
  type Problem,
  parseDefinition,
} from '@farebox/catalog';
import type { CatalogChanges } from '@farebox/database/catalog';
import { err, ok, type Result } from '@farebox/result';
import * as v from 'valibot';

export type ModelChange = Readonly<{ provider: string; id: string }> &
  (
    | Readonly<{ status: 'defined'; model: ListedModel }>
    /** `released`: what the price list of the release says holds again. */
    | Readonly<{ status: 'withdrawn' | 'released' }>
  );

export type MarginChange = Readonly<{ scope: string; basisPoints: number }>;

export type CatalogChange = Readonly<{
  models: readonly ModelChange[];
  margins: readonly MarginChange[];
}>;

/** A change is reviewed by eye, so it is bounded. */
const MAX_MODELS = 50;

const NAME = v.pipe(v.string(), v.regex(/^[!-~]{1,160}$/));
const CHANGE = v.strictObject({
  models: v.optional(
    v.pipe(
      v.array(
        v.strictObject({
          provider: NAME,
          id: v.optional(NAME),
          status: v.optional(v.picklist(['defined', 'withdrawn', 'released']), 'defined'),
          definition: v.optional(v.unknown(), null),
        }),
      ),
      v.maxLength(MAX_MODELS),
    ),
    [],
  ),
  margins: v.optional(
    v.array(v.strictObject({ scope: NAME, basis_points: v.pipe(v.number(), v.integer()) })),
    [],
  ),
});

type ChangeInput = v.InferOutput<typeof CHANGE>;
type ModelInput = ChangeInput['models'][number];

/** What a definition may leave out. The prices, the limits and the id it has to say. */
function completeDefinition(definition: unknown, today: string): unknown {
  if (typeof definition !== 'object' || definition === null) return definition;
  const id = 'id' in definition ? definition.id : undefined;
  return {
    names: typeof id === 'string' ? [id.toLowerCase()] : [],
    patterns: [],
    displayName: id,
    hidesReasoning: false,
    capabilities: {},
    lifecycle: { released: null, deprecatedOn: null, retiresOn: null, successor: null },
    isFree: false,
    factors: [],
    provenance: {
      source: 'operators',
      sourceDate: today,
      confirmedOn: null,
      citation: null,
      disputed: false,
    },
    variants: [],
    ...definition,
  };
}

function readId({ id, definition }: ModelInput): string {
  if (id !== undefined) return id;
  const own: unknown = typeof definition === 'object' ? Reflect.get(definition ?? {}, 'id') : '';
  return typeof own === 'string' ? own : '';
}

function parseModel(
  released: PriceList,
  input: ModelInput,
  path: string,
  today: string,
): ModelChange | Problem[] {
  const { provider, status } = input;
  const id = readId(input);
  if (status !== 'defined') {
    const isKnown = released.providers.some((known) => known.id === provider);
    if (!isKnown)
      return [{ path: `${path}.provider`, message: `there is no provider ${provider}` }];
    return id === '' ? [{ path: `${path}.id`, message: 'Missing id' }] : { provider, id, status };
  }
  const result = parseDefinition(released, provider, completeDefinition(input.definition, today));
  if (!result.ok) {
    return result.problems.map((problem) => ({
      path: [path, problem.path].join('.'),
      message: problem.message,
    }));
  }
  if (result.model.id === id) return { provider, id, status, model: result.model };
  return [{ path: `${path}.id`, message: 'The definition has another id' }];
}

function findDuplicates(change: CatalogChange): Problem[] {
  const keys = [
    ...change.models.map(({ provider, id }) => `models: ${provider}/${id}`),
    ...change.margins.map(({ scope }) => `margins: ${scope}`),
  ];
  return keys
    .filter((key, index) => keys.indexOf(key) !== index)
    .map((key) => ({ path: key, message: 'Changed twice' }));
}

export type ChangeResult = Result<
  { change: CatalogChange },
  Readonly<{ reason: 'invalid_change'; problems: readonly Problem[] }>
>;

/**
 * Parses `{models: [{provider, id?, status?, definition?}], margins: [{scope, basis_points}]}`.
 * `today` is the date of definitions that name no source of their own. Returns every problem, with
 * its path.
 */
export function parseChange(released: PriceList, value: unknown, today: string): ChangeResult {
  const parsed = v.safeParse(CHANGE, value);
  if (!parsed.success) {
    const problems = parsed.issues.map((issue) => ({
      path: v.getDotPath(issue) ?? '',
      message: issue.message,
    }));
    return err('invalid_change', { problems });
  }
  const problems: Problem[] = [];
  const models: ModelChange[] = [];
  for (const [index, input] of parsed.output.models.entries()) {
    const result = parseModel(released, input, `models.${index}`, today);
    if ('status' in result) models.push(result);
    else problems.push(...result);
  }
  const margins = parsed.output.margins.map(({ scope, basis_points: basisPoints }) => ({
    scope,
    basisPoints,
  }));
  for (const [index, { scope, basisPoints }] of margins.entries()) {
    const problem = checkMargin(released, scope, basisPoints);
    if (problem !== undefined) {
      problems.push({ ...problem, path: `margins.${index}.${problem.path}` });
    }
  }
  const change = { models, margins };
  problems.push(...findDuplicates(change));
  if (models.length + margins.length === 0 && problems.length === 0) {
    problems.push({ path: '', message: 'The change is empty' });
  }
  return problems.length > 0 ? err('invalid_change', { problems }) : ok({ change });
}

/** The change as it is stored; `parseChange` reads it again. */
export function toStoredChanges({ models, margins }: CatalogChange): CatalogChanges {
  return {
    models: models.map((change) => ({
      provider: change.provider,
      id: change.id,
      status: change.status,
      definition: change.status === 'defined' ? change.model : null,
    })),
    margins: margins.map(({ scope, basisPoints }) => ({ scope, basis_points: basisPoints })),
  };
}
