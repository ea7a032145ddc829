/**
 * What the gateway may risk on an account by asking the provider before its hold is answered
 * (docs/decisions/0033-optimistic-send.md). Where such a hold is declined or lost, the platform pays
 * for what the provider did until then. So the account object, which sees every gateway isolate,
 * grants a few isolates a bounded sum for some seconds, and grants nothing for a while after a
 * decline.
 */
import type { NanoUsd } from '@farebox/money';
import type { Instant } from './contract/index.ts';

/** What all isolates together can lose of one account in a minute: 1 USD. */
export const MAX_EARLY_RISK: NanoUsd = 1_000_000_000n;
/** What one isolate may have at risk at a time. */
export const EARLY_GRANT: NanoUsd = 500_000_000n;
/**
 * How long a gateway uses a grant, counted from when it asked for the hold. An agent asks for its
 * next hold when an answer has ended, which often takes longer than a few seconds.
 */
export const EARLY_GRANT_MS = 30_000;
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

/** What an object that starts again has to know of the grants before. */
export type StoredGrants = Readonly<{
  /** When every place is free and no pause is left. */
  until: Instant;
  /** The names of the isolates that have a place, separated by spaces. */
  isolates: string;
}>;

export class EarlyGrants {
  /** When another isolate may take an isolate's place. */
  readonly #ends = new Map<string, Instant>();
  #isolates: string;
  #pausedUntil: Instant;

  /** Starts from what was stored last. Isolates with a place keep it; without any, there is a pause. */
  constructor({ until, isolates }: StoredGrants) {
    const names = isolates.split(' ').filter((name) => name !== '');
    for (const name of names) this.#ends.set(name, until);
    this.#isolates = isolates;
    this.#pausedUntil = names.length === 0 ? until : 0;
  }

  get until(): Instant {
    return Math.max(this.#pausedUntil, ...this.#ends.values());
  }

  get isolates(): string {
    return this.#isolates;
  }

  /** Returns what the isolate may risk from now on; 0 if nothing. A new grant replaces its last. */
  grant(isolate: string, now: Instant): NanoUsd {
    if (now < this.#pausedUntil) return 0n;
    if (!this.#ends.has(isolate) && !this.#takePlace(isolate, now)) return 0n;
    this.#ends.set(isolate, now + EARLY_PAUSE_MS);
    return EARLY_GRANT;
  }

  #takePlace(isolate: string, now: Instant): boolean {
    for (const [name, end] of this.#ends) if (end <= now) this.#ends.delete(name);
    if (BigInt(this.#ends.size + 1) * EARLY_GRANT > MAX_EARLY_RISK) return false;
    this.#isolates = [...this.#ends.keys(), isolate].join(' ');
    return true;
  }

  /** Grants nothing for a while, after a declined early send. No place lasts longer than that. */
  pause(now: Instant): void {
    this.#pausedUntil = Math.max(this.until, now + EARLY_PAUSE_MS);
    this.#ends.clear();
    this.#isolates = '';
  }
}
