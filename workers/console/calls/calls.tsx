/**
 * The list of calls, newest first and paginated, and the details of each. A call is looked up by
 * account and id, so the id of another account's call gives the same 404 as an unknown one.
 */

import {
  findCallRecord,
  listCalls,
  listKeys,
  nextPageCursor,
  sumUsage,
} from '@farebox/database/statements';
import { Field, formatCount, toEpochDay, toIsoDay } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { DAY_MS } from '@farebox/ledger';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { csvResponse } from '../format/csv.ts';
import { page } from '../layout.tsx';
import { notFoundPage } from '../not-found.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';
import { CallPage } from './call-details.tsx';
import { CALL_HEADERS, CALLS_PER_FILE, streamCallBatches } from './call-export.ts';
import { type CallQuery, parseCallQuery, toQueryString } from './call-filters.ts';
import { CallTable } from './call-table.tsx';

const CALLS_PER_PAGE = 50;
const YEAR_DAYS = 366;

type SelectOption = Readonly<{ value: string; text: string; selected: boolean }>;

const Select: FC<
  Readonly<{ name: string; label: string; allLabel: string; options: readonly SelectOption[] }>
> = ({ name, label, allLabel, options }) => (
  <p class="field">
    <label for={name}>{label}</label>
    <select id={name} name={name}>
      <option value="">{allLabel}</option>
      {options.map(({ value, text, selected }) => (
        <option value={value} selected={selected}>
          {text}
        </option>
      ))}
    </select>
  </p>
);

type FilterOptions = Readonly<{ keys: readonly SelectOption[]; models: readonly SelectOption[] }>;

const Filter: FC<
  Readonly<{ query: CallQuery; filterOptions: FilterOptions; messages: Messages }>
> = (props) => {
  const { query, filterOptions, messages } = props;
  const { succeeded, from, until } = query.filter;
  const { calls } = messages;
  const outcomes = [
    { value: 'succeeded', text: calls.succeeded, selected: succeeded === true },
    { value: 'failed', text: calls.failed, selected: succeeded === false },
  ];
  const fromDay = from === undefined ? '' : toIsoDay(from / DAY_MS);
  const toDay = until === undefined ? '' : toIsoDay(until / DAY_MS - 1);
  return (
    <form method="get" action="/calls" class="filter">
      <Select name="key" label={calls.key} allLabel={calls.all} options={filterOptions.keys} />
      <Select
        name="model"
        label={calls.model}
        allLabel={calls.all}
        options={filterOptions.models}
      />
      <Select name="outcome" label={calls.outcome} allLabel={calls.all} options={outcomes} />
      <Field name="from" type="date" label={calls.from} value={fromDay} />
      <Field name="to" type="date" label={calls.to} value={toDay} />
      <p>
        <button type="submit">{calls.filter}</button>
      </p>
    </form>
  );
};

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

export const callRoutes = new Hono<SignedInEnv>();
for (const path of ['/calls', '/calls/*', '/calls.csv']) callRoutes.use(path, requireSignIn);

callRoutes.get('/calls', async (c) => {
  const { deps, user, messages, language } = c.var;
  const query = parseCallQuery((name) => c.req.query(name));
  const { account } = user;
  const [rows, filterOptions, accountStatus] = await Promise.all([
    listCalls(deps.identity.db, account, { ...query, limit: CALLS_PER_PAGE + 1 }),
    loadFilterOptions(c, query),
    deps.accounts.status(account),
  ]);
  const visibleCalls = rows.slice(0, CALLS_PER_PAGE);
  const last = visibleCalls.at(-1)?.generation;
  const older =
    rows.length > CALLS_PER_PAGE && last !== undefined ? { at: last.createdAt, id: last.id } : null;
  const inFlight = accountStatus?.openCalls ?? 0;
  return page(
    c,
    { title: messages.nav.calls, activePath: '/calls', wide: true },
    <>
      <Filter query={query} filterOptions={filterOptions} messages={messages} />
      {inFlight > 0 && <p>{messages.calls.inProgress(formatCount(inFlight, language))}</p>}
      {visibleCalls.length === 0 ? (
        <p>{messages.calls.empty}</p>
      ) : (
        <CallTable calls={visibleCalls} messages={messages} language={language} />
      )}
      <p class="pages">
        {query.before !== null && (
          <a href={`/calls${toQueryString(query, null)}`}>{messages.layout.newest}</a>
        )}{' '}
        {older !== null && (
          <a href={`/calls${toQueryString(query, older)}`}>{messages.layout.older}</a>
        )}
      </p>
      <p>
        <a href={`/calls/export${toQueryString(query, query.before)}`}>{messages.calls.export}</a>
      </p>
      <p>
        <small>{messages.usage.freshness}</small>
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
  const batches = streamCallBatches({ db, account: user.account, ...query, keyName });
  const response = csvResponse('farebox-calls.csv', CALL_HEADERS, batches);
  // RFC 8288: lets a client follow the link from file to file.
  if (next !== null)
    response.headers.set('link', `</calls.csv${toQueryString(query, next)}>; rel="next"`);
  return response;
});

callRoutes.get('/calls/:id{[0-9a-f]{32}}', async (c) => {
  const { deps, user, messages, language } = c.var;
  const [call, keyName] = await Promise.all([
    findCallRecord(deps.identity.db, user.account, c.req.param('id')),
    loadKeyNames(c),
  ]);
  if (call === undefined) return notFoundPage(c);
  const props = { call, keyName: keyName(call.keyId), messages, language };
  return page(
    c,
    { title: messages.calls.title, activePath: '/calls', wide: true },
    <CallPage {...props} />,
  );
});
