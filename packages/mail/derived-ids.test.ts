/**
 * Rows and links in use depend on these outputs. All were computed before key derivation moved to
 * packages/crypto.
 */
import { describe, expect, it } from 'vitest';
import { mailboxHash, notificationEmailId, parseUnsubscribeLink, unsubscribeUrl } from './index.ts';

const SECRET = Uint8Array.from({ length: 32 }, (_, index) => index);
const ACCOUNT = '0123456789abcdef';

describe('ids derived from the secret', () => {
  it('hash a mailbox to the value in the suppression list, in any letter case', () => {
    const hash = 'a94c29600aa14e46eb80a3b82d2c4517f2ed8fd0ff4f7269e6c2111bc8fe4fb6';
    expect(mailboxHash(SECRET, ' A@Example.com ')).toBe(hash);
    expect(mailboxHash(SECRET, 'a@example.com')).toBe(hash);
  });

  it('give a notification the email id that is stored', () => {
    expect(notificationEmailId(SECRET, ACCOUNT, 'key_paused:1:2')).toBe(
      '784983ada28f27838f4caf4830d4e464',
    );
  });

  it('make the unsubscribe link that earlier emails carry', () => {
    const unsubscription = { account: ACCOUNT, kind: 'balance' } as const;
    const url = unsubscribeUrl(SECRET, new URL('https://console.example'), unsubscription);
    expect(url).toBe(
      `https://console.example/unsubscribe?account=${ACCOUNT}&kind=balance&mac=12beaa5af78bfa5111c07759e313587264d85652e545bce95be6fca22ef42d96`,
    );
    expect(parseUnsubscribeLink(SECRET, new URL(url).searchParams)).toEqual(unsubscription);
  });
});
