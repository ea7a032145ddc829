/**
 * Fits a provider's calibration to recorded answers, so that a test can judge each recording by
 * factors that were fitted without it. The factors in the providers' files were chosen by hand; that
 * this finds nearly the same ones says that they are no artefact of the recordings.
 */
import type { EstimatedInput } from '@farebox/dialects';
import type { Calibration } from './contract.ts';

/** One recorded answer: its shown tokens, and what an estimate of them is made of. */
export type OutputSample = Readonly<{
  shown: number;
  /** Tokens of its text as o200k_base counts them, or its events. */
  text: number;
  calls: number;
  arguments: number;
}>;

/** One recorded request and what the provider counted. */
export type InputSample = Readonly<{ reported: number; input: EstimatedInput; model: string }>;

type Frames = Calibration['toolCallTokens'];
export type OutputFactors = Readonly<{ scale: number; frames: Frames }>;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

export function applyOutputFactors(sample: OutputSample, { scale, frames }: OutputFactors): number {
  const { first, further, argument } = frames;
  const calls = sample.calls === 0 ? 0 : first + further * (sample.calls - 1);
  return Math.ceil(scale * sample.text + calls + argument * sample.arguments);
}

function range(max: number, step: number): number[] {
  return Array.from({ length: max / step + 1 }, (_, index) => index * step);
}

const ALL_FRAMES: readonly Frames[] = range(40, 4).flatMap((first) =>
  range(40, 4).flatMap((further) =>
    range(14, 2).map((argument): Frames => ({ first, further, argument })),
  ),
);

function sumErrors(samples: readonly OutputSample[], factors: OutputFactors): number {
  const errors = samples.map((sample) =>
    Math.abs(Math.log(applyOutputFactors(sample, factors) / sample.shown)),
  );
  return errors.reduce((sum, error) => sum + error, 0);
}

/** Fits the scale to texts (1 where events are tokens), then the frames to tool calls. */
export function fitOutputFactors(
  samples: readonly OutputSample[],
  isEventPerToken: boolean,
): OutputFactors {
  const texts = samples.filter(({ calls }) => calls === 0);
  const scale = isEventPerToken ? 1 : median(texts.map(({ shown, text }) => shown / text));
  const withCalls = samples.filter(({ calls }) => calls > 0);
  const none = { scale, frames: { first: 0, further: 0, argument: 0 } };
  const [best] = ALL_FRAMES.map((frames) => ({ scale, frames }))
    .map((factors) => ({ factors, error: sumErrors(withCalls, factors) }))
    .toSorted((a, b) => a.error - b.error);
  return best?.factors ?? none;
}

/**
 * Fits the preambles, for each family of models by itself: the base to requests without tools, the
 * preamble of tools to those with them. What is not in `samples` keeps its value.
 */
export function fitPreambles(
  samples: readonly InputSample[],
  calibration: Calibration,
  estimate: (sample: InputSample, calibration: Calibration) => number,
): Calibration {
  const { preambles } = calibration.input;
  const find = (model: string) => preambles.findIndex(({ models }) => models.test(model));
  const withPreambles = (next: typeof preambles): Calibration => ({
    ...calibration,
    input: { ...calibration.input, preambles: next },
  });
  const residual = (family: number, hasTools: boolean, next: typeof preambles, known: number) => {
    const residuals = samples
      .filter(({ model, input }) => find(model) === family && input.tools > 0 === hasTools)
      .map((sample) => sample.reported - estimate(sample, withPreambles(next)));
    return residuals.length === 0 ? known : median(residuals);
  };
  const bases = preambles.map((preamble, family) => ({
    ...preamble,
    base: residual(family, false, preambles.with(family, { ...preamble, base: 0 }), preamble.base),
  }));
  const fitted = bases.map((preamble, family) => ({
    ...preamble,
    tools: residual(family, true, bases.with(family, { ...preamble, tools: 0 }), preamble.tools),
  }));
  return withPreambles(fitted);
}
