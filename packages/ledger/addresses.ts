/**
 * Where money for this account may come in: which child of which of the operator's public keys is its
 * own. It promises that an address, once bound, stays bound for ever, also after the account is closed:
 * whoever moves rows about in Postgres moves nobody's money (docs/decisions/0014-addresses-in-the-object.md).
 */
import type { AddressFamily, BindAddressResult, DepositAddress } from './contract.ts';
import { readBalance, type Shelf } from './shelf.ts';

type Row = { family: AddressFamily; fingerprint: string; child: number };

const ALL = 'SELECT family, fingerprint, child FROM addresses ORDER BY family, fingerprint';
const ONE = 'SELECT child FROM addresses WHERE family = ? AND fingerprint = ?';
const INSERT = 'INSERT INTO addresses (family, fingerprint, child) VALUES (?, ?, ?)';

function boundChild(shelf: Shelf, address: DepositAddress): number | undefined {
  const { family, fingerprint } = address;
  return shelf.sql.exec<{ child: number }>(ONE, family, fingerprint).toArray()[0]?.child;
}

export function bindAddress(shelf: Shelf, address: DepositAddress): BindAddressResult {
  const bound = boundChild(shelf, address);
  if (bound !== undefined) {
    return bound === address.index ? { ok: true } : { ok: false, reason: 'conflict' };
  }
  if (readBalance(shelf).state === 'closed') return { ok: false, reason: 'closed' };
  shelf.sql.exec(INSERT, address.family, address.fingerprint, address.index);
  return { ok: true };
}

export function addresses(shelf: Shelf): readonly DepositAddress[] {
  const rows = shelf.sql.exec<Row>(ALL).toArray();
  return rows.map(({ family, fingerprint, child }) => ({ family, fingerprint, index: child }));
}

export function isOwn(shelf: Shelf, address: DepositAddress | undefined): boolean {
  return address !== undefined && boundChild(shelf, address) === address.index;
}
