/**
 * The layout of bar charts. Pure. For any amounts, all coordinates are finite and inside the frame.
 * The steps of the axis are 1, 2 or 5 times a power of ten nano-USD.
 */
import type { NanoUsd } from '@farebox/money';

export type Frame = Readonly<{ left: number; top: number; width: number; height: number }>;
export type Rect = Readonly<{ x: number; y: number; width: number; height: number }>;
export type Tick = Readonly<{ amount: NanoUsd; at: number }>;
export type ChartLayout = Readonly<{ rects: readonly Rect[]; ticks: readonly Tick[] }>;

/** The length of the shortest bar for an amount above zero, so that it stays visible. */
const MIN_BAR_LENGTH = 1;
const MAX_STEPS = 4n;

/** Returns the smallest of 1, 2, 5, 10, 20, ... that is at least `amount`. */
function roundStep(amount: NanoUsd): NanoUsd {
  let power = 1n;
  for (;;) {
    for (const digit of [1n, 2n, 5n]) if (digit * power >= amount) return digit * power;
    power *= 10n;
  }
}

/** Returns the ticks from zero to at least `max`, in at most four equal steps of exact money. */
export function computeAxis(max: NanoUsd): readonly NanoUsd[] {
  if (max <= 0n) return [0n];
  const step = roundStep((max + MAX_STEPS - 1n) / MAX_STEPS);
  const steps = (max + step - 1n) / step;
  return Array.from({ length: Number(steps) + 1 }, (_, index) => BigInt(index) * step);
}

const SCALE = 1_000_000n;

/** Returns `amount` as a fraction of `whole`, from 0 to 1. */
function toFraction(amount: NanoUsd, whole: NanoUsd): number {
  if (whole <= 0n || amount <= 0n) return 0;
  return Math.min(1, Number((amount * SCALE) / whole) / Number(SCALE));
}

function maxAmount(amounts: readonly NanoUsd[]): NanoUsd {
  return amounts.reduce((max, amount) => (amount > max ? amount : max), 0n);
}

function roundToHundredth(value: number): number {
  return Math.round(value * 100) / 100;
}

function toBarLength(amount: NanoUsd, whole: NanoUsd, available: number): number {
  const length = toFraction(amount, whole) * available;
  return amount > 0n ? Math.max(Math.min(MIN_BAR_LENGTH, available), length) : 0;
}

/** Lays out bars side by side, growing upward. */
export function layoutColumns(amounts: readonly NanoUsd[], frame: Frame): ChartLayout {
  const axis = computeAxis(maxAmount(amounts));
  const whole = axis.at(-1) ?? 0n;
  const pitch = amounts.length === 0 ? 0 : frame.width / amounts.length;
  const bottom = frame.top + frame.height;
  const rects = amounts.map((amount, index) => {
    const height = roundToHundredth(toBarLength(amount, whole, frame.height));
    return {
      x: roundToHundredth(frame.left + index * pitch + pitch * 0.1),
      y: roundToHundredth(bottom - height),
      width: roundToHundredth(pitch * 0.8),
      height,
    };
  });
  const ticks = axis.map((amount) => ({
    amount,
    at: roundToHundredth(bottom - toFraction(amount, whole) * frame.height),
  }));
  return { rects, ticks };
}

/**
 * Lays out bars below each other, growing to the right. `pitch` leaves space for a text above each.
 */
export function layoutRows(amounts: readonly NanoUsd[], frame: Frame, pitch: number): ChartLayout {
  const axis = computeAxis(maxAmount(amounts));
  const whole = axis.at(-1) ?? 0n;
  const rects = amounts.map((amount, index) => ({
    x: frame.left,
    y: roundToHundredth(frame.top + index * pitch + pitch * 0.5),
    width: roundToHundredth(toBarLength(amount, whole, frame.width)),
    height: roundToHundredth(pitch * 0.35),
  }));
  const ticks = axis.map((amount) => ({
    amount,
    at: roundToHundredth(frame.left + toFraction(amount, whole) * frame.width),
  }));
  return { rects, ticks };
}

/** Returns the distance between labeled columns that gives at most `max` labels. */
export function getLabelInterval(columnCount: number, maxLabels: number): number {
  return Math.max(1, Math.ceil(columnCount / maxLabels));
}
