/**
 * What the object remembers of the last minutes beside its tables: the admissions that rate limits
 * count, and each key's refusals in a row. It is read back from holds and entries when the object
 * starts, so an eviction forgets nothing and no call writes more for it.
 */

import type { Instant, KeyId } from './contract/index.ts';
import { SETTLE_REASONS } from './contract/index.ts';
import { nextRefusalRow, REFUSAL_ROW_MS } from './refusal-row.ts';
import { SlidingWindow, WINDOW_MS } from './sliding-window.ts';
import type { AccountCache } from './transaction.ts';

/** Bounds the start of a busy object. The last minute is always read whole. */
const MAX_ENTRIES_READ = 5_000;

const NEWEST_ENTRIES = `SELECT id, call_id, key_id, opening ->> 'provider' AS provider, reason,
  opening ->> 'createdAt' AS created_at, at FROM entries WHERE seq > 0 ORDER BY seq DESC`;

type Admission = { key_id: number; provider: string; created_at: number };
type EntryOutcome = {
  id: string;
  call_id: string | null;
  key_id: number | null;
  provider: string | null;
  reason: string | null;
  created_at: number | null;
  at: number;
};

/** Reads the newest entries, newest first, as far back as a row of refusals or the window reaches. */
function readNewestEntries(sql: SqlStorage, now: Instant): readonly EntryOutcome[] {
  const entries: EntryOutcome[] = [];
  for (const entry of sql.exec<EntryOutcome>(NEWEST_ENTRIES)) {
    const isRecent = entry.at > now - WINDOW_MS;
    if (entry.at <= now - REFUSAL_ROW_MS) break;
    if (!isRecent && entries.length >= MAX_ENTRIES_READ) break;
    entries.push(entry);
  }
  return entries;
}

/** The window of a provider's calls by the account. */
export function providerWindow(cache: AccountCache, provider: string): SlidingWindow {
  const existing = cache.providerCalls.get(provider);
  if (existing !== undefined) return existing;
  const created = new SlidingWindow();
  cache.providerCalls.set(provider, created);
  return created;
}

/** Records the admission of a call in the windows that rate limits read. */
export function addAdmission(
  cache: AccountCache,
  keyId: KeyId,
  provider: string,
  at: Instant,
): void {
  cache.keys.get(keyId)?.recentCalls.add(at);
  providerWindow(cache, provider).add(at);
}

function toAdmission(entry: EntryOutcome, after: Instant): readonly Admission[] {
  const { key_id, provider, created_at } = entry;
  // A late settlement is a second entry of its call, under an id of its own.
  if (entry.id !== entry.call_id || key_id === null || provider === null) return [];
  return created_at === null || created_at <= after ? [] : [{ key_id, provider, created_at }];
}

function loadRefusals(cache: AccountCache, entries: readonly EntryOutcome[]): void {
  for (const { key_id, reason, at } of entries.toReversed()) {
    const key = key_id === null ? undefined : cache.keys.get(key_id);
    const known = SETTLE_REASONS.find((candidate) => candidate === reason);
    if (key !== undefined && known !== undefined)
      key.refusals = nextRefusalRow(key.refusals, known, at);
  }
}

/** The admissions of the calls that are still open. The cache has them already. */
function openAdmissions(cache: AccountCache, after: Instant): readonly Admission[] {
  return [...cache.holds.values()]
    .filter(({ opening }) => opening.createdAt > after)
    .map(({ opening }) => ({
      key_id: opening.keyId,
      provider: opening.provider,
      created_at: opening.createdAt,
    }));
}

/** Reads back what the last minutes left. Reads nothing older than they are. */
export function loadRecentCalls(sql: SqlStorage, cache: AccountCache, now: Instant): void {
  const after = now - WINDOW_MS;
  const entries = readNewestEntries(sql, now);
  const admissions = [
    ...openAdmissions(cache, after),
    ...entries.flatMap((entry) => toAdmission(entry, after)),
  ];
  admissions.sort((a, b) => a.created_at - b.created_at);
  for (const { key_id, provider, created_at } of admissions)
    addAdmission(cache, key_id, provider, created_at);
  loadRefusals(cache, entries);
}
