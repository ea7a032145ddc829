/** Decides from facts which components are up. Pure. */
import type { StatusCheck, StatusFacts } from '@farebox/database/status';
import type { Instant } from '@farebox/ledger';

/** With fewer calls than this, failures say nothing about a provider, and it gets no check. */
const MIN_CALLS = 10;
/**
 * The calls of fewer accounts say as little: one of them may send what the provider breaks off at,
 * and it must not decide what the public page says.
 */
const MIN_ACCOUNTS = 3;
/** Reconciliation runs every five minutes; three missed runs in a row are not chance. */
const RECONCILIATION_LATE_MS = 20 * 60_000;
/** The scan of a network reads new blocks each minute. */
const SCAN_LATE_MS = 15 * 60_000;

type ProviderFacts = StatusFacts['providers'][number];

/** Down when most calls failed, and at more than half of the accounts. */
function isProviderUp({ calls, failed, accounts, failedAccounts }: ProviderFacts): boolean {
  return failed * 2 <= calls || failedAccounts * 2 <= accounts;
}

function isJudged({ provider, calls, accounts }: ProviderFacts): boolean {
  const hasEnough = calls >= MIN_CALLS && accounts >= MIN_ACCOUNTS;
  return hasEnough && /^[a-z0-9_-]{1,16}$/.test(provider);
}

function isRecent(at: Instant | null, now: Instant, withinMs: number): boolean {
  return at !== null && now - at <= withinMs;
}

/**
 * `isApiUp` is the result of a call to the API. The console is up because it runs this.
 */
export function toStatusChecks(
  facts: StatusFacts,
  isApiUp: boolean,
  now: Instant,
): readonly StatusCheck[] {
  const providers = facts.providers
    .filter(isJudged)
    .map((provider) => ({ component: provider.provider, isUp: isProviderUp(provider) }));
  const chains = facts.chains.map(({ chain, advancedAt, isHalted }) => ({
    component: chain,
    isUp: !isHalted && isRecent(advancedAt, now, SCAN_LATE_MS),
  }));
  return [
    { component: 'api', isUp: isApiUp },
    { component: 'console', isUp: true },
    { component: 'ledger', isUp: isRecent(facts.reconciledAt, now, RECONCILIATION_LATE_MS) },
    { component: 'mail', isUp: facts.emailsStuck === 0 },
    ...chains,
    ...providers,
  ];
}
