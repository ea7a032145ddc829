/**
 * The book again, written as plainly as it can be: a few maps, no SQL, no cleverness. The object
 * must answer as this does, whatever is repeated, reordered, contradicted or crashed in between.
 */
import type { CheckpointRequest, HoldRequest, SettleRequest } from './contract/index.ts';

type Call = {
  fingerprint: string;
  amount: bigint;
  floor: bigint;
  deadline: number;
  ended: null | 'settled' | 'expired' | 'late';
  settleFingerprint: string;
  charged: bigint;
  shortfall: bigint;
};

function serialize(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part));
}

export class ReferenceModel {
  posted = 0n;
  entryCount = 0;
  acknowledged = 0;
  closed = false;
  rollCount = 0;
  /** Secrets of the one key, the newest last, and until when each opens. */
  #secrets: { hash: string; expiresAt: number }[] = [];
  readonly #chargesPerWipeStep: number;
  #isTombstone = false;
  /** The charges that the object keeps. */
  #charges = 0;
  readonly #calls = new Map<string, Call>();
  readonly #credits = new Map<string, Readonly<{ amount: bigint; posted: bigint }>>();

  constructor(chargesPerWipeStep: number) {
    this.#chargesPerWipeStep = chargesPerWipeStep;
  }

  get wiped(): boolean {
    return this.#isTombstone && this.#charges === 0;
  }

  get isWiping(): boolean {
    return this.#isTombstone && this.#charges > 0;
  }

  get held(): bigint {
    let sum = 0n;
    for (const call of this.#calls.values()) if (call.ended === null) sum += call.amount;
    return sum;
  }

  credit(id: string, amount: bigint): string {
    const existing = this.#credits.get(id);
    if (existing !== undefined)
      return existing.amount === amount ? `ok ${existing.posted}` : 'conflict';
    if (this.closed) return 'closed';
    this.posted += amount;
    this.entryCount += 1;
    this.#credits.set(id, { amount, posted: this.posted });
    return `ok ${this.posted}`;
  }

  newKey(hash: string): void {
    this.#secrets = [{ hash, expiresAt: Number.POSITIVE_INFINITY }];
  }

  roll(hash: string, expiresAt: number): string {
    if (this.closed) return 'closed';
    for (const secret of this.#secrets) secret.expiresAt = Math.min(secret.expiresAt, expiresAt);
    this.rollCount += 1;
    this.#secrets.push({ hash, expiresAt: Number.POSITIVE_INFINITY });
    // The newest, and three that it replaced.
    this.#secrets = this.#secrets.slice(-4);
    return 'ok';
  }

  #accepts(hash: string, now: number): boolean {
    return (
      !this.#isTombstone &&
      this.#secrets.some((existing) => existing.hash === hash && existing.expiresAt > now)
    );
  }

  hold(request: HoldRequest, amount: bigint, now: number): string {
    if (!this.#accepts(request.key.secretHash, now)) return 'invalid_api_key';
    const existing = this.#calls.get(request.id);
    const fingerprint = serialize({ ...request, key: request.key.keyId });
    if (existing !== undefined)
      return existing.fingerprint === fingerprint ? `ok ${existing.amount}` : 'conflict';
    if (this.closed) return 'account_closed';
    if (this.posted < amount) return 'insufficient_balance';
    if (this.posted - this.held < amount) return 'balance_held';
    const { deadline } = request;
    const initial = { ended: null, settleFingerprint: '', charged: 0n, shortfall: 0n };
    this.#calls.set(request.id, { fingerprint, amount, floor: 0n, deadline, ...initial });
    return `ok ${amount}`;
  }

  /** `reached`: Postgres takes what it is sent and says so. */
  flush(delivered: boolean): void {
    if (delivered) this.acknowledged = this.entryCount;
    this.#wipe(this.#chargesPerWipeStep);
  }

  /** Wipes all that the model ever has in one step, as a closing that is asked for does. */
  close(): string {
    this.closed = true;
    this.#wipe(this.#charges);
    const open = [...this.#calls.values()].filter((call) => call.ended === null).length;
    return `${this.wiped} ${this.posted} ${open}`;
  }

  #wipe(charges: number): void {
    const open = [...this.#calls.values()].some((call) => call.ended === null);
    if (!this.closed || open || this.acknowledged < this.entryCount) return;
    this.#isTombstone = true;
    this.#calls.clear();
    this.#charges = Math.max(0, this.#charges - charges);
  }

  checkpoint(request: CheckpointRequest): string {
    const call = this.#calls.get(request.id);
    if (call === undefined) return 'unknown';
    if (call.ended !== null) return 'ended';
    const floor = request.floor < call.amount ? request.floor : call.amount;
    if (floor > call.floor) call.floor = floor;
    call.deadline = Math.max(call.deadline, request.deadline);
    return 'ok';
  }

  settle(request: SettleRequest): string {
    const call = this.#calls.get(request.id);
    if (call === undefined) return 'unknown';
    const late = call.ended === 'expired' || call.ended === 'late';
    const replay = () => `ok ${call.charged} ${call.shortfall} ${late}`;
    if (call.ended === 'settled' || call.ended === 'late') {
      return call.settleFingerprint === serialize(request) ? replay() : 'conflict';
    }
    call.ended = late ? 'late' : 'settled';
    call.settleFingerprint = serialize(request);
    const maxCharge = call.charged + this.posted - this.held;
    const charged = request.cost < maxCharge ? request.cost : maxCharge;
    this.posted -= charged - call.charged;
    call.charged = charged;
    call.shortfall = request.cost - charged;
    this.entryCount += 1;
    this.#charges += 1;
    return replay();
  }

  expire(now: number): void {
    for (const call of this.#calls.values()) {
      if (call.ended !== null || call.deadline > now) continue;
      call.ended = 'expired';
      call.charged = call.floor;
      this.posted -= call.floor;
      this.entryCount += 1;
      this.#charges += 1;
    }
  }
}
