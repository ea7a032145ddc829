/**
 * Charts as SVG the server draws: no script, no style of their own. Each is one image with a name and a
 * description; its numbers stand in a table beside it. What is not a whole day yet is hatched, so that
 * nothing is told by colour alone.
 */
import type { NanoUsd } from '@farebox/money';
import type { FC } from 'hono/jsx';
import { shortDayText, usd } from './figures.ts';
import { columns, type Frame, labelEvery, rows, type Tick } from './layout.ts';

export type DayBar = Readonly<{ day: number; amount: NanoUsd; partial: boolean }>;
export type NamedBar = Readonly<{ name: string; amount: NanoUsd }>;

type Told = Readonly<{ id: string; title: string; description: string; language: string }>;

const DAYS: Frame = { left: 96, top: 16, width: 616, height: 180 };
const WIDE = 720;
const MOST_LABELS = 14;

const Hatching: FC<{ id: string }> = ({ id }) => (
  <defs>
    <pattern id={`${id}-hatch`} width="6" height="6" patternUnits="userSpaceOnUse">
      <path d="M0 6 6 0" class="hatch" />
    </pattern>
  </defs>
);

const MoneyLines: FC<{ ticks: readonly Tick[]; language: string }> = ({ ticks, language }) => (
  <>
    {ticks.map(({ amount, at }) => (
      <>
        <line x1={DAYS.left} x2={DAYS.left + DAYS.width} y1={at} y2={at} />
        <text x={DAYS.left - 8} y={at + 4} text-anchor="end">
          {usd(amount, language)}
        </text>
      </>
    ))}
  </>
);

export const DayChart: FC<Told & Readonly<{ bars: readonly DayBar[] }>> = (props) => {
  const { id, title, description, language, bars } = props;
  const { places, ticks } = columns(
    bars.map((bar) => bar.amount),
    DAYS,
  );
  const every = labelEvery(bars.length, MOST_LABELS);
  return (
    // A chart wider than a phone scrolls in its own room, also by keyboard.
    <section class="scroll" tabindex={0} aria-label={title}>
      <svg
        class="chart days"
        viewBox={`0 0 ${WIDE} 236`}
        role="img"
        aria-labelledby={`${id}-title ${id}-desc`}
      >
        <title id={`${id}-title`}>{title}</title>
        <desc id={`${id}-desc`}>{description}</desc>
        <Hatching id={id} />
        <MoneyLines ticks={ticks} language={language} />
        {bars.map((bar, index) => (
          <>
            <rect
              {...places[index]}
              class={bar.partial ? 'partial' : undefined}
              fill={bar.partial ? `url(#${id}-hatch)` : undefined}
            />
            {index % every === 0 && (
              <text
                x={(places[index]?.x ?? 0) + (places[index]?.width ?? 0) / 2}
                y={DAYS.top + DAYS.height + 20}
                text-anchor="middle"
              >
                {shortDayText(bar.day, language)}
              </text>
            )}
          </>
        ))}
      </svg>
    </section>
  );
};

const ROW_PITCH = 40;
const NARROW = 360;
/** A name longer than its line is cut in the picture; the table has all of it. */
const LONGEST_NAME = 34;

function shortened(name: string): string {
  const letters = [...name];
  return letters.length <= LONGEST_NAME ? name : `${letters.slice(0, LONGEST_NAME - 1).join('')}…`;
}

export const NameChart: FC<Told & Readonly<{ bars: readonly NamedBar[] }>> = (props) => {
  const { id, title, description, language, bars } = props;
  const frame: Frame = { left: 0, top: 0, width: NARROW, height: bars.length * ROW_PITCH };
  const { places } = rows(
    bars.map((bar) => bar.amount),
    frame,
    ROW_PITCH,
  );
  return (
    <svg
      class="chart names"
      viewBox={`0 0 ${NARROW} ${Math.max(ROW_PITCH, frame.height)}`}
      role="img"
      aria-labelledby={`${id}-title ${id}-desc`}
    >
      <title id={`${id}-title`}>{title}</title>
      <desc id={`${id}-desc`}>{description}</desc>
      {bars.map((bar, index) => (
        <>
          <text x={0} y={index * ROW_PITCH + 15}>
            {shortened(bar.name)}
          </text>
          <text x={NARROW} y={index * ROW_PITCH + 15} text-anchor="end">
            {usd(bar.amount, language)}
          </text>
          <rect {...places[index]} />
        </>
      ))}
    </svg>
  );
};
