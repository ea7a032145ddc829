/**
 * Calls, newest first, page by page, and the bill of each. A call is looked up under the account that
 * asks and under no other, so somebody else's id is as unknown as one that never was.
 */
import { callsCut, callsPage, listKeys, statedCall, usageSums } from '@farebox/database';
import type { Texts } from '@farebox/languages';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { count, DAY_MS, dayOf, isoDay } from '../charts/figures.ts';
import { csvAnswer } from '../charts/sheet.ts';
import { missing } from '../missing.tsx';
import { Field, page } from '../page.tsx';
import { type Somebody, signedIn } from '../visitor.ts';
import { type AskedCalls, queryOf, readAsked } from './asked.ts';
import { CallPage } from './detail.tsx';
import { CALL_COLUMNS, CALLS_A_FILE, callBatches } from './export.ts';
import { CallTable } from './rows.tsx';

const CALLS_A_PAGE = 50;
const YEAR_DAYS = 366;

type Choice = Readonly<{ value: string; text: string; chosen: boolean }>;

const Choose: FC<
  Readonly<{ name: string; label: string; all: string; choices: readonly Choice[] }>
> = ({ name, label, all, choices }) => (
  <p class="field">
    <label for={name}>{label}</label>
    <select id={name} name={name}>
      <option value="">{all}</option>
      {choices.map(({ value, text, chosen }) => (
        <option value={value} selected={chosen}>
          {text}
        </option>
      ))}
    </select>
  </p>
);

type Known = Readonly<{ keys: readonly Choice[]; models: readonly Choice[] }>;

const Filter: FC<Readonly<{ asked: AskedCalls; known: Known; texts: Texts }>> = (props) => {
  const { asked, known, texts } = props;
  const { succeeded, from, until } = asked.filter;
  const { calls } = texts;
  const outcomes = [
    { value: 'succeeded', text: calls.succeeded, chosen: succeeded === true },
    { value: 'failed', text: calls.failed, chosen: succeeded === false },
  ];
  const fromDay = from === undefined ? '' : isoDay(from / DAY_MS);
  const toDay = until === undefined ? '' : isoDay(until / DAY_MS - 1);
  return (
    <form method="get" action="/calls" class="filter">
      <Choose name="key" label={calls.key} all={calls.all} choices={known.keys} />
      <Choose name="model" label={calls.model} all={calls.all} choices={known.models} />
      <Choose name="outcome" label={calls.outcome} all={calls.all} choices={outcomes} />
      <Field name="from" type="date" label={calls.from} value={fromDay} />
      <Field name="to" type="date" label={calls.to} value={toDay} />
      <p>
        <button type="submit">{calls.filter}</button>
      </p>
    </form>
  );
};

/** What can be chosen: the account's keys, and the models it called within a year. */
async function readKnown(c: Context<Somebody>, { filter }: AskedCalls): Promise<Known> {
  const { house, person } = c.var;
  const { db, now } = house.identity;
  const today = dayOf(now());
  const [keys, models] = await Promise.all([
    listKeys(db, person.account),
    usageSums(db, person.account, { from: today - YEAR_DAYS, to: today }, 'model'),
  ]);
  return {
    keys: keys.map(({ keyId, name, last4 }) => ({
      value: String(keyId),
      text: `${name} (…${last4})`,
      chosen: keyId === filter.keyId,
    })),
    models: models
      .map(({ group }) => ({ value: group, text: group, chosen: group === filter.model }))
      .sort((a, b) => (a.value < b.value ? -1 : 1)),
  };
}

async function keyNames(c: Context<Somebody>): Promise<(keyId: number) => string> {
  const { house, person, texts } = c.var;
  const keys = await listKeys(house.identity.db, person.account);
  const names = new Map(keys.map((key) => [key.keyId, key.name]));
  return (keyId) => names.get(keyId) ?? texts.usage.keyGone(String(keyId));
}

export const calls = new Hono<Somebody>();
for (const path of ['/calls', '/calls/*', '/calls.csv']) calls.use(path, signedIn);

