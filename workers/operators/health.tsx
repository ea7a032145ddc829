/** The state of the system in numbers that identify no customer. Each problem is a sentence. */

import { listParityReports } from '@farebox/database/catalog';
import {
  countUnconfirmedSweeps,
  listDepositsInReview,
  listOpenDifferences,
  listWaitingDeposits,
  readChainStates,
} from '@farebox/database/deposits';
import { type Health, readHealth } from '@farebox/database/operators';
import { Money, Note } from '@farebox/design';
import { DAY_MS } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { Hono } from 'hono';
import type { Child, FC } from 'hono/jsx';
import { checkAuditLog } from './audit-log.tsx';
import { findIssues, SWEEP_CONFIRMATION_MS } from './deposit-issues.ts';
import { errorPage, Fact, IssueList, operatorPage, Table, Timestamp } from './layout.tsx';
import type { OperatorContext, OperatorEnv } from './operator-auth.ts';
import { findParityIssues, findPriceIssues } from './parity.tsx';
import { AUDIT_LOG_PROBLEMS } from './strings.ts';

/** About a day of normal work; the audit-log page verifies the whole log. */
const MAX_ENTRIES_CHECKED = 2_000;
/** Beyond this the exact count does not matter. */
const MAX_DEPOSITS_COUNTED = 1_000;
/** Reconciliation runs every five minutes; three missed runs in a row are not chance. */
const RECONCILIATION_LATE_MS = 20 * 60_000;
/**
 * The rates at which Amazon SES reviews an account (docs.aws.amazon.com/ses, sending review process
 * FAQs).
 */
const MAX_BOUNCE_RATE = 0.05;
const MAX_COMPLAINT_RATE = 0.001;

const TERMINAL_STATES: ReadonlySet<string> = new Set([
  'delivered',
  'bounced',
  'complained',
  'rejected',
]);
const FAILED_STATES: ReadonlySet<string> = new Set(['bounced', 'complained', 'rejected', 'failed']);

type DeliveryCounts = Readonly<{ terminal: number; bounced: number; complained: number }>;

