/**
 * The texts of the console and the emails, one file per language. English defines the type that the
 * other languages have to fill. To add a language, add its file and list it here. Texts hold no
 * markup; a text with variable parts is a function of them.
 */
import { en, type Messages } from './en.ts';
import { ru } from './ru.ts';
import { zh } from './zh.ts';

export const LANGUAGES = ['en', 'ru', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];
export {
  LEGAL_DOCUMENTS,
  LEGAL_VERSIONS,
  type LegalDocument,
  type LegalVersion,
} from './legal-versions.ts';
export type { Messages };

const MESSAGES: Readonly<Record<Language, Messages>> = { en, ru, zh };

/** The name of each language in the language itself. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  en: 'English',
  ru: 'Русский',
  zh: '中文',
};

/** Returns the supported language of a BCP 47 tag, by its primary subtag. */
export function findLanguage(tag: string | undefined): Language | undefined {
  const primarySubtag = tag?.toLowerCase().split('-')[0];
  return LANGUAGES.find((known) => known === primarySubtag);
}

/** Returns the texts in the language of a BCP 47 tag, or in English if it is not supported. */
export function messagesFor(tag: string): Messages {
  return MESSAGES[findLanguage(tag) ?? 'en'];
}
