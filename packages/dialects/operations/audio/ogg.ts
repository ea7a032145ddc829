/**
 * Recordings in Ogg (RFC 3533): Opus by its packets (RFC 7845), anything else by the positions that
 * its pages state.
 */
import {
  type AudioLength,
  hasText,
  lengthOfBytes,
  readUint32LittleEndian,
} from './audio-length.ts';
import { opusPacketSeconds } from './opus-packets.ts';

const PAGE_HEADER_BYTES = 27;
const CONTINUED = 1;
/** A granule position of pages on which no packet ends. */
const NO_POSITION = 0xffff_ffff;

type Page = Readonly<{
  position: number;
  /** Where each packet that begins on the page begins. */
  packets: readonly number[];
  end: number;
}>;

function readPage(bytes: Uint8Array, at: number): Page | null {
  if (!hasText(bytes, at, 'OggS')) return null;
  const flags = bytes[at + 5] ?? 0;
  const low = readUint32LittleEndian(bytes, at + 6);
  const high = readUint32LittleEndian(bytes, at + 10);
  const segments = bytes[at + 26] ?? 0;
  const packets: number[] = [];
  let offset = at + PAGE_HEADER_BYTES + segments;
  let begins = (flags & CONTINUED) === 0;
  for (let index = 0; index < segments; index += 1) {
    const length = bytes[at + PAGE_HEADER_BYTES + index] ?? 0;
    if (begins) packets.push(offset);
    begins = length < 255;
    offset += length;
  }
  const position = high === NO_POSITION && low === NO_POSITION ? 0 : high * 2 ** 32 + low;
  return { position, packets, end: offset };
}

/** Samples per second of the first stream, by its identification packet. */
function readRate(bytes: Uint8Array, packet: number): number | null {
  if (hasText(bytes, packet, 'OpusHead')) return 48_000;
  if (hasText(bytes, packet + 1, 'vorbis'))
    return readUint32LittleEndian(bytes, packet + 12) || null;
  return null;
}

export function measureOgg(bytes: Uint8Array): AudioLength {
  let seconds = 0;
  let lastPosition = 0;
  let rate: number | null = null;
  let isOpus = false;
  let uncovered = 0;
  for (let at = 0; at < bytes.length; ) {
    const page = readPage(bytes, at);
    if (page === null) {
      uncovered += 1;
      at += 1;
      continue;
    }
    const [first] = page.packets;
    if (rate === null && first !== undefined) {
      rate = readRate(bytes, first);
      isOpus = hasText(bytes, first, 'OpusHead');
    }
    for (const packet of page.packets) {
      const isHeader = hasText(bytes, packet, 'OpusHead') || hasText(bytes, packet, 'OpusTags');
      if (isOpus && !isHeader) seconds += opusPacketSeconds(bytes, packet);
    }
    lastPosition = Math.max(lastPosition, page.position);
    at = page.end;
  }
  const fallback = lengthOfBytes(bytes.length);
  if (isOpus)
    return { maxSeconds: seconds + lengthOfBytes(uncovered).maxSeconds, estimatedSeconds: seconds };
  if (rate === null) return fallback;
  const stated = lastPosition / rate;
  return { maxSeconds: Math.max(stated, fallback.maxSeconds), estimatedSeconds: stated };
}
