/** Recordings in RIFF/WAVE: the length follows from the format and the number of bytes. */
import {
  type AudioLength,
  hasText,
  lengthOfBytes,
  readUint16LittleEndian,
  readUint32LittleEndian,
} from './audio-length.ts';
import { hasCodedFrames } from './coded-frames.ts';

const PCM = 1;
const FLOAT = 3;
const A_LAW = 6;
const MU_LAW = 7;
/** WAVEFORMATEXTENSIBLE: the format stands in the first bytes of its GUID. */
const EXTENSIBLE = 0xfffe;
const EXTENSIBLE_BYTES = 40;
const CHUNK_HEADER_BYTES = 8;
const MAX_CHANNELS = 32;
const MIN_RATE = 4_000;
const MAX_RATE = 768_000;

/**
 * Returns the bytes of one sample. Decoders take 8 bits for A-law and mu-law whatever the header says
 * (FFmpeg, `ff_wav_codec_get_id`), and other widths of PCM each in its own way: null for these.
 */
function readSampleBytes(bytes: Uint8Array, at: number, size: number): number | null {
  const stated = readUint16LittleEndian(bytes, at);
  const bits = readUint16LittleEndian(bytes, at + 14);
  const isExtensible = stated === EXTENSIBLE;
  const validBits = isExtensible ? readUint16LittleEndian(bytes, at + 18) : 0;
  if (isExtensible && (size < EXTENSIBLE_BYTES || (validBits !== 0 && validBits !== bits)))
    return null;
  const format = isExtensible ? readUint16LittleEndian(bytes, at + 24) : stated;
  if (format === A_LAW || format === MU_LAW) return 1;
  if (format === PCM && [8, 16, 24, 32].includes(bits)) return bits / 8;
  if (format === FLOAT && [32, 64].includes(bits)) return bits / 8;
  return null;
}

/** Zero is left out by some writers; another number than follows from the rest is two formats. */
function isConsistent(stated: number, computed: number): boolean {
  return stated === 0 || stated === computed;
}

function readBytesPerSecond(bytes: Uint8Array, at: number, size: number): number | null {
  const channels = readUint16LittleEndian(bytes, at + 2);
  const rate = readUint32LittleEndian(bytes, at + 4);
  const sampleBytes = readSampleBytes(bytes, at, size);
  if (sampleBytes === null) return null;
  const isUsual = channels >= 1 && channels <= MAX_CHANNELS && rate >= MIN_RATE && rate <= MAX_RATE;
  const block = channels * sampleBytes;
  const isOneFormat =
    isConsistent(readUint16LittleEndian(bytes, at + 12), block) &&
    isConsistent(readUint32LittleEndian(bytes, at + 8), rate * block);
  return isUsual && isOneFormat ? rate * block : null;
}

/** The size that the data chunk states is not read: streamed files state none, or a wrong one. */
export function measureWav(bytes: Uint8Array): AudioLength {
  let perSecond: number | null = null;
  let formats = 0;
  let at = 12;
  while (at + CHUNK_HEADER_BYTES <= bytes.length && !hasText(bytes, at, 'data')) {
    const size = readUint32LittleEndian(bytes, at + 4);
    if (hasText(bytes, at, 'fmt ')) {
      formats += 1;
      perSecond = readBytesPerSecond(bytes, at + CHUNK_HEADER_BYTES, size);
    }
    at += CHUNK_HEADER_BYTES + size + (size % 2);
  }
  const data = bytes.subarray(at + CHUNK_HEADER_BYTES);
  // Of two formats one decoder takes the first and another the last. Decoders look into PCM for
  // frames of another coding (FFmpeg, `handle_stream_probing`).
  if (perSecond === null || formats !== 1 || hasCodedFrames(data))
    return lengthOfBytes(bytes.length);
  return { maxSeconds: bytes.length / perSecond, estimatedSeconds: data.length / perSecond };
}
