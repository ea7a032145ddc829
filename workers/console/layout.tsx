/**
 * The layout of every page: document, header with the main menu, and footer. Pages work without
 * scripts. Text from users or rows is always a JSX child, which hono/jsx escapes.
 */
import { HtmlDocument, htmlResponse } from '@farebox/design';
import { LANGUAGE_NAMES, LANGUAGES, type Messages } from '@farebox/i18n';
import type { Context } from 'hono';
import type { Child, FC } from 'hono/jsx';
import { NAV_ITEMS, type ScreenPath } from './navigation.ts';
import { getRequestPath, type PageVariables } from './session.ts';

export type PageOptions = Readonly<{
  /** The title without the product's name. */
  title: string;
  /** The item of the main menu that this page belongs to. */
  activePath?: ScreenPath;
  /** Names in scripts.ts. The page has to work without them. */
  scripts?: readonly string[];
  /** Lets the page use the full width, for tables. */
  wide?: boolean;
  status?: 200 | 400 | 403 | 404 | 409 | 422 | 429 | 503;
}>;

const Navigation: FC<{ messages: Messages; activePath: ScreenPath | undefined }> = ({
  messages,
  activePath,
}) => (
  <nav aria-label={messages.layout.mainMenu}>
    <ul>
      {NAV_ITEMS.map(({ path, screen }) => (
        <li>
          <a href={path} aria-current={path === activePath ? 'page' : undefined}>
            {messages.nav[screen]}
          </a>
        </li>
      ))}
    </ul>
  </nav>
);

const Header: FC<{ vars: PageVariables; activePath: ScreenPath | undefined }> = ({
  vars,
  activePath,
}) => {
  const { messages, user } = vars;
  return (
    <header>
      <p class="brand">
        <a href="/">Farebox</a>
      </p>
      {user !== null && <Navigation messages={messages} activePath={activePath} />}
      {user === null ? (
        <p class="who">
          <a href="/sign-in">{messages.layout.signIn}</a>{' '}
          <a href="/sign-up">{messages.layout.signUp}</a>
        </p>
      ) : (
        <form class="who" method="post" action="/sign-out">
          <span>{user.email}</span> <button type="submit">{messages.layout.signOut}</button>
        </form>
      )}
    </header>
  );
};

const Footer: FC<{ vars: PageVariables; returnTo: string }> = ({ vars, returnTo }) => (
  <footer>
    <form method="post" action="/language">
      <input type="hidden" name="back" value={returnTo} />
      {LANGUAGES.map((code) => (
        <button
          type="submit"
          name="language"
          value={code}
          lang={code}
          disabled={code === vars.language}
        >
          {LANGUAGE_NAMES[code]}
        </button>
      ))}
    </form>
  </footer>
);

/** Answers with a whole page. */
export function page<E extends { Variables: PageVariables }>(
  c: Context<E>,
  options: PageOptions,
  body: Child,
): Response | Promise<Response> {
  const vars: PageVariables = c.var;
  return htmlResponse(
    c,
    <HtmlDocument
      language={vars.language}
      title={`${options.title} · Farebox`}
      heading={options.title}
      skipLink={vars.messages.layout.skipToContent}
      header={<Header vars={vars} activePath={options.activePath} />}
      footer={<Footer vars={vars} returnTo={getRequestPath(c)} />}
      scripts={options.scripts?.map((name) => `/scripts/${name}.js`)}
      wide={options.wide}
    >
      {body}
    </HtmlDocument>,
    options.status ?? 200,
  );
}
