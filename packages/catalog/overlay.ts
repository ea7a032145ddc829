/**
 * The price list in effect: the list of the release with what operators changed since. An overlay is
 * validated with the validator of the price list before any of it is used. Pure.
 */
import * as v from 'valibot';
import type { CatalogOverlay } from './contract.ts';
import type { CheckedModel, Problem } from './listed-model-checks.ts';
import type {
  ListedModel,
  ListedProvider,
  MarginRule,
  PriceList,
  SourceStamp,
} from './price-list.ts';
import { parseListedModel } from './price-list-parser.ts';

type Effect = Readonly<{ version: number; effectiveAt: number }>;
type ModelChange = Effect &
  Readonly<{
    provider: string;
    id: string;
    /** Null withdraws the model; `released` is the model of the release, if it has one. */
    model: ListedModel | null | 'released';
  }>;
type MarginChange = Effect & Readonly<{ scope: string; basisPoints: number }>;

/** An overlay whose every row was validated. */
export type ParsedOverlay = Readonly<{
  latestVersion: number;
  versions: readonly Effect[];
  models: readonly ModelChange[];
  margins: readonly MarginChange[];
}>;

export type OverlayProblem = Problem & Readonly<{ version: number }>;

const INTEGER = v.pipe(v.number(), v.safeInteger());
const TEXT = v.pipe(v.string(), v.minLength(1), v.maxLength(225));
const EFFECT = { version: v.pipe(INTEGER, v.minValue(1)), effectiveAt: INTEGER };
const STATUS = v.picklist(['defined', 'withdrawn', 'released']);
const OVERLAY = v.object({
  latestVersion: v.pipe(INTEGER, v.minValue(0)),
  versions: v.array(v.object(EFFECT)),
  models: v.array(
    v.object({ ...EFFECT, provider: TEXT, id: TEXT, status: STATUS, definition: v.unknown() }),
  ),
  margins: v.array(v.object({ ...EFFECT, scope: TEXT, basisPoints: INTEGER })),
});

/** The source of what operators define. */
const OPERATORS: SourceStamp = {
  name: 'operators',
  publishedOn: '1970-01-01',
  upstream: 'operators',
};

/** A margin of as much as the provider's own price. */
const MAX_BASIS_POINTS = 10_000;
/** Half of a top-up is the most that a margin may take. */
const MAX_TOP_UP_BASIS_POINTS = 5_000;

/** The margin rule of a scope as Postgres has it. */
export function toMarginRule(scope: string, basisPoints: number): MarginRule {
  if (scope === 'top_ups') return { topUps: true, basisPoints };
  if (scope === 'all') return { provider: null, model: null, basisPoints };
  const slash = scope.indexOf('/');
  if (slash < 0) return { provider: scope, model: null, basisPoints };
  return { provider: scope.slice(0, slash), model: scope.slice(slash + 1), basisPoints };
}

/** The scope of a margin rule; the inverse of `toMarginRule`. */
export function toMarginScope(rule: MarginRule): string {
  if ('topUps' in rule) return 'top_ups';
  if (rule.provider === null) return rule.model ?? 'all';
  return rule.model === null ? rule.provider : `${rule.provider}/${rule.model}`;
}

function isKnownProvider(released: PriceList, provider: string): boolean {
  return released.providers.some(({ id }) => id === provider);
}

/** Validates a model that an operator wrote for a provider of the release. */
export function parseDefinition(
  released: PriceList,
  provider: string,
  definition: unknown,
): CheckedModel {
  return isKnownProvider(released, provider)
    ? parseListedModel(definition, released.calendars)
    : {
        ok: false,
        problems: [{ path: 'provider', message: `there is no provider ${provider}` }],
      };
}

/** Returns what is wrong with a margin, or undefined. */
export function checkMargin(
  released: PriceList,
  scope: string,
  basisPoints: number,
): Problem | undefined {
  const isNamed = scope === 'all' || scope === 'top_ups';
  const [provider = ''] = scope.split('/');
  if (!isNamed && !isKnownProvider(released, provider)) {
    return { path: 'scope', message: `there is no provider ${provider}` };
  }
  const max = scope === 'top_ups' ? MAX_TOP_UP_BASIS_POINTS : MAX_BASIS_POINTS;
  const isInRange = Number.isInteger(basisPoints) && basisPoints >= 0 && basisPoints <= max;
  return isInRange
    ? undefined
    : { path: 'basis_points', message: `must be a whole number from 0 to ${max}` };
}

type OverlayRow = v.InferOutput<typeof OVERLAY>['models'][number];

