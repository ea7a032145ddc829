/**
 * The account's deposit addresses: the child index below each of the operator's public keys. A
 * bound address stays bound, even after the account is closed, so that moving rows in Postgres
 * moves no money (docs/decisions/0014-deposit-addresses-in-the-account-object.md).
 */
import type { AddressFamily, BindAddressResult, DepositAddress } from './contract/index.ts';
import { readBalance, type Tx } from './transaction.ts';

type Row = { family: AddressFamily; fingerprint: string; child: number };

const ALL = 'SELECT family, fingerprint, child FROM addresses ORDER BY family, fingerprint';
const ONE = 'SELECT child FROM addresses WHERE family = ? AND fingerprint = ?';
const INSERT = 'INSERT INTO addresses (family, fingerprint, child) VALUES (?, ?, ?)';

function findBoundIndex(tx: Tx, address: DepositAddress): number | undefined {
  const { family, fingerprint } = address;
  return tx.sql.exec<{ child: number }>(ONE, family, fingerprint).toArray()[0]?.child;
}

export function bindAddress(tx: Tx, address: DepositAddress): BindAddressResult {
  const boundIndex = findBoundIndex(tx, address);
  if (boundIndex !== undefined) {
    return boundIndex === address.index ? { ok: true } : { ok: false, reason: 'conflict' };
  }
  if (readBalance(tx).state === 'closed') return { ok: false, reason: 'closed' };
  tx.sql.exec(INSERT, address.family, address.fingerprint, address.index);
  return { ok: true };
}

export function listAddresses(tx: Tx): readonly DepositAddress[] {
  const rows = tx.sql.exec<Row>(ALL).toArray();
  return rows.map(({ family, fingerprint, child }) => ({ family, fingerprint, index: child }));
}

export function isBoundAddress(tx: Tx, address: DepositAddress | undefined): boolean {
  return address !== undefined && findBoundIndex(tx, address) === address.index;
}
