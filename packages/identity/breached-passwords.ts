/**
 * Passwords of 12 characters and more that leaked often enough to be on every attacker's list. They
 * ship with the software as hashes, so nobody else is ever asked about a password. What is in the list
 * and how it was made is said in build-breach-list.ts and in the file itself.
 */
import { breachHash, unpackHashes } from './breach-hashes.ts';
import breachList from './breached-passwords.generated.json' with { type: 'json' };

let unpacked: Uint32Array | undefined;

export function isBreached(password: string): boolean {
  unpacked ??= unpackHashes(breachList.hashes, breachList.count, breachList.riceBits);
  const hash = breachHash(password);
  let low = 0;
  let high = unpacked.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const candidate = unpacked[middle] ?? 0;
    if (candidate === hash) return true;
    if (candidate < hash) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}
