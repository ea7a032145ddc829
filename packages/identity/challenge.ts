/**
 * A challenge for callers beyond a shared limit: a proof of work that a browser computes in a
 * moment, and that makes a flood cost its sender more than it costs us. It needs no third party and
 * reads nothing about the browser (docs/decisions/0022-networks-and-challenges.md).
 *
 * The task is a partial preimage as in Hashcash (http://www.hashcash.org/papers/hashcash.pdf):
 * find digits such that the SHA-256 of `<challenge>.<digits>` begins with a number of zero bits.
 * The challenge is signed and expires, and its rate-limit bucket admits it once; so nothing is
 * stored when one is issued.
 */
import { constantTimeEqual, deriveKey, keyedHash } from '@farebox/crypto';
import type { Instant } from '@farebox/ledger';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { IdentityDeps, ProofOfWork } from './contract.ts';

const KEY_LABEL = 'farebox identity: challenges';
const CHALLENGE_TTL_MS = 10 * 60_000;
/**
 * About 500,000 hashes on average: one or two seconds of a phone's browser, and never a strain on
 * its battery.
 */
const DIFFICULTY_BITS = 19;
const NONCE_BYTES = 16;
/** 128 bits of the MAC: so short that the solution stays in one block after a fixed one. */
const MAC_DIGITS = 32;
const CHALLENGE = /^(\d{13})\.(\d{2})\.([0-9a-f]{32})\.([0-9a-f]{32})$/;
const SOLUTION = /^\d{1,15}$/;

/** A challenge whose solution is valid; whether it was used before is for its bucket to say. */
export type SolvedChallenge = Readonly<{ id: string; expiresAt: Instant }>;

/** Issues `<expiry in ms>.<bits>.<nonce>.<MAC>`. */
export function issueChallenge(deps: Pick<IdentityDeps, 'secret' | 'random' | 'now'>): string {
  const expiresAt = String(deps.now() + CHALLENGE_TTL_MS);
  const bits = String(DIFFICULTY_BITS);
  const nonce = bytesToHex(deps.random(NONCE_BYTES));
  return [expiresAt, bits, nonce, sign(deps, expiresAt, bits, nonce)].join('.');
}

/** Returns the challenge that a request solved; null where it solved none. */
export function solvedChallenge(
  deps: Pick<IdentityDeps, 'secret' | 'now'>,
  request: Readonly<{ proofOfWork?: ProofOfWork | null }>,
): SolvedChallenge | null {
  const { proofOfWork } = request;
  return (proofOfWork && verifyProofOfWork(deps, proofOfWork)) ?? null;
}

/** Returns undefined for a forged, expired or unsolved challenge. */
function verifyProofOfWork(
  deps: Pick<IdentityDeps, 'secret' | 'now'>,
  { challenge, solution }: ProofOfWork,
): SolvedChallenge | undefined {
  const [, expiresAt = '', bits = '', id = '', mac = ''] = CHALLENGE.exec(challenge) ?? [];
  if (id === '' || !SOLUTION.test(solution)) return undefined;
  if (!constantTimeEqual(mac, sign(deps, expiresAt, bits, id))) return undefined;
  if (Number(expiresAt) <= deps.now()) return undefined;
  const digest = sha256(utf8ToBytes(`${challenge}.${solution}`));
  return countLeadingZeroBits(digest) < Number(bits)
    ? undefined
    : { id, expiresAt: Number(expiresAt) };
}

function sign(deps: Pick<IdentityDeps, 'secret'>, ...fields: readonly string[]): string {
  return keyedHash(deriveKey(deps.secret, KEY_LABEL), ['challenge', ...fields]).slice(
    0,
    MAC_DIGITS,
  );
}

function countLeadingZeroBits(bytes: Uint8Array): number {
  const index = bytes.findIndex((byte) => byte !== 0);
  return index === -1 ? bytes.length * 8 : index * 8 + Math.clz32(bytes[index] ?? 0) - 24;
}
