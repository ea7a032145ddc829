/** What was given back for a call whose bill was wrong. */
import type { AccountId, CallId, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { and, eq } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { correctionCalls } from '../schema/operators.ts';

export type CallCorrection = Readonly<{ amount: NanoUsd; at: Instant }>;

/** Finds the correction of one call of this account that its ledger has applied. */
export async function findCallCorrection(
  db: Database,
  account: AccountId,
  callId: CallId,
): Promise<CallCorrection | undefined> {
  const [row] = await queryOrThrow(
    db
      .select({ amount: correctionCalls.amount, at: correctionCalls.endedAt })
      .from(correctionCalls)
      .where(
        and(
          eq(correctionCalls.accountId, account),
          eq(correctionCalls.callId, callId),
          eq(correctionCalls.state, 'applied'),
        ),
      ),
  );
  return row === undefined || row.at === null
    ? undefined
    : { amount: row.amount, at: row.at.getTime() };
}
