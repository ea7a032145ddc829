/** The price list as a table that a script can filter and sort; every row is in the page. */
import { priceDate } from '@farebox/catalog';
import { formatCount, formatCurrency } from '@farebox/design';
import type { Language } from '@farebox/i18n';
import { parseUsd } from '@farebox/money';
import type { FC } from 'hono/jsx';
import { siteMessagesFor } from '../texts/index.ts';
import { renderTable } from './content-table.tsx';
import {
  type Amounts,
  type ConditionalPrice,
  listNewestRows,
  type PriceCondition,
  type PriceRow,
} from './model-prices.ts';
import type { Rendered } from './page.ts';

type RowProps = Readonly<{ row: PriceRow; language: Language }>;

type AmountProps = Readonly<{
  label: string;
  amount: string | null;
  other: string;
  language: Language;
}>;

/** USD as decimal text, in the reader's language; a dash where there is no such price. */
function formatAmount(amount: string | null, language: Language): string {
  const price = amount === null ? undefined : parseUsd(amount);
  return price === undefined ? '–' : formatCurrency(price, language);
}

const Amount: FC<AmountProps> = ({ label, amount, other, language }) => (
  <td class="number" data-label={label} data-value={amount ?? ''}>
    {amount === null ? <small>{other}</small> : formatAmount(amount, language)}
  </td>
);

/** Input and output, as prices are commonly quoted. */
function formatPair({ input, output }: Amounts, language: Language): string {
  return [input, output].map((amount) => formatAmount(amount, language)).join(' / ');
}

const ProvidersOwn: FC<RowProps> = ({ row, language }) => {
  const { priceList: t } = siteMessagesFor(language);
  return (
    <td data-label={t.providersOwn}>
      {row.providersOwn === null ? t.same : formatPair(row.providersOwn, language)}
    </td>
  );
};

/** 1970-01-05 was a Monday. */
const FIRST_MONDAY = Date.UTC(1970, 0, 5);
const DAY_MS = 86_400_000;

function formatWeekdays(weekdays: readonly number[], language: Language): string {
  const format = new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' });
  return weekdays.map((day) => format.format(FIRST_MONDAY + day * DAY_MS)).join(' ');
}

/** Describes a condition in the reader's language; words of the API stay as they are sent. */
export function describeCondition(condition: PriceCondition, language: Language): string {
  const { conditions: t } = siteMessagesFor(language).priceList;
  const { inputTokensAbove, hours, weekdays, exceptDates, onlyDates, ...words } = condition;
  const parts = [
    inputTokensAbove === undefined ? '' : t.inputTokens(formatCount(inputTokensAbove, language)),
    hours === undefined ? '' : `${hours.from}–${hours.to} UTC`,
    weekdays === undefined ? '' : formatWeekdays(weekdays, language),
    exceptDates === undefined ? '' : t.exceptDates(exceptDates.join(', ')),
    onlyDates === undefined ? '' : t.onlyDates(onlyDates.join(', ')),
    ...(['size', 'quality', 'tier', 'speed', 'region', 'from'] as const).map((name) => {
      const value = words[name];
      return value === undefined ? '' : t[name](value);
    }),
  ];
  return parts.filter((part) => part !== '').join(', ');
}

const More: FC<Readonly<{ more: readonly ConditionalPrice[]; language: Language }>> = (props) => (
  <details>
    <summary>{siteMessagesFor(props.language).priceList.more}</summary>
    <ul>
      {props.more.map((price) => (
        <li>{`${describeCondition(price.condition, props.language)}: ${formatPair(price, props.language)}`}</li>
      ))}
    </ul>
  </details>
);

const Confirmed: FC<RowProps> = ({ row, language }) => {
  const { priceList: t } = siteMessagesFor(language);
  const { confirmedOn: day, citation } = row;
  if (day === null)
    return (
      <td data-label={t.confirmed} data-value="">
        {t.notConfirmed}
      </td>
    );
  const time = <time datetime={day}>{day}</time>;
  return (
    <td data-label={t.confirmed} data-value={day}>
      {citation === null ? (
        time
      ) : (
        <a href={citation} rel="nofollow noreferrer">
          {time}
        </a>
      )}
    </td>
  );
};

