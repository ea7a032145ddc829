/**
 * Parses the form of a key into its name, limits and spend guard. Pure. An error names its field,
 * so that the form can be shown again with the values as typed.
 */
import type { Catalog } from '@farebox/catalog';
import type { Form } from '@farebox/design';
import {
  DEFAULT_SPEND_GUARD,
  isValidKeyName,
  type KeyLimits,
  type KeyStatus,
  MAX_KEY_CALLS,
  MAX_KEY_MODELS,
  MAX_SPEND_MULTIPLE,
  NO_LIMITS,
  type PeriodBudgets,
  type SpendGuard,
} from '@farebox/ledger';
import {
  formatUsd,
  MAX_AMOUNT,
  type NanoUsd,
  parseTypedDecimal,
  parseTypedUsd,
} from '@farebox/money';
import type { OfferedModels } from './offered-models.ts';

/** The values as typed. */
export type KeyFormValues = Readonly<{
  name: string;
  budget: string;
  dayBudget: string;
  weekBudget: string;
  monthBudget: string;
  maxOutputPrice: string;
  expires: string;
  scope: 'all' | 'some';
  models: readonly string[];
  otherModels: string;
  perMinute: string;
  concurrent: string;
  alertMultiple: string;
  pauseMultiple: string;
}>;
export type KeyFormField = keyof KeyFormValues;
export type KeyFormResult =
  | Readonly<{ ok: true; name: string; limits: KeyLimits; spendGuard: SpendGuard }>
  | Readonly<{ ok: false; errors: readonly KeyFormField[] }>;

export type TextField = Exclude<KeyFormField, 'scope' | 'models' | 'otherModels'>;

/** The answer to a contradiction: all models, and none of those that are selected. */
export const ALL_MODELS_CLEARED = 'all_cleared';

/** The names of the text fields in HTML. */
export const FIELD_NAMES: Readonly<Record<TextField, string>> = {
  name: 'name',
  budget: 'budget',
  dayBudget: 'day_budget',
  weekBudget: 'week_budget',
  monthBudget: 'month_budget',
  maxOutputPrice: 'max_output_price',
  expires: 'expires',
  perMinute: 'per_minute',
  concurrent: 'concurrent',
  alertMultiple: 'alert_multiple',
  pauseMultiple: 'pause_multiple',
};

function isTextField(name: string): name is TextField {
  return Object.hasOwn(FIELD_NAMES, name);
}

const TEXT_FIELDS = Object.keys(FIELD_NAMES).filter(isTextField);

/** Splits models into check boxes and text: a model that is not offered any more is not lost. */
function splitModels(
  models: readonly string[],
  offered: OfferedModels,
): Readonly<{ models: readonly string[]; otherModels: string }> {
  const names = new Set(offered.flatMap((provider) => provider.models));
  return {
    models: models.filter((model) => names.has(model)),
    otherModels: models.filter((model) => !names.has(model)).join('\n'),
  };
}

/** Reads the values as typed. A selected model that is not offered is moved to the other models. */
export function readKeyForm(form: Form, offered: OfferedModels): KeyFormValues {
  const read = (field: TextField) => form.text(FIELD_NAMES[field]).trim();
  const cleared = form.text('scope') === ALL_MODELS_CLEARED;
  const selected = splitModels(cleared ? [] : form.values('models'), offered);
  const typed = cleared ? '' : form.text('other_models').trim();
  return {
    name: read('name'),
    budget: read('budget'),
    dayBudget: read('dayBudget'),
    weekBudget: read('weekBudget'),
    monthBudget: read('monthBudget'),
    maxOutputPrice: read('maxOutputPrice'),
    expires: read('expires'),
    scope: form.text('scope') === 'some' ? 'some' : 'all',
    models: selected.models,
    otherModels: [typed, selected.otherModels].filter((text) => text !== '').join('\n'),
    perMinute: read('perMinute'),
    concurrent: read('concurrent'),
    alertMultiple: read('alertMultiple'),
    pauseMultiple: read('pauseMultiple'),
  };
}

