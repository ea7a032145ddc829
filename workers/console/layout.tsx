/**
 * What every page is made of: the frame around it and the few parts screens share. Pages are complete
 * without a script; text from people or rows is always a JSX child, which hono/jsx escapes.
 */
import { LANGUAGE_NAMES, LANGUAGES, type Messages } from '@farebox/i18n';
import { formatUsd, type NanoUsd } from '@farebox/money';
import type { Context } from 'hono';
import { raw } from 'hono/html';
import type { Child, FC, PropsWithChildren } from 'hono/jsx';
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

const Document: FC<
  PropsWithChildren<{ vars: PageVariables; options: PageOptions; returnTo: string }>
> = (props) => {
  const { vars, options, returnTo, children } = props;
  return (
    <html lang={vars.language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${options.title} · Farebox`}</title>
        <link rel="stylesheet" href="/style.css" />
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        {options.scripts?.map((name) => (
          <script src={`/scripts/${name}.js`} defer></script>
        ))}
      </head>
      <body>
        <a class="skip" href="#main">
          {vars.messages.frame.skip}
        </a>
        <Header vars={vars} activePath={options.activePath} />
        <main id="main" class={options.wide === true ? 'wide' : undefined}>
          <h1>{options.title}</h1>
          {children}
        </main>
        <Footer vars={vars} returnTo={returnTo} />
      </body>
    </html>
  );
};

/** Answers with a whole page. */
export function page<E extends { Variables: PageVariables }>(
  c: Context<E>,
  options: PageOptions,
  body: Child,
): Response | Promise<Response> {
  c.header('cache-control', 'no-store');
  const document = (
    <Document vars={c.var} options={options} returnTo={getRequestPath(c)}>
      {body}
    </Document>
  );
  return c.html(
    <>
      {raw('<!doctype html>')}
      {document}
    </>,
    options.status ?? 200,
  );
}

/** A field with its label, its hint and what was wrong with it, tied together for screen readers. */
export const Field: FC<
  Readonly<{
    name: string;
    label: string;
    type?: 'text' | 'email' | 'password' | 'number' | 'date' | 'datetime-local';
    value?: string;
    hint?: string;
    problem?: string | undefined;
    autocomplete?: string;
    required?: boolean;
    inputmode?: 'numeric' | 'decimal' | 'text';
    minlength?: number;
    maxlength?: number;
  }>
> = ({ name, label, hint, problem, type = 'text', ...rest }) => {
  const describedBy = [hint && `${name}-hint`, problem && `${name}-problem`].filter(Boolean);
  return (
    <p class="field">
      <label for={name}>{label}</label>
      {hint !== undefined && (
        <small id={`${name}-hint`} class="hint">
          {hint}
        </small>
      )}
      {problem !== undefined && (
        <strong id={`${name}-problem`} class="problem">
          {problem}
        </strong>
      )}
      <input
        id={name}
        name={name}
        type={type}
        aria-describedby={describedBy.length > 0 ? describedBy.join(' ') : undefined}
        aria-invalid={problem === undefined ? undefined : 'true'}
        {...rest}
      />
    </p>
  );
};

/** One sentence that answers what was just done, or says what is the matter. */
export const Note: FC<PropsWithChildren<{ kind: 'done' | 'problem' | 'warning' }>> = (props) => (
  <p class={`note ${props.kind}`} role={props.kind === 'done' ? 'status' : 'alert'}>
    {props.children}
  </p>
);

export const Money: FC<{ amount: NanoUsd }> = ({ amount }) => (
  <data value={amount.toString()} class="money">{`$${formatUsd(amount)}`}</data>
);

/** UTC, so that it agrees with every export and every bill. */
export function formatTime(at: number, language: string): string {
  const format = { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' } as const;
  return `${new Intl.DateTimeFormat(language, format).format(at)} UTC`;
}

export const Time: FC<{ at: number; language: string }> = ({ at, language }) => (
  <time datetime={new Date(at).toISOString()}>{formatTime(at, language)}</time>
);
