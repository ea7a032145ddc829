/**
 * The list of calls, newest first and paginated, and the details of each. A call is looked up by
 * account and id, so the id of another account's call gives the same 404 as an unknown one.
 */

import {
  CALL_BUCKETS,
  type CallPage,
  type CallSummary,
  findCallCorrection,
  findCallRecord,
  listCalls,
  listKeys,
  nextPageCursor,
  SEARCHED_CALLS,
  summarizeCalls,
  sumUsage,
  toEndingKind,
} from '@farebox/database/statements';
import {
  Card,
  EmptyState,
  Field,
  formatCount,
  formatRoundedCurrency,
  formatShortDay,
  formatTime,
  Note,
  type Segment,
  Segments,
  SelectField,
  type SelectOption,
  StackedChart,
  toEpochDay,
  toIsoDay,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { DAY_MS } from '@farebox/ledger';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { csvResponse } from '../format/csv.ts';
import { page } from '../layout.tsx';
import { notFoundPage } from '../not-found.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';
import { CallDetails } from './call-details.tsx';
import { isCut } from './call-ending.ts';
import { CALL_HEADERS, CALLS_PER_FILE, streamCallBatches } from './call-export.ts';
import { type CallQuery, OUTCOMES, parseCallQuery, toQueryString } from './call-filters.ts';
import { CallTable } from './call-table.tsx';
import { RefusedCallList } from './refused-calls.tsx';

const CALLS_PER_PAGE = 50;
const YEAR_DAYS = 366;
const PRESET_DAYS = [1, 7, 30] as const;
/** The calls that totals and the chart cover: a bounded read, however many calls match. */
const SUMMARIZED_CALLS = 5_000;

type FilterOptions = Readonly<{ keys: readonly SelectOption[]; models: readonly SelectOption[] }>;

const Filter: FC<
  Readonly<{ query: CallQuery; filterOptions: FilterOptions; messages: Messages }>
> = (props) => {
  const { query, filterOptions, messages } = props;
  const { outcome, ending, from, until } = query.filter;
  const { calls } = messages;
  const fromDay = from === undefined ? '' : toIsoDay(from / DAY_MS);
  const toDay = until === undefined ? '' : toIsoDay(until / DAY_MS - 1);
  return (
    <form method="get" action="/calls" class="card filters">
      {outcome !== undefined && <input type="hidden" name="outcome" value={outcome} />}
      {ending !== undefined && <input type="hidden" name="ending" value={ending} />}
      <SelectField name="key" label={calls.key} allLabel={calls.all} options={filterOptions.keys} />
      <SelectField
        name="model"
        label={calls.model}
        allLabel={calls.all}
        options={filterOptions.models}
      />
      <Field name="from" type="date" label={calls.from} value={fromDay} />
      <Field name="to" type="date" label={calls.to} value={toDay} />
      <Field
        name="id"
        label={calls.id}
        maxlength={64}
        placeholder={calls.idPlaceholder}
        autocomplete="off"
        spellcheck={false}
      />
      <p>
        <button type="submit">{calls.filter}</button>
      </p>
    </form>
  );
};

function listPresets({ filter }: CallQuery, today: number, messages: Messages): readonly Segment[] {
  const presets = PRESET_DAYS.map((days) => {
    const [from, until] = [(today - days + 1) * DAY_MS, (today + 1) * DAY_MS];
    return {
      href: `/calls${toQueryString({ filter: { ...filter, from, until }, before: null }, null)}`,
      text: days === 1 ? messages.layout.today : messages.layout.lastDays(days),
      current: filter.from === from && filter.until === until,
    };
  });
  const all = { filter: { ...filter, from: undefined, until: undefined }, before: null };
  const current = filter.from === undefined && filter.until === undefined;
  return [
    ...presets,
    { href: `/calls${toQueryString(all, null)}`, text: messages.calls.all, current },
  ];
}

/** The number of calls of each outcome among those summarized, ignoring the filter by it. */
function countOutcomes(summary: CallSummary | undefined) {
  const counts = { all: 0, succeeded: 0, cut: 0, failed: 0 };
  for (const { calls, ...ended } of summary?.endings ?? []) {
    const { httpStatus } = ended;
    counts.all += calls;
    if (httpStatus !== null && httpStatus < 400) counts.succeeded += calls;
    else counts.failed += calls;
    if (isCut(toEndingKind(ended))) counts.cut += calls;
  }
  return counts;
}

type SummaryProps = Readonly<{ messages: Messages; language: string }>;

const OutcomeSegments: FC<
  SummaryProps & Readonly<{ query: CallQuery; summary: CallSummary | undefined }>
> = ({ query, summary, messages, language }) => {
  const { calls } = messages;
  const counts = countOutcomes(summary);
  const { ending } = query.filter;
  const toSegment = (outcome: (typeof OUTCOMES)[number] | undefined): Segment => {
    const filter = { ...query.filter, outcome, ending: undefined };
    return {
      href: `/calls${toQueryString({ filter, before: null }, null)}`,
      text: `${calls[outcome ?? 'all']} ${formatCount(counts[outcome ?? 'all'], language)}`,
      current: ending === undefined && query.filter.outcome === outcome,
    };
  };
  const segments = [undefined, ...OUTCOMES].map(toSegment);
  if (ending === undefined) return <Segments label={calls.outcome} segments={segments} />;
  const href = `/calls${toQueryString(query, null)}`;
  const shown = { href, text: calls.endings[ending], current: true };
  return <Segments label={calls.outcome} segments={[...segments, shown]} />;
};

/** The calls by time, failed ones marked. */
const CallHistogram: FC<SummaryProps & Readonly<{ summary: CallSummary }>> = (props) => {
  const { summary, messages, language } = props;
  const { from, until, buckets } = summary;
  const { calls: t } = messages;
  const byIndex = new Map(buckets.map((bucket) => [bucket.index, bucket]));
  const length = (until - from) / CALL_BUCKETS;
  const isShort = until - from <= 2 * DAY_MS;
  const columns = Array.from({ length: CALL_BUCKETS }, (_, index) => {
    const { calls = 0, failed = 0 } = byIndex.get(index) ?? {};
    const at = Math.floor(from + index * length);
    return {
      label: isShort
        ? new Date(at).toISOString().slice(11, 16)
        : formatShortDay(toEpochDay(at), language),
      title: `${formatTime(at, language)}: ${t.counted(formatCount(calls, language), formatCount(failed, language))}`,
      amounts: [BigInt(calls - failed), BigInt(failed)],
    };
  });
  const counts = countOutcomes(summary);
  return (
    <StackedChart
      id="histogram"
      title={t.histogram}
      description={t.counted(
        formatCount(counts.all, language),
        formatCount(counts.failed, language),
      )}
      columns={columns}
      colors={[1, 'bad']}
    />
  );
};

function summaryTitle(
  summary: CallSummary | undefined,
  { messages, language }: SummaryProps,
): string {
  const endings = summary?.endings ?? [];
  const count = endings.reduce((all, ending) => all + ending.calls, 0);
  const charged = endings.reduce((all, ending) => all + ending.charged, 0n);
  const title = count >= SUMMARIZED_CALLS ? messages.calls.latestTotal : messages.calls.sum;
  return title(formatCount(count, language), formatRoundedCurrency(charged, language));
}

/** The choices of the filters: the account's keys, and the models it called within a year. */
async function loadFilterOptions(
  c: Context<SignedInEnv>,
  { filter }: CallQuery,
): Promise<FilterOptions> {
  const { deps, user } = c.var;
  const { db, now } = deps.identity;
  const today = toEpochDay(now());
  const [keys, models] = await Promise.all([
    listKeys(db, user.account),
    sumUsage(db, user.account, { from: today - YEAR_DAYS, to: today }, 'model'),
  ]);
  return {
    keys: keys.map(({ keyId, name, last4 }) => ({
      value: String(keyId),
      text: `${name} (…${last4})`,
      selected: keyId === filter.keyId,
    })),
    models: models
      .map(({ group }) => ({ value: group, text: group, selected: group === filter.model }))
      .sort((a, b) => (a.value < b.value ? -1 : 1)),
  };
}

async function loadKeyNames(c: Context<SignedInEnv>): Promise<(keyId: number) => string> {
  const { deps, user, messages } = c.var;
  const keys = await listKeys(deps.identity.db, user.account);
  const names = new Map(keys.map((key) => [key.keyId, key.name]));
  return (keyId) => names.get(keyId) ?? messages.usage.deletedKey(String(keyId));
}

type FoundCallsProps = SummaryProps &
  Readonly<{ query: CallQuery; list: CallPage; keyName: (keyId: number) => string }>;

/** Without a filter there was no call yet; with one the way out is to clear it. */
const NoCalls: FC<Readonly<{ query: CallQuery; messages: Messages }>> = ({ query, messages }) => {
  const { calls: t, usage } = messages;
  const isFiltered = toQueryString(query, query.before) !== '';
  return (
    <EmptyState text={isFiltered ? t.empty : t.none}>
      <p>
        <a href={isFiltered ? '/calls' : '/playground'}>
          {isFiltered ? t.clearFilters : usage.tryModel}
        </a>
      </p>
    </EmptyState>
  );
};

/** One page of calls, and the way to older ones. */
const FoundCalls: FC<FoundCallsProps> = ({ query, list, keyName, messages, language }) => {
  const { calls: t, layout } = messages;
  const { calls, next, isPartial } = list;
  return (
    <>
      {calls.length > 0 && (
        <CallTable messages={messages} language={language} calls={calls} keyName={keyName} />
      )}
      {calls.length === 0 && !isPartial && <NoCalls query={query} messages={messages} />}
      {isPartial && (
        <Note kind="info">
          {t.searchedLatest(formatCount(query.searched ?? SEARCHED_CALLS, language))}
        </Note>
      )}
      <p class="pages">
        {query.before !== null && (
          <a class="button plain" href={`/calls${toQueryString(query, null)}`}>
            {layout.newest}
          </a>
        )}
        {next !== null && (
          <a class="button plain" href={`/calls${toQueryString(query, next)}`}>
            {isPartial ? t.searchOlder : layout.older}
          </a>
        )}
      </p>
    </>
  );
};

export const callRoutes = new Hono<SignedInEnv>();
for (const path of ['/calls', '/calls/*', '/calls.csv']) callRoutes.use(path, requireSignIn);

/** The path of the call with this id, as pasted from a log; null where it is no id. */
function toCallPath(id: string | undefined): string | null {
  const match = /[0-9a-f]{32}/.exec((id ?? '').toLowerCase().replaceAll('-', ''));
  return match === null ? null : `/calls/${match[0]}`;
}

/** Files are searched to their own bound. */
function toExport(query: CallQuery): CallQuery {
  return { ...query, searched: undefined };
}

async function loadCallPage(c: Context<SignedInEnv>, query: CallQuery) {
  const { deps, user } = c.var;
  const { db } = deps.identity;
  const { account } = user;
  const { filter, searched } = query;
  const isByEnding = filter.outcome !== undefined || filter.ending !== undefined;
  const whole = { ...filter, outcome: undefined, ending: undefined };
  const [list, filterOptions, accountStatus, refused, ...rest] = await Promise.all([
    listCalls(db, account, { ...query, limit: CALLS_PER_PAGE }, searched),
    loadFilterOptions(c, query),
    deps.accounts.status(account),
    deps.accounts.refusedCalls(account),
    loadKeyNames(c),
    summarizeCalls(db, account, whole, SUMMARIZED_CALLS, searched),
    isByEnding ? summarizeCalls(db, account, filter, SUMMARIZED_CALLS, searched) : undefined,
  ]);
  const [keyName, summary, shown] = rest;
  return {
    ...{ list, filterOptions, keyName, summary, refused },
    shown: isByEnding ? shown : summary,
    inFlight: accountStatus?.openCalls ?? 0,
  };
}

callRoutes.get('/calls', async (c) => {
  const { deps, messages, language } = c.var;
  const { calls: t, layout } = messages;
  const requestedId = c.req.query('id') ?? '';
  const callPath = toCallPath(requestedId);
  if (callPath !== null) return c.redirect(callPath, 303);
  const query = parseCallQuery((name) => c.req.query(name));
  const data = await loadCallPage(c, query);
  const { list, filterOptions, summary, shown, inFlight, keyName, refused } = data;
  const locale = { messages, language };
  const today = toEpochDay(deps.identity.now());
  return page(
    c,
    {
      title: messages.nav.calls,
      activePath: '/calls',
      wide: true,
      actions: <Segments label={layout.period} segments={listPresets(query, today, messages)} />,
    },
    <>
      {requestedId !== '' && <Note kind="problem">{t.idInvalid}</Note>}
      <Filter query={query} filterOptions={filterOptions} messages={messages} />
      <Card
        id="calls"
        title={summaryTitle(shown, locale)}
        actions={
          <a href={`/calls/export${toQueryString(toExport(query), query.before)}`}>
            {layout.download}
          </a>
        }
      >
        {shown !== undefined && <CallHistogram {...locale} summary={shown} />}
        <OutcomeSegments {...locale} query={query} summary={summary} />
        {inFlight > 0 && <p>{t.inProgress(formatCount(inFlight, language))}</p>}
        <FoundCalls {...locale} query={query} list={list} keyName={keyName} />
      </Card>
      <RefusedCallList {...locale} siteUrl={deps.siteUrl} refused={refused} keyName={keyName} />
      <p>
        <small>{t.freshness}</small>
      </p>
    </>,
  );
});

/** Lists the parts of an export, one per page; each page links to the next part. */
callRoutes.get('/calls/export', async (c) => {
  const { deps, user, messages, language } = c.var;
  const query = parseCallQuery((name) => c.req.query(name));
  const part = Math.max(1, Number(/^\d{1,6}$/.exec(c.req.query('part') ?? '')?.[0] ?? 1));
  const next = await nextPageCursor(deps.identity.db, user.account, {
    ...query,
    limit: CALLS_PER_FILE,
  });
  const nextQuery = next === null ? '' : toQueryString(query, next);
  return page(
    c,
    { title: messages.calls.exportTitle, activePath: '/calls' },
    <>
      <p>{messages.calls.exportText(formatCount(CALLS_PER_FILE, language))}</p>
      <p>
        <a class="button" href={`/calls.csv${toQueryString(query, query.before)}`}>
          {messages.calls.downloadPart(formatCount(part, language))}
        </a>
      </p>
      {next === null ? (
        <p>{messages.calls.lastPart}</p>
      ) : (
        <p>
          <a href={`/calls/export${nextQuery}&part=${part + 1}`}>{messages.calls.nextPart}</a>
        </p>
      )}
    </>,
  );
});

callRoutes.get('/calls.csv', async (c) => {
  const { deps, user } = c.var;
  const { db } = deps.identity;
  const query = parseCallQuery((name) => c.req.query(name));
  const [keyName, next] = await Promise.all([
    loadKeyNames(c),
    nextPageCursor(db, user.account, { ...query, limit: CALLS_PER_FILE }),
  ]);
  const batches = streamCallBatches({ db, account: user.account, ...query, next, keyName });
  const response = csvResponse('farebox-calls.csv', CALL_HEADERS, batches);
  // RFC 8288: lets a client follow the link from file to file.
  if (next !== null)
    response.headers.set('link', `</calls.csv${toQueryString(query, next)}>; rel="next"`);
  return response;
});

callRoutes.get('/calls/:id{[0-9a-f]{32}}', async (c) => {
  const { deps, user, messages, language } = c.var;
  const [call, correction, keyName] = await Promise.all([
    findCallRecord(deps.identity.db, user.account, c.req.param('id')),
    findCallCorrection(deps.identity.db, user.account, c.req.param('id')),
    loadKeyNames(c),
  ]);
  if (call === undefined) return notFoundPage(c);
  const { apiUrl } = deps;
  const props = { call, correction, keyName: keyName(call.keyId), messages, language, apiUrl };
  return page(
    c,
    {
      title: messages.calls.callTitle(formatTime(call.generation.createdAt, language)),
      activePath: '/calls',
      wide: true,
      scripts: ['copy'],
      actions: (
        <a class="button plain" href="/calls">
          {messages.overview.allCalls}
        </a>
      ),
    },
    <CallDetails {...props} />,
  );
});
