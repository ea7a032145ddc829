/** The details of one call: its metadata, its cost breakdown, and the reason for the charge. */
import type { CallRecord } from '@farebox/database/statements';
import { formatCount, formatCurrency, formatMillionths, Time } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { Generation } from '@farebox/ledger';
import type { Child, FC } from 'hono/jsx';
import { breakDownBill, type LineItem } from './bill-lines.ts';

type CallProps = Readonly<{
  call: CallRecord;
  keyName: string;
  messages: Messages;
  language: string;
}>;

/** The properties of a call that the reason and the cost breakdown show. */
type BillProperty = 'status' | 'reason' | 'usage' | 'prices' | 'fees' | 'charged' | 'shortfall';

/**
 * The name and value of each other property and of the key: a new property does not compile without.
 * A value of null is not shown.
 */
type Facts = Readonly<
  Record<
    Exclude<keyof Generation, BillProperty> | 'key',
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
    provider: [calls.provider, provider],
    key: [calls.key, <a href={`/calls?key=${call.keyId}`}>{keyName}</a>],
    dialect: [calls.dialect, dialect],
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
      <td class="number">{formatMillionths(lineItem.millionths, language)}</td>
    </tr>
  );
};

const SumRow: FC<Readonly<{ text: string; note?: string; amount: string }>> = (props) => (
  <tr>
    <th scope="row" colspan={3}>
      {props.text}
      {props.note !== undefined && <small> ({props.note})</small>}
    </th>
    <td class="number">{props.amount}</td>
  </tr>
);

const BillTable: FC<Omit<CallProps, 'keyName'>> = ({ call, messages, language }) => {
  const { generation } = call;
  const { lineItems, sum, difference } = breakDownBill(generation);
  const { calls } = messages;
  return (
    <section class="scroll" tabindex={0} aria-label={calls.costBreakdown}>
      <table>
        <caption>{calls.costTable}</caption>
        <thead>
          <tr>
            <th scope="col">{calls.item}</th>
            {[calls.quantity, calls.price, calls.amount].map((text) => (
              <th scope="col" class="number">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lineItems.map((lineItem) => (
            <LineItemRow
              lineItem={lineItem}
              reasoning={generation.usage?.output_reasoning ?? 0}
              messages={messages}
              language={language}
            />
          ))}
        </tbody>
        <tfoot>
          <SumRow text={calls.total} amount={formatMillionths(sum, language)} />
          {difference !== 0n && (
            <SumRow text={calls.estimateAdjustment} amount={formatCurrency(difference, language)} />
          )}
          {generation.shortfall > 0n && (
            <SumRow text={calls.waived} amount={formatCurrency(-generation.shortfall, language)} />
          )}
          <SumRow
            text={calls.charged}
            note={calls.rounded}
            amount={formatCurrency(generation.charged, language)}
          />
        </tfoot>
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
