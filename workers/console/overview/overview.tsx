/**
 * The Overview screen: balance (from the account object, which is authoritative), spend by day, keys,
 * what did not work, latest calls, and notifications. It reads sums by day and the newest rows by
 * index, and scans no table.
 */
import { listOpenNotifications } from '@farebox/database/email';
import {
  type CallSummary,
  listCalls,
  listKeys,
  sumDailySpend,
  sumDailyUsage,
  summarizeCalls,
} from '@farebox/database/statements';
import {
  Balance,
  Card,
  EmptyState,
  formatCount,
  formatRoundedCurrency,
  formatTenth,
  Money,
  Note,
  Segments,
  Tile,
  Tiles,
  toEpochDay,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { SessionUser } from '@farebox/identity';
import type { AccountStatus } from '@farebox/ledger';
import { getProviderName } from '@farebox/providers/list';
import type { Context } from 'hono';
import type { FC } from 'hono/jsx';
import { CallTable } from '../calls/call-table.tsx';
import { page } from '../layout.tsx';
import { NotificationList } from '../notifications/notification-list.tsx';
import type { PublicEnv } from '../session.ts';
import { loadNetworks } from '../top-up/deps.ts';
import { totalUsage } from '../usage/aggregate.ts';
import {
  type CacheSavings,
  getKindName,
  toKindSums,
  totalCacheSavings,
} from '../usage/spend-kinds.ts';
import { buildUsageStack } from '../usage/spend-stack.ts';
import { UsageStackView } from '../usage/usage-stack-view.tsx';
import { type BurnRate, computeBurnRate } from './burn-rate.ts';
import { FailureList } from './failure-list.tsx';
import { GettingStarted } from './getting-started.tsx';
import { KeySummary, PausedKeyWarnings } from './key-summary.tsx';
import { toOverviewRanges } from './overview-ranges.ts';

const PERIODS = [7, 30, 90] as const;
const DEFAULT_PERIOD = 30;
const GROUPS = ['model', 'key', 'provider', 'kind'] as const;
const LATEST_CALLS = 5;
/** The calls whose endings are counted: a bounded read, however many calls there are. */
const COUNTED_CALLS = 1_000;
const MAX_NOTIFICATIONS = 10;
const YEAR_DAYS = 366;

type LocaleProps = Readonly<{ messages: Messages; language: string }>;

type OverviewQuery = Readonly<{
  days: (typeof PERIODS)[number];
  by: (typeof GROUPS)[number];
}>;

function parseOverviewQuery(c: Context<PublicEnv>): OverviewQuery {
  const [days, by] = [c.req.query('days'), c.req.query('by')];
  return {
    days: PERIODS.find((known) => String(known) === days) ?? DEFAULT_PERIOD,
    by: GROUPS.find((known) => known === by) ?? 'model',
  };
}

function formatDaysLeft({ daysLeft, perDay }: BurnRate, locale: LocaleProps): string {
  const { messages, language } = locale;
  const { overview } = messages;
  if (daysLeft === null) return overview.runwayUnknown;
  const days =
    daysLeft > YEAR_DAYS
      ? overview.runwayOverYear
      : overview.runwayDays(formatTenth(daysLeft < 10 ? daysLeft : Math.floor(daysLeft), language));
  return overview.runway(days, formatRoundedCurrency(perDay, language));
}

const BalanceTile: FC<
  LocaleProps & Readonly<{ accountStatus: AccountStatus; burnRate: BurnRate }>
> = (props) => {
  const { accountStatus, burnRate, messages, language } = props;
  const { posted, held, openCalls } = accountStatus;
  const { overview } = messages;
  return (
    <Tile
      main
      name={overview.available}
      figure={
        <>
          <Balance amount={posted - held} language={language} />
          <a class="button" href="/top-up">
            {messages.nav.topUp}
          </a>
        </>
      }
    >
      {formatDaysLeft(burnRate, props)}
      {openCalls > 0 && (
        <span class="second">
          {overview.heldByCalls(formatCount(openCalls, language))}:{' '}
          <Money amount={held} language={language} rounded />
        </span>
      )}
      {accountStatus.pendingEntries > 0 && (
        <span class="second">
          {overview.pendingEntries(formatCount(accountStatus.pendingEntries, language))}
        </span>
      )}
    </Tile>
  );
};

type OverviewData = Awaited<ReturnType<typeof loadOverview>>;

async function loadOverview(
  c: Context<PublicEnv>,
  { account }: SessionUser,
  { days, by }: OverviewQuery,
) {
  const { deps } = c.var;
  const { db, now } = deps.identity;
  const today = toEpochDay(now());
  const { shown: range, loaded } = toOverviewRanges(today, days);
  const [
    accountStatus,
    keyStatuses,
    recentByKey,
    byModel,
    byKind,
    latest,
    summary,
    notifications,
    keys,
  ] = await Promise.all([
    deps.accounts.status(account),
    deps.accounts.keys(account),
    sumDailyUsage(db, account, loaded, { by: 'key' }),
    by === 'key' || by === 'kind' ? [] : sumDailyUsage(db, account, range, { by: 'model' }),
    sumDailySpend(db, account, range, {}),
    listCalls(db, account, { filter: {}, before: null, limit: LATEST_CALLS }),
    summarizeCalls(db, account, {}, COUNTED_CALLS),
    listOpenNotifications(db, account, MAX_NOTIFICATIONS),
    listKeys(db, account),
  ]);
  return {
    today,
    range,
    accountStatus,
    keyStatuses,
    recentByKey,
    byKey: recentByKey.filter(({ day }) => day >= range.from),
    byModel,
    byKind,
    latest,
    summary,
    notifications,
    keys,
  };
}

/** The sums of all keys by day; a day without a call is absent. */
function sumByDay(byKey: OverviewData['recentByKey']) {
  const days = new Map<string, ReturnType<typeof totalUsage>>();
  for (const sum of byKey) {
    const group = String(sum.day);
    const known = days.get(group);
    days.set(group, { ...totalUsage(known === undefined ? [sum] : [known, sum]), group });
  }
  return [...days.values()];
}

const SavingsTile: FC<LocaleProps & Readonly<{ savings: CacheSavings }>> = (props) => {
  const { savings, messages, language } = props;
  const { overview } = messages;
  return (
    <Tile
      name={overview.savedByCaching}
      figure={<Money amount={savings.saved} language={language} rounded />}
    >
      {savings.isComplete ? overview.savedByCachingText : overview.savedByCachingPartly}
    </Tile>
  );
};

const Figures: FC<
  LocaleProps & Readonly<{ data: OverviewData; accountStatus: AccountStatus; query: OverviewQuery }>
> = ({ data, accountStatus, query, messages, language }) => {
  const { overview } = messages;
  const available = accountStatus.posted - accountStatus.held;
  const burnRate = computeBurnRate(sumByDay(data.recentByKey), data.today, available);
  const { calls, inputTokens, outputTokens, charged } = totalUsage(data.byKey);
  return (
    <Tiles>
      <BalanceTile
        messages={messages}
        language={language}
        accountStatus={accountStatus}
        burnRate={burnRate}
      />
      <Tile
        name={overview.spentToday}
        figure={<Money amount={burnRate.today} language={language} rounded />}
      >
        {overview.sinceMidnight}
      </Tile>
      <Tile
        name={overview.spentInDays(query.days)}
        figure={<Money amount={charged} language={language} rounded />}
      >
        {charged > 0n &&
          overview.perDay(formatRoundedCurrency(charged / BigInt(query.days), language))}
      </Tile>
      <Tile name={overview.callsInDays(query.days)} figure={formatCount(calls, language)}>
        {overview.tokensSplit(
          formatCount(inputTokens, language),
          formatCount(outputTokens, language),
        )}
      </Tile>
      <SavingsTile
        messages={messages}
        language={language}
        savings={totalCacheSavings(data.byKind)}
      />
    </Tiles>
  );
};

function toProviderGroups(sums: OverviewData['byModel']): OverviewData['byModel'] {
  return sums.map((sum) => ({ ...sum, group: sum.group.split('/')[0] ?? sum.group }));
}

const SpendCard: FC<
  LocaleProps &
    Readonly<{ data: OverviewData; query: OverviewQuery; keyName: (id: string) => string }>
> = ({ data, query, keyName, messages, language }) => {
  const { by, days } = query;
  const { overview, usage } = messages;
  const sums = {
    model: data.byModel,
    key: data.byKey,
    provider: toProviderGroups(data.byModel),
    kind: toKindSums(data.byKind),
  }[by];
  const stack = buildUsageStack(sums, data.range, 'charged');
  return (
    <Card
      id="spend"
      title={overview.spendByDay}
      actions={
        <Segments
          label={usage.groupBy}
          segments={GROUPS.map((group) => ({
            href: `/?days=${days}&by=${group}`,
            text: usage[group],
            current: group === by,
          }))}
        />
      }
    >
      {stack.series.length === 0 ? (
        <EmptyState text={overview.chartEmpty(days)} />
      ) : (
        <UsageStackView
          messages={messages}
          language={language}
          stack={stack}
          metric="charged"
          today={data.today}
          groupTitle={usage[by]}
          groupName={(group) => {
            if (by === 'key') return keyName(group);
            if (by === 'provider') return getProviderName(group);
            return by === 'kind' ? getKindName(group, messages) : group;
          }}
          {...(by === 'kind' ? { sharedCalls: totalUsage(data.byKey).calls } : {})}
        />
      )}
    </Card>
  );
};

const Activity: FC<
  LocaleProps &
    Readonly<{
      data: OverviewData;
      summary: CallSummary;
      keyName: (id: string) => string;
    }>
> = ({ data, summary, keyName, messages, language }) => {
  const { overview } = messages;
  return (
    <>
      <div class="columns">
        <KeySummary messages={messages} language={language} {...data} />
        <FailureList
          messages={messages}
          language={language}
          summary={summary}
          maxCalls={COUNTED_CALLS}
        />
      </div>
      <Card
        id="latest"
        title={overview.latestCalls}
        actions={<a href="/calls">{overview.allCalls}</a>}
      >
        <CallTable
          calls={data.latest.calls}
          keyName={(id) => keyName(String(id))}
          messages={messages}
          language={language}
        />
      </Card>
    </>
  );
};

/** A first expensive model is worth a line under Alerts, and no more: it interrupts nobody here. */
function isUrgent({ kind }: OverviewData['notifications'][number]): boolean {
  return kind !== 'expensive_model';
}

export async function overviewPage(c: Context<PublicEnv>): Promise<Response> {
  const { deps, user, messages, language } = c.var;
  if (user === null) return c.redirect('/sign-in', 303);
  const { overview, layout } = messages;
  const query = parseOverviewQuery(c);
  const data = await loadOverview(c, user, query);
  const { accountStatus, keyStatuses, keys, summary } = data;
  if (accountStatus === null) throw new Error('The account has no object.');
  const locale = { messages, language };
  const names = new Map(keys.map(({ keyId, name }) => [String(keyId), name]));
  const keyName = (id: string) => names.get(id) ?? messages.usage.deletedKey(id);
  const urgent = data.notifications.filter(isUrgent);
  return page(
    c,
    {
      title: messages.nav.overview,
      activePath: '/',
      wide: true,
      scripts: summary === undefined ? ['copy'] : [],
      actions: summary !== undefined && (
        <Segments
          label={layout.period}
          segments={PERIODS.map((days) => ({
            href: `/?days=${days}&by=${query.by}`,
            text: layout.lastDays(days),
            current: days === query.days,
          }))}
        />
      ),
    },
    <>
      {accountStatus.state === 'frozen' && <Note kind="warning">{overview.frozen}</Note>}
      <PausedKeyWarnings {...locale} keyStatuses={keyStatuses} keys={keys} />
      {urgent.length > 0 && (
        <Card id="attention" title={overview.needsAttention}>
          <NotificationList {...locale} notifications={urgent} keys={keys} back="/" />
        </Card>
      )}
      {summary === undefined ? (
        <GettingStarted
          {...locale}
          apiUrl={deps.apiUrl}
          hasKey={keys.length > 0}
          hasCredit={accountStatus.posted > 0n}
          networks={await loadNetworks(c.env, deps.identity.db, deps.identity.now())}
        />
      ) : (
        <>
          <Figures {...locale} data={data} accountStatus={accountStatus} query={query} />
          <SpendCard {...locale} data={data} query={query} keyName={keyName} />
          <Activity {...locale} data={data} summary={summary} keyName={keyName} />
        </>
      )}
      <p>
        <small>{overview.freshness}</small>
      </p>
    </>,
  );
}
