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

type Drawing = Readonly<{ frame: Frame; wide: number; labels: number; name: string }>;
/** As wide as a phone, for as many days as fit there. */
const FEW: Drawing = {
  frame: { left: 80, top: 16, width: 262, height: 150 },
  wide: 360,
  labels: 5,
  name: 'few',
};
const MANY: Drawing = {
  frame: { left: 96, top: 16, width: 598, height: 180 },
  wide: 720,
  labels: 14,
  name: 'many',
};
const FEW_DAYS = 14;
const BELOW = 40;

const Hatching: FC<{ id: string }> = ({ id }) => (
  <defs>
    <pattern id={`${id}-hatch`} width="6" height="6" patternUnits="userSpaceOnUse">
      <path d="M0 6 6 0" class="hatch" />
    </pattern>
  </defs>
);

type Lines = Readonly<{ ticks: readonly Tick[]; frame: Frame; language: string }>;

const MoneyLines: FC<Lines> = ({ ticks, frame, language }) => (
  <>
    {ticks.map(({ amount, at }) => (
      <>
        <line x1={frame.left} x2={frame.left + frame.width} y1={at} y2={at} />
        <text x={frame.left - 8} y={at + 4} text-anchor="end">
          {usd(amount, language)}
        </text>
      </>
    ))}
  </>
);

export const DayChart: FC<Told & Readonly<{ bars: readonly DayBar[] }>> = (props) => {
  const { id, title, description, language, bars } = props;
  const { frame, wide, labels, name } = bars.length <= FEW_DAYS ? FEW : MANY;
  const { places, ticks } = columns(
    bars.map((bar) => bar.amount),
    frame,
  );
  const bottom = frame.top + frame.height;
  const every = labelEvery(bars.length, labels);
  return (
    // A chart wider than a phone scrolls in its own room, also by keyboard.
    <section class="scroll" tabindex={0} aria-label={title}>
      <svg
        class={`chart ${name}`}
        viewBox={`0 0 ${wide} ${bottom + BELOW}`}
        role="img"
        aria-labelledby={`${id}-title ${id}-desc`}
      >
        <title id={`${id}-title`}>{title}</title>
        <desc id={`${id}-desc`}>{description}</desc>
        <Hatching id={id} />
        <MoneyLines ticks={ticks} frame={frame} language={language} />
        {bars.map((bar, index) => (
          <>
            <rect
              {...places[index]}
              class={bar.partial ? 'partial' : undefined}
              fill={bar.partial ? `url(#${id}-hatch)` : undefined}
            />
            {(bars.length - 1 - index) % every === 0 && (
              <text
                x={(places[index]?.x ?? 0) + (places[index]?.width ?? 0) / 2}
                y={bottom + 20}
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
