/** The details of one call: its metadata, its cost breakdown, and the reason for the charge. */
import type { CallRecord } from '@farebox/database/statements';
import { formatCount, formatCurrency, formatMillionths, Time } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { Generation } from '@farebox/ledger';
import { formatMarginPercent } from '@farebox/money';
import { getProviderName } from '@farebox/providers/list';
import type { Child, FC } from 'hono/jsx';
import { type BillBreakdown, breakDownBill, type LineItem } from './bill-lines.ts';
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
    id: [calls.id, <code>{id}</code>],
    model: [calls.model, model],
    provider: [calls.provider, getProviderName(provider)],
    key: [calls.key, <a href={`/calls?key=${call.keyId}`}>{keyName}</a>],
    dialect: [calls.dialect, calls.dialects[dialect]],
    stream: [calls.streamed, stream ? layout.yes : layout.no],
    httpStatus: [calls.httpStatus, httpStatus ?? '–'],
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
      <td class="number">{formatCount(lineItem.count, language)}</td>
      <td class="number">{formatCurrency(lineItem.price, language)}</td>
      {lineItem.providerPrice !== null && (
        <td class="number">{formatCurrency(lineItem.providerPrice, language)}</td>
      )}
      <td class="number">{formatMillionths(lineItem.millionths, language)}</td>
    </tr>
  );
};

const SumRow: FC<Readonly<{ text: string; note?: string; amount: string; columns: number }>> = (
  props,
) => (
  <tr>
    <th scope="row" colspan={props.columns}>
      {props.text}
      {props.note !== undefined && <small> ({props.note})</small>}
    </th>
    <td class="number">{props.amount}</td>
  </tr>
);

const BillSums: FC<Omit<CallProps, 'keyName'> & Readonly<{ breakdown: BillBreakdown }>> = ({
  call: { generation },
  messages: { calls },
  language,
  breakdown: { sum, difference, margin },
}) => {
  const columns = margin === null ? 3 : 4;
  const money = (amount: bigint) => formatCurrency(amount, language);
  return (
    <tfoot>
      <SumRow columns={columns} text={calls.total} amount={formatMillionths(sum, language)} />
      {difference !== 0n && (
        <SumRow columns={columns} text={calls.estimateAdjustment} amount={money(difference)} />
      )}
      {generation.shortfall > 0n && (
        <SumRow columns={columns} text={calls.waived} amount={money(-generation.shortfall)} />
      )}
      <SumRow
        columns={columns}
        text={calls.charged}
        note={calls.rounded}
        amount={money(generation.charged)}
      />
      {margin !== null && (
        <SumRow
          columns={columns}
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
    <section class="scroll" tabindex={0} aria-label={calls.costBreakdown}>
      <table>
        <caption>{calls.costTable}</caption>
        <thead>
          <tr>
            <th scope="col">{calls.item}</th>
            {[calls.quantity, ...prices, calls.amount].map((text) => (
              <th scope="col" class="number">
                {text}
              </th>
            ))}
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
    </section>
  );
};

export const CallPage: FC<CallProps> = (props) => {
  const { call, messages } = props;
  const { reason, usage, fees } = call.generation;
  return (
    <>
      <CallFacts {...props} />
      <h2>{messages.calls.chargeReason}</h2>
      <p>
        {messages.reasons[reason ?? 'none']} {reason !== null && <code>{reason}</code>}
      </p>
      <h2>{messages.calls.costBreakdown}</h2>
      {usage === null && fees.length === 0 && <p>{messages.calls.noUsage}</p>}
      <BillTable {...props} />
    </>
  );
};
