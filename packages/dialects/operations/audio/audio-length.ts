/** How long a recording is, as far as its bytes tell. */

/** Seconds: no recording of these bytes is longer than the first, and about the second it is. */
export type AudioLength = Readonly<{ maxSeconds: number; estimatedSeconds: number }>;

/** How far the two may lie apart where the frames of a recording were counted. */
const MAX_UNCERTAINTY = 1.1;
const MAX_UNCERTAIN_SECONDS = 2;

/**
 * Returns whether the length is known: all but a small part of the bytes were read as frames. Where
 * it is not, the caller's own headers or a guess by the size stand for it, and no bill may rest on
 * them.
 */
export function isMeasured({ maxSeconds, estimatedSeconds }: AudioLength): boolean {
  return maxSeconds <= MAX_UNCERTAINTY * estimatedSeconds + MAX_UNCERTAIN_SECONDS;
}

/** The lowest rates at which speech is stored: Opus at 6 kbit/s, MP3 and AAC at 8. */
const MIN_BYTES_PER_SECOND = 750;
/** 64 kbit/s, at which recorders store speech. */
const TYPICAL_BYTES_PER_SECOND = 8_000;

/** The length of bytes of which nothing is known. */
export function lengthOfBytes(bytes: number): AudioLength {
  return {
    maxSeconds: bytes / MIN_BYTES_PER_SECOND,
    estimatedSeconds: bytes / TYPICAL_BYTES_PER_SECOND,
  };
}

/**
 * More than any lossy coding of speech or music stores: 510 kbit/s for each of two channels. A file
 * with more in it holds something beside the frames that were counted.
 */
const MAX_CODED_BYTES_PER_SECOND = 128_000;

/** The length of `bytes` bytes in lossy frames that sound for `seconds`, beside `bytesBetween`. */
export function lengthOfCodedFrames(
  seconds: number,
  bytesBetween: number,
  bytes: number,
): AudioLength {
  const isPlausible = bytes - bytesBetween <= seconds * MAX_CODED_BYTES_PER_SECOND;
  return isPlausible ? lengthOfFrames(seconds, bytesBetween) : lengthOfBytes(bytes);
}

/** The length of a recording that was read frame by frame, but for some bytes between frames. */
export function lengthOfFrames(seconds: number, bytesBetween: number): AudioLength {
  return {
    maxSeconds: seconds + lengthOfBytes(bytesBetween).maxSeconds,
    estimatedSeconds: seconds,
  };
}

/**
 * The length of a recording of which `aacBytes` bytes are frames of AAC. What is counted as one may
 * hold hundreds: a frame of silence takes some 6 bytes, and decoders read what follows it in the same
 * packet (FFmpeg's does). So their number is a guess, and their bytes are the bound.
 */
export function withAac(
  { maxSeconds, estimatedSeconds }: AudioLength,
  aacBytes: number,
): AudioLength {
  return { maxSeconds: maxSeconds + lengthOfBytes(aacBytes).maxSeconds, estimatedSeconds };
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return (readUint16(bytes, at) * 0x1_0000 + readUint16(bytes, at + 2)) >>> 0;
}

export function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

export function readUint32LittleEndian(bytes: Uint8Array, at: number): number {
  return readUint16LittleEndian(bytes, at) + readUint16LittleEndian(bytes, at + 2) * 0x1_0000;
}

export function readUint16LittleEndian(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

/** Counts the occurrences of an ASCII text, up to `limit`. A search for its first byte alone is slower. */
export function countText(bytes: Uint8Array, text: string, limit: number): number {
  const [first, second] = [text.charCodeAt(0), text.charCodeAt(1)];
  let count = 0;
  for (let at = 0; at < bytes.length && count < limit; at += 1)
    if (bytes[at] === first && bytes[at + 1] === second && hasText(bytes, at, text)) count += 1;
  return count;
}

/** Returns whether the bytes at `at` are the ASCII text. */
export function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index += 1)
    if (bytes[at + index] !== text.charCodeAt(index)) return false;
  return true;
}
