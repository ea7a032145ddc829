/**
 * One account: its status and keys and, with the permission, the emails to its owner. The owner's
 * email is masked for every role, and key names are left out, because customers choose them. Each
 * page view is an audit-log entry.
 */
import {
  type Communication,
  findAccountSummary,
  findOwner,
  getCommunication,
  type KeySummary,
  listAdjustments,
  listCallSummaries,
  listEntrySummaries,
  listKeySummaries,
  type Owner,
} from '@farebox/database/operators';
import { Money } from '@farebox/design';
import { maskEmail } from '@farebox/identity/emails';
import type { AccountId, AccountStatus } from '@farebox/ledger';
import { logEvent } from '@farebox/telemetry';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { auditView } from './audited-action.ts';
import { errorPage, Fact, operatorPage, Table, Timestamp } from './layout.tsx';
import type { Operator, OperatorContext, OperatorEnv } from './operator-auth.ts';
import type { Permission } from './roles.ts';
import {
  ACCOUNT_ACTIONS,
  ACTION_LABELS,
  ACTION_PERMISSIONS,
  ADJUSTMENT_STATE_LABELS,
} from './strings.ts';

const PAGE_SIZE = 50;
const FIRST_PAGE = Number.MAX_SAFE_INTEGER;

const ID_PATTERN = ':id{[0-9a-f]{16}}';

export const account = new Hono<OperatorEnv>();

/** If the ledger is unreachable, the page still shows everything else. */
async function orUnreachable<T>(request: Promise<T>): Promise<T | 'unreachable'> {
  try {
    return await request;
  } catch {
    logEvent({ event: 'unexpected', where: 'operators', call: null });
    return 'unreachable';
  }
}

const AccountStatusFacts: FC<{ status: AccountStatus | null | 'unreachable' }> = ({ status }) => {
  if (status === 'unreachable') return <p>The ledger is unreachable right now.</p>;
  if (status === null) return <p>The account’s ledger is not open yet.</p>;
  const { state, posted, held, openCalls, pendingEntries } = status;
  return (
    <dl class="facts">
      <Fact name="State">{state}</Fact>
      <Fact name="Balance">
        <Money language="en" amount={posted} />
      </Fact>
      <Fact name="Held by calls in progress">
        <Money language="en" amount={held} />
      </Fact>
      <Fact name="Calls in progress">{openCalls}</Fact>
      <Fact name="Entries not yet in Postgres">{pendingEntries}</Fact>
    </dl>
  );
};

const Keys: FC<{ id: AccountId; keys: readonly KeySummary[]; revocable: boolean }> = (props) => (
  <Table
    caption="Keys"
    headers={['Key', 'Ends in', 'State', 'Spending limit', 'Expires', 'Created', '']}
  >
    {props.keys.map(({ keyId, last4, state, budget, expiresAt, createdAt }) => (
      <tr>
        <th scope="row">{keyId}</th>
        <td>
          <code>{last4}</code>
        </td>
        <td>{state}</td>
        <td>{budget === null ? '–' : <Money language="en" amount={budget} />}</td>
        <td>
          <Timestamp at={expiresAt} />
        </td>
        <td>
          <Timestamp at={createdAt} />
        </td>
        <td>
          {props.revocable && state === 'active' && (
            <a href={`/operators/accounts/${props.id}/actions/revoke_key?key=${keyId}`}>
              {`Revoke ${last4}`}
            </a>
          )}
        </td>
      </tr>
    ))}
  </Table>
);

const OwnerFacts: FC<{ owner: Owner | undefined; sessions: number }> = ({ owner, sessions }) => (
  <dl class="facts">
    <Fact name="Email">{owner === undefined ? 'deleted' : maskEmail(owner.email)}</Fact>
    <Fact name="Language">{owner?.language ?? '–'}</Fact>
    <Fact name="Verified">
      <Timestamp at={owner?.verifiedAt ?? null} />
    </Fact>
    <Fact name="Sessions">{sessions}</Fact>
  </dl>
);

