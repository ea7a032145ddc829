/** Whether bytes that are said to be plain samples are frames of a lossy coding. */
import { countChainedBytes } from './mpeg-frames.ts';

const PROBED_BYTES = 64 * 1024;
/** Of a short recording nothing is gained. */
const MIN_PROBED_BYTES = 4 * 1024;
const MAX_FRAMED_SHARE = 0.5;

/** Frames of AC-3 and AAC in LOAS begin with these, in bits that `mask` names. */
const SYNC_WORDS = [
  { word: 0x0b77, mask: 0xffff, bytesPerFrame: 4_096 },
  { word: 0x56e0, mask: 0xffe0, bytesPerFrame: 512 },
];

function hasSyncWords(bytes: Uint8Array): boolean {
  return SYNC_WORDS.some(({ word, mask, bytesPerFrame }) => {
    let count = 0;
    for (let at = 0; at + 1 < bytes.length; at += 1)
      if (((((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)) & mask) === word) count += 1;
    return count > bytes.length / bytesPerFrame;
  });
}

export function hasCodedFrames(data: Uint8Array): boolean {
  const probed = data.subarray(0, PROBED_BYTES);
  if (probed.length < MIN_PROBED_BYTES) return false;
  return countChainedBytes(probed) > MAX_FRAMED_SHARE * probed.length || hasSyncWords(probed);
}
