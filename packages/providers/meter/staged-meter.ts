/** A meter whose pieces go through one more stage; what it reads stays its own. */
import type { Meter } from '../contract.ts';

type Pieces = readonly Uint8Array[];

/** What a stage does with the pieces of each chunk, and with those of the end. */
export type MeterStage = Readonly<{
  feed: (pieces: Pieces) => Pieces;
  end?: (pieces: Pieces) => Pieces;
}>;

/** Returns `meter` followed by `stage`. */
export function withStage(meter: Meter, stage: MeterStage): Meter {
  return {
    get format() {
      return meter.format;
    },
    get hasEnded() {
      return meter.hasEnded;
    },
    get hasFinalUsage() {
      return meter.hasFinalUsage;
    },
    feed: (chunk) => stage.feed(meter.feed(chunk)),
    end: () => {
      const pieces = meter.end();
      return stage.end === undefined ? pieces : stage.end(pieces);
    },
    reading: () => meter.reading(),
    verdict: () => meter.verdict(),
  };
}
