import { describe, expect, it } from 'vitest';
import { suggestNames } from './model-suggestions.ts';

const MODELS = [
  ['anthropic/claude-sonnet-4-0', '2025-05-22', true],
  ['anthropic/claude-sonnet-4-5', '2025-09-29', false],
  ['anthropic/claude-sonnet-5', '2026-06-01', false],
  ['anthropic/claude-haiku-4-5', '2025-10-15', false],
  ['deepseek/deepseek-chat', '2024-12-26', true],
  ['deepseek/deepseek-flash', '2026-10-17', false],
  ['openai/gpt-6-sol', '2026-08-01', false],
  ['openai/gpt-5.4-mini', '2026-03-17', false],
  ['openai/gpt-4o-mini', '2024-07-18', true],
  ['openai/o4-mini', '2025-04-16', false],
].map(([name, created, deprecated]) => ({
  name: String(name),
  upstreamName: String(name).slice(String(name).indexOf('/') + 1),
  created: new Date(String(created)),
  deprecated: deprecated === true,
}));

describe('the suggestions for an unknown model', () => {
  it.each([
    ['claude-sonnet-5-5', 'claude-sonnet-5'],
    ['claude-sonnet-4-7', 'claude-sonnet-5'],
    ['anthropic/claude-sonnet-5-5', 'anthropic/claude-sonnet-5'],
    ['claude-haiku-5-5-20261007', 'claude-haiku-4-5'],
    ['gpt-6.1-sol', 'gpt-6-sol'],
    ['gpt-6', 'gpt-6-sol'],
  ])('for %s begin with the newest of its family, %s', (name, first) => {
    expect(suggestNames(name, MODELS)[0]).toBe(first);
  });

  it('begin with the name that is spelled alike where there is no family', () => {
    expect(suggestNames('claude-sonet-4-5', MODELS)[0]).toBe('claude-sonnet-4-5');
    expect(suggestNames('deepseek-flsh', MODELS)[0]).toBe('deepseek-flash');
  });

  it.each([
    ['openai/gpt-4o-minni', 'openai/gpt-4o-mini'],
    ['gpt-4o-mni', 'gpt-4o-mini'],
    ['gpt4o-mini', 'gpt-4o-mini'],
    ['gpt-5.4-mimi', 'gpt-5.4-mini'],
    ['gpt-54-mini', 'gpt-5.4-mini'],
    ['OpenAI/GPT-5.4-mini-', 'openai/gpt-5.4-mini'],
    ['claude-haku-4-5', 'claude-haiku-4-5'],
  ])('begin for %s with %s, the one that it misspells, deprecated or not', (name, first) => {
    expect(suggestNames(name, MODELS)[0]).toBe(first);
  });

  it('name a deprecated model last', () => {
    const names = suggestNames('claude-sonnet-4-1', MODELS);
    expect(names.indexOf('claude-sonnet-4-0')).not.toBe(0);
    expect(names.slice(0, 2)).toEqual(['claude-sonnet-5', 'claude-sonnet-4-5']);
  });

  it('are at most three, and none for a name like no other', () => {
    expect(suggestNames('claude-sonnet-4-9', MODELS).length).toBeLessThanOrEqual(3);
    expect(suggestNames('nothing like any of them', MODELS)).toEqual([]);
    expect(suggestNames('x'.repeat(100_000), MODELS)).toEqual([]);
  });
});
