/** What operators' pages are made of. No script, no cookie, nothing of the people's frame. */
import { raw } from 'hono/html';
import type { Child, FC, PropsWithChildren } from 'hono/jsx';
import { Field, Note, Time } from '../page.tsx';
import type { Permission } from './roles.ts';
import type { Operator, StaffContext } from './staff.ts';
import { DONE, REFUSED, type Refusal } from './texts.ts';

const ROOMS: readonly Readonly<{ path: string; text: string; permission: Permission }>[] = [
  { path: '/operators', text: 'Find an account', permission: 'see_account' },
  { path: '/operators/adjustments', text: 'Adjustments', permission: 'adjust' },
  { path: '/operators/deposits', text: 'Deposits', permission: 'see_deposits' },
  { path: '/operators/health', text: 'Health', permission: 'see_health' },
  { path: '/operators/chain', text: 'Who did what', permission: 'see_chain' },
];

const Header: FC<{ operator: Operator; here: string | undefined }> = ({ operator, here }) => (
  <header>
    <p class="brand">
      <a href="/operators">Farebox operators</a>
    </p>
    <nav aria-label="Rooms">
      <ul>
        {ROOMS.filter(({ permission }) => operator.may.has(permission)).map(({ path, text }) => (
          <li>
            <a href={path} aria-current={path === here ? 'page' : undefined}>
              {text}
            </a>
          </li>
        ))}
      </ul>
    </nav>
    <p class="who">{`${operator.email} (${operator.roles.join(', ')})`}</p>
  </header>
);

export type StaffFrame = Readonly<{
  title: string;
  here?: string;
  refusal?: Refusal | undefined;
  status?: 200 | 403 | 404 | 409 | 422;
}>;

export function staffPage(
  c: StaffContext,
  frame: StaffFrame,
  body: Child,
): Response | Promise<Response> {
  c.header('cache-control', 'no-store');
  const word = c.req.query('done') ?? '';
  const done = Object.hasOwn(DONE, word) ? DONE[word] : undefined;
  return c.html(
    <>
      {raw('<!doctype html>')}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="robots" content="noindex" />
          <title>{`${frame.title} · Farebox operators`}</title>
          <link rel="stylesheet" href="/style.css" />
          <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        </head>
        <body>
          <a class="skip" href="#main">
            Skip to the content
          </a>
          <Header operator={c.var.operator} here={frame.here} />
          <main id="main" class="wide">
            <h1>{frame.title}</h1>
            {done !== undefined && frame.refusal === undefined && <Note kind="done">{done}</Note>}
            {frame.refusal !== undefined && <Note kind="problem">{REFUSED[frame.refusal]}</Note>}
            {body}
          </main>
        </body>
      </html>
    </>,
    frame.status ?? 200,
  );
}

const STATUSES: Readonly<Partial<Record<Refusal, 403 | 404 | 422>>> = {
  not_permitted: 403,
  own: 403,
  unknown: 404,
  no_owner: 404,
  no_reason: 422,
  bad_fields: 422,
};

export function statusOf(why: Refusal): 403 | 404 | 409 | 422 {
  return STATUSES[why] ?? 409;
}

export function refusedPage(c: StaffContext, why: Refusal): Response | Promise<Response> {
  return staffPage(c, { title: 'Not done', refusal: why, status: statusOf(why) }, null);
}

export const ReasonField: FC = () => (
  <Field
    name="reason"
    label="Why"
    hint="10 to 255 characters, such as a ticket’s number and what was asked. It is kept for good: name no person."
    required
    minlength={10}
    maxlength={255}
    autocomplete="off"
  />
);

export const When: FC<{ at: number | null }> = ({ at }) =>
  at === null ? <>–</> : <Time at={at} language="en" />;

/** A table that may be wider than the page; the keyboard can scroll it (WCAG 2.1.1). */
export const Table: FC<
  Readonly<{ caption: string; heads: readonly string[]; children: readonly Child[] }>
> = (props) =>
  props.children.length === 0 ? (
    <p>{`${props.caption}: none.`}</p>
  ) : (
    <section class="scroll" aria-label={props.caption} tabindex={0}>
      <table>
        <caption>{props.caption}</caption>
        <thead>
          <tr>
            {props.heads.map((head) => (
              <th scope="col">{head}</th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </section>
  );

export const Fact: FC<PropsWithChildren<{ name: string }>> = ({ name, children }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);
