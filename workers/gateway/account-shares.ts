/**
 * The share of each provider's rate that one account may use. A provider limits the rate of our
 * organisation, which all accounts share; the account object enforces the share (`hold`).
 */
import { MissingBindingError } from '@farebox/bindings';
import type { ProviderId } from '@farebox/providers';
import * as v from 'valibot';

/** Calls per minute of one account, by provider. Absent where no limit is configured. */
export type AccountShares = ReadonlyMap<ProviderId, number>;

const DEFAULT_SHARE_PERCENT = 25;

/** By provider id, as `{"openai": 10000}`: calls per minute of the organisation. */
const PROVIDER_RATES = v.pipe(
  v.string(),
  v.parseJson(),
  v.record(
    v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]*$/)),
    v.pipe(v.number(), v.integer(), v.minValue(1)),
  ),
);
const PERCENT = v.pipe(
  v.string(),
  v.regex(/^\d{1,3}$/),
  v.transform(Number),
  v.minValue(1),
  v.maxValue(100),
);

function parseOrThrow<T>(
  schema: v.GenericSchema<unknown, T>,
  text: string | undefined,
  name: string,
  fallback: T,
): T {
  if (text === undefined || text === '') return fallback;
  const parsed = v.safeParse(schema, text);
  if (!parsed.success) throw new MissingBindingError(name);
  return parsed.output;
}

/**
 * Reads the bindings PROVIDER_CALLS_PER_MINUTE and ACCOUNT_SHARE_PERCENT. Every share is at least
 * one call per minute. Throws MissingBindingError where one is malformed.
 */
export function parseAccountShares(
  env: Readonly<{ PROVIDER_CALLS_PER_MINUTE?: string; ACCOUNT_SHARE_PERCENT?: string }>,
): AccountShares {
  const rates = parseOrThrow<Record<string, number>>(
    PROVIDER_RATES,
    env.PROVIDER_CALLS_PER_MINUTE,
    'PROVIDER_CALLS_PER_MINUTE',
    {},
  );
  const percent = parseOrThrow(
    PERCENT,
    env.ACCOUNT_SHARE_PERCENT,
    'ACCOUNT_SHARE_PERCENT',
    DEFAULT_SHARE_PERCENT,
  );
  return new Map(
    Object.entries(rates).map(([provider, rate]) => [
      provider,
      Math.max(1, Math.floor((rate * percent) / 100)),
    ]),
  );
}
