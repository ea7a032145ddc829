/**
 * The legal pages are versioned: a text can't change without a new number and date, in every
 * language. After a change, write the new version into the pages and into LEGAL_VERSIONS of
 * packages/i18n, with the day of its announcement, and the new hash here.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LANGUAGES, type Language, LEGAL_DOCUMENTS, LEGAL_VERSIONS } from '@farebox/i18n';
import { describe, expect, it } from 'vitest';

const CONTENT = join(import.meta.dirname, 'content');

const VERSION_LINES: Readonly<Record<Language, RegExp>> = {
  en: /^Version (\d+), in effect from (\d{4}-\d\d-\d\d)\./m,
  ru: /^Версия (\d+), действует с (\d{4}-\d\d-\d\d)\./m,
  zh: /^第 (\d+) 版，自 (\d{4}-\d\d-\d\d) 起生效。/m,
};

/** The first 16 hexadecimal digits of the SHA-256 over the texts of all languages. */
const HASHES: Readonly<Record<(typeof LEGAL_DOCUMENTS)[number], string>> = {
  privacy: '8303f45bb1551a17',
  terms: 'bec0e9ea74a54c26',
  refunds: 'f1f174bc4ac2c08b',
};

function read(language: Language, page: string): string {
  return readFileSync(join(CONTENT, language, `${page}.md`), 'utf8');
}

const listVersions = (page: string) => LEGAL_VERSIONS.filter(({ document }) => document === page);

describe.each(LEGAL_DOCUMENTS)('the page %s', (page) => {
  it('says the number and the day of its last version in every language', () => {
    const last = listVersions(page).at(-1);
    for (const language of LANGUAGES) {
      const [, number, day] = VERSION_LINES[language].exec(read(language, page)) ?? [];
      expect([Number(number), day], language).toEqual([last?.version, last?.effectiveFrom]);
    }
  });

  it('has a new version whenever its text changes', () => {
    const texts = LANGUAGES.map((language) => read(language, page)).join('\0');
    expect(createHash('sha256').update(texts).digest('hex').slice(0, 16)).toBe(HASHES[page]);
  });

  it('has versions without a gap, each announced before it is in effect but the first', () => {
    const versions = listVersions(page);
    expect(versions.map(({ version }) => version)).toEqual(versions.map((_, index) => index + 1));
    for (const { version, announcedOn, effectiveFrom } of versions) {
      if (version === 1) expect(announcedOn).toBeNull();
      else expect(announcedOn?.localeCompare(effectiveFrom)).toBe(-1);
    }
  });
});
