/**
 * The frames of a zstd body (RFC 8878, section 3.1). A body may have several, one after the other
 * (section 3), and the runtime's decoder stops after the first.
 */

/** More frames than any client writes: each costs a decoder of its own. */
const MAX_FRAMES = 256;

/** "Magic_Number" of a frame, in little-endian order. */
const FRAME_MAGIC = 0xfd2fb528;
/** The first 28 bits of those of skippable frames. */
const SKIPPABLE_MAGIC = 0x184d2a5;

const MAGIC_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const RLE_BLOCK = 1;
/** By the two bits of the descriptor that name them. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

/** Returns the length of the header of the frame whose descriptor this is, without the magic. */
function headerLength(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const contentSize = sizeFlag === 0 && isSingleSegment ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] ?? 0);
  const window = isSingleSegment ? 0 : 1;
  return 1 + window + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0) + contentSize;
}

/** Returns the end of the frame at `start`, or null if it is not whole. */
function findFrameEnd(bytes: Uint8Array, start: number): number | null {
  const descriptor = bytes[start + MAGIC_BYTES];
  if (descriptor === undefined) return null;
  let at = start + MAGIC_BYTES + headerLength(descriptor);
  for (let isLast = false; !isLast; ) {
    // Indexed: blocks may be empty, and a body has millions of them then.
    if (at + BLOCK_HEADER_BYTES > bytes.length) return null;
    const header = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    isLast = (header & 1) !== 0;
    const size = ((header >> 1) & 3) === RLE_BLOCK ? 1 : header >> 3;
    at += BLOCK_HEADER_BYTES + size;
  }
  const end = at + ((descriptor & 4) === 0 ? 0 : CHECKSUM_BYTES);
  return end <= bytes.length ? end : null;
}

/** Returns the frames that hold data, in order, or null if the bytes are not whole frames. */
export function splitZstdFrames(bytes: Uint8Array): readonly Uint8Array[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 2 * MAGIC_BYTES > bytes.length) return null;
    const magic = view.getUint32(at, true);
    if (magic >>> 4 === SKIPPABLE_MAGIC) {
      at += 2 * MAGIC_BYTES + view.getUint32(at + MAGIC_BYTES, true);
      continue;
    }
    const end = magic === FRAME_MAGIC ? findFrameEnd(bytes, at) : null;
    if (end === null || frames.length === MAX_FRAMES) return null;
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames;
}
