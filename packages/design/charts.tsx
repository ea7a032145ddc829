/**
 * Charts as SVG, rendered on the server without scripts or inline styles. Each is one image with a
 * name and a description, and holds bars only: its words are HTML beside it, which keeps its size
 * when the bars stretch. A table beside a chart has the numbers.
 */
import type { FC } from 'hono/jsx';
import {
  CHART_HEIGHT,
  COLUMN_WIDTH,
  layoutStacks,
  type Rect,
  spreadLabels,
  toFraction,
} from './chart-layout.ts';

export type ChartColumn = Readonly<{
  /** Under the axis. */
  label: string;
  /** Of the whole column, shown where the pointer rests. */
  title: string;
  /** One amount per series, from the bottom up. */
  amounts: readonly bigint[];
  /** True for a period that is not over; its bar is lighter. */
  partial?: boolean;
}>;

/** The series of a chart by their colors; `bad` marks failures. */
export type SeriesColor = 1 | 2 | 3 | 4 | 5 | 6 | 'bad';
export const SERIES_COLORS: readonly SeriesColor[] = [1, 2, 3, 4, 5, 6];

type StackedChartProps = Readonly<{
  id: string;
  title: string;
  description: string;
  columns: readonly ChartColumn[];
  colors: readonly SeriesColor[];
  /** Formats a tick of the axis; absent for a low chart without an axis. */
  formatTick?: (amount: bigint) => string;
}>;

const MAX_LABELS = 5;

function toPath(rects: readonly Rect[]): string {
  return rects
    .filter(({ height }) => height > 0)
    .map(({ x, y, width, height }) => `M${x} ${y}h${width}v${height}h-${width}z`)
    .join('');
}

const Bars: FC<Pick<StackedChartProps, 'columns' | 'colors'>> = ({ columns, colors }) => {
  const { columns: stacks } = layoutStacks(columns.map(({ amounts }) => amounts));
  const draw = (partial: boolean) =>
    colors.map((color, series) => {
      const rects = stacks.flatMap((stack, index) => {
        const rect = stack[series];
        return rect !== undefined && (columns[index]?.partial ?? false) === partial ? [rect] : [];
      });
      const path = toPath(rects);
      if (path === '') return null;
      return <path class={`series-${color}${partial ? ' today' : ''}`} d={path} />;
    });
  return (
    <>
      {columns.map((column, index) => (
        <rect class="hit" x={index * COLUMN_WIDTH} width={COLUMN_WIDTH} height={CHART_HEIGHT}>
          <title>{column.title}</title>
        </rect>
      ))}
      {draw(false)}
      {draw(true)}
    </>
  );
};

/** Bars by period, stacked by series. With `formatTick` it has an axis, without it is low. */
export const StackedChart: FC<StackedChartProps> = (props) => {
  const { id, columns, formatTick } = props;
  const width = Math.max(1, columns.length) * COLUMN_WIDTH;
  const { axis } = layoutStacks(columns.map(({ amounts }) => amounts));
  const labels = spreadLabels(columns.length, MAX_LABELS);
  const svg = (
    <svg
      class={formatTick === undefined ? 'chart low' : 'chart'}
      viewBox={`0 0 ${width} ${CHART_HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-labelledby={`${id}-title ${id}-desc`}
    >
      <title id={`${id}-title`}>{props.title}</title>
      <desc id={`${id}-desc`}>{props.description}</desc>
      {formatTick !== undefined &&
        axis.map((_, index) => {
          const y = axis.length === 1 ? CHART_HEIGHT : (index * CHART_HEIGHT) / (axis.length - 1);
          return <line x1="0" x2={width} y1={y} y2={y} />;
        })}
      <Bars columns={columns} colors={props.colors} />
    </svg>
  );
  const labelRow = (
    <div class="chart-x" aria-hidden="true">
      {labels.map((index) => (
        <span>{columns[index]?.label}</span>
      ))}
    </div>
  );
  if (formatTick === undefined) {
    return (
      <figure>
        {svg}
        {labelRow}
      </figure>
    );
  }
  return (
    <figure class="chart-grid">
      <div class="chart-y" aria-hidden="true">
        {[...axis].reverse().map((tick) => (
          <span>{formatTick(tick)}</span>
        ))}
      </div>
      {svg}
      {labelRow}
    </figure>
  );
};

/** The square of a series' color, for the row of a table that names it. */
export const Swatch: FC<{ color: SeriesColor }> = ({ color }) => (
  <span class={`swatch series-${color}`} aria-hidden="true"></span>
);

/** The shape of a few amounts in a row of a table. */
export const Sparkline: FC<Readonly<{ label: string; amounts: readonly bigint[] }>> = ({
  label,
  amounts,
}) => {
  const { columns } = layoutStacks(amounts.map((amount) => [amount]));
  const baseline = `M0 ${CHART_HEIGHT - 1}h${amounts.length * COLUMN_WIDTH}v1H0z`;
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${Math.max(1, amounts.length) * COLUMN_WIDTH} ${CHART_HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path d={toPath(columns.flat()) + baseline} />
    </svg>
  );
};

const BUDGET_BAR_WIDTH = 100;
const NEAR_PERCENT = 80;

/** How much of a budget is spent; near its end and beyond it changes its color. */
export const BudgetBar: FC<Readonly<{ label: string; spent: bigint; budget: bigint }>> = ({
  label,
  spent,
  budget,
}) => {
  const share = budget <= 0n ? 1 : toFraction(spent, budget);
  // Not rounded up: a budget of which a little is left is not drawn as used up.
  const percent = Math.floor(share * BUDGET_BAR_WIDTH);
  const state = percent >= BUDGET_BAR_WIDTH ? ' used-up' : percent >= NEAR_PERCENT ? ' near' : '';
  return (
    <svg
      class={`budget-bar${state}`}
      viewBox={`0 0 ${BUDGET_BAR_WIDTH} 4`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <rect width={percent} height="4" />
    </svg>
  );
};
