/**
 * What a thief with a session and the password can't do to an account with a second factor: remove
 * or replace what protects it, or move it to another mailbox.
 */
import type { LocalAccount, LocalStack } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleClient, createConsoleClient, signInAs } from './support/browser.ts';
import { sharedStack } from './support/shared-stack.ts';
import { sql } from './support/sql.ts';
import { totpCode } from './support/totp.ts';

let stack: LocalStack;
let account: LocalAccount;
let client: ConsoleClient;
let secret = '';
let recoveryCodes: readonly string[] = [];

/** The state of a session that showed the password just now, and its factor 16 minutes ago. */
async function expireFactor(): Promise<void> {
  const expired =
    "update sessions set last_factor_at = now() - interval '16 minutes', last_auth_at = now()";
  await sql(stack, `${expired} where account_id = $1`, [account.accountId]);
}

async function countRows(table: string): Promise<number> {
  const query = `select count(*) from ${table} where account_id = $1`;
  return Number((await sql(stack, query, [account.accountId]))[0]?.[0]);
}

beforeAll(async () => {
  ({ stack } = await sharedStack('mock'));
  account = await stack.createAccount({ creditUsd: '0' });
  client = createConsoleClient(stack, { network: '2001:db8:6:1::1' });
  await signInAs(client, account);
  const setUp = (await client.post('/security/totp', {})).body;
  secret = /<code id="secret">([^<]+)<\/code>/.exec(setUp)?.[1] ?? '';
  const shown = await client.post('/security/totp/confirm', { code: totpCode(secret) });
  recoveryCodes = (/<pre id="codes">([^<]+)<\/pre>/.exec(shown.body)?.[1] ?? '').split('\n');
}, 180_000);

describe('an account with a second factor', () => {
  const changes: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['/security/totp', {}],
    ['/security/totp/confirm', { code: '000000' }],
    ['/security/totp/remove', {}],
    ['/security/passkeys', { name: 'thief' }],
    ['/security/passkeys/add', { name: 'thief', response: '{}' }],
    ['/security/passkeys/remove', { passkey: 'x' }],
    ['/security/recovery-codes', {}],
    ['/security/email', { email: 'thief@example.com' }],
  ];

  it.each(changes)('refuses the password alone at %s, for GET and POST', async (path, fields) => {
    await expireFactor();
    const counts = async () => [await countRows('totp_factors'), await countRows('email_tokens')];
    const before = await counts();
    const prove = `/prove/factor?next=${encodeURIComponent(path)}`;
    expect((await client.post(path, fields)).location).toBe(prove);
    expect((await client.get(path)).location).toBe(prove);
    const page = await client.get(prove);
    expect(page.body).not.toContain('type="password"');
    expect(page.body).toContain('name="recovery_code"');
    expect(await counts()).toEqual(before);
  });

  it.each(['/prove', '/prove/factor'])('is not opened by the password at %s', async (prove) => {
    await expireFactor();
    const form = { kind: 'password', password: account.password, next: '/security/email' };
    const proved = await client.post(prove, form);
    expect(proved.location).toBe('/security/email');
    const refused = await client.get('/security/email');
    expect(refused.location).toBe('/prove/factor?next=%2Fsecurity%2Femail');
  });

  it('refuses the password alone in the JSON API for a change of address', async () => {
    await expireFactor();
    const response = await client.post('/api/rights/email', { email: 'thief@example.com' });
    expect(response.status).toBe(403);
    expect(JSON.parse(response.body)).toEqual({ error: { code: 'second_factor_required' } });
    expect(await countRows('email_tokens')).toBe(0);
  });

  it('still allows what needs no second factor', async () => {
    await expireFactor();
    expect((await client.get('/security')).status).toBe(200);
    expect((await client.get('/keys/new')).status).toBe(200);
  });

  it('rejects a wrong code and a made-up recovery code', async () => {
    await expireFactor();
    const wrong = { kind: 'totp', code: totpCode(secret, 40), next: '/security/email' };
    expect((await client.post('/prove/factor', wrong)).status).toBe(422);
    const madeUp = { kind: 'recovery_code', recovery_code: '7K2M-9QXT-0ABC-DEFG' };
    expect((await client.post('/prove/factor', madeUp)).status).toBe(422);
    expect((await client.get('/security/email')).location).toContain('/prove/factor');
  });

  it('changes its address after a code from the app, which works once', async () => {
    await expireFactor();
    const form = { kind: 'totp', code: totpCode(secret, 1), next: '/security/email' };
    expect((await client.post('/prove/factor', form)).location).toBe('/security/email');
    const email = `moved-${account.accountId}@example.com`;
    const change = await client.post('/security/email', { email });
    expect(change.location).toBe('/security?done=email_requested');
    await expireFactor();
    expect((await client.post('/prove/factor', form)).status).toBe(422);
  });

  it('removes its factor after a recovery code, and then needs no factor', async () => {
    await expireFactor();
    const code = { kind: 'recovery_code', recovery_code: recoveryCodes[0] ?? '' };
    const proved = await client.post('/prove/factor', { ...code, next: '/security/totp' });
    expect(proved.location).toBe('/security/totp');
    const removed = await client.post('/security/totp/remove', {});
    expect(removed.location).toBe('/security?done=totp_removed');
    await expireFactor();
    expect((await client.get('/security/email')).status).toBe(200);
    expect((await client.get('/prove/factor?next=/keys')).location).toBe('/prove?next=%2Fkeys');
  });

  it('needs no second proof right after a sign-in with the factor', async () => {
    const ownAccount = await stack.createAccount({ creditUsd: '0' });
    const own = createConsoleClient(stack, { network: '2001:db8:6:2::1' });
    await signInAs(own, ownAccount);
    const setUp = (await own.post('/security/totp', {})).body;
    const ownSecret = /<code id="secret">([^<]+)<\/code>/.exec(setUp)?.[1] ?? '';
    await own.post('/security/totp/confirm', { code: totpCode(ownSecret) });
    await own.post('/sign-out', {});
    const { email, password } = ownAccount;
    await own.post('/sign-in', { email, password });
    const factor = { kind: 'totp', code: totpCode(ownSecret, 1), next: '/' };
    expect((await own.post('/sign-in/second', factor)).location).toBe('/');
    expect((await own.get('/security/email')).status).toBe(200);
  });
});
