/**
 * The id of a plan: a hash of its content, so that the plan that was reviewed is the plan that is
 * signed. Pure.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Plan } from './contract.ts';

/** SHA-256 in hexadecimal over all values of the plan, in a fixed order. */
export function planId(plan: Omit<Plan, 'id'>): string {
  const { version, chain, chainId, token, fingerprint, destination } = plan;
  const { plannedAt, expiresAt, maxFee, steps } = plan;
  const listed = steps.map(({ kind, signer, from, to, units, raw }) => [
    kind,
    signer.chain,
    signer.index,
    from,
    to,
    units,
    raw,
  ]);
  const head = [version, chain, chainId, token, fingerprint, destination];
  const content = [...head, plannedAt, expiresAt, maxFee, listed];
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify(content))));
}
