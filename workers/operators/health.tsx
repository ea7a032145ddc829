/** How the system is, in numbers that name nobody. What is not right says so in words. */
import {
  listDepositsInReview,
  listOpenDifferences,
  listWaitingDeposits,
  readChainStates,
} from '@farebox/database/deposits';
import { type Health, readHealth } from '@farebox/database/operators';
import { Money, Note } from '@farebox/design';
import type { NanoUsd } from '@farebox/money';
import { Hono } from 'hono';
import type { Child, FC } from 'hono/jsx';
import { checkAuditLog } from './audit-log.tsx';
import { findIssues } from './deposit-issues.ts';
import { errorPage, Fact, operatorPage, Table, Timestamp } from './layout.tsx';
import type { OperatorContext, OperatorEnv } from './operator-auth.ts';
import { AUDIT_LOG_PROBLEMS } from './strings.ts';

/** A day of normal work; the whole chain is walked on its own page. */
const MAX_ENTRIES_CHECKED = 2_000;
/** More than that is a number nobody needs to the unit. */
const MAX_DEPOSITS_COUNTED = 1_000;
/** The sweep ticks every five minutes; three missed ones are not chance. */
const RECONCILIATION_LATE_MS = 20 * 60_000;
/** What Amazon SES puts an account under review for (docs.aws.amazon.com/ses, sending review process FAQs). */
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

export function countDeliveries(mails: Health['emails']): DeliveryCounts {
  const sum = (matches: (state: string) => boolean): number =>
    mails.reduce((total, { state, count }) => total + (matches(state) ? count : 0), 0);
  return {
    terminal: sum((state) => TERMINAL_STATES.has(state)),
    bounced: sum((state) => state === 'bounced'),
    complained: sum((state) => state === 'complained'),
  };
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(2)} %`;
}

/** Each sentence is something for somebody to do. */
function findHealthIssues(health: Health, now: number): readonly string[] {
  const { reconciliation: sweeps, emails: mails } = health;
  const counts = countDeliveries(mails);
  const isLate = sweeps.latest === null || now - sweeps.latest > RECONCILIATION_LATE_MS;
  const checks: readonly (readonly [boolean, string])[] = [
    [isLate, 'The ledger’s sweep has not run for more than 20 minutes.'],
    [sweeps.broken > 0, 'The sweep met books that do not hold.'],
    [sweeps.unfinished > 0, 'The sweep could not meet every account.'],
    [health.emailsStuck > 0, 'Mails wait in the queue for more than ten minutes.'],
    [
      counts.bounced > counts.terminal * MAX_BOUNCE_RATE,
      'More than 5 % of mails bounce: Amazon SES may stop sending.',
    ],
    [
      counts.complained > counts.terminal * MAX_COMPLAINT_RATE,
      'More than 0.1 % of mails are complained about: Amazon SES may stop sending.',
    ],
    [health.adjustments.unfinished > 0, 'Approved adjustments have not moved yet.'],
    [
      health.closing.oldest !== null && now - health.closing.oldest > 86_400_000,
      'An account was deleted more than a day ago and its object is not wiped.',
    ],
  ];
  return checks.flatMap(([failed, message]) => (failed ? [message] : []));
}

const HealthSummary: FC<{ health: Health; uncredited: NanoUsd }> = ({ health, uncredited }) => {
  const {
    reconciliation: sweeps,
    closing,
    emails: mails,
    shortfalls,
    rateLimits: throttles,
    adjustments,
  } = health;
  const counts = countDeliveries(mails);
  const rows: readonly (readonly [name: string, value: Child])[] = [
    ['Last sweep', <Timestamp at={sweeps.latest} />],
    ['Accounts met within a day', sweeps.accounts],
    ['Accounts ahead of Postgres when met', sweeps.behind],
    ['Lines not in Postgres when met', sweeps.pending],
    ['Invariants that did not hold', sweeps.broken],
    ['Accounts being deleted', closing.accounts],
    ['Mails stuck in the queue', health.emailsStuck],
    ['Bounces within a day', percent(counts.bounced, counts.terminal)],
    ['Complaints within a day', percent(counts.complained, counts.terminal)],
    ['Calls that cost us, within a day', shortfalls.calls],
    ['What they cost us', <Money amount={shortfalls.amount} />],
    ['Money that came in and is in no balance', <Money amount={uncredited} />],
    ['Sign-ups waiting for their mailbox', health.signUpsWaiting],
    ['Throttles counting', throttles.counters],
    ['Highest throttle', throttles.highest],
    ['Adjustments waiting for a second person', adjustments.waiting],
  ];
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <Fact name={name}>{value}</Fact>
      ))}
    </dl>
  );
};

const HealthTables: FC<{ health: Health }> = ({
  health: { emails: mails, notifications: notices },
}) => (
  <>
    <Table caption="Mails that failed, within a day" headers={['Kind', 'State', 'Mails']}>
      {mails
        .filter(({ state }) => FAILED_STATES.has(state))
        .map(({ kind, state, count }) => (
          <tr>
            <th scope="row">{kind}</th>
            <td>{state}</td>
            <td>{count}</td>
          </tr>
        ))}
    </Table>
    <Table caption="Notices to people, within a day" headers={['Kind', 'Notices']}>
      {notices.map(({ kind, count }) => (
        <tr>
          <th scope="row">{kind}</th>
          <td>{count}</td>
        </tr>
      ))}
    </Table>
  </>
);

/** What the deposits' room says too, and how much money is in no balance. */
async function loadDepositHealth(c: OperatorContext) {
  const { db, now } = c.var.deps;
  const [states, depositsInReview, differences, waiting] = await Promise.all([
    readChainStates(db),
    listDepositsInReview(db, MAX_DEPOSITS_COUNTED),
    listOpenDifferences(db, null, MAX_DEPOSITS_COUNTED),
    listWaitingDeposits(db),
  ]);
  const { chains } = c.var.deps.deposits;
  const uncredited = waiting.reduce((sum, { amount }) => sum + amount, 0n);
  return {
    issues: findIssues({ chains, states, depositsInReview, differences, now: now() }),
    unmatched: uncredited,
  };
}

export const health = new Hono<OperatorEnv>();

health.get('/operators/health', async (c) => {
  if (!c.var.operator.permissions.has('view_health')) return errorPage(c, 'not_permitted');
  const { db, now } = c.var.deps;
  const [summary, deposits, auditCheck] = await Promise.all([
    readHealth(db, now()),
    loadDepositHealth(c),
    checkAuditLog(c, { latest: MAX_ENTRIES_CHECKED }),
  ]);
  const issues = [...findHealthIssues(summary, now()), ...deposits.issues];
  return operatorPage(
    c,
    { title: 'Health', activePath: '/operators/health' },
    <>
      {!auditCheck.ok && (
        <Note kind="problem">{`Line ${auditCheck.seq} of what operators did ${AUDIT_LOG_PROBLEMS[auditCheck.problem]}.`}</Note>
      )}
      {issues.map((message) => (
        <Note kind="warning">{message}</Note>
      ))}
      {auditCheck.ok && issues.length === 0 && <p>Nothing here needs anybody.</p>}
      <HealthSummary health={summary} uncredited={deposits.unmatched} />
      <HealthTables health={summary} />
    </>,
  );
});
