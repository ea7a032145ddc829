import { describe, expect, it, vi } from 'vitest';

vi.mock('cloudflare:workers', () => ({
  DurableObject: class {},
  WorkerEntrypoint: class {},
}));

const { Account, Accounts, Calls, Credits, Operators } = await import('./index.ts');

/** The names that RPC can reach: every method on the prototype chain below the runtime's class. */
function listMethods(entrypoint: abstract new (...args: never[]) => object): string[] {
  const names: string[] = [];
  let prototype: unknown = entrypoint.prototype;
  while (typeof prototype === 'object' && prototype !== null) {
    const parent: unknown = Object.getPrototypeOf(prototype);
    if (parent === Object.prototype) break;
    names.push(...Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor'));
    prototype = parent;
  }
  return names.sort();
}

describe('the ledger Worker over RPC', () => {
  it.each([
    [
      Calls,
      'batch checkpoint countRefused credits generation hold key refuse settle statementKeys',
    ],
    [
      Accounts,
      'addresses bindAddress close keys listEntries mintKey open outlineStatement readStatement refundable refusedCalls releaseRefund reserveRefund resumeKey revokeKey revokeLeaked rollKey setLowBalance statementKeys status updateKey',
    ],
    [Operators, 'adjust audit freeze releaseRefund revokeKey status'],
    [Credits, 'credit payRefund'],
    [
      Account,
      'addresses adjust alarm audit batch bindAddress checkpoint close countRefused credit credits freeze generation hold key keys listEntries open payRefund putKey refundable refuse refusedCalls releaseRefund reserveRefund resumeKey revokeKey revokeLeaked rollKey setLowBalance settle status updateKey',
    ],
  ])('exposes exactly the methods of %o', (entrypoint, methods) => {
    expect(listMethods(entrypoint).join(' ')).toBe(methods);
  });
});
