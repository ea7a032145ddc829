/** The summaries and descriptions of the OpenAPI document in the reader's language. Pure. */
import type { Language } from '@farebox/i18n';
import { API_TEXTS } from '../texts/api-reference.ts';

const CODES = ' Codes: ';

/** The text of a description, and the error codes that follow it in that of a status. */
export function splitCodes(description: string): Readonly<{ text: string; codes: string | null }> {
  const [text = '', codes = null] = description.split(CODES);
  return { text, codes };
}

/** Returns the English text where there is no translation; `findApiTextGaps` finds those. */
export function translateApiText(text: string, language: Language): string {
  return language === 'en' ? text : (API_TEXTS[text]?.[language] ?? text);
}

/** Every summary and description in a part of the document, without codes. */
function listApiTexts(part: unknown): string[] {
  if (Array.isArray(part)) return part.flatMap(listApiTexts);
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([name, value]) => {
    if (/^examples?$/.test(name)) return [];
    if (typeof value !== 'string') return listApiTexts(value);
    return name === 'summary' || name === 'description' ? [splitCodes(value).text] : [];
  });
}

export type ApiTextGaps = Readonly<{ missing: readonly string[]; unused: readonly string[] }>;

/** The texts that the document has and no translation, and the other way round. */
export function findApiTextGaps(document: Readonly<{ tags: readonly { name: string }[] }>) {
  const texts = new Set([...listApiTexts(document), ...document.tags.map(({ name }) => name)]);
  return {
    missing: [...texts].filter((text) => API_TEXTS[text] === undefined),
    unused: Object.keys(API_TEXTS).filter((text) => !texts.has(text)),
  } satisfies ApiTextGaps;
}
