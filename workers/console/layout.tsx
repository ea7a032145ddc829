/**
 * What every page is made of: the frame around it and the few parts screens share. Pages are complete
 * without a script; text from people or rows is always a JSX child, which hono/jsx escapes.
 */
import { HtmlDocument, htmlResponse } from '@farebox/design';
import { LANGUAGE_NAMES, LANGUAGES, type Messages } from '@farebox/i18n';
import type { Context } from 'hono';
import type { Child, FC } from 'hono/jsx';
import { getRequestPath, type PageVariables } from './session.ts';

export type PageOptions = Readonly<{
  /** Of the page, without the product's name. */
  title: string;
  /** The path of the navigation's entry this page belongs to. */
  activePath?: string;
  /** Names of scripts in `scripts.ts` that make the page nicer; it works without. */
  scripts?: readonly string[];
  /** For wide tables. */
  wide?: boolean;
  status?: 200 | 400 | 403 | 404 | 409 | 422 | 429 | 503;
}>;

type NavItem = Readonly<{ path: string; label: (messages: Messages) => string }>;

/** The rooms of somebody who is signed in, in the order they are shown. */
const NAV_ITEMS: readonly NavItem[] = [
  { path: '/', label: (t) => t.frame.overview },
  { path: '/usage', label: (t) => t.frame.usage },
  { path: '/calls', label: (t) => t.frame.calls },
  { path: '/keys', label: (t) => t.frame.keys },
  { path: '/top-up', label: (t) => t.topUp.title },
  { path: '/transactions', label: (t) => t.frame.transactions },
  { path: '/alerts', label: (t) => t.frame.alerts },
  { path: '/playground', label: (t) => t.frame.playground },
  { path: '/security', label: (t) => t.frame.security },
  { path: '/rights', label: (t) => t.frame.rights },
];

const Navigation: FC<{ messages: Messages; activePath: string | undefined }> = ({
  messages,
  activePath,
}) => (
  <nav aria-label={messages.frame.navigation}>
    <ul>
      {NAV_ITEMS.map(({ path, label }) => (
        <li>
          <a href={path} aria-current={path === activePath ? 'page' : undefined}>
            {label(messages)}
          </a>
        </li>
      ))}
    </ul>
  </nav>
);

const Header: FC<{ vars: PageVariables; activePath: string | undefined }> = ({
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
          <a href="/sign-in">{messages.frame.signIn}</a>{' '}
          <a href="/sign-up">{messages.frame.signUp}</a>
        </p>
      ) : (
        <form class="who" method="post" action="/sign-out">
          <span>{user.email}</span> <button type="submit">{messages.frame.signOut}</button>
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
  const vars = c.var;
  return htmlResponse(
    c,
    <HtmlDocument
      language={vars.language}
      title={`${options.title} · Farebox`}
      heading={options.title}
      skipLink={vars.messages.frame.skip}
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
