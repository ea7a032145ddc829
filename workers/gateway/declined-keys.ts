/**
 * Keys whose requests without a hold are declined for a while, as their accounts told this isolate:
 * such requests ask the account nothing that would decline them.
 */
import type { AccountId, KeyCredential, RefusalDecline } from '@farebox/ledger';

/** A bound of the memory; the oldest are forgotten first. */
const MAX_KEYS = 1_000;

function toKey(account: AccountId, { keyId }: KeyCredential): string {
  return `${account}${keyId}`;
}

/** One per isolate. */
export class DeclinedKeys {
  readonly #declined = new Map<
    string,
    Readonly<{ reason: RefusalDecline['reason']; until: number }>
  >();

  /** Remembers a decline that the account told at `now` (milliseconds since the epoch). */
  add(account: AccountId, key: KeyCredential, decline: RefusalDecline, now: number): void {
    const id = toKey(account, key);
    const { reason, retryAfterSeconds } = decline;
    this.#declined.delete(id);
    this.#declined.set(id, { reason, until: now + 1_000 * retryAfterSeconds });
    const [oldest] = this.#declined.keys();
    if (this.#declined.size > MAX_KEYS && oldest !== undefined) this.#declined.delete(oldest);
  }

  /** Returns why the key's next request is declined, or null. */
  find(account: AccountId, key: KeyCredential, now: number): RefusalDecline | null {
    const id = toKey(account, key);
    const declined = this.#declined.get(id);
    if (declined === undefined) return null;
    const { reason, until } = declined;
    if (now < until) return { reason, retryAfterSeconds: Math.ceil((until - now) / 1_000) };
    this.#declined.delete(id);
    return null;
  }
}