export function countDeliveries(emails: Health['emails']): DeliveryCounts {
  const sum = (matches: (state: string) => boolean): number =>
    emails.reduce((total, { state, count }) => total + (matches(state) ? count : 0), 0);
  return {
    terminal: sum((state) => TERMINAL_STATES.has(state)),
    bounced: sum((state) => state === 'bounced'),
    complained: sum((state) => state === 'complained'),
  };
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(2)}%`;
}

/** Each issue needs an operator's attention. */
function findHealthIssues(health: Health, now: number): readonly string[] {
  const { reconciliation, emails } = health;
  const counts = countDeliveries(emails);
  const isLate =
    reconciliation.latest === null || now - reconciliation.latest > RECONCILIATION_LATE_MS;
  const checks: readonly (readonly [boolean, string])[] = [
    [isLate, 'The ledger’s reconciliation has not run for more than 20 minutes.'],
    [reconciliation.broken > 0, 'Reconciliation found accounts with violated invariants.'],
    [reconciliation.unfinished > 0, 'Reconciliation could not check every account.'],
    [health.emailsStuck > 0, 'Emails have been in the queue for more than ten minutes.'],
    [
      counts.bounced > counts.terminal * MAX_BOUNCE_RATE,
      'More than 5% of emails bounce: Amazon SES may stop sending.',
    ],
    [
      counts.complained > counts.terminal * MAX_COMPLAINT_RATE,
      'More than 0.1% of emails get complaints: Amazon SES may stop sending.',
    ],
    [health.adjustments.unfinished > 0, 'Approved adjustments are not applied yet.'],
    [
      health.closing.oldest !== null && now - health.closing.oldest > DAY_MS,
      'An account was deleted more than a day ago and its Durable Object is not wiped.',
    ],
  ];
  return checks.flatMap(([failed, message]) => (failed ? [message] : []));
}

const HealthSummary: FC<{ health: Health; uncredited: NanoUsd }> = ({ health, uncredited }) => {
  const { reconciliation, closing, emails, shortfalls, rateLimits, adjustments } = health;
  const counts = countDeliveries(emails);
  const rows: readonly (readonly [name: string, value: Child])[] = [
    ['Last reconciliation run', <Timestamp at={reconciliation.latest} />],
    ['Accounts reconciled in the last day', reconciliation.accounts],
    ['Accounts ahead of Postgres when reconciled', reconciliation.behind],
    ['Entries not in Postgres when reconciled', reconciliation.pending],
    ['Invariants violated', reconciliation.broken],
    ['Accounts being deleted', closing.accounts],
    ['Emails stuck in the queue', health.emailsStuck],
    ['Bounce rate, last day', percent(counts.bounced, counts.terminal)],
    ['Complaint rate, last day', percent(counts.complained, counts.terminal)],
    ['Calls with a shortfall, last day', shortfalls.calls],
    ['Total shortfall, last day', <Money language="en" amount={shortfalls.amount} />],
    ['Deposits not credited yet', <Money language="en" amount={uncredited} />],
    ['Sign-ups awaiting verification', health.signUpsWaiting],
    ['Rate-limit counters in use', rateLimits.counters],
    ['Highest rate-limit counter', rateLimits.highest],
    ['Adjustments awaiting approval', adjustments.waiting],
  ];
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <Fact name={name}>{value}</Fact>
      ))}
    </dl>
  );
};

const HealthTables: FC<{ health: Health }> = ({ health: { emails, notifications } }) => (
  <>
    <Table caption="Failed emails, last day" headers={['Kind', 'State', 'Emails']}>
      {emails
        .filter(({ state }) => FAILED_STATES.has(state))
        .map(({ kind, state, count }) => (
          <tr>
            <th scope="row">{kind}</th>
            <td>{state}</td>
            <td>{count}</td>
          </tr>
        ))}
    </Table>
    <Table caption="Notifications, last day" headers={['Kind', 'Notifications']}>
      {notifications.map(({ kind, count }) => (
        <tr>
          <th scope="row">{kind}</th>
          <td>{count}</td>
        </tr>
      ))}
    </Table>
  </>
);

/** The issues of the deposits page, and the total of deposits that are not credited yet. */
async function loadDepositHealth(c: OperatorContext) {
  const { db, now } = c.var.deps;
  const [states, depositsInReview, differences, waiting, unconfirmedSweeps] = await Promise.all([
    readChainStates(db),
    listDepositsInReview(db, MAX_DEPOSITS_COUNTED),
    listOpenDifferences(db, null, MAX_DEPOSITS_COUNTED),
    listWaitingDeposits(db),
    countUnconfirmedSweeps(db, now() - SWEEP_CONFIRMATION_MS),
  ]);
  const { chains } = c.var.deps.deposits;
  const input = { chains, states, depositsInReview, differences, unconfirmedSweeps, now: now() };
  const uncredited = waiting.reduce((sum, { amount }) => sum + amount, 0n);
  return {
    issues: findIssues(input),
    uncredited,
  };
}

export const health = new Hono<OperatorEnv>();

health.get('/operators/health', async (c) => {
  if (!c.var.operator.permissions.has('view_health')) return errorPage(c, 'not_permitted');
  const { db, now } = c.var.deps;
  const [summary, deposits, reports, auditCheck] = await Promise.all([
    readHealth(db, now()),
    loadDepositHealth(c),
    listParityReports(db, 1),
    checkAuditLog(c, { latest: MAX_ENTRIES_CHECKED }),
  ]);
  const issues = [
    ...findHealthIssues(summary, now()),
    ...deposits.issues,
    ...findParityIssues(reports, now()),
    ...(await findPriceIssues(db, reports)),
  ];
  return operatorPage(
    c,
    { title: 'Health', activePath: '/operators/health' },
    <>
      {!auditCheck.ok && (
        <Note kind="problem">{`Audit log entry ${auditCheck.seq} ${AUDIT_LOG_PROBLEMS[auditCheck.problem]}.`}</Note>
      )}
      {(auditCheck.ok || issues.length > 0) && <IssueList issues={issues} />}
      <HealthSummary health={summary} uncredited={deposits.uncredited} />
      <HealthTables health={summary} />
    </>,
  );
});
