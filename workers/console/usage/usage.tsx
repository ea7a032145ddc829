/**
 * The Usage screen: charges by day, model or key as a chart, a table and CSV. Reads the stored
 * daily sums, so the cost of a query depends on the days and not on the number of calls.
 */
import { listKeys, sumUsage, type UsageGroup } from '@farebox/database/statements';
import {
  Field,
  formatCount,
  formatCurrency,
  formatDay,
  Note,
  toEpochDay,
  toIsoDay,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { DayChart, NameChart } from '../charts/bar-chart.tsx';
import { csvResponse, singleBatch } from '../format/csv.ts';
import { page } from '../layout.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';
import { findLargest, totalUsage, toUsageRows, type UsageRow } from './aggregate.ts';
import { defaultDayRange, parseDayRange } from './date-range.ts';

const GROUPS: readonly UsageGroup[] = ['day', 'model', 'key'];

type UsageQuery = Readonly<{
  by: UsageGroup;
  range: { from: number; to: number };
  today: number;
  problem: boolean;
}>;

function parseUsageQuery(c: Context<SignedInEnv>): UsageQuery {
  const today = toEpochDay(c.var.deps.identity.now());
  const requested = c.req.query('by');
  const by = GROUPS.find((known) => known === requested) ?? 'day';
  const range = parseDayRange(c.req.query('from'), c.req.query('to'), today);
  return { by, range: range ?? defaultDayRange(today), today, problem: range === null };
}

function toQueryString({ by, range }: UsageQuery): string {
  return `from=${toIsoDay(range.from)}&to=${toIsoDay(range.to)}&by=${by}`;
}

async function loadUsageRows(
  c: Context<SignedInEnv>,
  query: UsageQuery,
): Promise<readonly UsageRow[]> {
  const { deps, user, language, messages } = c.var;
  const { db } = deps.identity;
  const [sums, keys] = await Promise.all([
    sumUsage(db, user.account, query.range, query.by),
    query.by === 'key' ? listKeys(db, user.account) : [],
  ]);
  const names = new Map(keys.map((key) => [String(key.keyId), `${key.name} (…${key.last4})`]));
  const keyName = (id: string) => names.get(id) ?? messages.usage.deletedKey(id);
  return toUsageRows(query.by, sums, query.range, { language, keyName });
}

const UsageFilter: FC<{ query: UsageQuery; messages: Messages }> = ({ query, messages }) => (
  <form method="get" action="/usage" class="filter">
    <Field name="from" type="date" label={messages.usage.from} value={toIsoDay(query.range.from)} />
    <Field name="to" type="date" label={messages.usage.to} value={toIsoDay(query.range.to)} />
    <p class="field">
      <label for="by">{messages.usage.groupBy}</label>
      <select id="by" name="by">
        {GROUPS.map((group) => (
          <option value={group} selected={group === query.by}>
            {messages.usage[group]}
          </option>
        ))}
      </select>
    </p>
    <p>
      <button type="submit">{messages.usage.show}</button>
    </p>
  </form>
);

const MAX_NAMED_BARS = 20;

const UsageChart: FC<UsageViewProps> = ({ query, usageRows, messages, language }) => {
  const { by } = query;
  const { charged, calls } = totalUsage(usageRows);
  const largest = findLargest(usageRows);
  const title = messages.usage.chart[by];
  const description = messages.usage.chartSummary(
    formatCurrency(charged, language),
    formatCount(calls, language),
    largest?.name ?? messages.layout.none,
    formatCurrency(largest?.charged ?? 0n, language),
  );
  const chartProps = { id: 'usage', title, description, language };
  const hiddenCount = usageRows.length - MAX_NAMED_BARS;
  if (by === 'day') {
    const bars = usageRows.map(({ group, charged: amount }) => {
      const day = Number(group);
      return { day, amount, partial: day === query.today };
    });
    return <DayChart {...chartProps} bars={bars} />;
  }
  return (
    <>
      <NameChart
        {...chartProps}
        bars={usageRows
          .slice(0, MAX_NAMED_BARS)
          .map(({ name, charged: amount }) => ({ name, amount }))}
      />
      {hiddenCount > 0 && <p>{messages.usage.moreRows(formatCount(hiddenCount, language))}</p>}
    </>
  );
};

type UsageViewProps = Readonly<{
  query: UsageQuery;
  usageRows: readonly UsageRow[];
  messages: Messages;
  language: string;
}>;

const UsageCells: FC<{ sum: Omit<UsageRow, 'name' | 'group'>; language: string }> = (props) => {
  const { sum, language } = props;
  return (
    <>
      <td class="number">{formatCount(sum.calls, language)}</td>
      <td class="number">{formatCount(sum.inputTokens, language)}</td>
      <td class="number">{formatCount(sum.outputTokens, language)}</td>
      <td class="number">{formatCurrency(sum.charged, language)}</td>
    </>
  );
};

const UsageTable: FC<UsageViewProps> = ({ query, usageRows, messages, language }) => {
  const { range, by } = query;
  const { usage } = messages;
  return (
    <section
      class="scroll"
      tabindex={0}
      aria-label={`${usage.chart[by]}: ${usage.table(formatDay(range.from, language), formatDay(range.to, language))}`}
    >
      <table>
        <caption>
          {usage.table(formatDay(range.from, language), formatDay(range.to, language))}
        </caption>
        <thead>
          <tr>
            <th scope="col">{usage[by]}</th>
            {[usage.calls, usage.input, usage.output, usage.charged].map((text) => (
              <th scope="col" class="number">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {usageRows.map((sum) => (
            <tr>
              <th scope="row">{sum.name}</th>
              <UsageCells sum={sum} language={language} />
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{usage.total}</th>
            <UsageCells sum={totalUsage(usageRows)} language={language} />
          </tr>
        </tfoot>
      </table>
    </section>
  );
};

export const usageRoutes = new Hono<SignedInEnv>();
usageRoutes.use('/usage', requireSignIn);
usageRoutes.use('/usage.csv', requireSignIn);

usageRoutes.get('/usage', async (c) => {
  const { messages, language } = c.var;
  const query = parseUsageQuery(c);
  const usageRows = await loadUsageRows(c, query);
  const viewProps = { query, usageRows, messages, language };
  const title = messages.nav.usage;
  return page(
    c,
    { title, activePath: '/usage', wide: true, status: query.problem ? 422 : 200 },
    <>
      {query.problem && <Note kind="problem">{messages.usage.invalidRange}</Note>}
      <UsageFilter query={query} messages={messages} />
      <h2>{messages.usage.chart[query.by]}</h2>
      {totalUsage(usageRows).calls === 0 ? (
        <p>{messages.usage.empty}</p>
      ) : (
        <>
          <UsageChart {...viewProps} />
          <p>
            <a href={`/usage.csv?${toQueryString(query)}`}>{messages.layout.download}</a>
          </p>
          <UsageTable {...viewProps} />
        </>
      )}
      <p>
        <small>{messages.usage.freshness}</small>
      </p>
    </>,
  );
});

const HEADER = ['calls', 'input_tokens', 'output_tokens', 'charged_usd', 'charged_nano_usd'];

usageRoutes.get('/usage.csv', async (c) => {
  const query = parseUsageQuery(c);
  if (query.problem) return c.text(c.var.messages.usage.invalidRange, 422);
  const usageRows = await loadUsageRows(c, query);
  const rows = usageRows.map(({ group, name, calls, inputTokens, outputTokens, charged }) => {
    const groupLabel = query.by === 'day' ? toIsoDay(Number(group)) : name;
    return [groupLabel, calls, inputTokens, outputTokens, { usd: charged }, charged];
  });
  const { from, to } = query.range;
  const file = `farebox-usage-by-${query.by}-${toIsoDay(from)}-${toIsoDay(to)}.csv`;
  return csvResponse(file, [query.by, ...HEADER], singleBatch(rows));
});
