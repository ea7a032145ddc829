/**
 * The Overview screen: balance (from the account object, which is authoritative), daily spend,
 * latest calls, and notifications. It reads sums by day and the newest rows by index, and scans no
 * table.
 */
import { listOpenNotifications } from '@farebox/database/email';
import { type KeyRow, listCalls, listKeys, sumUsage } from '@farebox/database/statements';
import {
  formatCount,
  formatCurrency,
  formatDay,
  formatRoundedCurrency,
  formatTenth,
  Note,
  toEpochDay,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { SessionUser } from '@farebox/identity';
import type { AccountStatus, KeyStatus } from '@farebox/ledger';
import type { Context } from 'hono';
import type { FC } from 'hono/jsx';
import { CallTable } from '../calls/call-table.tsx';
import { DayChart } from '../charts/bar-chart.tsx';
import { page } from '../layout.tsx';
import { NotificationList } from '../notifications/notification-list.tsx';
import type { PublicEnv } from '../session.ts';
import { fillMissingDays, findLargest, totalUsage } from '../usage/aggregate.ts';
import { type BurnRate, computeBurnRate } from './burn-rate.ts';

const CHART_DAYS = 14;
const LATEST_CALLS = 5;
const MAX_NOTIFICATIONS = 10;
const YEAR_DAYS = 366;

type LocaleProps = Readonly<{ messages: Messages; language: string }>;

function formatDaysLeft({ daysLeft }: BurnRate, { messages, language }: LocaleProps): string {
  if (daysLeft === null) return messages.overview.runwayUnknown;
  if (daysLeft > YEAR_DAYS) return messages.overview.runwayOverYear;
  return messages.overview.runwayDays(formatTenth(daysLeft, language));
}

const BalanceFigures: FC<
  LocaleProps & Readonly<{ accountStatus: AccountStatus; burnRate: BurnRate }>
> = (props) => {
  const { accountStatus, burnRate, messages, language } = props;
  const { posted, held, openCalls } = accountStatus;
  const { overview } = messages;
  const figures = [
    { name: overview.balance, value: formatCurrency(posted, language) },
    {
      name: overview.heldByCalls(formatCount(openCalls, language)),
      value: formatCurrency(held, language),
    },
    { name: overview.available, value: formatCurrency(posted - held, language) },
    {
      name: overview.dailySpend,
      value: formatRoundedCurrency(burnRate.perDay, language),
      hint: overview.dailySpendHint,
    },
    { name: overview.spentToday, value: formatRoundedCurrency(burnRate.today, language) },
    {
      name: overview.runway,
      value: formatDaysLeft(burnRate, props),
      isText: burnRate.daysLeft === null,
    },
  ];
  return (
    <dl class="facts">
      {figures.map(({ name, value, hint, isText }) => (
        <div>
          <dt>
            {name} {hint !== undefined && <small>({hint})</small>}
          </dt>
          <dd class={isText === true ? 'word' : undefined}>{value}</dd>
        </div>
      ))}
    </dl>
  );
};

const PausedKeyWarnings: FC<
  LocaleProps & Readonly<{ keyStatuses: readonly KeyStatus[]; keys: readonly KeyRow[] }>
> = ({ keyStatuses, keys, messages, language }) => (
  <>
    {keyStatuses
      .filter((key) => key.pausedAt !== null && key.revokedAt === null)
      .map(({ keyId, spentToday }) => {
        const keyName = keys.find((key) => key.keyId === keyId)?.name;
        const name = keyName ?? messages.usage.deletedKey(String(keyId));
        return (
          <Note kind="warning">
            {messages.overview.keyPaused(name, formatRoundedCurrency(spentToday, language))}{' '}
            <a href={`/keys/${keyId}/resume`}>{messages.overview.reviewAndResume}</a>
          </Note>
        );
      })}
  </>
);

const GettingStarted: FC<LocaleProps & Readonly<{ apiUrl: URL }>> = ({ messages, apiUrl }) => (
  <section>
    <h2>{messages.overview.getStarted}</h2>
    <p>{messages.overview.getStartedText}</p>
    <pre>
      {`curl ${new URL('/v1/chat/completions', apiUrl).href} \\
  -H "authorization: Bearer fbx_..." \\
  -H "content-type: application/json" \\
  -d '{"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}'`}
    </pre>
    <p>
      <a class="button" href="/keys/new">
        {messages.overview.createKey}
      </a>
    </p>
  </section>
);

type SpendChartProps = Readonly<{ days: ReturnType<typeof fillMissingDays>; today: number }>;

const SpendChart: FC<LocaleProps & SpendChartProps> = ({ days, today, messages, language }) => {
  const { overview } = messages;
  const largestDay = findLargest(days);
  if (largestDay === undefined) return <p>{overview.chartEmpty}</p>;
  const description = overview.chartSummary(
    formatCurrency(totalUsage(days).charged, language),
    formatCurrency(largestDay.charged, language),
    formatDay(Number(largestDay.group), language),
  );
  const bars = days.map(({ group, charged: amount }) => {
    const day = Number(group);
    return { day, amount, partial: day === today };
  });
  return (
    <DayChart
      id="days"
      title={overview.chart}
      description={description}
      language={language}
      bars={bars}
    />
  );
};

async function loadOverview(c: Context<PublicEnv>, { account }: SessionUser, today: number) {
  const { deps } = c.var;
  const { db } = deps.identity;
  const range = { from: today - CHART_DAYS + 1, to: today };
  const [accountStatus, keyStatuses, sums, latest, notifications, keys] = await Promise.all([
    deps.accounts.status(account),
    deps.accounts.keys(account),
    sumUsage(db, account, range, 'day'),
    listCalls(db, account, { filter: {}, before: null, limit: LATEST_CALLS }),
    listOpenNotifications(db, account, MAX_NOTIFICATIONS),
    listKeys(db, account),
  ]);
  return {
    accountStatus,
    keyStatuses,
    latest,
    notifications,
    keys,
    days: fillMissingDays(sums, range),
  };
}

export async function overviewPage(c: Context<PublicEnv>): Promise<Response> {
  const { deps, user, messages, language } = c.var;
  if (user === null) return c.redirect('/sign-in', 303);
  const { overview } = messages;
  const today = toEpochDay(deps.identity.now());
  const { accountStatus, keyStatuses, latest, notifications, keys, days } = await loadOverview(
    c,
    user,
    today,
  );
  if (accountStatus === null) throw new Error('The account has no object.');
  const burnRate = computeBurnRate(days, today, accountStatus.posted - accountStatus.held);
  const locale = { messages, language };
  return page(
    c,
    { title: messages.nav.overview, activePath: '/', wide: true },
    <>
      {accountStatus.state === 'frozen' && <Note kind="warning">{overview.frozen}</Note>}
      <PausedKeyWarnings {...locale} keyStatuses={keyStatuses} keys={keys} />
      {notifications.length > 0 && (
        <section>
          <h2>{overview.needsAttention}</h2>
          <NotificationList {...locale} notifications={notifications} keys={keys} back="/" />
        </section>
      )}
      <BalanceFigures {...locale} accountStatus={accountStatus} burnRate={burnRate} />
      <p>
        <small>
          {overview.freshness}{' '}
          {accountStatus.pendingEntries > 0 &&
            overview.pendingEntries(formatCount(accountStatus.pendingEntries, language))}
        </small>
      </p>
      {latest.length === 0 && <GettingStarted {...locale} apiUrl={deps.apiUrl} />}
      <h2>{overview.chart}</h2>
      <SpendChart {...locale} days={days} today={today} />
      <p>
        <a href="/usage">{overview.moreUsage}</a>
      </p>
      {latest.length > 0 && (
        <>
          <h2>{overview.latestCalls}</h2>
          <CallTable calls={latest} messages={messages} language={language} />
          <p>
            <a href="/calls">{overview.allCalls}</a>
          </p>
        </>
      )}
      <h2>{overview.endpoint}</h2>
      <p>{overview.endpointText}</p>
      <pre>{new URL('/v1', deps.apiUrl).href}</pre>
    </>,
  );
}
