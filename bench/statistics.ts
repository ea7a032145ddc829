/** Statistics of the bench. An empty list gives NaN, which the report shows as a dash. Pure. */

export function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** A median with its range over the rounds. */
export type Spread = Readonly<{ median: number; least: number; most: number }>;

export function spread(values: readonly number[]): Spread {
  return { median: median(values), least: quantile(values, 0), most: quantile(values, 1) };
}

/** Ratios round by round: only numbers of the same round share the same noise. */
export function ratios(of: readonly number[], to: readonly number[]): number[] {
  const rounds = Math.min(of.length, to.length);
  return Array.from({ length: rounds }, (_, at) => (of[at] ?? Number.NaN) / (to[at] ?? Number.NaN));
}

export function differences(of: readonly number[], to: readonly number[]): number[] {
  const rounds = Math.min(of.length, to.length);
  return Array.from({ length: rounds }, (_, at) => (of[at] ?? Number.NaN) - (to[at] ?? Number.NaN));
}

/** The growth of `values` per step, by least squares. */
export function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let numerator = 0;
  let denominator = 0;
  values.forEach((value, at) => {
    numerator += (at - middle) * (value - mean);
    denominator += (at - middle) ** 2;
  });
  return numerator / denominator;
}
