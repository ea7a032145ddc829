/** Checks every component and records the results for the public status page. */
import { readStatusFacts, recordStatus } from '@farebox/database/status';
import type { ConsoleDeps } from '../deps.ts';
import { toStatusChecks } from './checks.ts';

/** A call without a key: the gateway answers it from its catalog, and no account is asked. */
const API_PATH = '/v1/models';
const API_TIMEOUT_MS = 10_000;

export type Fetch = (url: string, init: { signal: AbortSignal }) => Promise<Response>;

async function isApiUp(apiUrl: URL, fetchUrl: Fetch): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(API_TIMEOUT_MS);
    const response = await fetchUrl(new URL(API_PATH, apiUrl).href, { signal });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

export async function checkStatus(deps: ConsoleDeps, fetchUrl: Fetch): Promise<void> {
  const { db, now } = deps.identity;
  const at = now();
  const [facts, apiUp] = await Promise.all([
    readStatusFacts(db, at),
    isApiUp(deps.apiUrl, fetchUrl),
  ]);
  await recordStatus(db, toStatusChecks(facts, apiUp, at), at);
}
