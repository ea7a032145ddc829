/**
 * Into the queue: the row first, so that a letter that is never sent still shows; then the letter. It is
 * for `waitUntil`: nobody waits for a mail, and a failure here is told by a signal and the row.
 */
import { type Database, endMail, insertMails } from '@farebox/database';
import { signal } from '@farebox/signals';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Letter, QueuedLetter } from './contract.ts';

/** The part of a queue that is used here. */
export type LetterQueue = Readonly<{
  sendBatch(messages: Iterable<Readonly<{ body: QueuedLetter }>>): Promise<unknown>;
}>;

export type Hand = Readonly<{ now: () => number; random: (bytes: number) => Uint8Array }>;

export async function queueLetters(
  db: Database,
  queue: LetterQueue,
  letters: readonly Letter[],
  { now, random }: Hand,
): Promise<void> {
  if (letters.length === 0) return;
  const queued = letters.map((letter) => ({ id: bytesToHex(random(16)), letter }));
  const rows = queued.map(({ id, letter: { kind, account } }) => ({
    id,
    kind,
    accountId: account,
  }));
  await insertMails(db, rows, now());
  try {
    await queue.sendBatch(queued.map((body) => ({ body })));
  } catch {
    for (const { id, letter } of queued) {
      signal({ event: 'mail_failed', mail: id, kind: letter.kind, reason: 'not_queued' });
      await endMail(db, { id, state: 'failed', reason: 'not_queued', now: now() });
    }
  }
}