const CommunicationTables: FC<{ communication: Communication }> = ({ communication }) => (
  <>
    <Table caption="Emails" headers={['Kind', 'State', 'Reason', 'Queued', 'Ended']}>
      {communication.emails.map(({ kind, state, reason, queuedAt, endedAt }) => (
        <tr>
          <th scope="row">{kind}</th>
          <td>{state}</td>
          <td>{reason ?? '–'}</td>
          <td>
            <Timestamp at={queuedAt} />
          </td>
          <td>
            <Timestamp at={endedAt} />
          </td>
        </tr>
      ))}
    </Table>
    <Table caption="Consents" headers={['Kind', 'Given', 'Since']}>
      {communication.consents.map(({ kind, given, since }) => (
        <tr>
          <th scope="row">{kind}</th>
          <td>{given ? 'yes' : 'no'}</td>
          <td>
            <Timestamp at={since} />
          </td>
        </tr>
      ))}
    </Table>
    <Table caption="Receipts" headers={['Receipt', 'Kind', 'About', 'By', 'At']}>
      {communication.receipts.map(({ id, kind, about: subject, actor, at }) => (
        <tr>
          <th scope="row">
            <code>{id}</code>
          </th>
          <td>{kind}</td>
          <td>{subject ?? '–'}</td>
          <td>{actor}</td>
          <td>
            <Timestamp at={at} />
          </td>
        </tr>
      ))}
    </Table>
  </>
);

const AccountActions: FC<{ id: AccountId; operator: Operator }> = ({ id, operator }) => (
  <nav class="stack" aria-label="Account actions">
    <p class="actions">
      {ACCOUNT_ACTIONS.filter(
        (action) => action !== 'revoke_key' && operator.permissions.has(ACTION_PERMISSIONS[action]),
      ).map((action) => (
        <a class="button plain" href={`/operators/accounts/${id}/actions/${action}`}>
          {ACTION_LABELS[action].title}
        </a>
      ))}
    </p>
    <p class="actions">
      <a href={`/operators/accounts/${id}/ledger`}>Ledger entries</a>
      <a href={`/operators/accounts/${id}/calls`}>Calls</a>
      <a href={`/operators/accounts/${id}/reconciliation`}>Reconciliation</a>
    </p>
  </nav>
);