const Row: FC<RowProps> = ({ row, language }) => {
  const { priceList: t } = siteMessagesFor(language);
  return (
    <tr data-provider={row.provider}>
      <td data-value={row.model}>
        <code>{row.model}</code>
        <small>
          {row.displayName}
          {row.retiresOn !== null && ` · ${t.retires(row.retiresOn)}`}
        </small>
        {row.more.length > 0 && <More more={row.more} language={language} />}
      </td>
      <Amount label={t.input} amount={row.amounts.input} other={t.otherUnit} language={language} />
      <Amount
        label={t.output}
        amount={row.amounts.output}
        other={t.otherUnit}
        language={language}
      />
      <Amount label={t.cacheRead} amount={row.amounts.cacheRead} other="–" language={language} />
      <ProvidersOwn row={row} language={language} />
      <td class="number" data-label={t.context} data-value={String(row.contextWindow)}>
        {formatCount(row.contextWindow, language)}
      </td>
      <Confirmed row={row} language={language} />
    </tr>
  );
};

const Filters: FC<Readonly<{ providers: readonly string[]; language: Language }>> = (props) => {
  const { priceList: t } = siteMessagesFor(props.language);
  return (
    <form class="filters" data-filters hidden>
      <p>
        <label for="find">{t.search}</label>
        <input id="find" type="search" autocomplete="off" class="ym-disable-keys" />
      </p>
      <p>
        <label for="provider">{t.provider}</label>
        <select id="provider" class="ym-disable-keys">
          <option value="">{t.all}</option>
          {props.providers.map((id) => (
            <option value={id}>{id}</option>
          ))}
        </select>
      </p>
    </form>
  );
};

const PriceTable: FC<Readonly<{ rows: readonly PriceRow[]; language: Language }>> = ({
  rows,
  language,
}) => {
  const { priceList: t } = siteMessagesFor(language);
  const columns = [t.input, t.output, t.cacheRead, t.providersOwn, t.context, t.confirmed];
  const total = formatCount(rows.length, language);
  return (
    <>
      <Filters providers={[...new Set(rows.map(({ provider }) => provider))]} language={language} />
      <p role="status" data-count={t.count('{shown}', total)}>
        {t.count(total, total)}
      </p>
      <div class="scroll" tabindex={0}>
        <table class="models stacked">
          <caption>{t.caption(priceDate())}</caption>
          <thead>
            <tr data-sort={t.sortBy}>
              <th scope="col">{t.model}</th>
              {columns.map((column, index) => (
                <th scope="col" class={index === 3 || index === 5 ? undefined : 'number'}>
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row row={row} language={language} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
};

function toMarkdownRow(row: PriceRow, language: Language): string {
  const { amounts, providersOwn, contextWindow, confirmedOn } = row;
  const cells = [
    row.model,
    amounts.input ?? '',
    amounts.output ?? '',
    amounts.cacheRead ?? '',
    providersOwn === null ? '' : formatPair(providersOwn, language),
    contextWindow,
    confirmedOn ?? '',
  ];
  return `| ${cells.join(' | ')} |`;
}

function toMarkdownTable(rows: readonly PriceRow[], language: Language): string {
  const { priceList: t } = siteMessagesFor(language);
  const head = [t.model, t.input, t.output, t.cacheRead, t.providersOwn, t.context, t.confirmed];
  return [
    `${t.caption(priceDate())}:`,
    '',
    `| ${head.join(' | ')} |`,
    `| ${head.map(() => '---').join(' | ')} |`,
    ...rows.map((row) => toMarkdownRow(row, language)),
  ].join('\n');
}

export function renderPriceList(rows: readonly PriceRow[], language: Language): Rendered {
  return {
    html: String(<PriceTable rows={rows} language={language} />),
    markdown: toMarkdownTable(rows, language),
  };
}

/** The newest model of each provider with its prices, for the start page. */
export function renderNewestPrices(rows: readonly PriceRow[], language: Language): Rendered {
  const { priceList: t } = siteMessagesFor(language);
  return renderTable({
    head: [t.model, t.input, t.cacheRead, t.output],
    numbers: [1, 2, 3],
    rows: listNewestRows(rows).map(({ model, amounts }) => [
      { text: model, isCode: true },
      formatAmount(amounts.input, language),
      formatAmount(amounts.cacheRead, language),
      formatAmount(amounts.output, language),
    ]),
    phoneLayout: 'stacked',
  });
}
