/**
 * The ledger Worker of the subject "distant": its entrypoint for calls answers 50 ms later, as an
 * account's object on another continent would. It exists only in the bench's configuration.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import { Calls as NearCalls } from '../../workers/ledger/index.ts';

export * from '../../workers/ledger/index.ts';
export { default } from '../../workers/ledger/index.ts';

const DISTANCE_MS = 50;

export class Calls extends NearCalls {}

function listMethods(): [string, CallableFunction][] {
  const methods = new Map<string, CallableFunction>();
  let prototype: object | null = NearCalls.prototype;
  while (prototype !== null && prototype !== WorkerEntrypoint.prototype) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const method: unknown = Reflect.get(prototype, name);
      if (name !== 'constructor' && typeof method === 'function') methods.set(name, method);
    }
    prototype = Object.getPrototypeOf(prototype);
  }
  return [...methods];
}

for (const [name, method] of listMethods()) {
  Object.defineProperty(Calls.prototype, name, {
    async value(this: Calls, ...args: readonly unknown[]) {
      await scheduler.wait(DISTANCE_MS);
      return Reflect.apply(method, this, args);
    },
  });
}
