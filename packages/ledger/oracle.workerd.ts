/**
 * The book again, written as plainly as it can be: a few maps, no SQL, no cleverness. The object must
 * answer as this does, whatever is repeated, reordered, contradicted or crashed in between.
 */
import type { CheckpointRequest, HoldRequest, SettleRequest } from './contract.ts';

type Call = {
  asked: string;
  amount: bigint;
  floor: bigint;
  deadline: number;
  ended: null | 'settled' | 'expired' | 'late';
  settledAs: string;
  charged: bigint;
  shortfall: bigint;
};

function text(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part));
}

export class Oracle {
  posted = 0n;
  lines = 0;
  acknowledged = 0;
  closed = false;
  wiped = false;
  rolled = 0;
  /** Secrets of the one key, the newest last, and until when each opens. */
  #secrets: { hash: string; until: number }[] = [];
  readonly #calls = new Map<string, Call>();
  readonly #credits = new Map<string, Readonly<{ amount: bigint; posted: bigint }>>();

  get held(): bigint {
    let sum = 0n;
    for (const call of this.#calls.values()) if (call.ended === null) sum += call.amount;
    return sum;
  }

  credit(id: string, amount: bigint): string {
    const known = this.#credits.get(id);
    if (known !== undefined) return known.amount === amount ? `ok ${known.posted}` : 'conflict';
    if (this.closed) return 'closed';
    this.posted += amount;
    this.lines += 1;
    this.#credits.set(id, { amount, posted: this.posted });
    return `ok ${this.posted}`;
  }

  newKey(hash: string): void {
    this.#secrets = [{ hash, until: Number.POSITIVE_INFINITY }];
  }

  roll(hash: string, until: number): string {
    if (this.closed) return 'closed';
    for (const secret of this.#secrets) secret.until = Math.min(secret.until, until);
    this.rolled += 1;
    this.#secrets.push({ hash, until: Number.POSITIVE_INFINITY });
    // The newest, and three that it replaced.
    this.#secrets = this.#secrets.slice(-4);
    return 'ok';
  }

  #opens(hash: string, now: number): boolean {
    return !this.wiped && this.#secrets.some((known) => known.hash === hash && known.until > now);
  }

  hold(request: HoldRequest, amount: bigint, now: number): string {
    if (!this.#opens(request.key.secretHash, now)) return 'key_unknown';
    const known = this.#calls.get(request.id);
    const asked = text({ ...request, key: request.key.keyId });
    if (known !== undefined) return known.asked === asked ? `ok ${known.amount}` : 'conflict';
    if (this.closed) return 'account_closed';
    if (this.posted < amount) return 'balance_empty';
    if (this.posted - this.held < amount) return 'balance_held';
    const { deadline } = request;
    const ending = { ended: null, settledAs: '', charged: 0n, shortfall: 0n };
    this.#calls.set(request.id, { asked, amount, floor: 0n, deadline, ...ending });
    return `ok ${amount}`;
  }

  /** `reached`: Postgres takes what it is sent and says so. */
  ship(reached: boolean): void {
    if (reached) this.acknowledged = this.lines;
    this.#wipe();
  }

  close(): string {
    this.closed = true;
    this.#wipe();
    const open = [...this.#calls.values()].filter((call) => call.ended === null).length;
    return `${this.wiped} ${this.posted} ${open}`;
  }

  #wipe(): void {
    const open = [...this.#calls.values()].some((call) => call.ended === null);
    if (!this.closed || open || this.acknowledged < this.lines) return;
    this.wiped = true;
    this.#calls.clear();
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
    const answer = () => `ok ${call.charged} ${call.shortfall} ${late}`;
    if (call.ended === 'settled' || call.ended === 'late') {
      return call.settledAs === text(request) ? answer() : 'conflict';
    }
    call.ended = late ? 'late' : 'settled';
    call.settledAs = text(request);
    const most = call.charged + this.posted - this.held;
    const charged = request.cost < most ? request.cost : most;
    this.posted -= charged - call.charged;
    call.charged = charged;
    call.shortfall = request.cost - charged;
    this.lines += 1;
    return answer();
  }

  expire(now: number): void {
    for (const call of this.#calls.values()) {
      if (call.ended !== null || call.deadline > now) continue;
      call.ended = 'expired';
      call.charged = call.floor;
      this.posted -= call.floor;
      this.lines += 1;
    }
  }
}
