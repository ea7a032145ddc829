/** Recordings in Ogg (RFC 3533): Opus by its packets (RFC 7845), anything else by its bytes. */
import {
  type AudioLength,
  countText,
  hasText,
  lengthOfBytes,
  lengthOfCodedFrames,
} from './audio-length.ts';
import { opusPacketSeconds } from './opus-packets.ts';

const PAGE_HEADER_BYTES = 27;
const CONTINUED = 1;
const FIRST = 2;
/** The identification and the comment. */
const HEADER_PACKETS = 2;

type Page = Readonly<{
  /** True for the first page of a stream. */
  isFirst: boolean;
  /** Where each packet that begins on the page begins. */
  packets: readonly number[];
  end: number;
}>;

function readPage(bytes: Uint8Array, at: number): Page | null {
  if (!hasText(bytes, at, 'OggS')) return null;
  const flags = bytes[at + 5] ?? 0;
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
  return { isFirst: (flags & FIRST) !== 0, packets, end: offset };
}

type Found = {
  pages: number;
  streams: number;
  packets: number;
  seconds: number;
  uncovered: number;
};

/** Reads the pages that follow each other; what comes after a gap is not told from anything else. */
function readPages(bytes: Uint8Array): Found {
  const found: Found = { pages: 0, streams: 0, packets: 0, seconds: 0, uncovered: 0 };
  let at = 0;
  for (let page = readPage(bytes, at); page !== null; page = readPage(bytes, at)) {
    found.pages += 1;
    if (page.isFirst) found.streams += 1;
    for (const packet of page.packets) {
      found.packets += 1;
      if (found.packets > HEADER_PACKETS) found.seconds += opusPacketSeconds(bytes, packet);
    }
    at = page.end;
  }
  found.uncovered = Math.max(0, bytes.length - at);
  return found;
}

/**
 * `bytes` begins with a page. Its packets are those of Opus only if the first stream is, and no other
 * follows; a page inside a page is one to decoders that skip pages with a wrong checksum.
 */
export function measureOgg(bytes: Uint8Array): AudioLength {
  const [first = 0] = readPage(bytes, 0)?.packets ?? [];
  if (!hasText(bytes, first, 'OpusHead')) return lengthOfBytes(bytes.length);
  const { pages, streams, seconds, uncovered } = readPages(bytes);
  const isOneStream = streams <= 1 && countText(bytes, 'OggS', pages + 1) === pages;
  if (!isOneStream) return lengthOfBytes(bytes.length);
  return lengthOfCodedFrames(seconds, uncovered, bytes.length);
}
