/**
 * Movements of money that are no calls: credits and adjustments, as the ledger's lines say them, and
 * beside them what calls took, summed by day. The two together are the balance.
 */
import { type Movement, movementsPage, usageSums } from '@farebox/database';
import type { Texts } from '@farebox/languages';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { count, dayOf, dayText, isoDay, usd } from '../charts/figures.ts';
import { csvAnswer, type Row } from '../charts/sheet.ts';
import { page, Time } from '../page.tsx';
import { eachDay, totalOf } from '../usage/sums.ts';
import { type Somebody, signedIn } from '../visitor.ts';

const MOVEMENTS_A_PAGE = 50;
const MOVEMENTS_A_BATCH = 500;
const MOVEMENTS_A_FILE = 10_000;
const DAYS = 31;

type Reader = Readonly<{ texts: Texts; language: string }>;

const Movements: FC<Reader & Readonly<{ movements: readonly Movement[] }>> = (props) => {
  const { movements, texts, language } = props;
  const { transactions } = texts;
  return (
    <section class="scroll" tabindex={0} aria-label={transactions.table}>
      <table>
        <caption>{transactions.table}</caption>
        <thead>
          <tr>
            <th scope="col">{transactions.time}</th>
            <th scope="col">{transactions.kind}</th>
            <th scope="col" class="number">
              {transactions.amount}
            </th>
            <th scope="col" class="number">
              {transactions.after}
            </th>
            <th scope="col">{transactions.id}</th>
          </tr>
        </thead>
        <tbody>
          {movements.map(({ at, kind, delta, postedAfter, id }) => (
            <tr>
              <td>
                <Time at={at} language={language} />
              </td>
              <td>{transactions[kind]}</td>
              <td class="number">{usd(delta, language)}</td>
              <td class="number">{usd(postedAfter, language)}</td>
              <td>
                <code>{id}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
};

const Days: FC<Reader & Readonly<{ days: ReturnType<typeof eachDay> }>> = (props) => {
  const { days, texts, language } = props;
  const { transactions } = texts;
  const shown = days.filter(({ calls }) => calls > 0).reverse();
  if (shown.length === 0) return <p>{transactions.daysEmpty}</p>;
  return (
    <section class="scroll" tabindex={0} aria-label={transactions.daysTable}>
      <table>
        <caption>{transactions.daysTable}</caption>
        <thead>
          <tr>
            <th scope="col">{transactions.day}</th>
            <th scope="col" class="number">
              {transactions.calls}
            </th>
            <th scope="col" class="number">
              {transactions.charged}
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ group, calls, charged }) => {
            const day = Number(group);
            const text = dayText(day, language);
            return (
              <tr>
                <th scope="row">
                  <a
                    href={`/calls?from=${isoDay(day)}&to=${isoDay(day)}`}
                    aria-label={transactions.callsOf(text)}
                  >
                    {text}
                  </a>
                </th>
                <td class="number">{count(calls, language)}</td>
                <td class="number">{usd(-charged, language)}</td>
              </tr>
            );
          })}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{texts.usage.total}</th>
            <td class="number">{count(totalOf(days).calls, language)}</td>
            <td class="number">{usd(-totalOf(days).charged, language)}</td>
          </tr>
        </tfoot>
      </table>
    </section>
  );
};

function readSeq(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

export const transactions = new Hono<Somebody>();
transactions.use('/transactions', signedIn);
transactions.use('/transactions.csv', signedIn);

transactions.get('/transactions', async (c) => {
  const { house, person, texts, language } = c.var;
  const { db, now } = house.identity;
  const beforeSeq = readSeq(c.req.query('before'));
  const today = dayOf(now());
  const span = { from: today - DAYS + 1, to: today };
  const [found, sums] = await Promise.all([
    movementsPage(db, person.account, { beforeSeq, most: MOVEMENTS_A_PAGE + 1 }),
    usageSums(db, person.account, span, 'day'),
  ]);
  const shown = found.slice(0, MOVEMENTS_A_PAGE);
  const older = found.length > MOVEMENTS_A_PAGE ? shown.at(-1)?.seq : undefined;
  const reader = { texts, language };
  return page(
    c,
    { title: texts.frame.transactions, here: '/transactions', wide: true },
    <>
      <p>{texts.transactions.intro}</p>
      {shown.length === 0 ? (
        <p>{texts.transactions.empty}</p>
      ) : (
        <Movements {...reader} movements={shown} />
      )}
      <p class="pages">
        {beforeSeq !== null && <a href="/transactions">{texts.frame.first}</a>}{' '}
        {older !== undefined && <a href={`/transactions?before=${older}`}>{texts.frame.next}</a>}
      </p>
      <p>
        <a href="/transactions.csv">{texts.frame.download}</a>
      </p>
      <h2>{texts.transactions.days}</h2>
      <Days {...reader} days={eachDay(sums, span)} />
      <p>
        <a href={`/usage.csv?from=${isoDay(span.from)}&to=${isoDay(span.to)}&by=day`}>
          {texts.frame.download}
        </a>
      </p>
      <p>
        <small>{texts.usage.fresh}</small>
      </p>
    </>,
  );
});

const COLUMNS = ['seq', 'at', 'kind', 'id', 'amount_usd', 'amount_nano_usd', 'balance_after_usd'];

function movementRow({ seq, at, kind, id, delta, postedAfter }: Movement): Row {
  const time = new Date(at).toISOString();
  return [seq, time, kind, id, { usd: delta }, delta, { usd: postedAfter }];
}

type Read = (beforeSeq: number | null) => Promise<readonly Movement[]>;

async function* batchesOf(read: Read, before: number | null): AsyncGenerator<readonly Row[]> {
  let beforeSeq = before;
  for (let sent = 0; sent < MOVEMENTS_A_FILE; sent += MOVEMENTS_A_BATCH) {
    const batch = await read(beforeSeq);
    yield batch.map(movementRow);
    if (batch.length < MOVEMENTS_A_BATCH) return;
    beforeSeq = batch.at(-1)?.seq ?? null;
  }
}

/** At most one file's worth; `before` goes on where the last line of the one before stopped. */
transactions.get('/transactions.csv', (c) => {
  const { house, person } = c.var;
  const read: Read = (beforeSeq) =>
    movementsPage(house.identity.db, person.account, { beforeSeq, most: MOVEMENTS_A_BATCH });
  const batches = batchesOf(read, readSeq(c.req.query('before')));
  return csvAnswer('farebox-transactions.csv', COLUMNS, batches);
});
