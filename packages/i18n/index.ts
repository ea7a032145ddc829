/**
 * What is said to people, in each language: one file a language, and English is the shape the others
 * have to fill. A fourth is one more file and its line here. Texts hold no markup; where one has a gap it
 * is a function of what fills it.
 */
import { en, type Messages } from './en.ts';
import { ru } from './ru.ts';
import { zh } from './zh.ts';

export const LANGUAGES = ['en', 'ru', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];
export type { Messages };

const TEXTS: Readonly<Record<Language, Messages>> = { en, ru, zh };

/** What each language calls itself. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  en: 'English',
  ru: 'Русский',
  zh: '中文',
};

/** The language of a BCP 47 tag, by its first part. */
export function languageOf(tag: string | undefined): Language | undefined {
  const wanted = tag?.toLowerCase().split('-')[0];
  return LANGUAGES.find((known) => known === wanted);
}

/** English where nobody wrote texts for the language. */
export function messagesFor(tag: string): Messages {
  return TEXTS[languageOf(tag) ?? 'en'];
}
