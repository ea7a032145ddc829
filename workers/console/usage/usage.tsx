/**
 * The Usage screen: spend, calls or tokens by day and model, key or provider, or spend by day and
 * token kind, as a chart, a table and CSV. Reads the stored daily sums, so the cost of a query depends
 * on the days and not on the number of calls.
 */
import {
  type DailyUsageSum,
  type KeyRow,
  listKeys,
  sumDailySpend,
  sumDailyUsage,
  sumGroupSpend,
  sumUsage,
  type UsageGroup,
} from '@farebox/database/statements';
import {
  Card,
  EmptyState,
  Field,
  formatCount,
  formatCurrency,
  formatDay,
  Note,
  type Segment,
  Segments,
  SelectField,
  toEpochDay,
  toIsoDay,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { SPEND_KINDS } from '@farebox/money';
import { getProviderName } from '@farebox/providers/list';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { csvResponse, singleBatch } from '../format/csv.ts';
import { page } from '../layout.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';
import { totalUsage, toUsageRows, type UsageRow } from './aggregate.ts';
import { defaultDayRange, parseDayRange } from './date-range.ts';
import { getKindName, toKindSums } from './spend-kinds.ts';
import { buildUsageStack, METRICS, type Metric } from './spend-stack.ts';
import { UsageStackView } from './usage-stack-view.tsx';

/** The dimensions of the table and of CSV files. */
const GROUPS: readonly UsageGroup[] = ['day', 'model', 'key'];
/** What each day of the chart is split into. */
const STACKS = ['model', 'key', 'provider', 'kind'] as const;
type Stack = (typeof STACKS)[number];
const PRESET_DAYS = [7, 30, 90] as const;

type UsageQuery = Readonly<{
  by: UsageGroup;
  stack: Stack;
  metric: Metric;
  keyId: number | undefined;
  model: string | undefined;
  range: { from: number; to: number };
  today: number;
  problem: boolean;
}>;

/** A call belongs to several token kinds, so that only its charge can be split by them. */
function listMetrics(stack: Stack): readonly Metric[] {
  return stack === 'kind' ? ['charged'] : METRICS;
}

function parseKeyId(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

function parseUsageQuery(c: Context<SignedInEnv>): UsageQuery {
  const today = toEpochDay(c.var.deps.identity.now());
  const [by, stack, metric] = [c.req.query('by'), c.req.query('stack'), c.req.query('metric')];
  const model = c.req.query('model');
  const range = parseDayRange(c.req.query('from'), c.req.query('to'), today);
  // The table by key goes with a chart by key, unless another is asked for.
  const chosen = STACKS.find((known) => known === stack) ?? (by === 'key' ? 'key' : 'model');
  return {
    by: GROUPS.find((known) => known === by) ?? 'day',
    stack: chosen,
    metric: listMetrics(chosen).find((known) => known === metric) ?? 'charged',
    keyId: parseKeyId(c.req.query('key')),
    model: model !== undefined && /^[!-~]{1,128}$/.test(model) ? model : undefined,
    range: range ?? defaultDayRange(today),
    today,
    problem: range === null,
  };
}

function toQueryString(query: UsageQuery, change: Partial<UsageQuery> = {}): string {
  const { by, stack, metric, keyId, model, range } = { ...query, ...change };
  const params = new URLSearchParams({
    from: toIsoDay(range.from),
    to: toIsoDay(range.to),
    by,
    stack,
    metric,
    ...(keyId === undefined ? {} : { key: String(keyId) }),
    ...(model === undefined ? {} : { model }),
  });
  return params.toString();
}

type KeyName = (keyId: string) => string;

function toKeyName(keys: readonly KeyRow[], messages: Messages): KeyName {
  const names = new Map(keys.map((key) => [String(key.keyId), `${key.name} (…${key.last4})`]));
  return (id) => names.get(id) ?? messages.usage.deletedKey(id);
}

function toProviders(sums: readonly DailyUsageSum[]): readonly DailyUsageSum[] {
  return sums.map((sum) => ({ ...sum, group: sum.group.split('/')[0] ?? sum.group }));
}

/** The sums of the chart, and those of the table by the same filters. */
async function loadUsage(c: Context<SignedInEnv>, query: UsageQuery) {
  const { deps, user, language, messages } = c.var;
  const { db } = deps.identity;
  const { range, by, stack, keyId, model } = query;
  const filter = { keyId, model };
  const [byModel, byKey, byKind, keys] = await Promise.all([
    sumDailyUsage(db, user.account, range, { by: 'model', ...filter }),
    stack === 'key' || by === 'key'
      ? sumDailyUsage(db, user.account, range, { by: 'key', ...filter })
      : [],
    stack === 'kind' ? sumDailySpend(db, user.account, range, filter) : [],
    listKeys(db, user.account),
  ]);
  const keyName = toKeyName(keys, messages);
  const daily = {
    model: byModel,
    key: byKey,
    provider: toProviders(byModel),
    kind: toKindSums(byKind),
  }[stack];
  const sums = sumGroups(by === 'key' ? byKey : byModel, by);
  return { daily, keys, keyName, rows: toUsageRows(by, sums, range, { language, keyName }) };
}

/** Adds the sums of each day, key or model. */
function sumGroups(daily: readonly DailyUsageSum[], by: UsageGroup) {
  const groups = new Map<string, DailyUsageSum[]>();
  for (const sum of daily) {
    const group = by === 'day' ? String(sum.day) : sum.group;
    const known = groups.get(group);
    if (known === undefined) groups.set(group, [sum]);
    else known.push(sum);
  }
  return [...groups].map(([group, sums]) => ({ ...totalUsage(sums), group }));
}

type FilterProps = Readonly<{
  query: UsageQuery;
  keys: readonly KeyRow[];
  models: readonly string[];
  messages: Messages;
}>;

const UsageFilter: FC<FilterProps> = ({ query, keys, models, messages }) => {
  const { usage, calls } = messages;
  const toOption = (value: string, text: string, selected: boolean) => ({ value, text, selected });
  return (
    <form method="get" action="/usage" class="card filters">
      <input type="hidden" name="metric" value={query.metric} />
      <input type="hidden" name="stack" value={query.stack} />
      <Field name="from" type="date" label={usage.from} value={toIsoDay(query.range.from)} />
      <Field name="to" type="date" label={usage.to} value={toIsoDay(query.range.to)} />
      <SelectField
        name="key"
        label={usage.key}
        allLabel={calls.all}
        options={keys.map(({ keyId, name, last4 }) =>
          toOption(String(keyId), `${name} (…${last4})`, keyId === query.keyId),
        )}
      />
      <SelectField
        name="model"
        label={usage.model}
        allLabel={calls.all}
        options={models.map((model) => toOption(model, model, model === query.model))}
      />
      <SelectField
        name="by"
        label={usage.table}
        options={GROUPS.map((group) => toOption(group, usage[group], group === query.by))}
      />
      <p>
        <button type="submit">{usage.show}</button>
      </p>
    </form>
  );
};

function listPresets(query: UsageQuery, messages: Messages): readonly Segment[] {
  const { today, range } = query;
  return PRESET_DAYS.map((days) => {
    const preset = { from: today - days + 1, to: today };
    return {
      href: `/usage?${toQueryString(query, { range: preset })}`,
      text: messages.layout.lastDays(days),
      current: range.from === preset.from && range.to === today,
    };
  });
}

const ChartChoices: FC<{ query: UsageQuery; messages: Messages }> = ({ query, messages }) => {
  const { usage } = messages;
  return (
    <>
      <Segments
        label={usage.metric}
        segments={listMetrics(query.stack).map((metric) => ({
          href: `/usage?${toQueryString(query, { metric })}`,
          text: usage.metrics[metric],
          current: metric === query.metric,
        }))}
      />
      <Segments
        label={usage.groupBy}
        segments={STACKS.map((stack) => ({
          href: `/usage?${toQueryString(query, { stack })}`,
          text: usage[stack],
          current: stack === query.stack,
        }))}
      />
    </>
  );
};

type UsageTableProps = Readonly<{
  query: UsageQuery;
  rows: readonly UsageRow[];
  messages: Messages;
  language: string;
}>;

const UsageCells: FC<{ sum: Omit<UsageRow, 'name' | 'group'>; language: string }> = (props) => {
  const { sum, language } = props;
  return (
    <>
      <td class="number from-tablet">{formatCount(sum.calls, language)}</td>
      <td class="number from-desktop">{formatCount(sum.inputTokens, language)}</td>
      <td class="number from-desktop">{formatCount(sum.outputTokens, language)}</td>
      <td class="number">{formatCurrency(sum.charged, language)}</td>
    </>
  );
};

function toGroupName({ stack }: UsageQuery, keyName: KeyName, messages: Messages) {
  return (group: string) => {
    if (stack === 'key') return keyName(group);
    if (stack === 'provider') return getProviderName(group);
    return stack === 'kind' ? getKindName(group, messages) : group;
  };
}

/** The calls behind a row of the table. */
function toCallsLink({ by }: UsageQuery, { group }: UsageRow): string {
  if (by === 'key') return `/calls?key=${group}`;
  if (by === 'model') return `/calls?model=${encodeURIComponent(group)}`;
  const day = toIsoDay(Number(group));
  return `/calls?from=${day}&to=${day}`;
}

/** Exact figures; days without a call have no row. */
const UsageTable: FC<UsageTableProps> = ({ query, rows, messages, language }) => {
  const { by } = query;
  const { usage } = messages;
  const headers = [
    [usage.calls, 'number from-tablet'],
    [usage.input, 'number from-desktop'],
    [usage.output, 'number from-desktop'],
    [usage.charged, 'number'],
  ] as const;
  return (
    <table>
      <caption class="hidden-text">{usage.chart[by]}</caption>
      <thead>
        <tr>
          <th scope="col">{usage[by]}</th>
          {headers.map(([text, classes]) => (
            <th scope="col" class={classes}>
              {text}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows
          .filter(({ calls }) => calls > 0)
          .map((row) => (
            <tr>
              <th scope="row">
                <a class="row-link" href={toCallsLink(query, row)}>
                  {row.name}
                </a>
              </th>
              <UsageCells sum={row} language={language} />
            </tr>
          ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{usage.total}</th>
          <UsageCells sum={totalUsage(rows)} language={language} />
        </tr>
      </tfoot>
    </table>
  );
};

export const usageRoutes = new Hono<SignedInEnv>();
usageRoutes.use('/usage', requireSignIn);
usageRoutes.use('/usage.csv', requireSignIn);

const YEAR_DAYS = 366;

/** The models that the account called within a year, as choices of the filter. */
async function listCalledModels(
  c: Context<SignedInEnv>,
  { today }: UsageQuery,
): Promise<readonly string[]> {
  const { deps, user } = c.var;
  const range = { from: today - YEAR_DAYS, to: today };
  const sums = await sumUsage(deps.identity.db, user.account, range, 'model');
  return sums.map(({ group }) => group).sort();
}

usageRoutes.get('/usage', async (c) => {
  const { messages, language } = c.var;
  const { usage, layout } = messages;
  const query = parseUsageQuery(c);
  const [{ daily, keys, keyName, rows }, models] = await Promise.all([
    loadUsage(c, query),
    listCalledModels(c, query),
  ]);
  const { range, stack, metric, today } = query;
  const period = usage.period(formatDay(range.from, language), formatDay(range.to, language));
  return page(
    c,
    {
      title: messages.nav.usage,
      activePath: '/usage',
      wide: true,
      status: query.problem ? 422 : 200,
      actions: <Segments label={layout.period} segments={listPresets(query, messages)} />,
    },
    <>
      {query.problem && <Note kind="problem">{usage.invalidRange}</Note>}
      <UsageFilter query={query} keys={keys} models={models} messages={messages} />
      <Card id="chart" title={period} actions={<ChartChoices query={query} messages={messages} />}>
        {totalUsage(rows).calls === 0 ? (
          <EmptyState text={usage.empty}>
            <p>
              <a href="/playground">{usage.tryModel}</a>
            </p>
          </EmptyState>
        ) : (
          <UsageStackView
            messages={messages}
            language={language}
            stack={buildUsageStack(daily, range, metric)}
            metric={metric}
            today={today}
            groupTitle={usage[stack]}
            groupName={toGroupName(query, keyName, messages)}
            {...(stack === 'kind' ? { sharedCalls: totalUsage(rows).calls } : {})}
          />
        )}
      </Card>
      {totalUsage(rows).calls > 0 && (
        <Card
          id="table"
          title={usage.chart[query.by]}
          actions={<a href={`/usage.csv?${toQueryString(query)}`}>{layout.download}</a>}
        >
          <UsageTable query={query} rows={rows} messages={messages} language={language} />
        </Card>
      )}
      <p>
        <small>{usage.freshness}</small>
      </p>
    </>,
  );
});

const SPEND_GROUPS = [...SPEND_KINDS, 'unknown'] as const;
const HEADER = [
  ...['calls', 'input_tokens', 'output_tokens', 'charged_usd', 'charged_nano_usd'],
  ...SPEND_GROUPS.map((kind) => `${kind}_charged_nano_usd`),
  'cache_saved_nano_usd',
];

/** The amounts of each token kind and what cache reads saved, by day, key or model. */
async function loadKindCells(
  c: Context<SignedInEnv>,
  { range, by, keyId, model }: UsageQuery,
): Promise<ReadonlyMap<string, readonly bigint[]>> {
  const { deps, user } = c.var;
  const sums = await sumGroupSpend(deps.identity.db, user.account, range, { by, keyId, model });
  return new Map(
    sums.map(({ group, kinds, unknown, cacheSaved }) => {
      const amounts = { ...kinds, unknown };
      return [group, [...SPEND_GROUPS.map((kind) => amounts[kind]), cacheSaved]];
    }),
  );
}

usageRoutes.get('/usage.csv', async (c) => {
  const query = parseUsageQuery(c);
  if (query.problem) return c.text(c.var.messages.usage.invalidRange, 422);
  const [usage, kindCells] = await Promise.all([loadUsage(c, query), loadKindCells(c, query)]);
  const noAmounts = [...SPEND_GROUPS.map(() => 0n), 0n];
  const rows = usage.rows.map(({ group, name, calls, inputTokens, outputTokens, charged }) => {
    const groupLabel = query.by === 'day' ? toIsoDay(Number(group)) : name;
    const sums = [groupLabel, calls, inputTokens, outputTokens, { usd: charged }, charged];
    return [...sums, ...(kindCells.get(group) ?? noAmounts)];
  });
  const { from, to } = query.range;
  const file = `farebox-usage-by-${query.by}-${toIsoDay(from)}-${toIsoDay(to)}.csv`;
  return csvResponse(file, [query.by, ...HEADER], singleBatch(rows));
});
