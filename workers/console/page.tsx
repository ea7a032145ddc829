/**
 * What every page is made of: the frame around it and the few parts screens share. Pages are complete
 * without a script; text from people or rows is always a JSX child, which hono/jsx escapes.
 */
import { LANGUAGE_NAMES, LANGUAGES, type Texts } from '@farebox/languages';
import { formatUsd, type NanoUsd } from '@farebox/money';
import type { Context } from 'hono';
import { raw } from 'hono/html';
import type { Child, FC, PropsWithChildren } from 'hono/jsx';
import { pathOf, type Visit } from './visitor.ts';

export type Frame = Readonly<{
  /** Of the page, without the product's name. */
  title: string;
  /** The path of the navigation's entry this page belongs to. */
  here?: string;
  /** Names of scripts in `scripts.ts` that make the page nicer; it works without. */
  scripts?: readonly string[];
  /** For wide tables. */
  wide?: boolean;
  status?: 200 | 400 | 403 | 404 | 409 | 422 | 429 | 503;
}>;

type Entry = Readonly<{ path: string; text: (texts: Texts) => string }>;

/** The rooms of somebody who is signed in, in the order they are shown. */
const NAVIGATION: readonly Entry[] = [
  { path: '/', text: (t) => t.frame.overview },
  { path: '/usage', text: (t) => t.frame.usage },
  { path: '/calls', text: (t) => t.frame.calls },
  { path: '/keys', text: (t) => t.frame.keys },
  { path: '/top-up', text: (t) => t.topUp.title },
  { path: '/transactions', text: (t) => t.frame.transactions },
  { path: '/alerts', text: (t) => t.frame.alerts },
  { path: '/playground', text: (t) => t.frame.playground },
  { path: '/security', text: (t) => t.frame.security },
  { path: '/rights', text: (t) => t.frame.rights },
];

const Navigation: FC<{ texts: Texts; here: string | undefined }> = ({ texts, here }) => (
  <nav aria-label={texts.frame.navigation}>
    <ul>
      {NAVIGATION.map(({ path, text }) => (
        <li>
          <a href={path} aria-current={path === here ? 'page' : undefined}>
            {text(texts)}
          </a>
        </li>
      ))}
    </ul>
  </nav>
);

const Header: FC<{ visit: Visit; here: string | undefined }> = ({ visit, here }) => {
  const { texts, person } = visit;
  return (
    <header>
      <p class="brand">
        <a href="/">Farebox</a>
      </p>
      {person !== null && <Navigation texts={texts} here={here} />}
      {person === null ? (
        <p class="who">
          <a href="/sign-in">{texts.frame.signIn}</a> <a href="/sign-up">{texts.frame.signUp}</a>
        </p>
      ) : (
        <form class="who" method="post" action="/sign-out">
          <span>{person.email}</span> <button type="submit">{texts.frame.signOut}</button>
        </form>
      )}
    </header>
  );
};

const Footer: FC<{ visit: Visit; back: string }> = ({ visit, back }) => (
  <footer>
    <form method="post" action="/language">
      <input type="hidden" name="back" value={back} />
      {LANGUAGES.map((code) => (
        <button
          type="submit"
          name="language"
          value={code}
          lang={code}
          disabled={code === visit.language}
        >
          {LANGUAGE_NAMES[code]}
        </button>
      ))}
    </form>
  </footer>
);

const Document: FC<PropsWithChildren<{ visit: Visit; frame: Frame; back: string }>> = (props) => {
  const { visit, frame, back, children } = props;
  return (
    <html lang={visit.language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${frame.title} · Farebox`}</title>
        <link rel="stylesheet" href="/style.css" />
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        {frame.scripts?.map((name) => (
          <script src={`/scripts/${name}.js`} defer></script>
        ))}
      </head>
      <body>
        <a class="skip" href="#main">
          {visit.texts.frame.skip}
        </a>
        <Header visit={visit} here={frame.here} />
        <main id="main" class={frame.wide === true ? 'wide' : undefined}>
          <h1>{frame.title}</h1>
          {children}
        </main>
        <Footer visit={visit} back={back} />
      </body>
    </html>
  );
};

/** Answers with a whole page. */
export function page<E extends { Variables: Visit }>(
  c: Context<E>,
  frame: Frame,
  body: Child,
): Response | Promise<Response> {
  c.header('cache-control', 'no-store');
  const document = (
    <Document visit={c.var} frame={frame} back={pathOf(c)}>
      {body}
    </Document>
  );
  return c.html(
    <>
      {raw('<!doctype html>')}
      {document}
    </>,
    frame.status ?? 200,
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
  const described = [hint && `${name}-hint`, problem && `${name}-problem`].filter(Boolean);
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
        aria-describedby={described.length > 0 ? described.join(' ') : undefined}
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
export function timeText(at: number, language: string): string {
  const format = { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' } as const;
  return `${new Intl.DateTimeFormat(language, format).format(at)} UTC`;
}

export const Time: FC<{ at: number; language: string }> = ({ at, language }) => (
  <time datetime={new Date(at).toISOString()}>{timeText(at, language)}</time>
);
