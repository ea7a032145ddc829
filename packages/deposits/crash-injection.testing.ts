/**
 * A database that crashes before or after any statement, and a fake of the account object's ledger.
 */
import type { Database } from '@farebox/database';
import type { CreditRequest, CreditResult } from '@farebox/ledger';

export class Crash extends Error {}

type Work = () => Promise<unknown>;

/** Wraps a lazy statement: awaiting runs it with crash points, a batch takes it as it is. */
function withCrashPoints(statement: object, run: (work: Work) => Promise<unknown>): object {
  return new Proxy(statement, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'then') return value.bind(target);
      return (done: (value: unknown) => void, failed: (reason: unknown) => void) =>
        run(
          () => new Promise((resolve, reject) => Reflect.apply(value, target, [resolve, reject])),
        ).then(done, failed);
    },
  });
}

/** Throws `Crash` before or right after a statement when `shouldCrash` returns true. */
export function crashingDatabase(db: Database, shouldCrash: () => boolean): Database {
  const run = async (work: Work) => {
    if (shouldCrash()) throw new Crash();
    const done = await work();
    if (shouldCrash()) throw new Crash();
    return done;
  };
  return new Proxy(db, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name === 'execute') {
        return (...args: unknown[]) =>
          withCrashPoints(Object(Reflect.apply(value, target, args)), run);
      }
      if (name !== 'batch') return value.bind(target);
      return (...args: unknown[]) =>
        run(async () => {
          const done: unknown = await Reflect.apply(value, target, args);
          return done;
        });
    },
  });
}

/**
 * Like the account object: an id counts once, another amount is a conflict, an unbound address is
 * rejected.
 */
export class FakeLedger {
  readonly entries = new Map<string, Readonly<{ account: string; amount: bigint }>>();
  readonly boundAddresses = new Map<string, string>();

  async credit(account: string, request: CreditRequest): Promise<CreditResult> {
    const { id, amount, address } = request;
    if (
      this.boundAddresses.get(account + address?.family) !==
      `${address?.fingerprint}/${address?.index}`
    ) {
      return { ok: false, reason: 'address_unknown' };
    }
    const known = this.entries.get(id);
    if (known !== undefined && (known.account !== account || known.amount !== amount)) {
      return { ok: false, reason: 'conflict' };
    }
    this.entries.set(id, { account, amount });
    return { ok: true, posted: 0n };
  }

  sum(account: string, chainId: number): bigint {
    return [...this.entries]
      .filter(([id, entry]) => entry.account === account && id.startsWith(`${chainId}:`))
      .reduce((sum, [, { amount }]) => sum + amount, 0n);
  }
}
