/**
 * Calls that an account's object no longer keeps, from Postgres. Whoever asks has already been proven by
 * the object, and only that account's own calls are looked at. It never throws: a call that can't be
 * looked up now is one that is not known now.
 */
import { findGeneration } from '@farebox/database/ledger';
import type { AccountId, CallId, Generation } from '@farebox/ledger';
import { logEvent } from '@farebox/telemetry';
import { database, type Env } from './env.ts';

export async function findArchivedCall(
  env: Env,
  account: AccountId,
  id: CallId,
): Promise<Generation | null> {
  try {
    return (await findGeneration(database(env), account, id)) ?? null;
  } catch {
    logEvent({ event: 'unexpected', where: 'ledger.archived_call', call: id });
    return null;
  }
}
