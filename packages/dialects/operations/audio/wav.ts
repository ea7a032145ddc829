/** Recordings in RIFF/WAVE: the length follows from the format and the number of bytes. */
import {
  type AudioLength,
  hasText,
  lengthOfBytes,
  readUint16LittleEndian,
  readUint32LittleEndian,
} from './audio-length.ts';

/** PCM, IEEE float, A-law, mu-law, extensible: each sample has the bits that the header says. */
const UNCOMPRESSED = new Set([1, 3, 6, 7, 0xfffe]);
const CHUNK_HEADER_BYTES = 8;

function readBytesPerSecond(bytes: Uint8Array, at: number): number | null {
  const channels = readUint16LittleEndian(bytes, at + 2);
  const rate = readUint32LittleEndian(bytes, at + 4);
  const bits = readUint16LittleEndian(bytes, at + 14);
  const perSecond = rate * channels * Math.ceil(bits / 8);
  const isKnown = UNCOMPRESSED.has(readUint16LittleEndian(bytes, at)) && perSecond > 0;
  return isKnown ? perSecond : null;
}

/** The size that the data chunk states is not read: streamed files state none, or a wrong one. */
export function measureWav(bytes: Uint8Array): AudioLength {
  let perSecond: number | null = null;
  let at = 12;
  while (at + CHUNK_HEADER_BYTES <= bytes.length) {
    if (hasText(bytes, at, 'fmt ')) perSecond = readBytesPerSecond(bytes, at + CHUNK_HEADER_BYTES);
    if (hasText(bytes, at, 'data')) break;
    const size = readUint32LittleEndian(bytes, at + 4);
    at += CHUNK_HEADER_BYTES + size + (size % 2);
  }
  if (perSecond === null) return lengthOfBytes(bytes.length);
  const data = Math.max(0, bytes.length - at - CHUNK_HEADER_BYTES);
  return { maxSeconds: bytes.length / perSecond, estimatedSeconds: data / perSecond };
}
