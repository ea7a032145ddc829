/**
 * The models that a newcomer is told to begin with. A deprecated one works until the day of its
 * retirement; from then on a user's first call fails.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findModel } from '@farebox/catalog';
import { describe, expect, it } from 'vitest';
import { ANTHROPIC_MODEL, SNIPPET_MODEL } from '../workers/console/snippets.ts';

const LANGUAGES = ['en', 'ru', 'zh'];
const ROOT = join(import.meta.dirname, '..');
const PROVIDERS = ['openai', 'anthropic', 'google', 'xai', 'deepseek'];
/** A model's name as a member, an argument, a setting or a variable of the environment. */
const MODEL = /\bmodel(?:"|')?\s*[:=]\s*(?:[\w.]+\()?["']([\w./-]+)["']|_MODEL=([\w./-]+)/g;

const PAGES = [
  'README.md',
  'packages/local/start.ts',
  'packages/local/demo-account.ts',
  ...readdirSync(join(ROOT, 'docs/clients')).map((name) => `docs/clients/${name}`),
  ...LANGUAGES.flatMap((language) =>
    ['home.md', 'quickstart.md'].map((name) => `workers/site/content/${language}/${name}`),
  ),
];

function listModels(page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const names = [...text.matchAll(MODEL)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  // opencode's own names for its providers stand in front of the model.
  return [...new Set(names.map((name) => name.replace(/^farebox[a-z-]*\//, '')))];
}

function isCurrent(name: string): boolean {
  const model = findModel(name, PROVIDERS);
  return model !== undefined && !model.deprecated && model.lifecycle.retiresOn === null;
}

describe('the models of examples', () => {
  it.each(PAGES)('are served, and neither deprecated nor retired one day: %s', (page) => {
    expect(listModels(page).filter((name) => !isCurrent(name))).toEqual([]);
  });

  it('are found on the pages', () => {
    expect(PAGES.flatMap(listModels).length).toBeGreaterThan(20);
    expect(isCurrent('openai/gpt-4o-mini')).toBe(false);
  });

  it.each([SNIPPET_MODEL, ANTHROPIC_MODEL])('are current in the console, too: %s', (name) => {
    expect(isCurrent(name)).toBe(true);
  });
});