calls.get('/calls', async (c) => {
  const { house, person, texts, language } = c.var;
  const asked = readAsked((name) => c.req.query(name));
  const { account } = person;
  const [found, known, standing] = await Promise.all([
    callsPage(house.identity.db, account, { ...asked, most: CALLS_A_PAGE + 1 }),
    readKnown(c, asked),
    house.accounts.standing(account),
  ]);
  const shown = found.slice(0, CALLS_A_PAGE);
  const last = shown.at(-1)?.bill;
  const older =
    found.length > CALLS_A_PAGE && last !== undefined ? { at: last.createdAt, id: last.id } : null;
  const inFlight = standing?.openCalls ?? 0;
  return page(
    c,
    { title: texts.frame.calls, here: '/calls', wide: true },
    <>
      <Filter asked={asked} known={known} texts={texts} />
      {inFlight > 0 && <p>{texts.calls.inFlight(count(inFlight, language))}</p>}
      {shown.length === 0 ? (
        <p>{texts.calls.empty}</p>
      ) : (
        <CallTable calls={shown} texts={texts} language={language} />
      )}
      <p class="pages">
        {asked.before !== null && <a href={`/calls${queryOf(asked, null)}`}>{texts.frame.first}</a>}{' '}
        {older !== null && <a href={`/calls${queryOf(asked, older)}`}>{texts.frame.next}</a>}
      </p>
      <p>
        <a href={`/calls/export${queryOf(asked, asked.before)}`}>{texts.calls.export}</a>
      </p>
      <p>
        <small>{texts.usage.fresh}</small>
      </p>
    </>,
  );
});

/** The parts of an export, one a page: each says whether there is another. */
calls.get('/calls/export', async (c) => {
  const { house, person, texts, language } = c.var;
  const asked = readAsked((name) => c.req.query(name));
  const part = Math.max(1, Number(/^\d{1,6}$/.exec(c.req.query('part') ?? '')?.[0] ?? 1));
  const next = await callsCut(house.identity.db, person.account, { ...asked, most: CALLS_A_FILE });
  const onward = next === null ? '' : queryOf(asked, next);
  return page(
    c,
    { title: texts.calls.exportTitle, here: '/calls' },
    <>
      <p>{texts.calls.exportText(count(CALLS_A_FILE, language))}</p>
      <p>
        <a class="button" href={`/calls.csv${queryOf(asked, asked.before)}`}>
          {texts.calls.part(count(part, language))}
        </a>
      </p>
      {next === null ? (
        <p>{texts.calls.lastPart}</p>
      ) : (
        <p>
          <a href={`/calls/export${onward}&part=${part + 1}`}>{texts.calls.nextPart}</a>
        </p>
      )}
    </>,
  );
});

calls.get('/calls.csv', async (c) => {
  const { house, person } = c.var;
  const { db } = house.identity;
  const asked = readAsked((name) => c.req.query(name));
  const [keyName, next] = await Promise.all([
    keyNames(c),
    callsCut(db, person.account, { ...asked, most: CALLS_A_FILE }),
  ]);
  const batches = callBatches({ db, account: person.account, ...asked, keyName });
  const answer = csvAnswer('farebox-calls.csv', CALL_COLUMNS, batches);
  // RFC 8288: a program follows it from file to file.
  if (next !== null) answer.headers.set('link', `</calls.csv${queryOf(asked, next)}>; rel="next"`);
  return answer;
});

calls.get('/calls/:id{[0-9a-f]{32}}', async (c) => {
  const { house, person, texts, language } = c.var;
  const [call, keyName] = await Promise.all([
    statedCall(house.identity.db, person.account, c.req.param('id')),
    keyNames(c),
  ]);
  if (call === undefined) return missing(c);
  const shown = { call, keyName: keyName(call.keyId), texts, language };
  return page(c, { title: texts.calls.title, here: '/calls', wide: true }, <CallPage {...shown} />);
});
