/**
 * CRC-32 of ASCII text as in ISO 3309 and PNG (reflected 0xEDB88320). It lets us distinguish a
 * mistyped key from a wrong one, and lets scanners distinguish a key from noise. It is no
 * protection (ASVS 5.0 doesn't count CRC as a hash).
 */
const TABLE = new Uint32Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  TABLE[byte] = value;
}

/**
 * Computes the CRC of the first `length` characters. Only the low byte of a character counts, so a
 * caller has to check for ASCII.
 */
export function crc32(text: string, length: number): number {
  let value = 0xffffffff;
  for (let index = 0; index < length; index += 1) {
    value = (value >>> 8) ^ (TABLE[(value ^ text.charCodeAt(index)) & 255] ?? 0);
  }
  return (value ^ 0xffffffff) >>> 0;
}
