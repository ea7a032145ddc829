/**
 * What the form of a key says, read into limits and brakes. Pure; every flaw is named by its field, so that
 * the form can be shown again with what was typed. Fields that no form of ours has are never looked at.
 */
import { findModel, listModels } from '@farebox/catalog';
import { DEFAULT_BRAKES, type KeyBrakes, type KeyLimits, type KeyStanding } from '@farebox/ledger';
import { formatUsd, LARGEST_AMOUNT, type NanoUsd, parseUsd } from '@farebox/money';
import type { Form } from '../forms.ts';

/** Providers whose own models are offered for ticking; models of others are typed. */
const OFFERED = ['openai', 'anthropic', 'google', 'xai', 'deepseek'] as const;
const MOST_MODELS = 500;
const LARGEST_COUNT = 1_000_000;

/** By provider, for ticking. */
export const OFFERED_MODELS: readonly Readonly<{ provider: string; models: readonly string[] }>[] =
  OFFERED.map((provider) => ({
    provider,
    models: listModels([provider])
      .map(({ name }) => name)
      .sort(),
  }));
const TICKABLE: ReadonlySet<string> = new Set(OFFERED_MODELS.flatMap(({ models }) => models));

/** The form as it was filled in. */
export type Typed = Readonly<{
  name: string;
  budget: string;
  expires: string;
  scope: 'all' | 'some';
  models: readonly string[];
  others: string;
  perMinute: string;
  concurrent: string;
  noticeAt: string;
  pauseAt: string;
}>;
export type TypedField = Exclude<keyof Typed, 'scope'>;
export type Understood =
  | Readonly<{ ok: true; name: string; limits: KeyLimits; brakes: KeyBrakes }>
  | Readonly<{ ok: false; flaws: readonly TypedField[] }>;

export function readTyped(form: Form): Typed {
  return {
    name: form.text('name').trim(),
    budget: form.text('budget').trim(),
    expires: form.text('expires').trim(),
    scope: form.text('scope') === 'some' ? 'some' : 'all',
    models: form.texts('models'),
    others: form.text('others').trim(),
    perMinute: form.text('per_minute').trim(),
    concurrent: form.text('concurrent').trim(),
    noticeAt: form.text('notice_at').trim(),
    pauseAt: form.text('pause_at').trim(),
  };
}

/** As `<input type="datetime-local">` writes it, in UTC. */
function expiryText(at: number | null): string {
  return at === null ? '' : new Date(at).toISOString().slice(0, 16);
}

function numberText(value: number | null): string {
  return value === null ? '' : String(value);
}

export function typedOf(name: string, limits: KeyLimits, brakes: KeyBrakes): Typed {
  const { budget, expiresAt, models, callsPerMinute, concurrentCalls } = limits;
  return {
    name,
    budget: budget === null ? '' : formatUsd(budget),
    expires: expiryText(expiresAt),
    scope: models === null ? 'all' : 'some',
    models: (models ?? []).filter((model) => TICKABLE.has(model)),
    others: (models ?? []).filter((model) => !TICKABLE.has(model)).join('\n'),
    perMinute: numberText(callsPerMinute),
    concurrent: numberText(concurrentCalls),
    noticeAt: numberText(brakes.noticeAt),
    pauseAt: numberText(brakes.pauseAt),
  };
}

export const EMPTY: Typed = typedOf(
  '',
  { budget: null, expiresAt: null, models: null, callsPerMinute: null, concurrentCalls: null },
  DEFAULT_BRAKES,
);

/** Undefined is a flaw, null is nothing. */
type Read<T> = T | null | undefined;

/** A comma is a point in half the world. */
function readUsd(text: string): Read<NanoUsd> {
  if (text === '') return null;
  const amount = parseUsd(text.replace(',', '.'));
  return amount === undefined || amount > LARGEST_AMOUNT ? undefined : amount;
}

function readCount(text: string): Read<number> {
  if (text === '') return null;
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= LARGEST_COUNT ? count : undefined;
}

function readMultiple(text: string): Read<number> {
  if (text === '') return null;
  const plain = text.replace(',', '.');
  const multiple = /^\d{1,7}(\.\d{1,3})?$/.test(plain) ? Number(plain) : 0;
  return multiple >= 1 && multiple <= LARGEST_COUNT ? multiple : undefined;
}

/** What was not touched stays to the millisecond, also where it has passed. */
function readExpiry(text: string, now: number, before: number | null): Read<number> {
  if (text === '') return null;
  if (before !== null && text === expiryText(before)) return before;
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{3})?)?$/.test(text)) return undefined;
  const at = Date.parse(`${text}Z`);
  return Number.isFinite(at) && at > now ? at : undefined;
}

/** As they are called in the catalogue; of providers that it has no list of, as they were typed. */
function readOthers(text: string): readonly string[] | undefined {
  const names: string[] = [];
  for (const name of text.split(/[\s,]+/).filter((part) => part !== '')) {
    if (!/^[a-z0-9_-]{1,64}\/[!-~]{1,100}$/i.test(name)) return undefined;
    const provider = name.split('/')[0]?.toLowerCase() ?? '';
    const known = listModels([provider]).length > 0;
    const found = findModel(name, [provider]);
    if (known && found === undefined) return undefined;
    names.push(found?.name ?? name);
  }
  return names;
}

function readModels(
  typed: Typed,
): Readonly<{ value: readonly string[] | null } | { flaw: TypedField }> {
  if (typed.scope === 'all') return { value: null };
  const others = readOthers(typed.others);
  if (others === undefined) return { flaw: 'others' };
  const ticked = typed.models.filter((model) => TICKABLE.has(model));
  const models = [...new Set([...ticked, ...others])];
  return models.length === 0 || models.length > MOST_MODELS
    ? { flaw: 'models' }
    : { value: models };
}

/** As the ledger will see it: code points, none of them a control character. */
function nameIsSound(name: string): boolean {
  const length = [...name].length;
  return length >= 1 && length <= 64 && !/[\p{Cc}\p{Cs}]/u.test(name);
}

/** `before` is the key as it stands, where there is one. */
export function understand(typed: Typed, now: number, before?: KeyStanding): Understood {
  const budget = readUsd(typed.budget);
  const expiresAt = readExpiry(typed.expires, now, before?.limits.expiresAt ?? null);
  const callsPerMinute = readCount(typed.perMinute);
  const concurrentCalls = readCount(typed.concurrent);
  const noticeAt = readMultiple(typed.noticeAt);
  const pauseAt = readMultiple(typed.pauseAt);
  const models = readModels(typed);
  const { name } = typed;
  if (
    nameIsSound(name) &&
    budget !== undefined &&
    expiresAt !== undefined &&
    callsPerMinute !== undefined &&
    concurrentCalls !== undefined &&
    noticeAt !== undefined &&
    pauseAt !== undefined &&
    'value' in models
  ) {
    const limits = { budget, expiresAt, models: models.value, callsPerMinute, concurrentCalls };
    return { ok: true, name, limits, brakes: { noticeAt, pauseAt } };
  }
  const read: readonly (readonly [TypedField, unknown])[] = [
    ['name', nameIsSound(name) ? name : undefined],
    ['budget', budget],
    ['expires', expiresAt],
    ['perMinute', callsPerMinute],
    ['concurrent', concurrentCalls],
    ['noticeAt', noticeAt],
    ['pauseAt', pauseAt],
  ];
  const flaws = read.filter(([, value]) => value === undefined).map(([field]) => field);
  return { ok: false, flaws: 'flaw' in models ? [...flaws, models.flaw] : flaws };
}
