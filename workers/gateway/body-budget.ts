/**
 * The memory that request bodies take of an isolate. A body takes memory as its bytes arrive, not
 * when it announces them: a connection that sends little holds little. Where memory runs out, the
 * body that is furthest from its end gives way, so that those near theirs are served.
 */
import type { AccountId } from '@farebox/ledger';

/** The budget in bytes, of the 128 MB that an isolate has. */
export const MAX_BODY_BYTES_IN_FLIGHT = 84 * 1024 * 1024;

/**
 * What one account may take of it: four of the largest bodies. The rest is left to other accounts,
 * whose ordinary calls fit into it.
 */
const MAX_ACCOUNT_BYTES = 81 * 1024 * 1024;

/** The memory of one body, from its first byte until it is released. */
export class BodyAllocation {
  readonly account: AccountId;
  readonly #budget: BodyBudget;
  readonly #onEvicted: () => void;
  #bytes = 0;
  #reading = true;
  #evicted = false;
  /** The bytes that are still to come, at most. */
  remainingBytes: number;

  constructor(
    budget: BodyBudget,
    account: AccountId,
    remainingBytes: number,
    onEvicted: () => void,
  ) {
    this.#budget = budget;
    this.account = account;
    this.remainingBytes = remainingBytes;
    this.#onEvicted = onEvicted;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True if the body had to give way: what it had read is gone. */
  get evicted(): boolean {
    return this.#evicted;
  }

  /** Takes memory; false if there is none for this body. */
  take(bytes: number): boolean {
    if (this.#evicted || !this.#budget.makeRoom(this, bytes)) return false;
    this.#bytes += bytes;
    this.#budget.count(this, bytes);
    return true;
  }

  /** Returns memory beyond `bytes`. */
  shrinkTo(bytes: number): void {
    const freed = this.#bytes - bytes;
    this.#bytes = bytes;
    this.#budget.count(this, -freed);
  }

  /** Ends the reading: the body is whole and no longer gives way to others. */
  complete(): void {
    this.#reading = false;
    this.#budget.close(this);
  }

  release(): void {
    this.shrinkTo(0);
    this.complete();
  }

  evict(): void {
    if (!this.#reading) return;
    this.#evicted = true;
    this.#onEvicted();
    this.release();
  }
}

export class BodyBudget {
  readonly #maxBytes: number;
  readonly #maxAccountBytes: number;
  /** The bodies that are being read. */
  readonly #open = new Set<BodyAllocation>();
  readonly #bytesByAccount = new Map<AccountId, number>();
  #bytes = 0;

  constructor(maxBytes = MAX_BODY_BYTES_IN_FLIGHT, maxAccountBytes = MAX_ACCOUNT_BYTES) {
    this.#maxBytes = maxBytes;
    this.#maxAccountBytes = maxAccountBytes;
  }

  /** The bytes that all bodies hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Opens the account of a body of at most `maxBytes`; `onEvicted` drops what it has read. */
  open(account: AccountId, maxBytes: number, onEvicted: () => void): BodyAllocation {
    const allocation = new BodyAllocation(this, account, maxBytes, onEvicted);
    this.#open.add(allocation);
    return allocation;
  }

  /** Returns the bytes that an account could take now without another body giving way. */
  availableTo(account: AccountId): number {
    const ofAccount = this.#maxAccountBytes - this.#heldBy(account);
    return Math.max(0, Math.min(this.#maxBytes - this.#bytes, ofAccount));
  }

  /** Evicts bodies until `bytes` fit; false if `allocation` is the one to give way. */
  makeRoom(allocation: BodyAllocation, bytes: number): boolean {
    while (this.availableTo(allocation.account) < bytes) {
      const furthest = this.#findFurthest(allocation, bytes);
      if (furthest === undefined || furthest === allocation) return false;
      furthest.evict();
    }
    return true;
  }

  count(allocation: BodyAllocation, bytes: number): void {
    this.#bytes += bytes;
    const ofAccount = this.#heldBy(allocation.account) + bytes;
    if (ofAccount === 0) this.#bytesByAccount.delete(allocation.account);
    else this.#bytesByAccount.set(allocation.account, ofAccount);
  }

  close(allocation: BodyAllocation): void {
    this.#open.delete(allocation);
  }

  #heldBy(account: AccountId): number {
    return this.#bytesByAccount.get(account) ?? 0;
  }

  /**
   * Returns the body to give way: one of the same account, if that has used up its share; else one
   * of an account that has most of the memory; else any.
   */
  #findFurthest(allocation: BodyAllocation, bytes: number): BodyAllocation | undefined {
    const { account } = allocation;
    const bodies = [...this.#open];
    if (this.#heldBy(account) + bytes > this.#maxAccountBytes) {
      return furthestFromEnd(bodies.filter((body) => body.account === account));
    }
    const isLarge = (body: BodyAllocation) => this.#heldBy(body.account) > this.#maxBytes / 2;
    const ofLarge = isLarge(allocation) ? [] : bodies.filter(isLarge);
    return furthestFromEnd(ofLarge) ?? furthestFromEnd(bodies);
  }
}

/** Later ones first: of two that have as much to come, the one that came first goes on. */
function furthestFromEnd(bodies: readonly BodyAllocation[]): BodyAllocation | undefined {
  let furthest: BodyAllocation | undefined;
  for (const body of bodies) {
    if (furthest === undefined || body.remainingBytes >= furthest.remainingBytes) furthest = body;
  }
  return furthest;
}
