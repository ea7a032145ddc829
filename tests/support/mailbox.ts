/**
 * Received emails, for system tests: the next unread one to an address, and the token in its link.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalStack } from '@farebox/local';

export type Mailbox = Readonly<{
  /** Waits for the first unread email to `to` that matches, and returns its text. */
  waitForEmail(to: string, pattern: string | RegExp): Promise<string>;
  /** The token of an email's link below `path`. */
  token(to: string, path: string): Promise<string>;
  /** The number of emails to `to` so far. */
  count(to: string): Promise<number>;
}>;

const TIMEOUT_MS = 15_000;

export function openMailbox(stack: Pick<LocalStack, 'emails'>): Mailbox {
  const readIndexes = new Set<number>();

  async function waitForEmail(to: string, pattern: string | RegExp): Promise<string> {
    const deadline = Date.now() + TIMEOUT_MS;
    for (;;) {
      const emails = await stack.emails();
      const index = emails.findIndex(
        (email, at) => !readIndexes.has(at) && email.to === to && email.text.search(pattern) !== -1,
      );
      const match = emails[index];
      if (match !== undefined) {
        readIndexes.add(index);
        return match.text;
      }
      if (Date.now() > deadline) throw new Error(`no email to ${to} with ${pattern}`);
      await sleep(100);
    }
  }

  async function token(to: string, path: string): Promise<string> {
    const text = await waitForEmail(to, new RegExp(`${path}\\?token=`));
    return new RegExp(`${path}\\?token=([\\w-]+)`).exec(text)?.[1] ?? '';
  }

  const count = async (to: string) =>
    (await stack.emails()).filter((email) => email.to === to).length;
  return { waitForEmail, token, count };
}
