/** The table of calls, for the list of calls and the overview. */
import type { CallRecord } from '@farebox/database/statements';
import { formatCount, formatCurrency, Time } from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { Generation } from '@farebox/ledger';
import { totalInputTokens } from '@farebox/money';
import type { FC } from 'hono/jsx';

function countInputTokens({ usage }: Generation): number {
  return usage === null ? 0 : totalInputTokens(usage);
}

const CallRow: FC<Readonly<{ call: CallRecord; language: string }>> = ({ call, language }) => {
  const { generation } = call;
  return (
    <tr>
      <td>
        <a href={`/calls/${generation.id}`}>
          <Time at={generation.createdAt} language={language} />
        </a>
      </td>
      <td>{generation.model}</td>
      <td class="number">{generation.httpStatus ?? '–'}</td>
      <td class="number">
        {formatCount(countInputTokens(generation), language)} /{' '}
        {formatCount(generation.usage?.output ?? 0, language)}
      </td>
      <td class="number">{formatCurrency(generation.charged, language)}</td>
    </tr>
  );
};

export const CallTable: FC<
  Readonly<{ calls: readonly CallRecord[]; messages: Messages; language: string }>
> = ({ calls, messages, language }) => (
  <section class="scroll" tabindex={0} aria-label={messages.calls.table}>
    <table>
      <caption>{messages.calls.table}</caption>
      <thead>
        <tr>
          <th scope="col">{messages.calls.time}</th>
          <th scope="col">{messages.calls.model}</th>
          <th scope="col" class="number">
            {messages.calls.status}
          </th>
          <th scope="col" class="number">
            {messages.calls.tokens}
          </th>
          <th scope="col" class="number">
            {messages.calls.cost}
          </th>
        </tr>
      </thead>
      <tbody>
        {calls.map((call) => (
          <CallRow call={call} language={language} />
        ))}
      </tbody>
    </table>
  </section>
);
