/** What the page of each error code says, in each language. */
import type { Language } from '@farebox/i18n';
import {
  ERROR_EXPLANATIONS_EN,
  type ErrorExplanation,
  type ErrorExplanations,
} from '../texts/errors-en.ts';
import { ERROR_EXPLANATIONS_RU } from '../texts/errors-ru.ts';
import { ERROR_EXPLANATIONS_ZH } from '../texts/errors-zh.ts';

const EXPLANATIONS: Readonly<Record<Language, ErrorExplanations>> = {
  en: ERROR_EXPLANATIONS_EN,
  ru: ERROR_EXPLANATIONS_RU,
  zh: ERROR_EXPLANATIONS_ZH,
};

/** By code. */
export function errorExplanationsFor(
  language: Language,
): Readonly<Record<string, ErrorExplanation>> {
  return EXPLANATIONS[language];
}
