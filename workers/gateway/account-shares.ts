/**
 * The share of each provider's rate that one account may use. A provider limits the rate of our
 * organisation, which all accounts share; the account object enforces the share (`hold`).
 */
import { MissingBindingError } from '@farebox/bindings';
import type { Provider, ProviderId } from '@farebox/providers';
import * as v from 'valibot';

/** The share of a provider's rate, in percent, that leaves room for three others. */
const DEFAULT_SHARE_PERCENT = 25;

/** How long a rate counts that a provider has stated, in milliseconds. */
const STATED_RATE_MS = 60 * 60_000;

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

export type AccountShareOptions = Readonly<{
  /** Calls per minute of the organisation, by provider. */
  configured: Readonly<Record<ProviderId, number>>;
  percent: number;
}>;

type RatedProvider = Pick<Provider, 'id' | 'assumedCallsPerMinute'>;

/** One per isolate. What is configured holds; otherwise the rate that the provider states. */
export class AccountShares {
  readonly #options: AccountShareOptions;
  readonly #stated = new Map<ProviderId, Readonly<{ callsPerMinute: number; at: number }>>();

  constructor(options: AccountShareOptions) {
    this.#options = options;
  }

  /**
   * Notes the calls per minute that a provider states in an answer at `now`. The rates of its models
   * differ, and the share is one for all of them: the highest of the last hour counts.
   */
  learn(provider: ProviderId, callsPerMinute: number, now: number): void {
    const known = this.#stated.get(provider);
    const isOld = known === undefined || now - known.at >= STATED_RATE_MS;
    if (isOld || callsPerMinute >= known.callsPerMinute) {
      this.#stated.set(provider, { callsPerMinute, at: now });
    }
  }

  /**
   * Returns the calls per minute that one account may make, at least 1; undefined where the rate of
   * the provider is not known.
   */
  get({ id, assumedCallsPerMinute }: RatedProvider): number | undefined {
    const { configured, percent } = this.#options;
    const stated = this.#stated.get(id)?.callsPerMinute ?? assumedCallsPerMinute;
    const rate = Object.hasOwn(configured, id) ? configured[id] : stated;
    return rate === undefined ? undefined : Math.max(1, Math.floor((rate * percent) / 100));
  }
}

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
 * Reads the bindings PROVIDER_CALLS_PER_MINUTE and ACCOUNT_SHARE_PERCENT. Throws MissingBindingError
 * where one is malformed.
 */
export function parseAccountShares(
  env: Readonly<{ PROVIDER_CALLS_PER_MINUTE?: string; ACCOUNT_SHARE_PERCENT?: string }>,
): AccountShares {
  const configured = parseOrThrow<Record<string, number>>(
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
  return new AccountShares({ configured, percent });
}
