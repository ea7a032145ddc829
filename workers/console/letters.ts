/**
 * Letters on their way out of a page. They are queued after the answer was given, so that whether there
 * was one to write shows in nothing the asker can measure.
 */
import { insertMails } from '@farebox/database';
import type { Letter } from '@farebox/mail';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Context } from 'hono';
import type { House } from './env.ts';
import type { Visit } from './visitor.ts';

async function queue({ identity, mail }: House, letters: readonly Letter[]): Promise<void> {
  const queued = letters.map((letter) => ({ id: bytesToHex(identity.random(16)), letter }));
  const rows = queued.map(({ id, letter }) => ({
    id,
    accountId: letter.account,
    kind: letter.kind,
  }));
  await insertMails(identity.db, rows, identity.now());
  await mail.sendBatch(queued.map((body) => ({ body })));
}

export function postLetters<E extends { Variables: Visit }>(
  c: Context<E>,
  letters: readonly Letter[],
): void {
  if (letters.length > 0) c.executionCtx.waitUntil(queue(c.var.house, letters));
}
