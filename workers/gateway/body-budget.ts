/**
 * The memory that request bodies take of an isolate. What is counted is what is allocated. Where
 * memory runs out, bodies that stall give way, then those furthest from their end: a connection
 * that only announces a body never keeps others from theirs, and those near their end are served.
 */
import type { AccountId } from '@farebox/ledger';

/** The budget in bytes, of the 128 MB that an isolate has. */
export const MAX_BODY_BYTES_IN_FLIGHT = 84 * 1024 * 1024;

/**
 * What one account may take of it: four of the largest bodies. The rest is left to other accounts,
 * whose ordinary calls fit into it.
 */
const MAX_ACCOUNT_BYTES = 81 * 1024 * 1024;

/**
 * The bytes that have arrived beyond which bodies are read on one after another: admitted ones are
 * then not all whole at the same moment, and the first is sent and freed before the next is whole.
 */
const MAX_FILLED_BYTES = 40 * 1024 * 1024;

/** For how long after a body is whole the next one waits for it to be sent, in milliseconds. */
const SENDING_MS = 1_000;

/** Bodies of which nothing came for this long give way first, in milliseconds. */
const STALLED_MS = 1_000;

/** The memory of one body, from its first byte until it is released. */
export class BodyAllocation {
  readonly account: AccountId;
  readonly #budget: BodyBudget;
  readonly #onEvicted: () => void;
  #bytes = 0;
  #reading = true;
  #evicted = false;
  #remainingBytes: number;
  #filledBytes = 0;
  #lastChunkAt: number;

