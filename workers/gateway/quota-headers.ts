/**
 * The header fields that tell clients what the limits of their key leave
 * (draft-ietf-httpapi-ratelimit-headers-10): a policy for its calls of any minute and one for each
 * budget that renews; and, where the edge refuses a call, the limit there. Both fields are lists of
 * structured fields (RFC 9651).
 */
import type { KeyQuota } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import type { EdgeLimit } from './rate-limiter.ts';

/** Seconds for which calls count. */
const CALL_WINDOW_SECONDS = 60;
const WINDOW_SECONDS = { day: 86_400, week: 604_800 } as const;
const NANO_PER_MICRO = 1_000n;

/** An integer of a structured field has at most 15 digits: too few for nano-USD. */
function toMicroUsd(amount: NanoUsd): string {
  return (amount / NANO_PER_MICRO).toString();
}

/** A month has no fixed length, so its policy states no window. */
function windowParameter(period: KeyQuota['budgets'][number]['period']): string {
  return period === 'month' ? '' : `;w=${WINDOW_SECONDS[period]}`;
}

/** Returns the fields and their values; lists of policies and of what each leaves. */
export function quotaHeaders({ calls, budgets }: KeyQuota): Readonly<Record<string, string>> {
  const policies = budgets.map(
    ({ period, budget }) =>
      `"budget-${period}";q=${toMicroUsd(budget)};qu="micro-usd"${windowParameter(period)}`,
  );
  const limits = budgets.map(
    ({ period, left, resetSeconds }) =>
      `"budget-${period}";r=${toMicroUsd(left)};t=${resetSeconds}`,
  );
  if (calls !== null) {
    policies.unshift(`"calls";q=${calls.limit};w=${CALL_WINDOW_SECONDS}`);
    limits.unshift(`"calls";r=${calls.left};t=${calls.resetSeconds}`);
  }
  return { 'ratelimit-policy': policies.join(', '), ratelimit: limits.join(', ') };
}

/**
 * Returns the fields of a call that a limit of the edge refused. Each isolate counts for itself, so a
 * key is sometimes admitted more than this, and never less.
 */
export function exhaustedHeaders(
  { name, quota, windowSeconds }: EdgeLimit,
  retryAfterSeconds: number,
): Readonly<Record<string, string>> {
  return {
    'ratelimit-policy': `"${name}";q=${quota};w=${windowSeconds}`,
    ratelimit: `"${name}";r=0;t=${retryAfterSeconds}`,
  };
}

/** Adds the fields to the response of a call whose key has such limits. */
export function withQuota(response: Response, quota: KeyQuota | undefined): Response {
  if (quota === undefined) return response;
  for (const [name, value] of Object.entries(quotaHeaders(quota)))
    response.headers.set(name, value);
  return response;
}
