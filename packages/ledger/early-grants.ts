/**
 * What the gateway may risk on an account by asking the provider before its hold is answered
 * (docs/decisions/0033-optimistic-send.md). Where such a hold is declined or lost, the platform pays
 * for what the provider did until then. So the account object, which sees every gateway isolate,
 * grants a few isolates a bounded sum for a few seconds, and grants nothing for a while after a
 * decline.
 */
import type { NanoUsd } from '@farebox/money';
import type { Instant } from './contract/index.ts';

/** What all isolates together can lose of one account in a minute: 1 USD. */
export const MAX_EARLY_RISK: NanoUsd = 1_000_000_000n;
/** What one isolate may have at risk at a time. */
export const EARLY_GRANT: NanoUsd = 500_000_000n;
/** How long a gateway uses a grant, counted from when it asked for the hold. */
export const EARLY_GRANT_MS = 5_000;
/** After this without an answer to the hold, the gateway aborts the request to the provider. */
export const EARLY_SEND_TIMEOUT_MS = 2_000;
/**
 * How long an isolate keeps its place after its last grant, and how long nothing is granted after a
 * decline, nor used after a loss: a minute, and until nothing is at risk from a grant any more. So
 * no minute contains what two grants of one place put at risk.
 */
export const EARLY_PAUSE_MS = 60_000 + EARLY_GRANT_MS + EARLY_SEND_TIMEOUT_MS;
/** Declined or lost early sends of a day; after them there are none until midnight UTC. */
export const EARLY_DECLINES_PER_DAY = 3;

export class EarlyGrants {
  /** When another isolate may take an isolate's place. */
  readonly #ends = new Map<string, Instant>();
  #pausedUntil: Instant;

  /** `until` is what `until` was when the object was written last. */
  constructor(until: Instant) {
    this.#pausedUntil = until;
  }

  /** When every place is free and no pause is left: before it, an object that starts grants nothing. */
  get until(): Instant {
    return Math.max(this.#pausedUntil, ...this.#ends.values());
  }

  /** Returns what the isolate may risk from now on; 0 if nothing. A new grant replaces its last. */
  grant(isolate: string, now: Instant): NanoUsd {
    if (now < this.#pausedUntil) return 0n;
    for (const [name, end] of this.#ends) if (end <= now) this.#ends.delete(name);
    const isNew = !this.#ends.has(isolate);
    if (isNew && BigInt(this.#ends.size + 1) * EARLY_GRANT > MAX_EARLY_RISK) return 0n;
    this.#ends.set(isolate, now + EARLY_PAUSE_MS);
    return EARLY_GRANT;
  }

  /** Grants nothing for a while, after a declined early send. */
  pause(now: Instant): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, now + EARLY_PAUSE_MS);
  }
}
