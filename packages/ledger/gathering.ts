/**
 * Settlements of one account that fall due within a few milliseconds of each other travel together. A
 * call's answer has left by then, so nobody waits; and one RPC for many is what lets a busy account's
 * object keep up (docs/decisions/0006-settlements-travel-together.md). Each still ends exactly one hold, by its own id,
 * and a companion that fails never takes another down with it.
 */
import type { AccountId, SettleRequest, SettleResult } from './contract.ts';

/** How long the first of a group waits for company, in milliseconds. */
const GATHER_MS = 5;
const TOGETHER_AT_MOST = 100;
/** After this, who joined a group goes alone: the request that carried it may have been ended. */
const PATIENCE_MS = 5_000;

type Rider = Readonly<{ request: SettleRequest; arrive: (result: SettleResult | null) => void }>;

export type Carried<Failed> =
  | Readonly<{ ok: true; results: readonly SettleResult[] }>
  | Readonly<{ ok: false; failed: Failed }>;

export type Carry<Failed> = (
  account: AccountId,
  requests: readonly SettleRequest[],
) => Promise<Carried<Failed>>;

export class Gathering<Failed> {
  readonly #carry: Carry<Failed>;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #groups = new Map<AccountId, Rider[]>();

  constructor(carry: Carry<Failed>, sleep: (ms: number) => Promise<void>) {
    this.#carry = carry;
    this.#sleep = sleep;
  }

  settle(account: AccountId, request: SettleRequest): Promise<SettleResult | Failed> {
    const group = this.#groups.get(account);
    const full = group === undefined || group.length >= TOGETHER_AT_MOST;
    return full ? this.#lead(account, request) : this.#join(group, account, request);
  }

  async #lead(account: AccountId, request: SettleRequest): Promise<SettleResult | Failed> {
    const group: Rider[] = [];
    this.#groups.set(account, group);
    await this.#sleep(GATHER_MS);
    if (this.#groups.get(account) === group) this.#groups.delete(account);
    const all = [request, ...group.map((rider) => rider.request)];
    const carried = await this.#carry(account, all);
    if (!carried.ok) {
      for (const rider of group) rider.arrive(null);
      return group.length === 0 ? carried.failed : this.#alone(account, request);
    }
    for (const [index, rider] of group.entries()) rider.arrive(carried.results[index + 1] ?? null);
    return carried.results[0] ?? this.#alone(account, request);
  }

  async #join(
    group: Rider[],
    account: AccountId,
    request: SettleRequest,
  ): Promise<SettleResult | Failed> {
    const carried = await new Promise<SettleResult | null>((resolve) => {
      const timer = setTimeout(() => resolve(null), PATIENCE_MS);
      const arrive = (result: SettleResult | null) => {
        clearTimeout(timer);
        resolve(result);
      };
      group.push({ request, arrive });
    });
    return carried ?? this.#alone(account, request);
  }

  /** Repeating a settlement that did arrive gives the same answer, so going alone is always safe. */
  async #alone(account: AccountId, request: SettleRequest): Promise<SettleResult | Failed> {
    const carried = await this.#carry(account, [request]);
    if (!carried.ok) return carried.failed;
    return carried.results[0] ?? { ok: false, reason: 'unknown' };
  }
}
