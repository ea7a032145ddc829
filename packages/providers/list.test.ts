/**
 * The list of providers agrees with itself, and no other file of the product lists providers again.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIALECTS } from '@farebox/dialects';
import { describe, expect, it } from 'vitest';
import { getProviderDialects, PROVIDERS } from './list.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PATTERNS = PROVIDERS.map(({ id, envPrefix }) => {
  const name = `(?:${id}|${envPrefix})`;
  const forms = `(['"\`])${name}\\1|[{,;\\s]${name}\\??:\\s|\\b${name}_(?:API_KEY|BASE_URL)\\b`;
  return { id, pattern: new RegExp(forms) };
});

/**
 * The providers that a source names as a whole literal (`'xai'`, `"XAI"`), as a property (`xai:`)
 * or as an environment variable (`XAI_API_KEY`). A name inside a longer text or a pattern does not
 * count.
 */
function namedProviders(source: string): string[] {
  return PATTERNS.filter(({ pattern }) => pattern.test(source)).map(({ id }) => id);
}

const SOURCE = /(?<!\.test|\.testing|\.workerd)\.tsx?$/;

/** Walks by itself, because a recursive `readdir` would enter every `node_modules`. */
function listSources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      return /^(node_modules|\.)/.test(entry.name) ? [] : listSources(path);
    }
    return SOURCE.test(entry.name) ? [path] : [];
  });
}

describe('the list of providers', () => {
  it('has one entry for each id and each environment prefix', () => {
    const names = PROVIDERS.flatMap(({ id, envPrefix }) => [id, envPrefix]);
    expect(new Set(names).size).toBe(2 * PROVIDERS.length);
  });

  it.each(PROVIDERS.map((spec) => [spec.id, spec] as const))(
    'gives %s an endpoint for exactly its dialects',
    (id, spec) => {
      const endpoints = Object.keys(spec.endpoints('https://proxy.example'));
      expect(DIALECTS.filter((dialect) => endpoints.includes(dialect))).toEqual(spec.dialects);
      expect(getProviderDialects(id)).toEqual(spec.dialects);
    },
  );

  it.each(PROVIDERS)('names the key of $id in README.md', ({ envPrefix }) => {
    expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain(`\`${envPrefix}_API_KEY\``);
  });

  it('gives a provider that is added by configuration Chat Completions', () => {
    expect(getProviderDialects('groq')).toEqual(['chat']);
  });
});

describe('namedProviders', () => {
  it.each([
    [`const IDS = ['openai', 'xai'];`, ['openai', 'xai']],
    [`type Prefix = 'GEMINI' | 'DEEPSEEK';`, ['google', 'deepseek']],
    ['const BASES = { anthropic: one, google: two };', ['anthropic', 'google']],
    ['read(env.OPENAI_API_KEY, env.XAI_BASE_URL)', ['openai', 'xai']],
    ['if (id === "openai" || id === `xai`) return;', ['openai', 'xai']],
    ['/^openai\\/gpt/.test(name); // xai: its own rule is elsewhere', ['xai']],
    [`'openai/gpt-4o-mini'`, []],
  ])('finds the providers of %s', (source, ids) => {
    expect(namedProviders(source)).toEqual(ids);
  });
});

describe('the product', () => {
  it('names two providers in no file but the list', () => {
    const files = ['packages', 'workers'].flatMap(listSources);
    expect(files).toContain('packages/providers/openai.ts');
    const violations = files
      .map((path) => ({ path, ids: namedProviders(readFileSync(join(ROOT, path), 'utf8')) }))
      .filter(({ ids }) => ids.length > 1)
      .map(({ path, ids }) => `${path} names ${ids.join(', ')}`);
    expect(violations).toEqual([]);
  });
});
