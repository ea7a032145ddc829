/**
 * The format of the list of breached passwords: hashes too short to be reversed, compressed. Shared
 * by the lookup and by the command that builds the list.
 */
import { sha256 } from '@noble/hashes/sha2.js';

/** Normalizes spellings that a guesser treats as one password. Letter case is ignored. */
export function normalizePassword(password: string): string {
  return password.normalize('NFKC').toLowerCase();
}

/**
 * Returns 32 bits: with 44 thousand entries, a good password collides with one of them once in
 * 100,000.
 */
export function breachHash(password: string): number {
  return new DataView(
    sha256(new TextEncoder().encode(normalizePassword(password))).buffer,
  ).getUint32(0);
}

/**
 * Decodes ascending numbers from Rice-coded gaps (R. F. Rice, JPL 79-22, 1979): the high part of a
 * gap in unary, as ones before a zero, then its low `riceBits` bits. Sorted hashes have
 * geometrically distributed gaps, for which this code is close to optimal.
 */
export function unpackHashes(packed: string, count: number, riceBits: number): Uint32Array {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const hashes = new Uint32Array(count);
  let at = 0;
  const bit = () => {
    const value = ((bytes[at >>> 3] ?? 0) >>> (7 - (at & 7))) & 1;
    at += 1;
    return value;
  };
  let last = 0;
  for (let index = 0; index < count; index += 1) {
    let gap = 0;
    while (bit() === 1) gap += 1;
    for (let low = 0; low < riceBits; low += 1) gap = gap * 2 + bit();
    last += gap;
    hashes[index] = last;
  }
  return hashes;
}

/** The inverse of `unpackHashes`, for the command that builds the list. */
export function packHashes(ascending: readonly number[], riceBits: number): string {
  const bits: number[] = [];
  let last = 0;
  for (const hash of ascending) {
    const gap = hash - last;
    last = hash;
    for (let high = Math.floor(gap / 2 ** riceBits); high > 0; high -= 1) bits.push(1);
    bits.push(0);
    for (let low = riceBits - 1; low >= 0; low -= 1) bits.push(Math.floor(gap / 2 ** low) & 1);
  }
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [index, bit] of bits.entries()) {
    bytes[index >>> 3] = (bytes[index >>> 3] ?? 0) | (bit << (7 - (index & 7)));
  }
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
