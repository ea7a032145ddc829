/**
 * The key that the playground makes for its page: an hour, one dollar. It is told apart from a
 * user's keys by all of its name, budget and lifetime, so that a key that only has its name, or was
 * changed by its owner, is never revoked with the others.
 */
import type { KeyStatus, MintRequest } from '@farebox/ledger';
import { NO_LIMITS } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';

const PAGE_KEY_NAME = 'Playground';
const PAGE_KEY_BUDGET: NanoUsd = 1_000_000_000n;
const PAGE_KEY_TTL_MS = 60 * 60_000;
/** The account object notes the time of creation by its own clock. */
const MAX_CLOCK_SKEW_MS = 60_000;

export function buildPageKey(now: number): MintRequest & Readonly<{ expiresAt: number }> {
  const expiresAt = now + PAGE_KEY_TTL_MS;
  return {
    name: PAGE_KEY_NAME,
    limits: { ...NO_LIMITS, budget: PAGE_KEY_BUDGET, expiresAt },
    expiresAt,
  };
}

export function isPageKey(
  name: string,
  { limits, createdAt }: Pick<KeyStatus, 'limits' | 'createdAt'>,
): boolean {
  const { budget, expiresAt } = limits;
  return (
    name === PAGE_KEY_NAME &&
    budget === PAGE_KEY_BUDGET &&
    expiresAt !== null &&
    expiresAt <= createdAt + PAGE_KEY_TTL_MS + MAX_CLOCK_SKEW_MS
  );
}
