/**
 * Base classes of the RPC entrypoints. `forwarding` makes a class whose methods pass their
 * arguments on to the account's object; it exposes the verbs it is given and no other, and only
 * verbs that the entrypoint's contract names too.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { AccountId } from '@farebox/ledger';
import type { AccountObject } from '@farebox/ledger/account-object';
import { accountStub, type Env } from './env.ts';

type ObjectVerb = Exclude<keyof AccountObject, 'open' | 'alarm' | '__DURABLE_OBJECT_BRAND'>;

/** A verb as an entrypoint exposes it: the account comes first, the result is a promise. */
type Forwarded = {
  [V in ObjectVerb]: AccountObject[V] extends (...args: infer Args) => infer Result
    ? (account: AccountId, ...args: Args) => Promise<Result>
    : never;
};

type Constructor<T> = new (ctx: ExecutionContext, env: Env) => T;

/**
 * Returns the base class of the entrypoint with the contract `Rpc`.
 *
 * @example
 * class Credits extends forwarding<CreditsRpc>()('credit') implements CreditsRpc {}
 */
export function forwarding<Rpc>() {
  return function createBase<V extends ObjectVerb & keyof Rpc>(
    ...verbs: readonly V[]
  ): Constructor<WorkerEntrypoint<Env> & Pick<Forwarded, V>> {
    return createForwardingClass(verbs);
  };
}

/** The overload states what the static block does: one method for each of `verbs`. */
function createForwardingClass<V extends ObjectVerb>(
  verbs: readonly V[],
): Constructor<WorkerEntrypoint<Env> & Pick<Forwarded, V>>;
function createForwardingClass(verbs: readonly string[]): Constructor<WorkerEntrypoint<Env>> {
  return class Forwarding extends WorkerEntrypoint<Env> {
    static {
      for (const verb of verbs) {
        // Not async: the promise of the object's answer is passed on as it is.
        const value = function (this: Forwarding, account: AccountId, ...args: unknown[]): unknown {
          const stub = accountStub(this.env, account);
          const method: unknown = Reflect.get(stub, verb);
          if (typeof method !== 'function') throw new TypeError(`not a verb: ${verb}`);
          return Reflect.apply(method, stub, args);
        };
        Object.defineProperty(Forwarding.prototype, verb, { value });
      }
    }
  };
}
