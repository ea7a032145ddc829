/**
 * Reads plan files. Only the shape is checked here; `signPlan` checks the content against the bytes
 * to be signed.
 */
import { CHAINS } from '@farebox/deposits';
import * as v from 'valibot';
import type { Plan, SignedPlan } from './contract.ts';

const SAFE_INTEGER = v.pipe(v.number(), v.safeInteger());
const ADDRESS = v.pipe(v.string(), v.regex(/^0x[0-9a-f]{40}$/));

export const STEP_ENTRIES = {
  kind: v.picklist(['fund', 'sweep']),
  signer: v.object({ chain: v.picklist([0, 1]), index: v.pipe(v.number(), v.integer()) }),
  from: ADDRESS,
  to: ADDRESS,
  units: v.pipe(v.string(), v.regex(/^[1-9]\d{0,77}$/)),
  raw: v.pipe(v.string(), v.regex(/^0x(?:[0-9a-f]{2})+$/)),
};
export const PLAN_ENTRIES = {
  version: v.literal(1),
  id: v.string(),
  chain: v.picklist(CHAINS),
  chainId: SAFE_INTEGER,
  token: v.string(),
  fingerprint: v.string(),
  destination: v.string(),
  plannedAt: SAFE_INTEGER,
  expiresAt: SAFE_INTEGER,
  maxFee: v.string(),
};

const PLAN = v.object({
  ...PLAN_ENTRIES,
  steps: v.pipe(v.array(v.object(STEP_ENTRIES)), v.nonEmpty()),
});
const HEX = v.pipe(v.string(), v.regex(/^0x[0-9a-f]+$/));
export const SIGNED_ENTRIES = { signed: HEX, txHash: HEX };
const SIGNED_PLAN = v.object({
  ...PLAN_ENTRIES,
  steps: v.pipe(v.array(v.object({ ...STEP_ENTRIES, ...SIGNED_ENTRIES })), v.nonEmpty()),
});

/** The parsed value, or null. */
export function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> | null {
  const result = v.safeParse(schema, value);
  return result.success ? result.output : null;
}

/**
 * The plan in a file's parsed JSON, or null. Unknown fields are dropped: no signature covers them.
 */
export function parsePlan(value: unknown): Plan | null {
  return parse(PLAN, value);
}

/** The signed plan in a file's parsed JSON, or null. */
export function parseSignedPlan(value: unknown): SignedPlan | null {
  return parse(SIGNED_PLAN, value);
}
