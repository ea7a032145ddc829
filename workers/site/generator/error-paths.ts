import type { Language } from '@farebox/i18n';
import { toUrlPath } from './page.ts';

/** The page of an error code, without a language. */
export function toErrorPath(code: string): string {
  return `/docs/errors/${code}`;
}

/** The address of the page of an error code in a language. */
export function toErrorUrlPath(code: string, language: Language): string {
  return toUrlPath(language, toErrorPath(code));
}
