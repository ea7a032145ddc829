/**
 * Recordings in MP4 (ISO 14496-12: M4A, MP4): the length that the headers state, and the one that
 * the table of samples gives, whichever is longer.
 */
import { type AudioLength, hasText, lengthOfBytes, readUint32 } from './audio-length.ts';

const CONTAINERS = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'moof', 'traf'];
/** The samples of an AAC frame, twice that with spectral band replication. */
const MAX_SAMPLES_PER_FRAME = 2048;
const MIN_SAMPLE_RATE = 8_000;
const MAX_BOXES = 100_000;

type Found = { seconds: number; frames: number; boxes: number; isFragmented: boolean };

/** `mvhd` and `mdhd` state a time scale and a duration in it, in 32 or 64 bits. */
function readDuration(bytes: Uint8Array, at: number): number {
  const isLong = bytes[at] === 1;
  const scale = readUint32(bytes, at + (isLong ? 20 : 12));
  const duration = isLong
    ? readUint32(bytes, at + 24) * 2 ** 32 + readUint32(bytes, at + 28)
    : readUint32(bytes, at + 16);
  const isUnknown = !isLong && duration === 0xffff_ffff;
  return scale === 0 || isUnknown ? 0 : duration / scale;
}

function readBoxes(bytes: Uint8Array, from: number, to: number, depth: number, found: Found): void {
  let at = from;
  while (at + 8 <= to && found.boxes < MAX_BOXES) {
    found.boxes += 1;
    const stated = readUint32(bytes, at);
    const isLong = stated === 1;
    const size = isLong ? readUint32(bytes, at + 8) * 2 ** 32 + readUint32(bytes, at + 12) : stated;
    const end = size === 0 ? to : Math.min(to, at + size);
    const content = at + (isLong ? 16 : 8);
    if (end <= at + 7) return;
    if (hasText(bytes, at + 4, 'mvhd') || hasText(bytes, at + 4, 'mdhd'))
      found.seconds = Math.max(found.seconds, readDuration(bytes, content));
    if (hasText(bytes, at + 4, 'stsz')) found.frames += readUint32(bytes, content + 8);
    if (hasText(bytes, at + 4, 'moof')) found.isFragmented = true;
    const isContainer = CONTAINERS.some((type) => hasText(bytes, at + 4, type));
    if (isContainer && depth < 8) readBoxes(bytes, content, end, depth + 1, found);
    at = end;
  }
}

export function measureMp4(bytes: Uint8Array): AudioLength {
  const found: Found = { seconds: 0, frames: 0, boxes: 0, isFragmented: false };
  readBoxes(bytes, 0, bytes.length, 0, found);
  const fallback = lengthOfBytes(bytes.length);
  const isTold = found.seconds > 0 && !found.isFragmented;
  const ofFrames = (found.frames * MAX_SAMPLES_PER_FRAME) / MIN_SAMPLE_RATE;
  return {
    maxSeconds: Math.max(
      found.seconds,
      isTold ? Math.min(ofFrames, fallback.maxSeconds) : fallback.maxSeconds,
    ),
    estimatedSeconds: isTold ? found.seconds : fallback.estimatedSeconds,
  };
}
