/**
 * The layout of charts. Pure. For any amounts, all coordinates are finite and inside the frame. A
 * chart is `COLUMN_WIDTH` units wide per column and `CHART_HEIGHT` units high; it stretches with
 * the page. The steps of the axis are 1, 2 or 5 times a power of ten.
 */
export type Rect = Readonly<{ x: number; y: number; width: number; height: number }>;

export const COLUMN_WIDTH = 10;
export const CHART_HEIGHT = 100;
const BAR_WIDTH = 8;
const BAR_OFFSET = (COLUMN_WIDTH - BAR_WIDTH) / 2;
/** The height of the lowest bar for an amount above zero, so that it stays visible. */
const MIN_BAR_HEIGHT = 1;
const MAX_STEPS = 4n;
const SCALE = 1_000_000n;

/** Returns the smallest of 1, 2, 5, 10, 20, ... that is at least `amount`. */
function roundStep(amount: bigint): bigint {
  let power = 1n;
  for (;;) {
    for (const digit of [1n, 2n, 5n]) if (digit * power >= amount) return digit * power;
    power *= 10n;
  }
}

/** Returns the ticks from zero to at least `max`, in at most four equal exact steps. */
export function computeAxis(max: bigint): readonly bigint[] {
  if (max <= 0n) return [0n];
  const step = roundStep((max + MAX_STEPS - 1n) / MAX_STEPS);
  const steps = (max + step - 1n) / step;
  return Array.from({ length: Number(steps) + 1 }, (_, index) => BigInt(index) * step);
}

/** Returns `amount` as a fraction of `whole`, from 0 to 1. */
export function toFraction(amount: bigint, whole: bigint): number {
  if (whole <= 0n || amount <= 0n) return 0;
  return Math.min(1, Number((amount * SCALE) / whole) / Number(SCALE));
}

function roundToHundredth(value: number): number {
  return Math.round(value * 100) / 100;
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + (amount > 0n ? amount : 0n), 0n);
}

function layoutColumn(amounts: readonly bigint[], whole: bigint, x: number): readonly Rect[] {
  const total = sum(amounts);
  const height = total > 0n ? Math.max(MIN_BAR_HEIGHT, toFraction(total, whole) * CHART_HEIGHT) : 0;
  let below = 0n;
  return amounts.map((amount) => {
    const bottom = roundToHundredth(CHART_HEIGHT - toFraction(below, total) * height);
    below += amount > 0n ? amount : 0n;
    const top = roundToHundredth(CHART_HEIGHT - toFraction(below, total) * height);
    return { x, y: top, width: BAR_WIDTH, height: roundToHundredth(bottom - top) };
  });
}

export type StackLayout = Readonly<{
  /** One rectangle per column and series, from the bottom up. */
  columns: readonly (readonly Rect[])[];
  axis: readonly bigint[];
}>;

/** Lays out columns side by side, the amounts of each on top of each other. */
export function layoutStacks(columns: readonly (readonly bigint[])[]): StackLayout {
  const max = columns.map(sum).reduce((most, total) => (total > most ? total : most), 0n);
  const axis = computeAxis(max);
  const whole = axis.at(-1) ?? 0n;
  return {
    axis,
    columns: columns.map((amounts, index) =>
      layoutColumn(amounts, whole, index * COLUMN_WIDTH + BAR_OFFSET),
    ),
  };
}

/** Returns the indexes of at most `max` labels, evenly spread, the first and the last among them. */
export function spreadLabels(columnCount: number, max: number): readonly number[] {
  if (columnCount <= max) return Array.from({ length: columnCount }, (_, index) => index);
  return Array.from({ length: max }, (_, index) =>
    Math.round((index * (columnCount - 1)) / (max - 1)),
  );
}
