/**
 * Differences between prices in effect and the sources that operators know of and keep. One counts
 * as long as both of its sides are the same: another price, or another statement, is new.
 */
import type { Instant } from '@farebox/ledger';
import { inArray } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { priceAcknowledgements } from '../schema/catalog.ts';
import type { PriceDifference } from './parity-reports.ts';

export type PriceAcknowledgement = Readonly<{
  operator: string;
  reason: string;
  acknowledgedAt: Instant;
}>;

/** Returns 64 hexadecimal characters that stand for the difference with both of its sides. */
async function identify(difference: PriceDifference): Promise<string> {
  const { model, rule, field, listed, stated } = difference;
  const bytes = new TextEncoder().encode(JSON.stringify([model, rule, field, listed, stated]));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export type CheckedDifference = PriceDifference &
  Readonly<{ acknowledgement: PriceAcknowledgement | null }>;

/** Returns the differences with their acknowledgements, those without one first. */
export async function checkAcknowledgements(
  db: Database,
  differences: readonly PriceDifference[],
): Promise<readonly CheckedDifference[]> {
  if (differences.length === 0) return [];
  const ids = await Promise.all(differences.map(identify));
  const rows = await queryOrThrow(
    db.select().from(priceAcknowledgements).where(inArray(priceAcknowledgements.difference, ids)),
  );
  const known = new Map(
    rows.map(({ difference, operator, reason, acknowledgedAt }) => [
      difference,
      { operator, reason, acknowledgedAt: acknowledgedAt.getTime() },
    ]),
  );
  return differences
    .map((difference, index) => ({
      ...difference,
      acknowledgement: known.get(ids[index] ?? '') ?? null,
    }))
    .sort((a, b) => Number(a.acknowledgement !== null) - Number(b.acknowledgement !== null));
}

/** Records that an operator knows of the differences. The first acknowledgement of each stays. */
export async function acknowledgePrices(
  db: Database,
  differences: readonly PriceDifference[],
  by: Readonly<{ operator: string; reason: string; now: Instant }>,
): Promise<void> {
  if (differences.length === 0) return;
  const { operator, reason, now } = by;
  const ids = await Promise.all(differences.map(identify));
  const rows = differences.map(({ model }, index) => ({
    difference: ids[index] ?? '',
    model,
    operator,
    reason,
    acknowledgedAt: new Date(now),
  }));
  await queryOrThrow(db.insert(priceAcknowledgements).values(rows).onConflictDoNothing());
}
