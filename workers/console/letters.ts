/**
 * Letters on their way out of a page. They are queued after the answer was given, so that whether there
 * was one to write shows in nothing the asker can measure.
 */
import { type Letter, queueLetters } from '@farebox/mail';
import type { Context } from 'hono';
import type { Visit } from './visitor.ts';

export function postLetters<E extends { Variables: Visit }>(
  c: Context<E>,
  letters: readonly Letter[],
): void {
  const { identity, mail } = c.var.house;
  c.executionCtx.waitUntil(queueLetters(identity.db, mail, letters, identity));
}
