/**
 * The legal pages are versioned: a text can't change without a new number and date, in every
 * language. After a change, write the new version into the pages and the new hash here.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LANGUAGES, type Language } from '@farebox/i18n';
import { describe, expect, it } from 'vitest';

const CONTENT = join(import.meta.dirname, 'content');

const VERSION_LINES: Readonly<Record<Language, RegExp>> = {
  en: /^Version (\d+), in effect from (\d{4}-\d\d-\d\d)\./m,
  ru: /^Версия (\d+), действует с (\d{4}-\d\d-\d\d)\./m,
  zh: /^第 (\d+) 版，自 (\d{4}-\d\d-\d\d) 起生效。/m,
};

/** The first 16 hexadecimal digits of the SHA-256 over the texts of all languages. */
const VERSIONS = [
  { page: 'privacy', version: '1', from: '2026-11-26', hash: '4f666794845686f4' },
  { page: 'terms', version: '1', from: '2026-11-26', hash: '5b7c337530051d34' },
  { page: 'refunds', version: '1', from: '2026-11-26', hash: '21eef33dd7c41f9b' },
];

function read(language: Language, page: string): string {
  return readFileSync(join(CONTENT, language, `${page}.md`), 'utf8');
}

describe.each(VERSIONS)('the page $page', ({ page, version, from, hash }) => {
  it(`says in every language that it is version ${version} of ${from}`, () => {
    for (const language of LANGUAGES) {
      const [, number, day] = VERSION_LINES[language].exec(read(language, page)) ?? [];
      expect([number, day], language).toEqual([version, from]);
    }
  });

  it('has a new version whenever its text changes', () => {
    const texts = LANGUAGES.map((language) => read(language, page)).join('\0');
    expect(createHash('sha256').update(texts).digest('hex').slice(0, 16)).toBe(hash);
  });
});