/** Formats a time as `<input type="datetime-local">` does, in UTC. */
function formatExpiry(at: number | null): string {
  return at === null ? '' : new Date(at).toISOString().slice(0, 16);
}

function formatAmount(amount: NanoUsd | null | undefined): string {
  return amount === null || amount === undefined ? '' : formatUsd(amount);
}

function formatNumber(value: number | null): string {
  return value === null ? '' : String(value);
}

export function toFormValues(
  name: string,
  limits: KeyLimits,
  spendGuard: SpendGuard,
  offered: OfferedModels,
): KeyFormValues {
  const { budget, expiresAt, models, callsPerMinute, concurrentCalls } = limits;
  return {
    name,
    budget: formatAmount(budget),
    dayBudget: formatAmount(limits.periodBudgets?.day),
    weekBudget: formatAmount(limits.periodBudgets?.week),
    monthBudget: formatAmount(limits.periodBudgets?.month),
    maxOutputPrice: formatAmount(limits.maxOutputPrice),
    expires: formatExpiry(expiresAt),
    scope: models === null ? 'all' : 'some',
    ...splitModels(models ?? [], offered),
    perMinute: formatNumber(callsPerMinute),
    concurrent: formatNumber(concurrentCalls),
    alertMultiple: formatNumber(spendGuard.alertMultiple),
    pauseMultiple: formatNumber(spendGuard.pauseMultiple),
  };
}

export const EMPTY_FORM: KeyFormValues = toFormValues('', NO_LIMITS, DEFAULT_SPEND_GUARD, []);

/** Undefined where the text is invalid, null where the field is empty. */
type Parsed<T> = T | null | undefined;

function parseUsdField(text: string): Parsed<NanoUsd> {
  if (text === '') return null;
  const typed = parseTypedUsd(text);
  return typed.ok && typed.amount <= MAX_AMOUNT ? typed.amount : undefined;
}

function parseCount(text: string): Parsed<number> {
  if (text === '') return null;
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= MAX_KEY_CALLS ? count : undefined;
}

function parseMultiple(text: string): Parsed<number> {
  if (text === '') return null;
  const typed = parseTypedDecimal(text);
  const isMultiple = typed.ok && /^\d{1,7}(\.\d{1,3})?$/.test(typed.decimal);
  const multiple = isMultiple ? Number(typed.decimal) : 0;
  return multiple >= 1 && multiple <= MAX_SPEND_MULTIPLE ? multiple : undefined;
}

/** An unchanged expiry keeps its milliseconds and may lie in the past. */
function parseExpiry(text: string, now: number, current: number | null): Parsed<number> {
  if (text === '') return null;
  if (current !== null && text === formatExpiry(current)) return current;
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{3})?)?$/.test(text)) return undefined;
  const at = Date.parse(`${text}Z`);
  // JavaScript reads February 30 as March 2.
  const isDay = !Number.isNaN(at) && formatExpiry(at).startsWith(text.slice(0, 10));
  return isDay && at > now ? at : undefined;
}

/** What the models of a key are checked against. */
type ModelContext = Readonly<{
  /** The catalog in effect. */
  catalog: Catalog;
  /** The models that the key names already: it keeps one that was withdrawn since. */
  keyModels: readonly string[];
}>;

/**
 * Maps a name to the catalog's name; undefined where it is unknown. A name of a provider without a
 * list in the catalog stays as typed.
 */
function toModelName(name: string, { catalog, keyModels }: ModelContext): string | undefined {
  if (keyModels.includes(name)) return name;
  if (!/^[a-z0-9_-]{1,64}\/[!-~]{1,100}$/i.test(name)) return undefined;
  const provider = name.split('/')[0]?.toLowerCase() ?? '';
  const match = catalog.findModel(name, [provider]);
  if (match !== undefined) return match.name;
  return catalog.listModels([provider]).length > 0 ? undefined : name;
}