  constructor(
    budget: BodyBudget,
    account: AccountId,
    remainingBytes: number,
    now: number,
    onEvicted: () => void,
  ) {
    this.#budget = budget;
    this.account = account;
    this.#remainingBytes = remainingBytes;
    this.#lastChunkAt = now;
    this.#onEvicted = onEvicted;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True if the body had to give way: what it had read is gone. */
  get evicted(): boolean {
    return this.#evicted;
  }

  /** The bytes that are still to come, at most. */
  get remainingBytes(): number {
    return this.#remainingBytes;
  }

  isStalled(now: number): boolean {
    return now - this.#lastChunkAt > STALLED_MS;
  }

  /** Notes that `bytes` more have arrived, and what is still to come. */
  progress(bytes: number, remainingBytes: number, now: number): void {
    this.#remainingBytes = remainingBytes;
    this.#lastChunkAt = now;
    this.#fill(this.#filledBytes + bytes);
  }

  /** Returns whether to read on; a body that has to wait for others does not stall. */
  mayFill(now: number): boolean {
    if (this.#evicted || this.#budget.mayFill(this, now)) return true;
    this.#lastChunkAt = now;
    return false;
  }

  /** Takes memory; false if there is none for this body. */
  take(bytes: number, now: number): boolean {
    this.#lastChunkAt = now;
    if (this.#evicted || !this.#budget.makeRoom(this, bytes, now)) return false;
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
  complete(now: number): void {
    this.#fill(this.#bytes);
    this.#budget.noteWhole(now);
    this.#close();
  }

  release(): void {
    this.shrinkTo(0);
    this.#fill(0);
    this.#close();
  }

  evict(): void {
    if (!this.#reading) return;
    this.#evicted = true;
    this.#onEvicted();
    this.release();
  }

  #close(): void {
    this.#reading = false;
    this.#budget.close(this);
  }

  #fill(bytes: number): void {
    this.#budget.countFilled(bytes - this.#filledBytes);
    this.#filledBytes = bytes;
  }
}

export class BodyBudget {
  readonly #maxBytes: number;
  readonly #maxAccountBytes: number;
  /** The bodies that are being read. */
  readonly #open = new Set<BodyAllocation>();
  readonly #bytesByAccount = new Map<AccountId, number>();
  #bytes = 0;
  #filledBytes = 0;
  #lastWholeAt = Number.NEGATIVE_INFINITY;

  constructor(maxBytes = MAX_BODY_BYTES_IN_FLIGHT, maxAccountBytes = MAX_ACCOUNT_BYTES) {
    this.#maxBytes = maxBytes;
    this.#maxAccountBytes = maxAccountBytes;
  }

  /** The bytes that all bodies hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Opens the account of a body of at most `maxBytes`; `onEvicted` drops what it has read. */
  open(account: AccountId, maxBytes: number, now: number, onEvicted: () => void): BodyAllocation {
    const allocation = new BodyAllocation(this, account, maxBytes, now, onEvicted);
    this.#open.add(allocation);
    return allocation;
  }

  /**
   * Returns whether those before it leave no room for a body of this declared length: it would give
   * way at its first chunk, so nothing of it has to be read. Bodies that would give way to it do not
   * count: those that stall, and those of an account with most of the memory.
   */
  isHopeless(allocation: BodyAllocation, now: number): boolean {
    const ownsMost = this.#isLarge(allocation);
    let ahead = this.#bytes;
    for (const body of this.#open) {
      const isAhead = body !== allocation && body.remainingBytes <= allocation.remainingBytes;
      const givesWay = body.isStalled(now) || (!ownsMost && this.#isLarge(body));
      if (!isAhead || givesWay) ahead -= body.bytes;
      else ahead += body.remainingBytes - Math.min(body.remainingBytes, body.bytes);
    }
    return ahead + allocation.remainingBytes > this.#maxBytes;
  }

  /**
   * Returns whether a body may be read on. Once many bytes have arrived that is only the one nearest
   * its end, and not while one that is whole is on its way to its provider.
   */
  mayFill(allocation: BodyAllocation, now: number): boolean {
    if (this.#filledBytes < MAX_FILLED_BYTES) return true;
    if (now - this.#lastWholeAt < SENDING_MS) return false;
    for (const body of this.#open) {
      if (body === allocation) return true;
      if (body.remainingBytes <= allocation.remainingBytes && !body.isStalled(now)) return false;
    }
    return true;
  }

  /** Returns the bytes that an account could take now without another body giving way. */
  availableTo(account: AccountId): number {
    const ofAccount = this.#maxAccountBytes - this.#heldBy(account);
    return Math.max(0, Math.min(this.#maxBytes - this.#bytes, ofAccount));
  }

  /** Evicts bodies until `bytes` fit; evicts none and returns false if `allocation` is to give way. */
  makeRoom(allocation: BodyAllocation, bytes: number, now: number): boolean {
    let missing = bytes - this.availableTo(allocation.account);
    if (missing <= 0) return true;
    const evicted: BodyAllocation[] = [];
    for (const body of this.#listFurthestFirst(allocation, bytes, now)) {
      if (body === allocation) return false;
      evicted.push(body);
      missing -= body.bytes;
      if (missing <= 0) break;
    }
    if (missing > 0) return false;
    for (const body of evicted) body.evict();
    return true;
  }

  count(allocation: BodyAllocation, bytes: number): void {
    this.#bytes += bytes;
    const ofAccount = this.#heldBy(allocation.account) + bytes;
    if (ofAccount === 0) this.#bytesByAccount.delete(allocation.account);
    else this.#bytesByAccount.set(allocation.account, ofAccount);
  }

  countFilled(bytes: number): void {
    this.#filledBytes += bytes;
  }

  noteWhole(now: number): void {
    this.#lastWholeAt = now;
  }

  close(allocation: BodyAllocation): void {
    this.#open.delete(allocation);
  }

  #heldBy(account: AccountId): number {
    return this.#bytesByAccount.get(account) ?? 0;
  }

  /**
   * Returns the bodies that give way, first those that stall, then those furthest from their end:
   * of the same account, if that has used up its share; else of accounts that have most of the
   * memory; else any. Of two that have as much to come, the one that came first goes on.
   */
  #listFurthestFirst(
    allocation: BodyAllocation,
    bytes: number,
    now: number,
  ): readonly BodyAllocation[] {
    const { account } = allocation;
    const bodies = [...this.#open].toReversed();
    bodies.sort(
      (a, b) =>
        Number(b.isStalled(now)) - Number(a.isStalled(now)) || b.remainingBytes - a.remainingBytes,
    );
    if (this.#heldBy(account) + bytes > this.#maxAccountBytes) {
      return bodies.filter((body) => body.account === account);
    }
    if (this.#isLarge(allocation)) return bodies;
    const large = bodies.filter((body) => this.#isLarge(body));
    return [...large, ...bodies.filter((body) => !this.#isLarge(body))];
  }

  /** Returns whether the account of a body holds most of the memory. */
  #isLarge({ account }: BodyAllocation): boolean {
    return this.#heldBy(account) > this.#maxBytes / 2;
  }
}
