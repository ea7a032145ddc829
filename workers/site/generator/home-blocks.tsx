/** The parts of the start page that Markdown has no form for. */
import type { Language } from '@farebox/i18n';
import { siteMessagesFor } from '../texts/index.ts';
import { type Rendered, toUrlPath } from './page.ts';

export function renderPoints(language: Language): Rendered {
  const { points } = siteMessagesFor(language).home;
  const html = (
    <ul class="points">
      {points.map(([title, text]) => (
        <li>
          <strong>{title}</strong>
          {text}
        </li>
      ))}
    </ul>
  );
  return {
    html: String(html),
    markdown: points.map(([title, text]) => `- **${title}.** ${text}`).join('\n'),
  };
}

export function renderCallToAction(consoleUrl: string, language: Language): Rendered {
  const { signUp, quickstart } = siteMessagesFor(language).home;
  const links = [
    [signUp, `${consoleUrl}/sign-up`],
    [quickstart, toUrlPath(language, '/docs/quickstart')],
  ] as const;
  const html = (
    <p class="call">
      {links.map(([text, href], index) => (
        <a class={index === 0 ? 'button' : 'button quiet'} href={href}>
          {text}
        </a>
      ))}
    </p>
  );
  return {
    html: String(html),
    markdown: links.map(([text, href]) => `[${text}](${href})`).join(' · '),
  };
}
