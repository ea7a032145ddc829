/**
 * Where bars stand. Pure: amounts in, places out, all inside the frame and none of them NaN, whatever the
 * amounts are. The axis is in money: its steps are 1, 2 or 5 times a power of ten nano-USD.
 */
import type { NanoUsd } from '@farebox/money';

export type Frame = Readonly<{ left: number; top: number; width: number; height: number }>;
export type Place = Readonly<{ x: number; y: number; width: number; height: number }>;
export type Tick = Readonly<{ amount: NanoUsd; at: number }>;
export type Layout = Readonly<{ places: readonly Place[]; ticks: readonly Tick[] }>;

/** A bar that stands for something is seen, however little it is beside the others. */
const LEAST_SEEN = 1;
const MOST_STEPS = 4n;

/** The least of 1, 2, 5, 10, 20, ... that is at least `amount`. */
function roundStep(amount: NanoUsd): NanoUsd {
  let power = 1n;
  for (;;) {
    for (const digit of [1n, 2n, 5n]) if (digit * power >= amount) return digit * power;
    power *= 10n;
  }
}

/** From zero to at least `most`, in at most four equal steps (exact: they are money). */
export function axisFor(most: NanoUsd): readonly NanoUsd[] {
  if (most <= 0n) return [0n];
  const step = roundStep((most + MOST_STEPS - 1n) / MOST_STEPS);
  const steps = (most + step - 1n) / step;
  return Array.from({ length: Number(steps) + 1 }, (_, index) => BigInt(index) * step);
}

const PARTS = 1_000_000n;

/** Which part of `whole` it is, from 0 to 1. */
function shareOf(amount: NanoUsd, whole: NanoUsd): number {
  if (whole <= 0n || amount <= 0n) return 0;
  return Math.min(1, Number((amount * PARTS) / whole) / Number(PARTS));
}

function largest(amounts: readonly NanoUsd[]): NanoUsd {
  return amounts.reduce((most, amount) => (amount > most ? amount : most), 0n);
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

function lengthOf(amount: NanoUsd, whole: NanoUsd, room: number): number {
  const length = shareOf(amount, whole) * room;
  return amount > 0n ? Math.max(Math.min(LEAST_SEEN, room), length) : 0;
}

/** Bars side by side, growing upward. */
export function columns(amounts: readonly NanoUsd[], frame: Frame): Layout {
  const axis = axisFor(largest(amounts));
  const whole = axis.at(-1) ?? 0n;
  const pitch = amounts.length === 0 ? 0 : frame.width / amounts.length;
  const bottom = frame.top + frame.height;
  const places = amounts.map((amount, index) => {
    const height = rounded(lengthOf(amount, whole, frame.height));
    return {
      x: rounded(frame.left + index * pitch + pitch * 0.1),
      y: rounded(bottom - height),
      width: rounded(pitch * 0.8),
      height,
    };
  });
  const ticks = axis.map((amount) => ({
    amount,
    at: rounded(bottom - shareOf(amount, whole) * frame.height),
  }));
  return { places, ticks };
}

/** Bars one below the other, growing to the right; `pitch` leaves room for a line of text above each. */
export function rows(amounts: readonly NanoUsd[], frame: Frame, pitch: number): Layout {
  const axis = axisFor(largest(amounts));
  const whole = axis.at(-1) ?? 0n;
  const places = amounts.map((amount, index) => ({
    x: frame.left,
    y: rounded(frame.top + index * pitch + pitch * 0.5),
    width: rounded(lengthOf(amount, whole, frame.width)),
    height: rounded(pitch * 0.35),
  }));
  const ticks = axis.map((amount) => ({
    amount,
    at: rounded(frame.left + shareOf(amount, whole) * frame.width),
  }));
  return { places, ticks };
}

/** Every how many columns a label stands, so that at most `most` do. */
export function labelEvery(columnsThere: number, most: number): number {
  return Math.max(1, Math.ceil(columnsThere / most));
}
