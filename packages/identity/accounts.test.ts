/** Opening an account against the real ledger and database, with a crash between its two steps. */
import { connect, type Database } from '@farebox/database';
import { findIdentity } from '@farebox/database/users';
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenAccountRequest, openAccount } from './index.ts';

const NOW = Date.UTC(2026, 10, 23, 12);
const unavailableLedger = {
  open: async () => {
    throw new Error('the ledger is away');
  },
};

describe('openAccount', () => {
  let stack: LocalStack;
  let db: Database;
  let drawn = 0;

  beforeAll(async () => {
    stack = await startStack({ quiet: true, cronEveryMs: null });
    db = connect(stack.databaseUrl);
  });
  afterAll(async () => {
    await stack.stop();
  });

  function buildRequest(email: string, password = 'correct horse battery'): OpenAccountRequest {
    const random = (bytes: number) => {
      drawn += 1;
      return new Uint8Array(bytes).fill(drawn);
    };
    return { email, password, verified: true, now: NOW, random };
  }

  it('opens the account object, and rejects a second account with the same address', async () => {
    const opened = await openAccount(db, stack.ledger.accounts, buildRequest(' Ada@Example.com '));
    if (!opened.ok) throw new Error(opened.reason);
    expect(opened.accountId).toMatch(/^[0-9a-f]{16}$/);
    const credit = { id: 'local:1', amount: 5n, source: 'local' } as const;
    expect(await stack.ledger.credits.credit(opened.accountId, credit)).toMatchObject({ ok: true });
    const again = await openAccount(db, stack.ledger.accounts, buildRequest('ada@example.COM'));
    expect(again).toEqual({ ok: false, reason: 'email_taken' });
  });

  it('completes an account when repeated after a crash between rows and object', async () => {
    const request = buildRequest('grace@example.com');
    await expect(openAccount(db, unavailableLedger, request)).rejects.toThrow();
    const identity = await findIdentity(db, 'grace@example.com');
    expect(identity).toMatchObject({ opened: false });
    const wrongPasswordRequest = buildRequest('grace@example.com', 'another password');
    const result = await openAccount(db, stack.ledger.accounts, wrongPasswordRequest);
    expect(result).toEqual({ ok: false, reason: 'email_taken' });
    const completed = await openAccount(db, stack.ledger.accounts, request);
    expect(completed).toEqual({ ok: true, accountId: identity?.accountId });
    expect(await findIdentity(db, 'grace@example.com')).toMatchObject({ opened: true });
  });

  it('rejects an invalid address, language or password', async () => {
    const bad = ['', 'ada', 'ada@', '@example.com', 'ada@example', 'a b@example.com'];
    const worse = [
      'ada@-example.com',
      `${'a'.repeat(65)}@example.com`,
      'ada@example.com\nbcc: x@y.z',
    ];
    for (const email of [...bad, ...worse, `a@${'a.'.repeat(130)}com`]) {
      const result = await openAccount(db, unavailableLedger, buildRequest(email));
      expect([email, result]).toEqual([email, { ok: false, reason: 'email_invalid' }]);
    }
    const short = await openAccount(
      db,
      unavailableLedger,
      buildRequest('eve@example.com', 'short'),
    );
    expect(short).toEqual({ ok: false, reason: 'password_too_short' });
    const request = { ...buildRequest('eve@example.com'), language: 'x y' };
    expect(await openAccount(db, unavailableLedger, request)).toEqual({
      ok: false,
      reason: 'language_invalid',
    });
    expect(await findIdentity(db, 'eve@example.com')).toBeUndefined();
  });
});