function parseModelChange(released: PriceList, row: OverlayRow): ModelChange | OverlayProblem[] {
  const { version, effectiveAt, provider, id, status, definition } = row;
  const effect = { version, effectiveAt, provider, id };
  if (status !== 'defined') return { ...effect, model: status === 'released' ? status : null };
  const result = parseDefinition(released, provider, definition);
  if (!result.ok) return result.problems.map((problem) => ({ ...problem, version }));
  if (result.model.id === id) return { ...effect, model: result.model };
  return [{ version, path: 'id', message: 'The definition has another id than its row' }];
}

export type OverlayResult =
  | Readonly<{ ok: true; overlay: ParsedOverlay }>
  | Readonly<{ ok: false; problems: readonly OverlayProblem[] }>;

/**
 * Validates an overlay against the price list of the release. One bad row refuses the whole
 * overlay; every problem names the version that brought it (0 where the overlay itself is unreadable).
 */
export function parseOverlay(released: PriceList, value: CatalogOverlay): OverlayResult {
  const parsed = v.safeParse(OVERLAY, value);
  if (!parsed.success) {
    return { ok: false, problems: [{ version: 0, path: '', message: 'Unreadable overlay' }] };
  }
  const problems: OverlayProblem[] = [];
  const models: ModelChange[] = [];
  for (const row of parsed.output.models) {
    const result = parseModelChange(released, row);
    if ('model' in result) models.push(result);
    else problems.push(...result);
  }
  for (const { version, scope, basisPoints } of parsed.output.margins) {
    const problem = checkMargin(released, scope, basisPoints);
    if (problem !== undefined) problems.push({ ...problem, version });
  }
  if (problems.length > 0) return { ok: false, problems };
  const { latestVersion, versions, margins } = parsed.output;
  return { ok: true, overlay: { latestVersion, versions, models, margins } };
}

/** Returns the versions with an invalid row; 0 stands for an overlay that can't be read at all. */
export function findInvalidVersions(released: PriceList, value: CatalogOverlay): readonly number[] {
  const parsed = parseOverlay(released, value);
  return parsed.ok ? [] : [...new Set(parsed.problems.map(({ version }) => version))];
}

/** Keeps, of the rows about the same thing, the one in effect at `now`. */
function inEffect<Row extends Effect>(
  rows: readonly Row[],
  now: number,
  keyFor: (row: Row) => string,
): readonly Row[] {
  const latest = new Map<string, Row>();
  for (const row of rows) {
    if (row.effectiveAt > now) continue;
    const other = latest.get(keyFor(row));
    const isLater =
      other === undefined ||
      row.effectiveAt > other.effectiveAt ||
      (row.effectiveAt === other.effectiveAt && row.version > other.version);
    if (isLater) latest.set(keyFor(row), row);
  }
  return [...latest.values()];
}

/** Changed models come first: the first of two models with the same name has it. */
function mergeModels(
  { id, models }: ListedProvider,
  changes: readonly ModelChange[],
): ListedProvider {
  const own = changes.filter(({ provider, model }) => provider === id && model !== 'released');
  const changed = new Set(own.map((change) => change.id));
  const defined = own.flatMap(({ model }) =>
    model === null || model === 'released' ? [] : [model],
  );
  return { id, models: [...defined, ...models.filter((model) => !changed.has(model.id))] };
}

function mergeMargins(released: PriceList, changes: readonly MarginChange[]): MarginRule[] {
  const changed = new Set(changes.map(({ scope }) => scope));
  return [
    ...released.margins.filter((rule) => !changed.has(toMarginScope(rule))),
    ...changes.map(({ scope, basisPoints }) => toMarginRule(scope, basisPoints)),
  ];
}

export type ListInEffect = Readonly<{
  /** Its version is the release's, and `+n` with the number of the version in effect, if any. */
  list: PriceList;
  /** When the next version takes effect; infinity if none is known. */
  nextChangeAt: number;
}>;

/** Builds the price list in effect at `now` (milliseconds since the epoch). */
export function applyOverlay(
  released: PriceList,
  overlay: ParsedOverlay,
  now: number,
): ListInEffect {
  const nextChangeAt = overlay.versions
    .map(({ effectiveAt }) => effectiveAt)
    .filter((effectiveAt) => effectiveAt > now)
    .reduce((earliest, at) => Math.min(earliest, at), Number.POSITIVE_INFINITY);
  const [version] = inEffect(overlay.versions, now, () => '');
  if (version === undefined) return { list: released, nextChangeAt };
  const models = inEffect(overlay.models, now, ({ provider, id }) => `${provider}/${id}`);
  const margins = inEffect(overlay.margins, now, ({ scope }) => scope);
  const list: PriceList = {
    ...released,
    version: `${released.version}+${version.version}`,
    sources: [...released.sources, OPERATORS],
    margins: mergeMargins(released, margins),
    providers: released.providers.map((provider) => mergeModels(provider, models)),
  };
  return { list, nextChangeAt };
}
