/**
 * The Statement screen: credits and adjustments as ledger entries, and the charges for calls summed
 * by day; together they add up to the balance, which has its opening and closing by month.
 */
import {
  type BalanceTransaction,
  listBalanceTransactions,
  listPastBalances,
  sumUsage,
} from '@farebox/database/statements';
import { type Chain, NETWORK_NAMES } from '@farebox/deposits';
import {
  Balance,
  Card,
  EmptyState,
  formatCount,
  formatCurrency,
  formatDay,
  formatMonth,
  Money,
  SelectField,
  Tile,
  Tiles,
  Time,
  toEpochDay,
  toIsoDay,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { csvResponse, type Row } from '../format/csv.ts';
import { page } from '../layout.tsx';
import { requireSignIn, type SignedInEnv } from '../session.ts';
import { getDepositSettings } from '../top-up/deps.ts';
import { formatTransactionHash, transactionLink } from '../top-up/networks.ts';
import { fillMissingDays, totalUsage } from '../usage/aggregate.ts';
import { listMonthStarts, type MonthBalance, toMonthBalances } from './months.ts';
import { parseStatementPeriod, statementResponse } from './statement.ts';

const TRANSACTIONS_PER_PAGE = 50;
const TRANSACTIONS_PER_BATCH = 500;
const TRANSACTIONS_PER_FILE = 10_000;
const DAYS = 31;
const MONTHS = 12;

type LocaleProps = Readonly<{ messages: Messages; language: string }>;

/** The credit of a deposit is named `chainId:txHash:logIndex` (packages/deposits). */
const DEPOSIT_ID = /^(\d+):(0x[0-9a-f]{64}):\d+$/;

/** The correction of a bill is named `correction:call:correction` (workers/operators). */
const CORRECTION_ID = /^correction:([0-9a-f]{32}):/;

/** The first characters of a long id, as it stands in the export; the whole id is its title. */
const ShortId: FC<{ id: string }> = ({ id }) => {
  const name = id.slice(id.indexOf(':') + 1);
  return name.length <= 12 ? <code>{id}</code> : <code title={id}>{`${name.slice(0, 8)}…`}</code>;
};

/** What a transaction refers to: the transfer of a deposit, a corrected call, or an id. */
const Reference: FC<{ id: string; chains: readonly Chain[] }> = ({ id, chains }) => {
  const [, call] = CORRECTION_ID.exec(id) ?? [];
  if (call !== undefined) {
    return (
      <a href={`/calls/${call}`}>
        <code>{`${call.slice(0, 8)}…`}</code>
      </a>
    );
  }
  const [, chainId, hash] = DEPOSIT_ID.exec(id) ?? [];
  const chain = chains.find((one) => String(one.chainId) === chainId);
  if (chain === undefined || hash === undefined) return <ShortId id={id} />;
  const text = formatTransactionHash(chain, hash);
  const abbreviated = <code>{`${text.slice(0, 8)}…${text.slice(-6)}`}</code>;
  const link = transactionLink(chain, hash);
  return (
    <>
      {NETWORK_NAMES[chain.name]}{' '}
      {link === null ? (
        abbreviated
      ) : (
        <a href={link} rel="noreferrer">
          {abbreviated}
        </a>
      )}
    </>
  );
};

const NoCredits: FC<{ messages: Messages }> = ({ messages }) => (
  <EmptyState text={messages.transactions.empty}>
    <p>
      <a class="button" href="/top-up">
        {messages.nav.topUp}
      </a>
    </p>
  </EmptyState>
);

type TransactionTableProps = LocaleProps &
  Readonly<{ items: readonly BalanceTransaction[]; chains: readonly Chain[] }>;

const TransactionTable: FC<TransactionTableProps> = (props) => {
  const { items, chains, messages, language } = props;
  const { transactions: t } = messages;
  return (
    <table>
      <caption class="hidden-text">{t.table}</caption>
      <thead>
        <tr>
          <th scope="col">{t.kind}</th>
          <th scope="col" class="from-tablet">
            {t.time}
          </th>
          <th scope="col" class="from-tablet">
            {t.id}
          </th>
          <th scope="col" class="number">
            {t.amount}
          </th>
          <th scope="col" class="number from-desktop">
            {t.balanceAfter}
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map(({ at, kind, delta, postedAfter, fee, id }) => (
          <tr>
            <th scope="row">
              {t[kind]}
              <span class="second phone-only">
                <Time at={at} language={language} />
              </span>
              <span class="second phone-only">
                <Reference id={id} chains={chains} />
              </span>
            </th>
            <td class="from-tablet">
              <Time at={at} language={language} />
            </td>
            <td class="from-tablet">
              <Reference id={id} chains={chains} />
            </td>
            <td class="number">
              {formatCurrency(delta, language)}
              {fee > 0n && <span class="second">{t.fee(formatCurrency(fee, language))}</span>}
            </td>
            <td class="number from-desktop">{formatCurrency(postedAfter, language)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};

const DailyTotals: FC<LocaleProps & Readonly<{ days: ReturnType<typeof fillMissingDays> }>> = (
  props,
) => {
  const { days, messages, language } = props;
  const { transactions } = messages;
  const visibleRows = days.filter(({ calls }) => calls > 0).reverse();
  if (visibleRows.length === 0) return <EmptyState text={transactions.daysEmpty} />;
  return (
    <table>
      <caption class="hidden-text">{transactions.daysTable}</caption>
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
  );
};

/** The newest month goes on: its closing balance is the one so far. */
const MonthTable: FC<LocaleProps & Readonly<{ months: readonly MonthBalance[] }>> = (props) => {
  const { months, messages, language } = props;
  const { transactions: t } = messages;
  return (
    <table>
      <caption class="hidden-text">{t.months}</caption>
      <thead>
        <tr>
          <th scope="col">{t.month}</th>
          <th scope="col" class="number">
            {t.opening}
          </th>
          <th scope="col" class="number from-tablet">
            {t.change}
          </th>
          <th scope="col" class="number">
            {t.closing}
          </th>
        </tr>
      </thead>
      <tbody>
        {months.map(({ start, opening, closing }, index) => (
          <tr>
            <th scope="row">
              {formatMonth(start, language)}
              {index === 0 && <span class="second">{t.soFar}</span>}
            </th>
            <td class="number">{formatCurrency(opening, language)}</td>
            <td class="number from-tablet">{formatCurrency(closing - opening, language)}</td>
            <td class="number">{formatCurrency(closing, language)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};

/** A month of UTC as the form sends it: `2026-11`. */
function toIsoMonth(start: number): string {
  return new Date(start).toISOString().slice(0, 7);
}

/** The signed statement, of one month or whole. */
const SignedStatement: FC<LocaleProps & Readonly<{ months: readonly MonthBalance[] }>> = (
  props,
) => {
  const { months, messages, language } = props;
  const { transactions: t } = messages;
  return (
    <Card id="signed" title={t.signed} actions={<a href="/verify">{t.signedVerify}</a>}>
      <p class="quiet-text">{t.signedText}</p>
      <form method="get" action="/transactions.jsonl">
        <SelectField
          name="month"
          label={t.signedPeriod}
          allLabel={t.signedAll}
          options={months.map(({ start }) => ({
            value: toIsoMonth(start),
            text: formatMonth(start, language),
            selected: false,
          }))}
        />
        <button type="submit" class="plain">
          {t.signedDownload}
        </button>
      </form>
    </Card>
  );
};

function parseSeq(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

export const transactionRoutes = new Hono<SignedInEnv>();
transactionRoutes.use('/transactions', requireSignIn);
transactionRoutes.use('/transactions.csv', requireSignIn);
transactionRoutes.use('/transactions.jsonl', requireSignIn);

async function loadStatement(c: Context<SignedInEnv>, beforeSeq: number | null) {
  const { deps, user } = c.var;
  const { db, now } = deps.identity;
  const today = toEpochDay(now());
  const range = { from: today - DAYS + 1, to: today };
  const [rows, sums, balances, accountStatus] = await Promise.all([
    listBalanceTransactions(db, user.account, { beforeSeq, limit: TRANSACTIONS_PER_PAGE + 1 }),
    sumUsage(db, user.account, range, 'day'),
    listPastBalances(db, user.account, listMonthStarts(now(), MONTHS)),
    deps.accounts.status(user.account),
  ]);
  const items = rows.slice(0, TRANSACTIONS_PER_PAGE);
  return {
    items,
    range,
    days: fillMissingDays(sums, range),
    months: toMonthBalances(balances),
    posted: accountStatus?.posted ?? 0n,
    held: accountStatus?.held ?? 0n,
    older: rows.length > TRANSACTIONS_PER_PAGE ? items.at(-1)?.seq : undefined,
  };
}

type Statement = Awaited<ReturnType<typeof loadStatement>>;

/** The balance as it is booked, and what calls in progress may still take from it. */
const StatementFigures: FC<LocaleProps & { statement: Statement }> = (props) => {
  const { statement, messages, language } = props;
  const { posted, held, days } = statement;
  return (
    <Tiles>
      <Tile
        name={messages.transactions.balance}
        figure={<Balance amount={posted} language={language} />}
      />
      <Tile
        name={messages.transactions.reserved}
        figure={<Money amount={held} language={language} rounded />}
      />
      <Tile
        name={messages.transactions.daysTable}
        figure={<Money amount={totalUsage(days).charged} language={language} rounded />}
      />
    </Tiles>
  );
};

transactionRoutes.get('/transactions', async (c) => {
  const { messages, language } = c.var;
  const { transactions: t, layout } = messages;
  const beforeSeq = parseSeq(c.req.query('before'));
  const statement = await loadStatement(c, beforeSeq);
  const { items, range, days, months, older } = statement;
  const locale = { messages, language };
  const csvRange = `from=${toIsoDay(range.from)}&to=${toIsoDay(range.to)}&by=day`;
  return page(
    c,
    {
      title: messages.nav.transactions,
      activePath: '/transactions',
      wide: true,
      actions: (
        <a class="button plain" href="/refunds">
          {messages.refunds.title}
        </a>
      ),
    },
    <>
      <p>{t.intro}</p>
      <StatementFigures {...locale} statement={statement} />
      <Card
        id="credits"
        title={t.table}
        actions={<a href="/transactions.csv">{layout.download}</a>}
      >
        {items.length === 0 ? (
          <NoCredits messages={messages} />
        ) : (
          <TransactionTable {...locale} items={items} chains={getDepositSettings(c.env).chains} />
        )}
        <p class="pages">
          {beforeSeq !== null && (
            <a class="button plain" href="/transactions">
              {layout.newest}
            </a>
          )}
          {older !== undefined && (
            <a class="button plain" href={`/transactions?before=${older}`}>
              {layout.older}
            </a>
          )}
        </p>
      </Card>
      {months.length > 0 && (
        <Card id="months" title={t.months}>
          <MonthTable {...locale} months={months} />
        </Card>
      )}
      <SignedStatement {...locale} months={months} />
      <Card
        id="days"
        title={t.days}
        actions={<a href={`/usage.csv?${csvRange}`}>{layout.download}</a>}
      >
        <DailyTotals {...locale} days={days} />
      </Card>
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

/** The signed statement as JSON Lines: of one month, or of everything. */
transactionRoutes.get('/transactions.jsonl', (c) => {
  const { deps, user } = c.var;
  return statementResponse(deps.accounts, user.account, parseStatementPeriod(c.req.query('month')));
});
