/** Which models the form of a key allows, and that a contradiction is never resolved silently. */
import {
  applyOverlay,
  findModelById,
  openCatalog,
  parseOverlay,
  RELEASED,
  RELEASED_CATALOG,
} from '@farebox/catalog';
import { DEFAULT_SPEND_GUARD, type KeyStatus, NO_LIMITS } from '@farebox/ledger';
import { describe, expect, it } from 'vitest';
import {
  EMPTY_FORM,
  type KeyFormValues,
  parseKeyForm,
  readKeyForm,
  toFormValues,
} from './key-form.ts';
import { listOfferedModels } from './offered-models.ts';

const NOW = Date.UTC(2026, 10, 26);

function parse(values: Partial<KeyFormValues>) {
  return parseKeyForm(
    { ...EMPTY_FORM, name: 'A key', ...values },
    { catalog: RELEASED_CATALOG, now: NOW },
  );
}

describe('parseKeyForm', () => {
  it.each([
    { models: ['openai/gpt-5-mini'], otherModels: '' },
    { models: [], otherModels: 'groq/llama-3.1-8b-instant' },
    { models: ['openai/gpt-5-mini'], otherModels: 'groq/llama-3.1-8b-instant' },
    { models: ['openai/no-such-model'], otherModels: '' },
    { models: [], otherModels: 'nonsense' },
  ])('rejects $models and "$otherModels" while all models are allowed', (selection) => {
    expect(parse({ scope: 'all', ...selection })).toEqual({ ok: false, errors: ['scope'] });
  });

  it('allows all models if none is selected', () => {
    const parsed = parse({ scope: 'all' });
    expect(parsed.ok && parsed.limits.models).toBeNull();
  });

  it('allows the selected models only, if the user says so', () => {
    const parsed = parse({ scope: 'some', models: ['openai/gpt-5-mini'] });
    expect(parsed.ok && parsed.limits.models).toEqual(['openai/gpt-5-mini']);
  });

  it.each([', ', '\n', ';', '，', '、'])(
    'reads models that are typed with %j between them',
    (mark) => {
      const names = ['openai/gpt-5-mini', 'groq/llama-3.1-8b-instant'];
      const parsed = parse({ scope: 'some', otherModels: names.join(mark) });
      expect(parsed.ok && parsed.limits.models).toEqual(names);
    },
  );

  it('rejects a limit to models without a model', () => {
    expect(parse({ scope: 'some' })).toEqual({ ok: false, errors: ['models'] });
  });
});

describe('the expiry of a key', () => {
  it('is a moment in UTC', () => {
    const parsed = parse({ expires: '2028-02-29T10:30' });
    expect(parsed.ok && parsed.limits.expiresAt).toBe(Date.UTC(2028, 1, 29, 10, 30));
  });

  it.each(['2027-02-29T10:30', '2027-02-30T10:30', '2027-04-31T00:00', '2027-13-01T00:00'])(
    'is not %s, which no calendar has',
    (expires) => {
      expect(parse({ expires })).toEqual({ ok: false, errors: ['expires'] });
    },
  );
});

describe('readKeyForm', () => {
  it('discards the selection if the user asks for all models and a cleared selection', () => {
    const fields: Readonly<Record<string, string>> = {
      scope: 'all_cleared',
      other_models: 'groq/llama-3.1-8b-instant',
    };
    const text = (name: string) => fields[name] ?? '';
    const form = { text, longText: text, values: () => ['openai/gpt-5-mini'] };
    const values = readKeyForm(form, listOfferedModels(RELEASED_CATALOG, NOW));
    expect(values).toMatchObject({ scope: 'all', models: [], otherModels: '' });
  });
});

const ADDED = 'openai/gpt-added';
const RETIRED = 'openai/gpt-retired';
const WITHDRAWN = 'openai/gpt-5-mini';

function change(id: string, status: 'defined' | 'withdrawn', retiresOn: string | null = null) {
  const listed = findModelById(RELEASED, { provider: 'openai', id: 'gpt-4o-mini' });
  if (listed === undefined) throw new Error('the release has no gpt-4o-mini');
  const lifecycle = { ...listed.lifecycle, retiresOn };
  const definition = { ...listed, id, names: [id], patterns: [], lifecycle };
  const effect = { version: 1, effectiveAt: NOW - 1, provider: 'openai', id, status };
  return { ...effect, definition: status === 'defined' ? definition : null };
}