/** Spaces, line breaks, commas and semicolons, also those of Chinese input methods. */
const MODEL_SEPARATORS = /[\s,;\uff0c\uff1b\u3001]+/;

/**
 * Models that are selected while all are allowed are an error: a key that can call more than its
 * owner selected costs money, and a silent choice either way would be a guess.
 */
function parseModels(
  values: KeyFormValues,
  context: ModelContext,
): Readonly<{ value: readonly string[] | null } | { error: KeyFormField }> {
  const hasSelection = values.models.length > 0 || values.otherModels !== '';
  if (values.scope === 'all') return hasSelection ? { error: 'scope' } : { value: null };
  const typed = values.otherModels.split(MODEL_SEPARATORS).filter((part) => part !== '');
  const models = new Set<string>();
  for (const text of [...values.models, ...typed]) {
    const name = toModelName(text, context);
    if (name === undefined) return { error: 'otherModels' };
    models.add(name);
  }
  return models.size === 0 || models.size > MAX_KEY_MODELS
    ? { error: 'models' }
    : { value: [...models] };
}

/** The fields that are parsed each by itself. */
function parseFields(values: KeyFormValues, now: number, current: KeyStatus | undefined) {
  return {
    name: isValidKeyName(values.name) ? values.name : undefined,
    budget: parseUsdField(values.budget),
    dayBudget: parseUsdField(values.dayBudget),
    weekBudget: parseUsdField(values.weekBudget),
    monthBudget: parseUsdField(values.monthBudget),
    maxOutputPrice: parseUsdField(values.maxOutputPrice),
    expires: parseExpiry(values.expires, now, current?.limits.expiresAt ?? null),
    perMinute: parseCount(values.perMinute),
    concurrent: parseCount(values.concurrent),
    alertMultiple: parseMultiple(values.alertMultiple),
    pauseMultiple: parseMultiple(values.pauseMultiple),
  } satisfies Record<TextField, unknown>;
}

type ParsedFields = ReturnType<typeof parseFields>;
type ValidFields = { [F in TextField]: Exclude<ParsedFields[F], undefined> };

function findInvalid(fields: ParsedFields): readonly TextField[] {
  return TEXT_FIELDS.filter((field) => fields[field] === undefined);
}

function isValid(fields: ParsedFields): fields is ValidFields {
  return findInvalid(fields).length === 0;
}

function toPeriodBudgets({ dayBudget, weekBudget, monthBudget }: ValidFields): PeriodBudgets {
  return {
    ...(dayBudget === null ? {} : { day: dayBudget }),
    ...(weekBudget === null ? {} : { week: weekBudget }),
    ...(monthBudget === null ? {} : { month: monthBudget }),
  };
}

/**
 * Parses all fields at `now`, the models against the catalog in effect. `current` is the key's
 * present state where a key is edited.
 */
export function parseKeyForm(
  values: KeyFormValues,
  { catalog, now }: Readonly<{ catalog: Catalog; now: number }>,
  current?: KeyStatus,
): KeyFormResult {
  const fields = parseFields(values, now, current);
  const models = parseModels(values, { catalog, keyModels: current?.limits.models ?? [] });
  if (!isValid(fields) || 'error' in models) {
    const invalid = findInvalid(fields);
    return { ok: false, errors: 'error' in models ? [...invalid, models.error] : invalid };
  }
  const limits = {
    budget: fields.budget,
    periodBudgets: toPeriodBudgets(fields),
    expiresAt: fields.expires,
    models: models.value,
    callsPerMinute: fields.perMinute,
    concurrentCalls: fields.concurrent,
    maxOutputPrice: fields.maxOutputPrice,
  };
  const { name, alertMultiple, pauseMultiple } = fields;
  return { ok: true, name, limits, spendGuard: { alertMultiple, pauseMultiple } };
}
