/** The bill of one call: positions that add up to what was charged, and in words why it is that. */
import type { StatedCall } from '@farebox/database';
import type { Texts } from '@farebox/languages';
import type { FC } from 'hono/jsx';
import { count, usd, usdMillionths } from '../charts/figures.ts';
import { Time } from '../page.tsx';
import { type Position, reckon } from './bill.ts';

type Shown = Readonly<{ call: StatedCall; keyName: string; texts: Texts; language: string }>;

const Facts: FC<Shown> = ({ call, keyName, texts, language }) => {
  const { bill } = call;
  const facts = [
    [texts.calls.id, <code>{bill.id}</code>],
    [texts.calls.model, bill.model],
    [texts.calls.provider, bill.provider],
    [texts.calls.key, <a href={`/calls?key=${call.keyId}`}>{keyName}</a>],
    [texts.calls.dialect, bill.dialect],
    [texts.calls.streamed, bill.stream ? texts.frame.yes : texts.frame.no],
    [texts.calls.httpStatus, bill.httpStatus ?? '–'],
    [texts.calls.began, <Time at={bill.createdAt} language={language} />],
    [
      texts.calls.settled,
      bill.settledAt === null ? '–' : <Time at={bill.settledAt} language={language} />,
    ],
  ] as const;
  return (
    <dl class="pairs">
      {facts.map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
};

function nameOf({ of }: Position, texts: Texts): string {
  return of.kind === 'bucket' ? texts.calls.buckets[of.bucket] : texts.calls.fees[of.fee];
}

const PositionRow: FC<
  Readonly<{ position: Position; reasoning: number; texts: Texts; language: string }>
> = ({ position, reasoning, texts, language }) => {
  const isOutput = position.of.kind === 'bucket' && position.of.bucket === 'output';
  return (
    <tr>
      <th scope="row">
        {nameOf(position, texts)}
        {isOutput && reasoning > 0 && (
          <small> ({texts.calls.reasoning(count(reasoning, language))})</small>
        )}
      </th>
      <td class="number">{count(position.count, language)}</td>
      <td class="number">{usd(position.price, language)}</td>
      <td class="number">{usdMillionths(position.millionths, language)}</td>
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

const Bill: FC<Omit<Shown, 'keyName'>> = ({ call, texts, language }) => {
  const { bill } = call;
  const { positions, sum, difference } = reckon(bill);
  const { calls } = texts;
  return (
    <section class="scroll" tabindex={0} aria-label={calls.bill}>
      <table>
        <caption>{calls.billTable}</caption>
        <thead>
          <tr>
            <th scope="col">{calls.position}</th>
            {[calls.quantity, calls.price, calls.amount].map((text) => (
              <th scope="col" class="number">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {positions.map((position) => (
            <PositionRow
              position={position}
              reasoning={bill.usage?.output_reasoning ?? 0}
              texts={texts}
              language={language}
            />
          ))}
        </tbody>
        <tfoot>
          <SumRow text={calls.sum} amount={usdMillionths(sum, language)} />
          {difference !== 0n && <SumRow text={calls.bounded} amount={usd(difference, language)} />}
          {bill.shortfall > 0n && (
            <SumRow text={calls.shortfall} amount={usd(-bill.shortfall, language)} />
          )}
          <SumRow text={calls.charged} note={calls.rounded} amount={usd(bill.charged, language)} />
        </tfoot>
      </table>
    </section>
  );
};

export const CallPage: FC<Shown> = (props) => {
  const { call, texts } = props;
  const { reason, usage, fees } = call.bill;
  return (
    <>
      <Facts {...props} />
      <h2>{texts.calls.why}</h2>
      <p>
        {texts.reasons[reason ?? 'none']} {reason !== null && <code>{reason}</code>}
      </p>
      <h2>{texts.calls.bill}</h2>
      {usage === null && fees.length === 0 && <p>{texts.calls.noUsage}</p>}
      <Bill {...props} />
    </>
  );
};
