/**
 * The design system on one page, with every token and component, to build a screen from. Only a
 * local console serves it; its texts are in English, like the code.
 */
import { isLoopback } from '@farebox/bindings';
import {
  Badge,
  BudgetBar,
  Card,
  CodeTabs,
  CopyButton,
  EmptyState,
  Field,
  Money,
  Note,
  SERIES_COLORS,
  Segments,
  SelectField,
  Sparkline,
  StackedChart,
  Swatch,
  Tile,
  Tiles,
  Time,
  Toast,
} from '@farebox/design';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { page } from '../layout.tsx';
import { notFoundPage } from '../not-found.tsx';
import type { PublicEnv } from '../session.ts';
import { listSnippets } from '../snippets.ts';

const EXAMPLE_AT = Date.UTC(2026, 10, 26, 9, 41, 7);
const AMOUNTS = [3n, 5n, 2n, 8n, 6n, 9n, 4n, 0n, 1n, 7n, 5n, 6n, 8n, 3n];
const COPY = { label: 'Copy', copied: 'Copied.' };

const Words: FC = () => (
  <Card id="words" title="Words, states, messages">
    <p>
      Text, <small>a hint</small>, <code>code</code>, <a href="/design">the design system</a>, an
      amount in a list <Money amount={31_249_999n} language="en" rounded />, on a bill{' '}
      <Money amount={31_249_999n} language="en" />, a moment <Time at={EXAMPLE_AT} language="en" />.
    </p>
    <p>
      <Badge>neutral</Badge> <Badge kind="good">200</Badge> <Badge kind="info">12 of 19</Badge>{' '}
      <Badge kind="warn">cut off</Badge> <Badge kind="bad">502</Badge>
    </p>
    <Toast text="Saved. A toast closes by its own form." closeLabel="Close" />
    <Note kind="done">Done: what was just finished.</Note>
    <Note kind="info">Info: what is on its way.</Note>
    <Note kind="warning">Warning: what needs a look.</Note>
    <Note kind="problem">Problem: what can’t be done, and why.</Note>
    <EmptyState text="Nothing here yet: one sentence, and what to do next.">
      <p>
        <a class="button" href="/design">
          Do it
        </a>
      </p>
    </EmptyState>
  </Card>
);

const Figures: FC = () => (
  <>
    <Tiles>
      <Tile main name="The figure that matters most" figure="$184.27">
        with a sentence under it
      </Tile>
      <Tile name="A figure" figure="$5.48" />
      <Tile name="Another" figure="18,204">
        1.2% failed
      </Tile>
    </Tiles>
    <Card id="charts" title="Charts">
      <StackedChart
        id="example"
        title="A stacked chart"
        description="Example amounts of six series over 14 days."
        columns={AMOUNTS.map((amount, index) => ({
          label: `Day ${index + 1}`,
          title: `Day ${index + 1}`,
          amounts: SERIES_COLORS.map((_, series) => (amount * BigInt(series + 2)) / 2n),
          partial: index === AMOUNTS.length - 1,
        }))}
        colors={SERIES_COLORS}
        formatTick={(amount) => amount.toString()}
      />
      <p>
        {SERIES_COLORS.map((color) => (
          <>
            <Swatch color={color} />
            Series {color}{' '}
          </>
        ))}
      </p>
      <p>
        <Sparkline label="A sparkline of 14 days" amounts={AMOUNTS} />
      </p>
      <BudgetBar label="71% of a budget" spent={71n} budget={100n} />
      <BudgetBar label="92% of a budget" spent={92n} budget={100n} />
      <BudgetBar label="A budget that is used up" spent={100n} budget={100n} />
    </Card>
  </>
);

const Forms: FC = () => (
  <Card id="forms" title="Forms">
    <form class="filters" method="get" action="/design">
      <Field name="name" label="Text" hint="A hint" />
      <Field name="wrong" label="With a problem" problem="Enter something else." />
      <Field name="day" label="Day" type="date" />
      <SelectField
        name="choice"
        label="Choice"
        allLabel="All"
        options={[{ value: 'one', text: 'One', selected: false }]}
      />
      <p>
        <button type="submit">Main action</button>
      </p>
    </form>
    <p class="actions">
      <a class="button plain" href="/design">
        Second action
      </a>
      <button type="button" class="danger">
        Dangerous action
      </button>
    </p>
    <Segments
      label="Segments"
      segments={['7 days', '30 days', '90 days'].map((text, index) => ({
        href: '/design',
        text,
        current: index === 1,
      }))}
    />
  </Card>
);

/**
 * The table of the tokens: a name for each use. The values and their contrast are in
 * packages/design/stylesheet.ts.
 */
const TOKENS: readonly (readonly [name: string, use: string])[] = [
  ['--ground, --surface, --raised', 'the page, a card on it, what stands out in a card'],
  ['--ink, --quiet', 'text, and text of second rank; both at least 4.5:1'],
  ['--line, --edge', 'separators; borders of fields, at least 3:1'],
  ['--accent, --on-accent, --accent-soft', 'links and the main action of a page'],
  ['--good, --warn, --bad and their -soft', 'states; always with a word'],
  ['--series-1 to --series-6', 'charts, at least 3:1; the table under a chart names them'],
];

const Tables: FC = () => (
  <Card id="tables" title="Tables and tokens">
    <table>
      <caption>
        A column leaves by importance: from-desktop first, then from-tablet. What a phone needs of
        it is the second line of the first cell.
      </caption>
      <thead>
        <tr>
          <th scope="col">Token</th>
          <th scope="col" class="from-tablet">
            Use
          </th>
        </tr>
      </thead>
      <tbody>
        {TOKENS.map(([name, use]) => (
          <tr>
            <th scope="row">
              <code>{name}</code>
              <span class="second phone-only">{use}</span>
            </th>
            <td class="from-tablet">{use}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </Card>
);

export const designGuideRoutes = new Hono<PublicEnv>();

designGuideRoutes.get('/design', (c) => {
  if (!isLoopback(c.var.deps.consoleUrl.hostname)) return notFoundPage(c);
  return page(
    c,
    { title: 'Design system', wide: true, scripts: ['copy'] },
    <>
      <Words />
      <Figures />
      <Forms />
      <Tables />
      <Card id="code" title="Code">
        <CodeTabs
          name="client"
          legend="Client"
          tabs={listSnippets(c.var.deps.apiUrl)}
          copy={COPY}
        />
        <div class="copyable">
          <output id="secret" class="key">
            A text that one click selects
          </output>
          <CopyButton source="secret" {...COPY} />
        </div>
      </Card>
    </>,
  );
});
