/** An account's API keys as their owner sees them. */
import type { AccountId, Instant, KeyId, KeyLimits } from '@farebox/ledger';
import { and, asc, eq, inArray } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { apiKeys } from '../schema/ledger.ts';

export type KeyRow = Readonly<{
  keyId: KeyId;
  name: string;
  last4: string;
  state: 'active' | 'revoked';
  limits: KeyLimits;
  createdAt: Instant;
  revokedAt: Instant | null;
}>;

/** Lists the keys, oldest first. Pending keys are left out: nothing has seen their secret yet. */
export async function listKeys(db: Database, accountId: AccountId): Promise<readonly KeyRow[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(apiKeys)
      .where(and(eq(apiKeys.accountId, accountId), inArray(apiKeys.state, ['active', 'revoked'])))
      .orderBy(asc(apiKeys.createdAt), asc(apiKeys.keyId)),
  );
  return rows.map(toKeyRow);
}

function toKeyRow(row: typeof apiKeys.$inferSelect): KeyRow {
  return {
    keyId: row.keyId,
    name: row.name,
    last4: row.last4,
    state: row.state === 'active' ? 'active' : 'revoked',
    limits: toLimits(row),
    createdAt: row.createdAt.getTime(),
    revokedAt: row.revokedAt?.getTime() ?? null,
  };
}

function toLimits(row: typeof apiKeys.$inferSelect): KeyLimits {
  const { dayBudget, weekBudget, monthBudget } = row;
  const periodBudgets = {
    ...(dayBudget === null ? {} : { day: dayBudget }),
    ...(weekBudget === null ? {} : { week: weekBudget }),
    ...(monthBudget === null ? {} : { month: monthBudget }),
  };
  return {
    budget: row.budget,
    ...(Object.keys(periodBudgets).length === 0 ? {} : { periodBudgets }),
    expiresAt: row.expiresAt?.getTime() ?? null,
    models: row.models,
    callsPerMinute: row.callsPerMinute,
    concurrentCalls: row.concurrentCalls,
    ...(row.maxOutputPrice === null ? {} : { maxOutputPrice: row.maxOutputPrice }),
  };
}
