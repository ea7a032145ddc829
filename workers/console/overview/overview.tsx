/**
 * What somebody sees first: the balance (from the account's own object, which alone knows it), how fast
 * it goes, the latest calls, and what needs attention. It reads sums by day and the newest rows along an
 * index; nothing here scans.
 */
import { callsPage, type KeyRow, listKeys, openNotices, usageSums } from '@farebox/database';
import type { Person } from '@farebox/identity';
import type { Texts } from '@farebox/languages';
import type { AccountStanding, KeyStanding } from '@farebox/ledger';
import type { Context } from 'hono';
import type { FC } from 'hono/jsx';
import { Notices } from '../alerts/notices.tsx';
import { CallTable } from '../calls/rows.tsx';
import { DayChart } from '../charts/bars.tsx';
import { count, dayOf, dayText, tenth, usd, usdNearly } from '../charts/figures.ts';
import { Note, page } from '../page.tsx';
import { dearestOf, eachDay, totalOf } from '../usage/sums.ts';
import type { Anybody } from '../visitor.ts';
import { type Burn, burnOf } from './burn.ts';

const CHART_DAYS = 14;
const LATEST_CALLS = 5;
const MOST_NOTICES = 10;
const YEAR_DAYS = 366;

type Reader = Readonly<{ texts: Texts; language: string }>;

function leftText({ daysLeft }: Burn, { texts, language }: Reader): string {
  if (daysLeft === null) return texts.overview.leftNone;
  if (daysLeft > YEAR_DAYS) return texts.overview.leftLong;
  return texts.overview.leftDays(tenth(daysLeft, language));
}

const Facts: FC<Reader & Readonly<{ standing: AccountStanding; burn: Burn }>> = (props) => {
  const { standing, burn, texts, language } = props;
  const { posted, held, openCalls } = standing;
  const { overview } = texts;
  const facts = [
    { name: overview.balance, value: usd(posted, language) },
    { name: overview.held(count(openCalls, language)), value: usd(held, language) },
    { name: overview.available, value: usd(posted - held, language) },
    {
      name: overview.perDay,
      value: usdNearly(burn.perDay, language),
      hint: overview.perDayHint,
    },
    { name: overview.today, value: usdNearly(burn.today, language) },
    { name: overview.left, value: leftText(burn, props), word: burn.daysLeft === null },
  ];
  return (
    <dl class="facts">
      {facts.map(({ name, value, hint, word }) => (
        <div>
          <dt>
            {name} {hint !== undefined && <small>({hint})</small>}
          </dt>
          <dd class={word === true ? 'word' : undefined}>{value}</dd>
        </div>
      ))}
    </dl>
  );
};

const Paused: FC<
  Reader & Readonly<{ standings: readonly KeyStanding[]; keys: readonly KeyRow[] }>
> = ({ standings, keys, texts, language }) => (
  <>
    {standings
      .filter((key) => key.pausedAt !== null && key.revokedAt === null)
      .map(({ keyId, spentToday }) => {
        const named = keys.find((key) => key.keyId === keyId)?.name;
        const name = named ?? texts.usage.keyGone(String(keyId));
        return (
          <Note kind="warning">
            {texts.overview.paused(name, usdNearly(spentToday, language))}{' '}
            <a href={`/keys/${keyId}/resume`}>{texts.overview.resume}</a>
          </Note>
        );
      })}
  </>
);

const Start: FC<Reader & Readonly<{ apiUrl: URL }>> = ({ texts, apiUrl }) => (
  <section>
    <h2>{texts.overview.start}</h2>
    <p>{texts.overview.startText}</p>
    <pre>
      {`curl ${new URL('/v1/chat/completions', apiUrl).href} \\
  -H "authorization: Bearer fbx_..." \\
  -H "content-type: application/json" \\
  -d '{"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}'`}
    </pre>
    <p>
      <a class="button" href="/keys/new">
        {texts.overview.makeKey}
      </a>
    </p>
  </section>
);

type Spent = Readonly<{ days: ReturnType<typeof eachDay>; today: number }>;

const Chart: FC<Reader & Spent> = ({ days, today, texts, language }) => {
  const { overview } = texts;
  const dearest = dearestOf(days);
  if (dearest === undefined) return <p>{overview.chartEmpty}</p>;
  const says = overview.chartSays(
    usd(totalOf(days).charged, language),
    usd(dearest.charged, language),
    dayText(Number(dearest.group), language),
  );
  const bars = days.map(({ group, charged: amount }) => {
    const day = Number(group);
    return { day, amount, partial: day === today };
  });
  return (
    <DayChart id="days" title={overview.chart} description={says} language={language} bars={bars} />
  );
};

async function read(c: Context<Anybody>, { account }: Person, today: number) {
  const { house } = c.var;
  const { db } = house.identity;
  const span = { from: today - CHART_DAYS + 1, to: today };
  const [standing, standings, sums, latest, notices, keys] = await Promise.all([
    house.accounts.standing(account),
    house.accounts.keys(account),
    usageSums(db, account, span, 'day'),
    callsPage(db, account, { filter: {}, before: null, most: LATEST_CALLS }),
    openNotices(db, account, MOST_NOTICES),
    listKeys(db, account),
  ]);
  return { standing, standings, latest, notices, keys, days: eachDay(sums, span) };
}

export async function overviewPage(c: Context<Anybody>): Promise<Response> {
  const { house, person, texts, language } = c.var;
  if (person === null) return c.redirect('/sign-in', 303);
  const { overview } = texts;
  const today = dayOf(house.identity.now());
  const { standing, standings, latest, notices, keys, days } = await read(c, person, today);
  if (standing === null) throw new Error('The account has no object.');
  const burn = burnOf(days, today, standing.posted - standing.held);
  const reader = { texts, language };
  return page(
    c,
    { title: texts.frame.overview, here: '/', wide: true },
    <>
      {standing.state === 'frozen' && <Note kind="warning">{overview.frozen}</Note>}
      <Paused {...reader} standings={standings} keys={keys} />
      {notices.length > 0 && (
        <section>
          <h2>{overview.notices}</h2>
          <Notices {...reader} notices={notices} keys={keys} back="/" />
        </section>
      )}
      <Facts {...reader} standing={standing} burn={burn} />
      <p>
        <small>
          {overview.fresh}{' '}
          {standing.pendingEntries > 0 && overview.behind(count(standing.pendingEntries, language))}
        </small>
      </p>
      {latest.length === 0 && <Start {...reader} apiUrl={house.apiUrl} />}
      <h2>{overview.chart}</h2>
      <Chart {...reader} days={days} today={today} />
      <p>
        <a href="/usage">{overview.moreUsage}</a>
      </p>
      {latest.length > 0 && (
        <>
          <h2>{overview.latest}</h2>
          <CallTable calls={latest} texts={texts} language={language} />
          <p>
            <a href="/calls">{overview.allCalls}</a>
          </p>
        </>
      )}
      <h2>{overview.api}</h2>
      <p>{overview.apiText}</p>
      <pre>{new URL('/v1', house.apiUrl).href}</pre>
    </>,
  );
}
