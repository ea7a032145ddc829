/**
 * Bar charts as SVG, rendered on the server without scripts or inline styles. Each is one image
 * with a name and a description; a table beside it has the numbers. The current day is hatched, so
 * that the chart does not rely on color alone.
 */
import { formatCurrency, formatShortDay } from '@farebox/design';
import type { NanoUsd } from '@farebox/money';
import type { FC } from 'hono/jsx';
import {
  type Frame,
  getLabelInterval,
  layoutColumns,
  layoutRows,
  type Tick,
} from './chart-layout.ts';

export type DayBar = Readonly<{ day: number; amount: NanoUsd; partial: boolean }>;
export type NamedBar = Readonly<{ name: string; amount: NanoUsd }>;

type ChartProps = Readonly<{ id: string; title: string; description: string; language: string }>;

type ChartSize = Readonly<{ frame: Frame; viewWidth: number; maxLabels: number; name: string }>;
/** The width of a phone, for as many days as fit. */
const NARROW_CHART: ChartSize = {
  frame: { left: 80, top: 16, width: 262, height: 150 },
  viewWidth: 360,
  maxLabels: 5,
  name: 'few',
};
const WIDE_CHART: ChartSize = {
  frame: { left: 96, top: 16, width: 598, height: 180 },
  viewWidth: 720,
  maxLabels: 14,
  name: 'many',
};
const NARROW_CHART_MAX_DAYS = 14;
const LABEL_AREA_HEIGHT = 40;

const Hatching: FC<{ id: string }> = ({ id }) => (
  <defs>
    <pattern id={`${id}-hatch`} width="6" height="6" patternUnits="userSpaceOnUse">
      <path d="M0 6 6 0" class="hatch" />
    </pattern>
  </defs>
);

type GridLinesProps = Readonly<{ ticks: readonly Tick[]; frame: Frame; language: string }>;

const GridLines: FC<GridLinesProps> = ({ ticks, frame, language }) => (
  <>
    {ticks.map(({ amount, at }) => (
      <>
        <line x1={frame.left} x2={frame.left + frame.width} y1={at} y2={at} />
        <text x={frame.left - 8} y={at + 4} text-anchor="end">
          {formatCurrency(amount, language)}
        </text>
      </>
    ))}
  </>
);

export const DayChart: FC<ChartProps & Readonly<{ bars: readonly DayBar[] }>> = (props) => {
  const { id, title, description, language, bars } = props;
  const { frame, viewWidth, maxLabels, name } =
    bars.length <= NARROW_CHART_MAX_DAYS ? NARROW_CHART : WIDE_CHART;
  const { rects, ticks } = layoutColumns(
    bars.map((bar) => bar.amount),
    frame,
  );
  const bottom = frame.top + frame.height;
  const interval = getLabelInterval(bars.length, maxLabels);
  return (
    // A chart wider than the screen scrolls in its own container, also by keyboard.
    <section class="scroll" tabindex={0} aria-label={title}>
      <svg
        class={`chart ${name}`}
        viewBox={`0 0 ${viewWidth} ${bottom + LABEL_AREA_HEIGHT}`}
        role="img"
        aria-labelledby={`${id}-title ${id}-desc`}
      >
        <title id={`${id}-title`}>{title}</title>
        <desc id={`${id}-desc`}>{description}</desc>
        <Hatching id={id} />
        <GridLines ticks={ticks} frame={frame} language={language} />
        {bars.map((bar, index) => (
          <>
            <rect
              {...rects[index]}
              class={bar.partial ? 'partial' : undefined}
              fill={bar.partial ? `url(#${id}-hatch)` : undefined}
            />
            {(bars.length - 1 - index) % interval === 0 && (
              <text
                x={(rects[index]?.x ?? 0) + (rects[index]?.width ?? 0) / 2}
                y={bottom + 20}
                text-anchor="middle"
              >
                {formatShortDay(bar.day, language)}
              </text>
            )}
          </>
        ))}
      </svg>
    </section>
  );
};

const ROW_PITCH = 40;
const NAME_CHART_WIDTH = 360;
/** Long names are truncated in the chart; the table shows them in full. */
const MAX_NAME_LENGTH = 34;

function truncateName(name: string): string {
  const characters = [...name];
  return characters.length <= MAX_NAME_LENGTH
    ? name
    : `${characters.slice(0, MAX_NAME_LENGTH - 1).join('')}…`;
}

export const NameChart: FC<ChartProps & Readonly<{ bars: readonly NamedBar[] }>> = (props) => {
  const { id, title, description, language, bars } = props;
  const frame: Frame = {
    left: 0,
    top: 0,
    width: NAME_CHART_WIDTH,
    height: bars.length * ROW_PITCH,
  };
  const { rects } = layoutRows(
    bars.map((bar) => bar.amount),
    frame,
    ROW_PITCH,
  );
  return (
    <svg
      class="chart names"
      viewBox={`0 0 ${NAME_CHART_WIDTH} ${Math.max(ROW_PITCH, frame.height)}`}
      role="img"
      aria-labelledby={`${id}-title ${id}-desc`}
    >
      <title id={`${id}-title`}>{title}</title>
      <desc id={`${id}-desc`}>{description}</desc>
      {bars.map((bar, index) => (
        <>
          <text x={0} y={index * ROW_PITCH + 15}>
            {truncateName(bar.name)}
          </text>
          <text x={NAME_CHART_WIDTH} y={index * ROW_PITCH + 15} text-anchor="end">
            {formatCurrency(bar.amount, language)}
          </text>
          <rect {...rects[index]} />
        </>
      ))}
    </svg>
  );
};
