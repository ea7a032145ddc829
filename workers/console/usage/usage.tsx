/**
 * What was used, by day, model or key: a chart, the same numbers as a table, and as CSV. Reads sums by
 * day that are kept as calls end, so a year costs what it draws and not what it holds.
 */
import { listKeys, type UsageGroup, usageSums } from '@farebox/database';
import type { Texts } from '@farebox/languages';
import { type Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { DayChart, NameChart } from '../charts/bars.tsx';
import { count, dayOf, dayText, isoDay, usd } from '../charts/figures.ts';
import { csvAnswer, oneBatch } from '../charts/sheet.ts';
import { Field, Note, page } from '../page.tsx';
import { type Somebody, signedIn } from '../visitor.ts';
import { readSpan, usualSpan } from './range.ts';
import { dearestOf, type Shown, shownOf, totalOf } from './sums.ts';

const GROUPS: readonly UsageGroup[] = ['day', 'model', 'key'];

type Asked = Readonly<{
  by: UsageGroup;
  span: { from: number; to: number };
  today: number;
  problem: boolean;
}>;

function readAsked(c: Context<Somebody>): Asked {
  const today = dayOf(c.var.house.identity.now());
  const wanted = c.req.query('by');
  const by = GROUPS.find((known) => known === wanted) ?? 'day';
  const span = readSpan(c.req.query('from'), c.req.query('to'), today);
  return { by, span: span ?? usualSpan(today), today, problem: span === null };
}

function queryOf({ by, span }: Asked): string {
  return `from=${isoDay(span.from)}&to=${isoDay(span.to)}&by=${by}`;
}

async function readShown(c: Context<Somebody>, asked: Asked): Promise<readonly Shown[]> {
  const { house, person, language, texts } = c.var;
  const { db } = house.identity;
  const [sums, keys] = await Promise.all([
    usageSums(db, person.account, asked.span, asked.by),
    asked.by === 'key' ? listKeys(db, person.account) : [],
  ]);
  const names = new Map(keys.map((key) => [String(key.keyId), `${key.name} (…${key.last4})`]));
  const keyName = (id: string) => names.get(id) ?? texts.usage.keyGone(id);
  return shownOf(asked.by, sums, asked.span, { language, keyName });
}

const Asking: FC<{ asked: Asked; texts: Texts }> = ({ asked, texts }) => (
  <form method="get" action="/usage" class="filter">
    <Field name="from" type="date" label={texts.usage.from} value={isoDay(asked.span.from)} />
    <Field name="to" type="date" label={texts.usage.to} value={isoDay(asked.span.to)} />
    <p class="field">
      <label for="by">{texts.usage.by}</label>
      <select id="by" name="by">
        {GROUPS.map((group) => (
          <option value={group} selected={group === asked.by}>
            {texts.usage[group]}
          </option>
        ))}
      </select>
    </p>
    <p>
      <button type="submit">{texts.usage.show}</button>
    </p>
  </form>
);

const MOST_NAMED_BARS = 20;

const Chart: FC<Drawn> = ({ asked, shown, texts, language }) => {
  const { by } = asked;
  const { charged, calls } = totalOf(shown);
  const dearest = dearestOf(shown);
  const title = texts.usage.chart[by];
  const description = texts.usage.says(
    usd(charged, language),
    count(calls, language),
    dearest?.name ?? texts.frame.none,
    usd(dearest?.charged ?? 0n, language),
  );
  const told = { id: 'usage', title, description, language };
  const left = shown.length - MOST_NAMED_BARS;
  if (by === 'day') {
    const bars = shown.map(({ group, charged: amount }) => {
      const day = Number(group);
      return { day, amount, partial: day === asked.today };
    });
    return <DayChart {...told} bars={bars} />;
  }
  return (
    <>
      <NameChart
        {...told}
        bars={shown
          .slice(0, MOST_NAMED_BARS)
          .map(({ name, charged: amount }) => ({ name, amount }))}
      />
      {left > 0 && <p>{texts.usage.more(count(left, language))}</p>}
    </>
  );
};

type Drawn = Readonly<{ asked: Asked; shown: readonly Shown[]; texts: Texts; language: string }>;

const Figures: FC<{ sum: Omit<Shown, 'name' | 'group'>; language: string }> = (props) => {
  const { sum, language } = props;
  return (
    <>
      <td class="number">{count(sum.calls, language)}</td>
      <td class="number">{count(sum.inputTokens, language)}</td>
      <td class="number">{count(sum.outputTokens, language)}</td>
      <td class="number">{usd(sum.charged, language)}</td>
    </>
  );
};

const Table: FC<Drawn> = ({ asked, shown, texts, language }) => {
  const { span, by } = asked;
  const { usage } = texts;
  return (
    <section
      class="scroll"
      tabindex={0}
      aria-label={`${usage.chart[by]}: ${usage.table(dayText(span.from, language), dayText(span.to, language))}`}
    >
      <table>
        <caption>{usage.table(dayText(span.from, language), dayText(span.to, language))}</caption>
        <thead>
          <tr>
            <th scope="col">{usage[by]}</th>
            {[usage.calls, usage.input, usage.output, usage.charged].map((text) => (
              <th scope="col" class="number">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((sum) => (
            <tr>
              <th scope="row">{sum.name}</th>
              <Figures sum={sum} language={language} />
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{usage.total}</th>
            <Figures sum={totalOf(shown)} language={language} />
          </tr>
        </tfoot>
      </table>
    </section>
  );
};

export const usage = new Hono<Somebody>();
usage.use('/usage', signedIn);
usage.use('/usage.csv', signedIn);

usage.get('/usage', async (c) => {
  const { texts, language } = c.var;
  const asked = readAsked(c);
  const shown = await readShown(c, asked);
  const drawn = { asked, shown, texts, language };
  const title = texts.frame.usage;
  return page(
    c,
    { title, here: '/usage', wide: true, status: asked.problem ? 422 : 200 },
    <>
      {asked.problem && <Note kind="problem">{texts.usage.badRange}</Note>}
      <Asking asked={asked} texts={texts} />
      <h2>{texts.usage.chart[asked.by]}</h2>
      {totalOf(shown).calls === 0 ? (
        <p>{texts.usage.empty}</p>
      ) : (
        <>
          <Chart {...drawn} />
          <p>
            <a href={`/usage.csv?${queryOf(asked)}`}>{texts.frame.download}</a>
          </p>
          <Table {...drawn} />
        </>
      )}
      <p>
        <small>{texts.usage.fresh}</small>
      </p>
    </>,
  );
});

const HEADER = ['calls', 'input_tokens', 'output_tokens', 'charged_usd', 'charged_nano_usd'];

usage.get('/usage.csv', async (c) => {
  const asked = readAsked(c);
  if (asked.problem) return c.text(c.var.texts.usage.badRange, 422);
  const shown = await readShown(c, asked);
  const rows = shown.map(({ group, name, calls, inputTokens, outputTokens, charged }) => {
    const which = asked.by === 'day' ? isoDay(Number(group)) : name;
    return [which, calls, inputTokens, outputTokens, { usd: charged }, charged];
  });
  const { from, to } = asked.span;
  const file = `farebox-usage-by-${asked.by}-${isoDay(from)}-${isoDay(to)}.csv`;
  return csvAnswer(file, [asked.by, ...HEADER], oneBatch(rows));
});
