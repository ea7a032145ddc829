/**
 * Looks up passwords of 12 characters and more in a list of the most frequently leaked ones. The
 * list ships with the software as hashes, so no other service is asked about a password.
 * build-breach- list.ts and the file itself document its origin.
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
