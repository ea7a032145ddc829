/** The schema of `prices.generated.json`, for the update script; the Workers' copy was reviewed. */
import * as v from 'valibot';
import type { PriceFile } from './price-file.ts';

const AMOUNT = v.pipe(v.number(), v.safeInteger());

const LIMITS = {
  context: v.pipe(AMOUNT, v.minValue(1)),
  output: v.pipe(AMOUNT, v.minValue(1)),
  hidesReasoning: v.boolean(),
  surcharges: v.array(AMOUNT),
};

const MODEL = v.object({
  id: v.string(),
  names: v.array(v.string()),
  rules: v.array(v.array(v.string())),
  ...LIMITS,
  deprecated: v.boolean(),
  created: v.string(),
  periods: v.array(
    v.object({ from: v.string(), window: v.array(AMOUNT), rows: v.array(v.array(AMOUNT)) }),
  ),
  variants: v.array(v.object({ name: v.string(), ...LIMITS })),
});

const PRICE_FILE: v.GenericSchema<unknown, PriceFile> = v.object({
  date: v.pipe(v.string(), v.isoDate()),
  sources: v.array(v.string()),
  providers: v.array(v.object({ id: v.string(), models: v.array(MODEL) })),
});

/** Parses the text of a price file. Throws a ValiError, or a SyntaxError, for anything else. */
export function parsePriceFile(text: string): PriceFile {
  return v.parse(PRICE_FILE, JSON.parse(text));
}
