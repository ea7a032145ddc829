/**
 * Recordings in FLAC (RFC 9639). Silence takes a few bytes a minute, so that only the frames tell how
 * long a recording is: each states its number of samples, under a checksum.
 */
import { type AudioLength, lengthOfBytes } from './audio-length.ts';

const BLOCK_SIZES: readonly number[] = [
  0, 192, 576, 1152, 2304, 4608, 0, 0, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768,
];
const SAMPLE_RATES: readonly number[] = [
  0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000,
];
/** The longest header: sync, two codes, a number of seven bytes, size, rate, checksum. */
const MAX_HEADER_BYTES = 16;

/** CRC-8 with the polynomial x^8 + x^2 + x + 1 (RFC 9639, section 9.1.8), of each byte. */
const CHECKSUMS = Uint8Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x80 ? 0x107 : 0)) & 0xff;
  return crc;
});

function checksum(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0;
  for (let at = from; at < to; at += 1) crc = CHECKSUMS[crc ^ (bytes[at] ?? 0)] ?? 0;
  return crc;
}

/** Returns the length of the coded number at `at`, in bytes; 0 if it is none. */
function codedNumberLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = Math.clz32(~(first << 24));
  if (length < 2 || length > 7) return 0;
  for (let index = 1; index < length; index += 1)
    if (((bytes[at + index] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

type FrameHeader = Readonly<{ samples: number; rate: number }>;

function readRate(bytes: Uint8Array, at: number, code: number, streamRate: number): number {
  if (code === 12) return (bytes[at] ?? 0) * 1000;
  const stated = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (code === 13) return stated;
  if (code === 14) return stated * 10;
  return SAMPLE_RATES[code] || streamRate;
}

function readFrameHeader(bytes: Uint8Array, at: number, streamRate: number): FrameHeader | null {
  const codes = bytes[at + 2] ?? 0;
  const [sizeCode, rateCode] = [codes >> 4, codes & 0xf];
  const numberLength = codedNumberLength(bytes, at + 4);
  if (sizeCode === 0 || rateCode === 15 || numberLength === 0) return null;
  let next = at + 4 + numberLength;
  let samples = BLOCK_SIZES[sizeCode] ?? 0;
  if (sizeCode === 6) samples = (bytes[next] ?? 0) + 1;
  if (sizeCode === 7) samples = (((bytes[next] ?? 0) << 8) | (bytes[next + 1] ?? 0)) + 1;
  if (sizeCode === 6 || sizeCode === 7) next += sizeCode - 5;
  const rate = readRate(bytes, next, rateCode, streamRate);
  if (rateCode === 12) next += 1;
  if (rateCode === 13 || rateCode === 14) next += 2;
  if (next >= bytes.length || checksum(bytes, at, next) !== bytes[next]) return null;
  return { samples, rate };
}

/** `bytes` begins with `fLaC` and the block STREAMINFO. */
export function measureFlac(bytes: Uint8Array): AudioLength {
  const streamRate = ((bytes[18] ?? 0) << 12) | ((bytes[19] ?? 0) << 4) | ((bytes[20] ?? 0) >> 4);
  let seconds = 0;
  let at = bytes.indexOf(0xff);
  while (at >= 0 && at + 4 < bytes.length) {
    const isSync = ((bytes[at + 1] ?? 0) & 0xfe) === 0xf8;
    const header = isSync ? readFrameHeader(bytes, at, streamRate) : null;
    if (header !== null && header.rate > 0) seconds += header.samples / header.rate;
    // Bytes that only look like a header must not hide the one of a frame.
    at = bytes.indexOf(0xff, at + 1);
  }
  if (seconds > 0) return { maxSeconds: seconds, estimatedSeconds: seconds };
  return lengthOfBytes(Math.max(bytes.length, MAX_HEADER_BYTES));
}
