/**
 * The layout of operators' pages and the components only they use. They load no script and set no
 * cookie.
 */
import {
  Field,
  Frame,
  HtmlDocument,
  htmlResponse,
  type IconName,
  type MenuGroup,
  Note,
  Time,
} from '@farebox/design';
import type { Child, FC, PropsWithChildren } from 'hono/jsx';
import type { Operator, OperatorContext } from './operator-auth.ts';
import type { Permission } from './roles.ts';
import { type ActionError, DONE_MESSAGES, ERROR_MESSAGES } from './strings.ts';

type NavItem = Readonly<{
  path: string;
  label: string;
  permission: Permission;
  icon: IconName;
  group: string;
}>;

const NAV_ITEMS: readonly NavItem[] = [
  {
    path: '/operators',
    label: 'Find an account',
    permission: 'view_account',
    icon: 'search',
    group: 'Accounts',
  },
  {
    path: '/operators/adjustments',
    label: 'Adjustments',
    permission: 'adjust',
    icon: 'book',
    group: 'Accounts',
  },
  {
    path: '/operators/corrections',
    label: 'Corrections',
    permission: 'adjust',
    icon: 'book',
    group: 'Accounts',
  },
  {
    path: '/operators/refunds',
    label: 'Refunds',
    permission: 'adjust',
    icon: 'book',
    group: 'Accounts',
  },
  {
    path: '/operators/deposits',
    label: 'Deposits',
    permission: 'view_deposits',
    icon: 'plus',
    group: 'Accounts',
  },
  {
    path: '/operators/catalog',
    label: 'Catalog',
    permission: 'view_catalog',
    icon: 'list',
    group: 'Prices',
  },
  {
    path: '/operators/parity',
    label: 'Parity',
    permission: 'view_health',
    icon: 'chart',
    group: 'Prices',
  },
  {
    path: '/operators/health',
    label: 'Health',
    permission: 'view_health',
    icon: 'bell',
    group: 'Service',
  },
  {
    path: '/operators/incidents',
    label: 'Incidents',
    permission: 'view_health',
    icon: 'bell',
    group: 'Service',
  },
  {
    path: '/operators/audit-log',
    label: 'Audit log',
    permission: 'view_audit_log',
    icon: 'rows',
    group: 'Service',
  },
];

/** The pages that the operator may open, by group. */
function toMenuGroups(operator: Operator, activePath: string | undefined): readonly MenuGroup[] {
  const allowed = NAV_ITEMS.filter(({ permission }) => operator.permissions.has(permission));
  return [...new Set(allowed.map(({ group }) => group))].map((title) => ({
    title,
    items: allowed
      .filter(({ group }) => group === title)
      .map(({ path, label, icon }) => ({ path, label, icon, current: path === activePath })),
  }));
}

const OperatorFrame: FC<{ operator: Operator; activePath: string | undefined }> = ({
  operator,
  activePath,
}) => (
  <Frame
    brand={{ href: '/operators', name: 'Farebox operators' }}
    menuLabel="Main menu"
    openMenuLabel="Menu"
    groups={toMenuGroups(operator, activePath)}
    balance={null}
    account={<span>{`${operator.email} (${operator.roles.join(', ')})`}</span>}
  />
);

export type OperatorPageOptions = Readonly<{
  title: string;
  activePath?: string;
  error?: ActionError | undefined;
  status?: 200 | 403 | 404 | 409 | 422;
}>;

export function operatorPage(
  c: OperatorContext,
  options: OperatorPageOptions,
  body: Child,
): Response | Promise<Response> {
  const doneCode = c.req.query('done') ?? '';
  const done = Object.hasOwn(DONE_MESSAGES, doneCode) ? DONE_MESSAGES[doneCode] : undefined;
  return htmlResponse(
    c,
    <HtmlDocument
      language="en"
      title={`${options.title} · Farebox operators`}
      heading={options.title}
      skipLink="Skip to content"
      layout="app"
      header={<OperatorFrame operator={c.var.operator} activePath={options.activePath} />}
      wide
      noindex
    >
      {done !== undefined && options.error === undefined && <Note kind="done">{done}</Note>}
      {options.error !== undefined && <Note kind="problem">{ERROR_MESSAGES[options.error]}</Note>}
      {body}
    </HtmlDocument>,
    options.status ?? 200,
  );
}

const STATUSES: Readonly<Partial<Record<ActionError, 403 | 404 | 422>>> = {
  not_permitted: 403,
  own_proposal: 403,
  own_report: 403,
  not_found: 404,
  no_owner: 404,
  reason_required: 422,
  invalid_fields: 422,
  invalid_change: 422,
};

export function httpStatusFor(error: ActionError): 403 | 404 | 409 | 422 {
  return STATUSES[error] ?? 409;
}

export function errorPage(c: OperatorContext, error: ActionError): Response | Promise<Response> {
  return operatorPage(c, { title: 'Action failed', error, status: httpStatusFor(error) }, null);
}

/** `id` tells this field from those of other forms on the page. */
export const ReasonField: FC<Readonly<{ id?: string }>> = ({ id }) => (
  <Field
    name="reason"
    {...(id === undefined ? {} : { id })}
    label="Reason"
    hint="10 to 255 characters, such as the ticket number and the request. It is kept permanently, so don’t name anyone."
    required
    minlength={10}
    maxlength={255}
    autocomplete="off"
  />
);

export const Timestamp: FC<{ at: number | null }> = ({ at }) =>
  at === null ? <>–</> : <Time at={at} language="en" />;

/** The first characters of an id of 32, which name it in a list; the whole id is its title. */
export const ShortId: FC<{ id: string }> = ({ id }) => (
  <code class="nowrap" title={id}>{`${id.slice(0, 8)}…`}</code>
);

/** A table that may be wider than the page; it can be scrolled with the keyboard (WCAG 2.1.1). */
export const Table: FC<
  Readonly<{ caption: string; headers: readonly string[]; children: readonly Child[] }>
> = (props) =>
  props.children.length === 0 ? (
    <p>{`${props.caption}: none.`}</p>
  ) : (
    <section class="card scroll" aria-label={props.caption} tabindex={0}>
      <table>
        <caption>{props.caption}</caption>
        <thead>
          <tr>
            {props.headers.map((head) => (
              <th scope="col">{head}</th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </section>
  );

/** What needs an operator's attention, one sentence each. */
export const IssueList: FC<{ issues: readonly string[] }> = ({ issues }) =>
  issues.length === 0 ? (
    <p>Nothing needs attention.</p>
  ) : (
    <section class="note warning" role="alert">
      <ul>
        {issues.map((issue) => (
          <li>{issue}</li>
        ))}
      </ul>
    </section>
  );

export const Fact: FC<PropsWithChildren<{ name: string }>> = ({ name, children }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);
