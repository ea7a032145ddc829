/**
 * What the console does every few minutes on its own: finishes deletions, and purges what has outlived its
 * use (docs/storage.md says after how long). Each part goes on where another fails.
 */
import { purgeMail } from '@farebox/database';
import { purgeExpired } from '@farebox/identity';
import { signal } from '@farebox/signals';
import { finishDeletions } from './deletions.ts';
import type { House } from './env.ts';

const DAY_MS = 86_400_000;
/** Long enough for a person, or support, to find out why a letter did not come. */
const MAIL_KEPT_MS = 90 * DAY_MS;
/** Queues keep nothing longer than this (Cloudflare Queues, message retention: 4 days unless set). */
const MAIL_LOST_AFTER_MS = 4 * DAY_MS;
const PURGED_AT_ONCE = 500;
/** So that one tick ends, however much there is. */
const ROUNDS = 20;

/** Again as long as about a whole round went. */
async function inRounds(purge: () => Promise<number>): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    if ((await purge()) < PURGED_AT_ONCE) return;
  }
}

export async function upkeep(house: House): Promise<void> {
  const { identity } = house;
  const purgeLetters = () =>
    purgeMail(identity.db, {
      now: identity.now(),
      keptMs: MAIL_KEPT_MS,
      lostAfterMs: MAIL_LOST_AFTER_MS,
      most: PURGED_AT_ONCE,
    });
  const parts = [
    () => finishDeletions(house),
    () => inRounds(() => purgeExpired(identity)),
    () => inRounds(purgeLetters),
  ];
  for (const part of parts) {
    try {
      await part();
    } catch {
      signal({ event: 'unexpected', where: 'console.upkeep', call: null });
    }
  }
}
