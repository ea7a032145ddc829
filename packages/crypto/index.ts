/**
 * Key derivation, keyed hashes, base64 codecs and constant-time comparison: one copy for all
 * packages.
 */
export { base64, base64NoPad, base64url } from './base64.ts';
export { constantTimeEqual, constantTimeEqualBytes } from './constant-time.ts';
export { deriveKey, keyedHash } from './derived-keys.ts';
