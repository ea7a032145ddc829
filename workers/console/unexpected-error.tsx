/**
 * The page for an unexpected error. It asks neither the session nor the database: they may be what
 * failed, so it knows its reader's language from the request alone.
 */
import { Brand, HtmlDocument, htmlResponse, Note } from '@farebox/design';
import { messagesFor } from '@farebox/i18n';
import type { Context } from 'hono';
import { getRequestLanguage, getRequestPath } from './session.ts';

/** Answers 500: browsers get a page, other clients one line of text. */
export function unexpectedErrorPage(c: Context): Response | Promise<Response> {
  const language = getRequestLanguage(c);
  const { layout } = messagesFor(language);
  if (!(c.req.header('accept') ?? '').includes('text/html'))
    return c.text(layout.unexpectedError, 500);
  return htmlResponse(
    c,
    <HtmlDocument
      language={language}
      title={`${layout.unexpectedErrorTitle} · Farebox`}
      heading={layout.unexpectedErrorTitle}
      skipLink={layout.skipToContent}
      layout="public"
      header={
        <header class="bar">
          <Brand href="/" name="Farebox" />
        </header>
      }
      noindex
    >
      <Note kind="problem">{layout.unexpectedError}</Note>
      <p class="actions">
        {c.req.method === 'GET' && (
          <a class="button" href={getRequestPath(c)}>
            {layout.tryAgain}
          </a>
        )}
        <a class="button plain" href="/">
          {layout.toHome}
        </a>
      </p>
    </HtmlDocument>,
    500,
  );
}
