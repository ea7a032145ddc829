/** The stacked chart of usage with the table of its series. */
import {
  formatCount,
  formatPercent,
  formatRoundedCurrency,
  Money,
  StackedChart,
  Swatch,
  toFraction,
} from '@farebox/design';
import type { Messages } from '@farebox/i18n';
import type { FC } from 'hono/jsx';
import { totalUsage } from './aggregate.ts';
import {
  type Metric,
  measure,
  type StackSeries,
  toChartColumns,
  type UsageStack,
} from './spend-stack.ts';

type UsageStackProps = Readonly<{
  messages: Messages;
  language: string;
  stack: UsageStack;
  metric: Metric;
  today: number;
  /** The heading of the column of groups. */
  groupTitle: string;
  groupName: (group: string) => string;
  /** How many calls all series share. The table then has no counts: a call is in several series. */
  sharedCalls?: number;
}>;

const CountCells: FC<Readonly<{ series: StackSeries; language: string }>> = (props) => {
  const { series, language } = props;
  const { calls, inputTokens, outputTokens, charged } = series.total;
  const perCall = calls === 0 ? 0n : charged / BigInt(calls);
  return (
    <>
      <td class="number from-tablet">{formatCount(calls, language)}</td>
      <td class="number from-desktop">{formatCount(inputTokens, language)}</td>
      <td class="number from-desktop">{formatCount(outputTokens, language)}</td>
      <td class="number from-desktop">
        <Money amount={perCall} language={language} rounded />
      </td>
    </>
  );
};

const SeriesRow: FC<
  UsageStackProps & Readonly<{ series: StackSeries; whole: bigint; name: string }>
> = ({ series, whole, name, metric, language, sharedCalls }) => {
  const { charged } = series.total;
  return (
    <tr>
      <th scope="row">
        <Swatch color={series.color} />
        {name}
      </th>
      {sharedCalls === undefined && <CountCells series={series} language={language} />}
      <td class="number from-tablet">
        {formatPercent(toFraction(measure(series.total, metric), whole), language)}
      </td>
      <td class="number">
        <Money amount={charged} language={language} rounded />
      </td>
    </tr>
  );
};

const SeriesTable: FC<UsageStackProps & Readonly<{ names: readonly string[] }>> = (props) => {
  const { stack, metric, messages, groupTitle, names, sharedCalls } = props;
  const { usage } = messages;
  const whole = measure(totalUsage(stack.series.map(({ total }) => total)), metric);
  const counts = [
    [usage.calls, 'number from-tablet'],
    [usage.input, 'number from-desktop'],
    [usage.output, 'number from-desktop'],
    [usage.perCall, 'number from-desktop'],
  ] as const;
  const headers = [
    ...(sharedCalls === undefined ? counts : []),
    [usage.share, 'number from-tablet'],
    [usage.charged, 'number'],
  ] as const;
  return (
    <table>
      <caption class="hidden-text">{groupTitle}</caption>
      <thead>
        <tr>
          <th scope="col">{groupTitle}</th>
          {headers.map(([text, classes]) => (
            <th scope="col" class={classes}>
              {text}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {stack.series.map((series, index) => (
          <SeriesRow {...props} series={series} whole={whole} name={names[index] ?? ''} />
        ))}
      </tbody>
    </table>
  );
};

export const UsageStackView: FC<UsageStackProps> = (props) => {
  const { stack, metric, messages, language, today, groupName, sharedCalls } = props;
  const { usage, layout } = messages;
  const format = (amount: bigint) =>
    metric === 'charged' ? formatRoundedCurrency(amount, language) : formatCount(amount, language);
  const names = stack.series.map(({ group, groups }) =>
    group === null ? layout.others(formatCount(groups, language)) : groupName(group),
  );
  const total = totalUsage(stack.series.map((series) => series.total));
  const [largest] = stack.series;
  return (
    <>
      <StackedChart
        id="usage"
        title={usage.metrics[metric]}
        description={usage.chartSummary(
          formatRoundedCurrency(total.charged, language),
          formatCount(sharedCalls ?? total.calls, language),
          names[0] ?? layout.none,
          format(largest === undefined ? 0n : measure(largest.total, metric)),
        )}
        columns={toChartColumns(stack, { today, todayLabel: layout.today, language }, format)}
        colors={stack.series.map(({ color }) => color)}
        formatTick={format}
      />
      <SeriesTable {...props} names={names} />
    </>
  );
};
