/**
 * CRC-32 of ASCII text as in ISO 3309 and PNG (reflected 0xEDB88320). It tells a mistyped key from a
 * wrong one, and scanners a key from noise; it protects nothing (ASVS 5.0 lists CRC as no hash).
 */
const TABLE = new Uint32Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  TABLE[byte] = value;
}

/** Of the first `length` characters; a character above 255 counts by its low byte, so check those apart. */
export function crc32(text: string, length: number): number {
  let value = 0xffffffff;
  for (let index = 0; index < length; index += 1) {
    value = (value >>> 8) ^ (TABLE[(value ^ text.charCodeAt(index)) & 255] ?? 0);
  }
  return (value ^ 0xffffffff) >>> 0;
}
