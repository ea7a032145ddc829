/**
 * Deposit addresses and the operator's public keys. A key is pinned when it is first seen, so that
 * a changed configuration can't redirect deposits unnoticed. An account gets one address per key,
 * issued once under any race.
 */
import type { AccountId, AddressFamily, Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import type { Database } from '../connection/connection.ts';
import { queryOrThrow } from '../connection/connection.ts';
import { firstRow, toEpochMs, toTimestamp } from '../connection/raw-sql.ts';
import { depositKeys } from '../schema/deposits.ts';

export type PinResult = Readonly<{ ok: true }> | Readonly<{ ok: false; pinned: string }>;

/**
 * Pins `fingerprint` as the family's current key if none is pinned. A different key is refused
 * unless an operator sets `rotate`; the previous key stays watched.
 */
export async function pinKey(
  db: Database,
  family: AddressFamily,
  fingerprint: string,
  now: Instant,
  rotate = false,
): Promise<PinResult> {
  const pinned = await firstRow<{ fingerprint: string }>(
    db,
    sql`select fingerprint from deposit_keys where family = ${family} and current`,
  );
  if (pinned?.fingerprint === fingerprint) return { ok: true };
  if (pinned !== undefined && !rotate) return { ok: false, pinned: pinned.fingerprint };
  await queryOrThrow(
    db.batch([
      db.execute(sql`update deposit_keys set current = false where family = ${family}`),
      db
        .insert(depositKeys)
        .values({ family, fingerprint, current: true, nextIndex: 0, pinnedAt: new Date(now) })
        .onConflictDoUpdate({
          target: [depositKeys.family, depositKeys.fingerprint],
          set: { current: true },
        }),
    ]),
  );
  return pinKey(db, family, fingerprint, now);
}

export type IssuedAddress = Readonly<{ fingerprint: string; index: number; address: string }>;
export type WatchedAddress = IssuedAddress & Readonly<{ account: AccountId; createdAt: Instant }>;

type Row = {
  account_id: string;
  fingerprint: string;
  index: string | number;
  address: string;
  created: string | number;
};

const COLUMNS = sql`a.account_id, a.fingerprint, a.index, a.address,
  ${toEpochMs(sql`a.created_at`)} as created`;

function toWatchedAddress(row: Row): WatchedAddress {
  const { fingerprint, address } = row;
  const createdAt = Number(row.created);
  return { account: row.account_id, fingerprint, index: Number(row.index), address, createdAt };
}

async function findIssuedAddress(
  db: Database,
  account: AccountId,
  family: AddressFamily,
): Promise<IssuedAddress | undefined> {
  const row = await firstRow<Row>(
    db,
    sql`select ${COLUMNS} from deposit_addresses a
      join deposit_keys k on k.family = a.family and k.fingerprint = a.fingerprint and k.current
      where a.account_id = ${account} and a.family = ${family}`,
  );
  return row === undefined ? undefined : toWatchedAddress(row);
}

/** Returns the account's address of the current key, or undefined if no key is pinned. */
export async function issueAddress(
  db: Database,
  account: AccountId,
  family: AddressFamily,
  now: Instant,
  derive: (fingerprint: string, index: number) => string,
): Promise<IssuedAddress | undefined> {
  const existing = await findIssuedAddress(db, account, family);
  if (existing !== undefined) return existing;
  const allocated = await firstRow<{ fingerprint: string; index: string | number }>(
    db,
    sql`update deposit_keys set next_index = next_index + 1
      where family = ${family} and current returning fingerprint, next_index - 1 as index`,
  );
  if (allocated === undefined) return undefined;
  const { fingerprint } = allocated;
  const index = Number(allocated.index);
  // A race leaves an index unused: its address was never shown.
  await queryOrThrow(
    db.execute(sql`insert into deposit_addresses
      (family, address, account_id, fingerprint, index, created_at) values
      (${family}, ${derive(fingerprint, index)}, ${account}, ${fingerprint}, ${index}, ${toTimestamp(now)})
      on conflict on constraint deposit_addresses_account do nothing`),
  );
  return findIssuedAddress(db, account, family);
}

/** Counts the issued indexes of all keys of a family; there are never more addresses. */
export async function countIssuedAddresses(db: Database, family: AddressFamily): Promise<number> {
  const row = await firstRow<{ issued: string | number }>(
    db,
    sql`select coalesce(sum(next_index), 0) as issued from deposit_keys where family = ${family}`,
  );
  return Number(row?.issued ?? 0);
}

/** Lists a page of watched addresses after `after`, in their own order; includes former keys. */
export async function listWatchedAddresses(
  db: Database,
  family: AddressFamily,
  after: string,
  limit: number,
): Promise<readonly WatchedAddress[]> {
  const { rows } = await queryOrThrow(
    db.execute<Row>(sql`select ${COLUMNS} from deposit_addresses a
      where family = ${family} and address > ${after} order by address limit ${limit}`),
  );
  return rows.map(toWatchedAddress);
}

/** Finds the accounts of these addresses; unknown addresses are left out. */
export async function findAddresses(
  db: Database,
  family: AddressFamily,
  addresses: readonly string[],
): Promise<readonly WatchedAddress[]> {
  const { rows } = await queryOrThrow(
    db.execute<Row>(sql`select ${COLUMNS} from deposit_addresses a
      where family = ${family} and address in
      (select value from jsonb_array_elements_text(${JSON.stringify(addresses)}::jsonb) as r(value))`),
  );
  return rows.map(toWatchedAddress);
}

/** Lists addresses of one key by index, after `after`. */
export async function listAddressesByKey(
  db: Database,
  fingerprint: string,
  after: number,
  limit: number,
): Promise<readonly IssuedAddress[]> {
  type AddressRow = { fingerprint: string; index: string | number; address: string };
  const { rows } = await queryOrThrow(
    db.execute<AddressRow>(sql`select fingerprint, index, address from deposit_addresses
      where family in ('evm', 'tron') and fingerprint = ${fingerprint} and index > ${after}
      order by index limit ${limit}`),
  );
  return rows.map((row) => ({ ...row, index: Number(row.index) }));
}
