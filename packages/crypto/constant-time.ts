/**
 * Comparisons whose duration does not depend on where the first difference is. Written out, because
 * `crypto.subtle.timingSafeEqual` exists only in workerd and `node:crypto` would enter every
 * bundle. Lengths are not secret here: every caller compares values of one fixed length.
 */

/** Compares two texts, such as hexadecimal hashes. */
export function constantTimeEqual(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

export function constantTimeEqualBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}
