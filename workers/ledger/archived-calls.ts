/**
 * Calls that the account object no longer keeps, read from Postgres. The object has authenticated
 * the key before, and only the account's own calls are read. It never throws: a call that can't be
 * read now counts as unknown now.
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
