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
    this.posted += amount;
    this.lines += 1;
    this.#credits.set(id, { amount, posted: this.posted });
    return `ok ${this.posted}`;
  }

  hold(request: HoldRequest, amount: bigint): string {
    const known = this.#calls.get(request.id);
    const asked = text(request);
    if (known !== undefined) return known.asked === asked ? `ok ${known.amount}` : 'conflict';
    if (this.posted < amount) return 'balance_empty';
    if (this.posted - this.held < amount) return 'balance_held';
    const { deadline } = request;
    const ending = { ended: null, settledAs: '', charged: 0n, shortfall: 0n };
    this.#calls.set(request.id, { asked, amount, floor: 0n, deadline, ...ending });
    return `ok ${amount}`;
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
