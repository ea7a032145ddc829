/**
 * The Statement screen: credits and adjustments as ledger entries, and the charges for calls summed
 * by day. Together they add up to the balance.
 */
import {
  type BalanceTransaction,
  listBalanceTransactions,
  sumUsage,
} from '@farebox/database/statements';
import {
  formatCount,
  formatCurrency,
  formatDay,
  Time,
  toEpochDay,
  toIsoDay,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { csvResponse, type Row } from '../format/csv.ts';
import { page } from '../layout.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';
import { fillMissingDays, totalUsage } from '../usage/aggregate.ts';

const TRANSACTIONS_PER_PAGE = 50;
const TRANSACTIONS_PER_BATCH = 500;
const TRANSACTIONS_PER_FILE = 10_000;
const DAYS = 31;

type LocaleProps = Readonly<{ messages: Messages; language: string }>;

const TransactionTable: FC<LocaleProps & Readonly<{ items: readonly BalanceTransaction[] }>> = (
  props,
) => {
  const { items, messages, language } = props;
  const { transactions } = messages;
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
              {transactions.balanceAfter}
            </th>
            <th scope="col">{transactions.id}</th>
          </tr>
        </thead>
        <tbody>
          {items.map(({ at, kind, delta, postedAfter, fee, id }) => (
            <tr>
              <td>
                <Time at={at} language={language} />
              </td>
              <td>
                {transactions[kind]}
                {fee > 0n && ` (${transactions.fee(formatCurrency(fee, language))})`}
              </td>
              <td class="number">{formatCurrency(delta, language)}</td>
              <td class="number">{formatCurrency(postedAfter, language)}</td>
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

const DailyTotals: FC<LocaleProps & Readonly<{ days: ReturnType<typeof fillMissingDays> }>> = (
  props,
) => {
  const { days, messages, language } = props;
  const { transactions } = messages;
  const visibleRows = days.filter(({ calls }) => calls > 0).reverse();
  if (visibleRows.length === 0) return <p>{transactions.daysEmpty}</p>;
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
          {visibleRows.map(({ group, calls, charged }) => {
            const day = Number(group);
            const text = formatDay(day, language);
            return (
              <tr>
                <th scope="row">
                  <a
                    href={`/calls?from=${toIsoDay(day)}&to=${toIsoDay(day)}`}
                    aria-label={transactions.callsOnDay(text)}
                  >
                    {text}
                  </a>
                </th>
                <td class="number">{formatCount(calls, language)}</td>
                <td class="number">{formatCurrency(-charged, language)}</td>
              </tr>
            );
          })}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{messages.usage.total}</th>
            <td class="number">{formatCount(totalUsage(days).calls, language)}</td>
            <td class="number">{formatCurrency(-totalUsage(days).charged, language)}</td>
          </tr>
        </tfoot>
      </table>
    </section>
  );
};

function parseSeq(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

export const transactionRoutes = new Hono<SignedInEnv>();
transactionRoutes.use('/transactions', requireSignIn);
transactionRoutes.use('/transactions.csv', requireSignIn);

transactionRoutes.get('/transactions', async (c) => {
  const { deps, user, messages, language } = c.var;
  const { db, now } = deps.identity;
  const beforeSeq = parseSeq(c.req.query('before'));
  const today = toEpochDay(now());
  const range = { from: today - DAYS + 1, to: today };
  const [rows, sums] = await Promise.all([
    listBalanceTransactions(db, user.account, { beforeSeq, limit: TRANSACTIONS_PER_PAGE + 1 }),
    sumUsage(db, user.account, range, 'day'),
  ]);
  const visibleRows = rows.slice(0, TRANSACTIONS_PER_PAGE);
  const older = rows.length > TRANSACTIONS_PER_PAGE ? visibleRows.at(-1)?.seq : undefined;
  const locale = { messages, language };
  return page(
    c,
    { title: messages.nav.transactions, activePath: '/transactions', wide: true },
    <>
      <p>{messages.transactions.intro}</p>
      {visibleRows.length === 0 ? (
        <p>{messages.transactions.empty}</p>
      ) : (
        <TransactionTable {...locale} items={visibleRows} />
      )}
      <p class="pages">
        {beforeSeq !== null && <a href="/transactions">{messages.layout.newest}</a>}{' '}
        {older !== undefined && (
          <a href={`/transactions?before=${older}`}>{messages.layout.older}</a>
        )}
      </p>
      <p>
        <a href="/transactions.csv">{messages.layout.download}</a>
      </p>
      <h2>{messages.transactions.days}</h2>
      <DailyTotals {...locale} days={fillMissingDays(sums, range)} />
      <p>
        <a href={`/usage.csv?from=${toIsoDay(range.from)}&to=${toIsoDay(range.to)}&by=day`}>
          {messages.layout.download}
        </a>
      </p>
      <p>
        <small>{messages.usage.freshness}</small>
      </p>
    </>,
  );
});

const COLUMNS = [
  'seq',
  'at',
  'kind',
  'id',
  'amount_usd',
  'amount_nano_usd',
  'balance_after_usd',
  'fee_usd',
];

function toCsvRow({ seq, at, kind, id, delta, postedAfter, fee }: BalanceTransaction): Row {
  const time = new Date(at).toISOString();
  return [seq, time, kind, id, { usd: delta }, delta, { usd: postedAfter }, { usd: fee }];
}

type LoadPage = (beforeSeq: number | null) => Promise<readonly BalanceTransaction[]>;

async function* streamBatches(
  loadPage: LoadPage,
  before: number | null,
): AsyncGenerator<readonly Row[]> {
  let beforeSeq = before;
  for (let sent = 0; sent < TRANSACTIONS_PER_FILE; sent += TRANSACTIONS_PER_BATCH) {
    const batch = await loadPage(beforeSeq);
    yield batch.map(toCsvRow);
    if (batch.length < TRANSACTIONS_PER_BATCH) return;
    beforeSeq = batch.at(-1)?.seq ?? null;
  }
}

/**
 * Yields up to one file of entries; `before` continues after the last entry of the previous file.
 */
transactionRoutes.get('/transactions.csv', (c) => {
  const { deps, user } = c.var;
  const loadPage: LoadPage = (beforeSeq) =>
    listBalanceTransactions(deps.identity.db, user.account, {
      beforeSeq,
      limit: TRANSACTIONS_PER_BATCH,
    });
  const batches = streamBatches(loadPage, parseSeq(c.req.query('before')));
  return csvResponse('farebox-transactions.csv', COLUMNS, batches);
});
