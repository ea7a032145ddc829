/**
 * Encodes 360 bits as 61 digits of base 62 and back. Each number has exactly one text: no variant
 * of a key with leading zeros, another letter case or an overflow is accepted. Works in limbs of 24
 * bits and groups of four digits (62^4 < 2^24), so that each product stays below 2^48 and no bigint
 * is allocated per call.
 */
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LIMB = 0x1000000;
const GROUP = 62 ** 4;

export const PACKED_BYTES = 45;
export const PACKED_DIGITS = 61;
const LIMBS = PACKED_BYTES / 3;

const VALUES = new Int8Array(128).fill(-1);
for (let value = 0; value < DIGITS.length; value += 1) VALUES[DIGITS.charCodeAt(value)] = value;

function digitAt(text: string, index: number): number {
  return VALUES[text.charCodeAt(index)] ?? -1;
}

/**
 * Decodes `PACKED_DIGITS` digits of `text` from `start`; returns undefined if they are malformed.
 */
export function unpack(text: string, start: number): Uint8Array | undefined {
  const limbs = new Float64Array(LIMBS);
  const leading = digitAt(text, start);
  if (leading < 0) return undefined;
  limbs[LIMBS - 1] = leading;
  for (let at = start + 1; at < start + PACKED_DIGITS; at += 4) {
    let carry = readNumber(text, at, 4);
    if (carry === undefined) return undefined;
    for (let limb = LIMBS - 1; limb >= 0; limb -= 1) {
      const sum = (limbs[limb] ?? 0) * GROUP + carry;
      carry = Math.floor(sum / LIMB);
      limbs[limb] = sum - carry * LIMB;
    }
    if (carry !== 0) return undefined;
  }
  return toBytes(limbs);
}

function toBytes(limbs: Float64Array): Uint8Array {
  const bytes = new Uint8Array(PACKED_BYTES);
  for (let limb = 0; limb < LIMBS; limb += 1) {
    const value = limbs[limb] ?? 0;
    bytes[limb * 3] = value >>> 16;
    bytes[limb * 3 + 1] = value >>> 8;
    bytes[limb * 3 + 2] = value;
  }
  return bytes;
}

/** Encodes `PACKED_BYTES` bytes as `PACKED_DIGITS` digits. */
export function pack(bytes: Uint8Array): string {
  if (bytes.length !== PACKED_BYTES) throw new RangeError('pack takes exactly 45 bytes.');
  const limbs = Array.from({ length: LIMBS }, (_, limb) => {
    const [high = 0, middle = 0, low = 0] = bytes.subarray(limb * 3, limb * 3 + 3);
    return (high << 16) | (middle << 8) | low;
  });
  let text = '';
  while (text.length < PACKED_DIGITS) {
    let rest = 0;
    for (const [limb, value] of limbs.entries()) {
      const sum = rest * LIMB + value;
      limbs[limb] = Math.floor(sum / GROUP);
      rest = sum % GROUP;
    }
    text = writeNumber(rest, 4) + text;
  }
  // Sixteen groups of four are three digits more than the number has; those are zeros.
  return text.slice(-PACKED_DIGITS);
}

/** Writes a number below 62^width as exactly `width` digits. */
export function writeNumber(value: number, width: number): string {
  let rest = value;
  let text = '';
  for (let digit = 0; digit < width; digit += 1) {
    text = DIGITS.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

/** Reads `width` digits of `text` from `start`; returns undefined if one of them is no digit. */
export function readNumber(text: string, start: number, width: number): number | undefined {
  let value = 0;
  for (let index = start; index < start + width; index += 1) {
    const digit = digitAt(text, index);
    if (digit < 0) return undefined;
    value = value * 62 + digit;
  }
  return value;
}
