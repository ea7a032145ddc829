/** The details of one call: its metadata, its cost breakdown, and the reason for the charge. */
import { type CallCorrection, type CallRecord, toEndingKind } from '@farebox/database/statements';
import {
  Badge,
  Card,
  CopyButton,
  formatCount,
  formatCurrency,
  formatMillionths,
  Time,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { Generation } from '@farebox/ledger';
import { formatMarginPercent } from '@farebox/money';
import { getProviderName } from '@farebox/providers/list';
import type { Child, FC } from 'hono/jsx';
import { type BillBreakdown, breakDownBill, type LineItem } from './bill-lines.ts';
import { CLIENT_CLOSED, toBadgeKind } from './call-ending.ts';
import { formatDuration, formatSpeed } from './durations.ts';

type CallProps = Readonly<{
  call: CallRecord;
  keyName: string;
  messages: Messages;
  language: string;
}>;

/** The properties of a call that the reason and the cost breakdown show. */
type BillProperty =
  | 'status'
  | 'reason'
  | 'usage'
  | 'prices'
  | 'marginBasisPoints'
  | 'fees'
  | 'charged'
  | 'shortfall';

/**
 * The name and value of each other property and of the key: a new property does not compile without.
 * A value of null is not shown.
 */
type Facts = Readonly<
  Record<
    Exclude<keyof Generation, BillProperty> | 'key' | 'speed',
    readonly [name: string, value: Child | null]
  >
>;

const CallFacts: FC<CallProps> = ({ call, keyName, messages, language }) => {
  const { generation } = call;
  const { id, model, provider, dialect, stream, httpStatus, ...billing } = generation;
  const { priceRule, providerCost, createdAt, settledAt } = billing;
  const { calls, layout } = messages;
  const facts: Facts = {
    id: [
      calls.id,
      <>
        <span id="request-id">
          <code>{id}</code>
        </span>{' '}
        <CopyButton source="request-id" label={layout.copy} copied={layout.copied} plain />
      </>,
    ],
    model: [calls.model, model],
    provider: [calls.provider, getProviderName(provider)],
    key: [calls.key, <a href={`/calls?key=${call.keyId}`}>{keyName}</a>],
    dialect: [calls.dialect, calls.dialects[dialect]],
    stream: [calls.streamed, stream ? layout.yes : layout.no],
    httpStatus: [
      calls.httpStatus,
      httpStatus === CLIENT_CLOSED
        ? `${httpStatus}, ${calls.endings.client_left}`
        : (httpStatus ?? '–'),
    ],
    priceRule: [calls.priceRule, priceRule === null ? '–' : <code>{priceRule}</code>],
    providerCost: [
      calls.providerCost,
      // Few providers state one.
      providerCost === null ? null : formatCurrency(providerCost, language),
    ],
    createdAt: [calls.startedAt, <Time at={createdAt} language={language} />],
    settledAt: [
      calls.settledAt,
      settledAt === null ? '–' : <Time at={settledAt} language={language} />,
    ],
    firstTokenMs: [calls.firstToken, formatDuration(generation.firstTokenMs, language)],
    totalMs: [calls.duration, formatDuration(generation.totalMs, language)],
    speed: [calls.tokensPerSecond, formatSpeed(generation, language)],
  };
  return (
    <dl class="pairs">
      {Object.values(facts)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
};

function lineItemName({ subject }: LineItem, messages: Messages): string {
  return subject.kind === 'bucket'
    ? messages.calls.buckets[subject.bucket]
    : messages.calls.surcharges[subject.surcharge];
}

const LineItemRow: FC<
  Readonly<{ lineItem: LineItem; reasoning: number; messages: Messages; language: string }>
> = ({ lineItem, reasoning, messages, language }) => {
  const isOutput = lineItem.subject.kind === 'bucket' && lineItem.subject.bucket === 'output';
  return (
    <tr>
      <th scope="row">
        {lineItemName(lineItem, messages)}
        {isOutput && reasoning > 0 && (
          <small> ({messages.calls.reasoning(formatCount(reasoning, language))})</small>
        )}
      </th>
      <td class="number">
        {formatCount(lineItem.count, language)}
        <span class="second phone-only">
          {messages.calls.timesPrice(formatCurrency(lineItem.price, language))}
        </span>
      </td>
      <td class="number from-tablet">{formatCurrency(lineItem.price, language)}</td>
      {lineItem.providerPrice !== null && (
        <td class="number from-tablet">{formatCurrency(lineItem.providerPrice, language)}</td>
      )}
      <td class="number">{formatMillionths(lineItem.millionths, language)}</td>
    </tr>
  );
};

/** `priceColumns` of the table are not on a phone, so the text can't span them. */
const SumRow: FC<
  Readonly<{ text: string; note?: string; amount: string; priceColumns: number }>
> = (props) => (
  <tr>
    <th scope="row" colspan={2}>
      {props.text}
      {props.note !== undefined && <small> ({props.note})</small>}
    </th>
    {Array.from({ length: props.priceColumns }, () => (
      <td class="from-tablet"></td>
    ))}
    <td class="number">{props.amount}</td>
  </tr>
);

const BillSums: FC<Omit<CallProps, 'keyName'> & Readonly<{ breakdown: BillBreakdown }>> = ({
  call: { generation },
  messages: { calls },
  language,
  breakdown: { sum, difference, margin },
}) => {
  const priceColumns = margin === null ? 1 : 2;
  const money = (amount: bigint) => formatCurrency(amount, language);
  return (
    <tfoot>
      <SumRow
        priceColumns={priceColumns}
        text={calls.total}
        amount={formatMillionths(sum, language)}
      />
      {difference !== 0n && (
        <SumRow
          priceColumns={priceColumns}
          text={calls.estimateAdjustment}
          amount={money(difference)}
        />
      )}
      {generation.shortfall > 0n && (
        <SumRow
          priceColumns={priceColumns}
          text={calls.waived}
          amount={money(-generation.shortfall)}
        />
      )}
      <SumRow
        priceColumns={priceColumns}
        text={calls.charged}
        note={calls.rounded}
        amount={money(generation.charged)}
      />
      {margin !== null && (
        <SumRow
          priceColumns={priceColumns}
          text={calls.atProviderPrices}
          note={calls.margin(formatMarginPercent(margin.basisPoints))}
          amount={money(margin.cost)}
        />
      )}
    </tfoot>
  );
};

const BillTable: FC<Omit<CallProps, 'keyName'>> = (props) => {
  const { generation } = props.call;
  const { messages, language } = props;
  const breakdown = breakDownBill(generation);
  const { calls } = messages;
  const prices = breakdown.margin === null ? [calls.price] : [calls.price, calls.providerPrice];
  return (
    <table>
      <caption class="hidden-text">{calls.costBreakdown}</caption>
      <thead>
        <tr>
          <th scope="col">{calls.item}</th>
          <th scope="col" class="number">
            {calls.quantity}
          </th>
          {prices.map((text) => (
            <th scope="col" class="number from-tablet">
              {text}
            </th>
          ))}
          <th scope="col" class="number">
            {calls.amount}
          </th>
        </tr>
      </thead>
      <tbody>
        {breakdown.lineItems.map((lineItem) => (
          <LineItemRow
            lineItem={lineItem}
            reasoning={generation.usage?.output_reasoning ?? 0}
            messages={messages}
            language={language}
          />
        ))}
      </tbody>
      <BillSums {...props} breakdown={breakdown} />
    </table>
  );
};

/** The same record by the API, for the key that made the call. */
function toApiRequest(apiUrl: URL, id: string): string {
  return [
    `curl ${apiUrl.origin}/v1/generation/${id} \\`,
    '  -H "Authorization: Bearer $FAREBOX_KEY"',
  ].join('\n');
}

type CallDetailsProps = CallProps &
  Readonly<{ apiUrl: URL; correction: CallCorrection | undefined }>;

export const CallDetails: FC<CallDetailsProps> = (props) => {
  const { call, correction, messages, language, apiUrl } = props;
  const { calls: t } = messages;
  const { generation } = call;
  const { reason, usage, fees, httpStatus } = generation;
  const ending = toEndingKind({ httpStatus, reason });
  return (
    <div class="columns uneven">
      <Card
        id="bill"
        title={t.billTitle(formatCurrency(generation.charged, language))}
        actions={<Badge kind={toBadgeKind(ending)}>{t.endings[ending]}</Badge>}
      >
        <p>
          {messages.reasons[reason ?? 'none']} {reason !== null && <code>{reason}</code>}
        </p>
        {usage === null && fees.length === 0 && <p>{t.noUsage}</p>}
        <BillTable {...props} />
        {correction !== undefined && (
          <p id="correction">
            {t.corrected} {formatCurrency(correction.amount, language)},{' '}
            <Time at={correction.at} language={language} />
          </p>
        )}
      </Card>
      <Card id="facts" title={t.facts}>
        <CallFacts {...props} />
        <details>
          <summary>{t.byApi}</summary>
          <pre>{toApiRequest(apiUrl, generation.id)}</pre>
        </details>
      </Card>
    </div>
  );
};
