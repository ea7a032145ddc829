/** Which models the form of a key allows, and that a contradiction is never resolved silently. */
import { RELEASED_CATALOG } from '@farebox/catalog';
import { describe, expect, it } from 'vitest';
import { EMPTY_FORM, type KeyFormValues, parseKeyForm, readKeyForm } from './key-form.ts';
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

  it('rejects a limit to models without a model', () => {
    expect(parse({ scope: 'some' })).toEqual({ ok: false, errors: ['models'] });
  });
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
