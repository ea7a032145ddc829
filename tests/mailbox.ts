/** What arrived by mail, for system tests: the newest letter to somebody, and the token in its link. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalStack } from '@farebox/local';

export type Mailbox = Readonly<{
  /** The text of the first letter to `to` that was not read yet and has `words` in it. */
  letter(to: string, words: string | RegExp): Promise<string>;
  /** The token of a letter's link below `path`. */
  token(to: string, path: string): Promise<string>;
  /** How many letters went to `to` so far. */
  count(to: string): Promise<number>;
}>;

const PATIENCE_MS = 15_000;

export function openMailbox(stack: Pick<LocalStack, 'letters'>): Mailbox {
  const read = new Set<number>();

  async function letter(to: string, words: string | RegExp): Promise<string> {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const letters = await stack.letters();
      const index = letters.findIndex(
        (one, at) => !read.has(at) && one.to === to && one.text.search(words) !== -1,
      );
      const found = letters[index];
      if (found !== undefined) {
        read.add(index);
        return found.text;
      }
      if (Date.now() > until) throw new Error(`no letter to ${to} with ${words}`);
      await sleep(100);
    }
  }

  async function token(to: string, path: string): Promise<string> {
    const text = await letter(to, new RegExp(`${path}\\?token=`));
    return new RegExp(`${path}\\?token=([\\w-]+)`).exec(text)?.[1] ?? '';
  }

  const count = async (to: string) => (await stack.letters()).filter((one) => one.to === to).length;
  return { letter, token, count };
}
