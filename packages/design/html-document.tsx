/** The HTML document around every page. It loads no inline script or style. */
import type { Context } from 'hono';
import { raw } from 'hono/html';
import type { Child, FC, PropsWithChildren } from 'hono/jsx';

type DocumentProps = Readonly<{
  language: string;
  /** The text of the browser's title bar, including the product's name. */
  title: string;
  /** The page's level-one heading. */
  heading: string;
  /** What stands beside the heading: presets, buttons. */
  actions?: Child;
  /** The text of the link that skips the header. */
  skipLink: string;
  /** An application has a sidebar; public pages have a bar. */
  layout: 'app' | 'public';
  header: Child;
  footer?: Child;
  /** Paths of scripts; a page must work without them. */
  scripts?: readonly string[] | undefined;
  /** For wide tables. */
  wide?: boolean | undefined;
  /** Keeps search engines out. */
  noindex?: boolean | undefined;
}>;

export const HtmlDocument: FC<PropsWithChildren<DocumentProps>> = (props) => (
  <html lang={props.language}>
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      {props.noindex === true && <meta name="robots" content="noindex" />}
      <title>{props.title}</title>
      <link rel="stylesheet" href="/style.css" />
      <link rel="icon" href="/icon.svg" type="image/svg+xml" />
      {props.scripts?.map((path) => (
        <script src={path} defer></script>
      ))}
    </head>
    <body class={props.layout}>
      <a class="skip" href="#main">
        {props.skipLink}
      </a>
      {props.header}
      <main id="main" class={props.wide === true ? 'wide' : undefined}>
        <div class="head">
          <h1>{props.heading}</h1>
          {props.actions !== undefined && <div class="actions">{props.actions}</div>}
        </div>
        {props.children}
      </main>
      {props.footer}
    </body>
  </html>
);

/** Answers with `document`; pages hold personal data, so no cache may store them. */
export function htmlResponse<Status extends 200 | 400 | 403 | 404 | 409 | 422 | 429 | 500 | 503>(
  c: Context,
  document: Child,
  status: Status,
): Response | Promise<Response> {
  c.header('cache-control', 'no-store');
  return c.html(
    <>
      {raw('<!doctype html>')}
      {document}
    </>,
    status,
  );
}