async function RecentAdjustments({ c, id }: Readonly<{ c: OperatorContext; id: AccountId }>) {
  const adjustments = await listAdjustments(c.var.deps.db, id, PAGE_SIZE);
  return (
    <Table caption="Adjustments" headers={['Adjustment', 'Amount', 'State', 'Proposed']}>
      {adjustments.map(({ id: adjustment, delta, state, proposedAt }) => (
        <tr>
          <th scope="row">
            <code>{adjustment}</code>
          </th>
          <td>
            <Money language="en" amount={delta} />
          </td>
          <td>{ADJUSTMENT_STATE_LABELS[state]}</td>
          <td>
            <Timestamp at={proposedAt} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** The owner's masked data, for roles with the permission. */
async function OwnerSection({ c, id }: Readonly<{ c: OperatorContext; id: AccountId }>) {
  const { db, now } = c.var.deps;
  const owner = await findOwner(db, id);
  const communication = await getCommunication(db, id, { limit: PAGE_SIZE, now: now() });
  return (
    <>
      <h2>Owner</h2>
      <OwnerFacts owner={owner} sessions={communication.sessions} />
      <CommunicationTables communication={communication} />
    </>
  );
}

account.get(`/operators/accounts/${ID_PATTERN}`, async (c) => {
  const id = c.req.param('id');
  const { db } = c.var.deps;
  const { operator, deps } = c.var;
  const view = { action: 'view_account', permission: 'view_account', subject: id } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const summary = await findAccountSummary(db, id);
  if (summary === undefined) return errorPage(c, 'not_found');
  const [status, keys] = await Promise.all([
    orUnreachable(deps.ledger.status(id)),
    listKeySummaries(db, id),
  ]);
  return operatorPage(
    c,
    { title: `Account ${id}` },
    <>
      <AccountActions id={id} operator={operator} />
      <AccountStatusFacts status={status} />
      <dl class="facts">
        <Fact name="Created">
          <Timestamp at={summary.createdAt} />
        </Fact>
        <Fact name="Deleted by the owner">
          <Timestamp at={summary.closedAt} />
        </Fact>
        <Fact name="Account object wiped">
          <Timestamp at={summary.wipedAt} />
        </Fact>
      </dl>
      <Keys id={id} keys={keys} revocable={operator.permissions.has('revoke_key')} />
      {operator.permissions.has('adjust') && <RecentAdjustments c={c} id={id} />}
      {operator.permissions.has('view_communication') && <OwnerSection c={c} id={id} />}
    </>,
  );
});

type AuditedPage = Readonly<{ id: AccountId; before: number }>;

/** Audits the view, then returns the account and page to show, or the error page. */
async function openAuditedPage(
  c: OperatorContext,
  action: string,
  permission: Permission = 'view_account',
): Promise<AuditedPage | Response> {
  const id = c.req.param('id') ?? '';
  const requested = c.req.query('before') ?? '';
  if (!(await auditView(c, { action, permission, subject: id }))) {
    return errorPage(c, 'not_permitted');
  }
  if ((await findAccountSummary(c.var.deps.db, id)) === undefined) {
    return errorPage(c, 'not_found');
  }
  return { id, before: /^\d{1,15}$/.test(requested) ? Number(requested) : FIRST_PAGE };
}

const Older: FC<{ path: string; rows: readonly Readonly<{ seq: number }>[] }> = ({
  path,
  rows,
}) => {
  const last = rows.at(-1);
  if (rows.length < PAGE_SIZE || last === undefined) return null;
  return (
    <p>
      <a href={`${path}?before=${last.seq}`}>Older</a>
    </p>
  );
};

account.get(`/operators/accounts/${ID_PATTERN}/ledger`, async (c) => {
  const page = await openAuditedPage(c, 'view_ledger');
  if (page instanceof Response) return page;
  const { id, before } = page;
  const entries = await listEntrySummaries(c.var.deps.db, id, {
    before,
    limit: PAGE_SIZE,
  });
  return operatorPage(
    c,
    { title: `Ledger entries of ${id}` },
    <>
      <Table
        caption="Newest first"
        headers={['Entry', 'Kind', 'Amount', 'Balance after', 'At', 'ID']}
      >
        {entries.map((entry) => (
          <tr>
            <th scope="row">{entry.seq}</th>
            <td>{entry.kind}</td>
            <td>
              <Money language="en" amount={entry.delta} />
            </td>
            <td>
              <Money language="en" amount={entry.postedAfter} />
            </td>
            <td>
              <Timestamp at={entry.at} />
            </td>
            <td>
              <code>{entry.id}</code>
            </td>
          </tr>
        ))}
      </Table>
      <Older path={`/operators/accounts/${id}/ledger`} rows={entries} />
    </>,
  );
});

const CALL_HEADS = [
  'Call',
  'Key',
  'Model',
  'Status',
  'Reason',
  'Input',
  'Output',
  'Charged',
  'Shortfall',
  'At',
] as const;

account.get(`/operators/accounts/${ID_PATTERN}/calls`, async (c) => {
  const page = await openAuditedPage(c, 'view_calls');
  if (page instanceof Response) return page;
  const { id, before } = page;
  const calls = await listCallSummaries(c.var.deps.db, id, { before, limit: PAGE_SIZE });
  return operatorPage(
    c,
    { title: `Calls of ${id}` },
    <>
      <Table caption="Newest first, without content" headers={CALL_HEADS}>
        {calls.map((call) => (
          <tr>
            <th scope="row">
              <code>{call.id}</code>
            </th>
            <td>{call.keyId}</td>
            <td>{call.model}</td>
            <td>{call.httpStatus ?? '–'}</td>
            <td>{call.reason ?? '–'}</td>
            <td>{call.inputTokens ?? '–'}</td>
            <td>{call.outputTokens ?? '–'}</td>
            <td>
              <Money language="en" amount={call.charged} />
            </td>
            <td>
              <Money language="en" amount={call.shortfall} />
            </td>
            <td>
              <Timestamp at={call.createdAt} />
            </td>
          </tr>
        ))}
      </Table>
      <Older path={`/operators/accounts/${id}/calls`} rows={calls} />
    </>,
  );
});

account.get(`/operators/accounts/${ID_PATTERN}/reconciliation`, async (c) => {
  const page = await openAuditedPage(c, 'view_reconciliation');
  if (page instanceof Response) return page;
  const audit = await orUnreachable(c.var.deps.ledger.audit(page.id));
  const body =
    audit === 'unreachable' ? (
      <p>The ledger is unreachable right now.</p>
    ) : (
      <dl class="facts">
        <Fact name="Balance">
          <Money language="en" amount={audit.posted} />
        </Fact>
        <Fact name="Last entry">{audit.lastSeq}</Fact>
        <Fact name="Acknowledged by Postgres">{audit.acknowledgedSeq}</Fact>
        <Fact name="Violations">
          {audit.violations.join(', ') || 'none: the ledger and Postgres agree'}
        </Fact>
      </dl>
    );
  return operatorPage(c, { title: `Reconciliation of ${page.id}` }, body);
});