/** The release's catalog, to which operators added two models and from which they withdrew one. */
function openChangedCatalog() {
  const parsed = parseOverlay(RELEASED, {
    latestVersion: 1,
    versions: [{ version: 1, effectiveAt: NOW - 1 }],
    models: [
      change('gpt-added', 'defined'),
      change('gpt-retired', 'defined', '2026-01-01'),
      change('gpt-5-mini', 'withdrawn'),
    ],
    margins: [],
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return openCatalog(applyOverlay(RELEASED, parsed.overlay, NOW).list);
}

describe('the models of a key where operators changed the catalog', () => {
  const catalog = openChangedCatalog();
  const offered = listOfferedModels(catalog, NOW);
  const named = [ADDED, RETIRED, WITHDRAWN];
  const limits = { ...NO_LIMITS, models: named };
  const status: KeyStatus = {
    keyId: 1,
    limits,
    spent: 0n,
    held: 0n,
    spendable: 0n,
    periodBudgets: [],
    createdAt: NOW,
    spendGuard: DEFAULT_SPEND_GUARD,
    pausedAt: null,
    revokedAt: null,
    spentToday: 0n,
    typicalDailySpend: null,
  };
  const select = (values: Partial<KeyFormValues>, current?: KeyStatus) =>
    parseKeyForm(
      { ...EMPTY_FORM, name: 'A key', scope: 'some', ...values },
      { catalog, now: NOW },
      current,
    );

  it('are offered if they were added, and not if they are retired or withdrawn', () => {
    const names = offered.flatMap(({ models }) => models);
    expect(names).toEqual(expect.arrayContaining([ADDED, 'openai/gpt-4o-mini']));
    expect(names).not.toContain(RETIRED);
    expect(names).not.toContain(WITHDRAWN);
  });

  it.each([{ models: [ADDED] }, { otherModels: ADDED }])(
    'can be an added model, given as %j',
    (values) => {
      const parsed = select(values);
      expect(parsed.ok && parsed.limits.models).toEqual([ADDED]);
    },
  );

  it('cannot be a withdrawn model that the key does not name yet', () => {
    const other = { ...status, limits: { ...limits, models: [ADDED] } };
    for (const values of [{ models: [WITHDRAWN] }, { otherModels: WITHDRAWN }]) {
      const refused = { ok: false, errors: ['otherModels'] };
      expect(select(values)).toEqual(refused);
      expect(select(values, other)).toEqual(refused);
    }
  });

  it('stay as they are when the form of the key is saved unchanged', () => {
    const values = toFormValues('A key', limits, DEFAULT_SPEND_GUARD, offered);
    expect(values).toMatchObject({ models: [ADDED], otherModels: `${RETIRED}\n${WITHDRAWN}` });
    const parsed = select(values, status);
    expect(parsed.ok && parsed.limits.models).toEqual(named);
  });

  it('move to the typed models if they were withdrawn after the form was opened', () => {
    const fields: Readonly<Record<string, string>> = { scope: 'some', other_models: RETIRED };
    const text = (name: string) => fields[name] ?? '';
    const form = { text, longText: text, values: () => [ADDED, WITHDRAWN] };
    const values = readKeyForm(form, offered);
    expect(values).toMatchObject({ models: [ADDED], otherModels: `${RETIRED}\n${WITHDRAWN}` });
  });
});

describe('the budgets by period and the price limit of the form', () => {
  it('are limits of the key, each by itself, and absent where the field is empty', () => {
    const parsed = parse({ dayBudget: '2,50', monthBudget: '40', maxOutputPrice: '10' });
    expect(parsed.ok && parsed.limits).toMatchObject({
      budget: null,
      periodBudgets: { day: 2_500_000_000n, month: 40_000_000_000n },
      maxOutputPrice: 10_000_000_000n,
    });
    expect(parsed.ok && parsed.limits.periodBudgets).not.toHaveProperty('week');
  });

  it('come back in the fields that they were typed into', () => {
    const limits = {
      ...NO_LIMITS,
      periodBudgets: { week: 7_000_000_000n },
      maxOutputPrice: 2_500_000_000n,
    };
    const values = toFormValues('A key', limits, DEFAULT_SPEND_GUARD, []);
    expect(values).toMatchObject({ dayBudget: '', weekBudget: '7', maxOutputPrice: '2.5' });
  });

  it.each(['1,000', '20,500', '999,999'])(
    'are refused where a comma may separate thousands or decimals: %s',
    (amount) => {
      expect(parse({ dayBudget: amount })).toEqual({ ok: false, errors: ['dayBudget'] });
    },
  );

  it.each([
    ['0,125', 125_000_000n],
    ['1,5', 1_500_000_000n],
    ['1000', 1_000_000_000_000n],
    ['1.125', 1_125_000_000n],
  ] as const)('are accepted where the separator is plain: %s', (amount, day) => {
    const parsed = parse({ dayBudget: amount });
    expect(parsed.ok && parsed.limits.periodBudgets).toEqual({ day });
  });

  it.each(['dayBudget', 'weekBudget', 'monthBudget', 'maxOutputPrice'] as const)(
    'are refused by the field that is no amount: %s',
    (field) => {
      expect(parse({ [field]: 'much' })).toEqual({ ok: false, errors: [field] });
    },
  );
});
