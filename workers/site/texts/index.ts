/**
 * The texts of the site's frame, one file per language. They are not in `@farebox/i18n`, because the
 * console and the emails would carry them (docs/decisions/0047-the-public-site.md). Longer texts are
 * the Markdown files in `content`.
 */
import type { Language } from '@farebox/i18n';
import { en, type SiteMessages } from './en.ts';
import { ru } from './ru.ts';
import { zh } from './zh.ts';

export type { SiteMessages };

const MESSAGES: Readonly<Record<Language, SiteMessages>> = { en, ru, zh };

export function siteMessagesFor(language: Language): SiteMessages {
  return MESSAGES[language];
}
