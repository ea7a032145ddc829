/** Calls as rows of a table: on their own page, and the latest of them on the overview. */
import type { StatedCall } from '@farebox/database';
import type { Texts } from '@farebox/languages';
import type { Generation } from '@farebox/ledger';
import type { FC } from 'hono/jsx';
import { count, usd } from '../charts/figures.ts';
import { Time } from '../page.tsx';

function inputOf({ usage }: Generation): number {
  if (usage === null) return 0;
  return usage.input_uncached + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h;
}

const CallRow: FC<Readonly<{ call: StatedCall; language: string }>> = ({ call, language }) => {
  const { bill } = call;
  return (
    <tr>
      <td>
        <a href={`/calls/${bill.id}`}>
          <Time at={bill.createdAt} language={language} />
        </a>
      </td>
      <td>{bill.model}</td>
      <td class="number">{bill.httpStatus ?? '–'}</td>
      <td class="number">
        {count(inputOf(bill), language)} / {count(bill.usage?.output ?? 0, language)}
      </td>
      <td class="number">{usd(bill.charged, language)}</td>
    </tr>
  );
};

export const CallTable: FC<
  Readonly<{ calls: readonly StatedCall[]; texts: Texts; language: string }>
> = ({ calls, texts, language }) => (
  <section class="scroll" tabindex={0} aria-label={texts.calls.table}>
    <table>
      <caption>{texts.calls.table}</caption>
      <thead>
        <tr>
          <th scope="col">{texts.calls.time}</th>
          <th scope="col">{texts.calls.model}</th>
          <th scope="col" class="number">
            {texts.calls.status}
          </th>
          <th scope="col" class="number">
            {texts.calls.tokens}
          </th>
          <th scope="col" class="number">
            {texts.calls.cost}
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
