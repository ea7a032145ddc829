/** The description of an audio track in MP4, down to the AudioSpecificConfig of AAC (ISO 14496-3). */
import { hasText, readUint16, readUint32 } from './audio-length.ts';

/** The header of `stsd`, that of its one entry, and the fields of an audio entry. */
const STSD_HEADER_BYTES = 8;
const ENTRY_BYTES = 8 + 28;
const FULL_BOX_BYTES = 12;

const ES_DESCRIPTOR = 0x03;
const DECODER_CONFIG_DESCRIPTOR = 0x04;
const DECODER_SPECIFIC_INFO = 0x05;
/** AAC of MPEG-4, and of MPEG-2 in its profiles (mp4ra.org, "Object types"). */
const AAC_OBJECT_TYPES = new Set([0x40, 0x66, 0x67, 0x68]);

/** AAC Main, LC, SSR, LTP, and LC with band replication, whose core has the rate that stands first. */
const AUDIO_OBJECT_TYPES = new Set([1, 2, 3, 4, 5, 29]);
const EXPLICIT_RATE = 15;
const SAMPLE_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
  7_350,
];
/** 960 in broadcasts; the difference is no money. */
const SAMPLES_PER_FRAME = 1024;

type Descriptor = Readonly<{ tag: number; content: number; end: number }>;

/** Reads a descriptor, whose length has seven bits in each of up to four bytes. */
function readDescriptor(bytes: Uint8Array, at: number): Descriptor {
  let length = 0;
  let next = at + 1;
  for (let index = 0; index < 4; index += 1) {
    const byte = bytes[next] ?? 0;
    next += 1;
    length = length * 128 + (byte & 0x7f);
    if (byte < 0x80) break;
  }
  return { tag: bytes[at] ?? 0, content: next, end: next + length };
}

/** Returns the seconds of a frame by the AudioSpecificConfig at `at`; null for another coding. */
function readFrameSeconds(bytes: Uint8Array, at: number): number | null {
  const bits = readUint16(bytes, at);
  const index = (bits >> 7) & 0xf;
  const explicit =
    ((bits & 0x7f) << 17) | (readUint16(bytes, at + 2) << 1) | ((bytes[at + 4] ?? 0) >> 7);
  const rate = index === EXPLICIT_RATE ? explicit : SAMPLE_RATES[index];
  const isKnown = AUDIO_OBJECT_TYPES.has(bits >> 11) && rate !== undefined && rate >= 7_350;
  return isKnown ? SAMPLES_PER_FRAME / rate : null;
}

function readElementaryStream(bytes: Uint8Array, at: number): number | null {
  const stream = readDescriptor(bytes, at + FULL_BOX_BYTES);
  const flags = bytes[stream.content + 2] ?? 0;
  // None of the optional fields of the stream's descriptor is in use in files.
  if (stream.tag !== ES_DESCRIPTOR || (flags & 0xe0) !== 0) return null;
  const decoder = readDescriptor(bytes, stream.content + 3);
  const isAac = AAC_OBJECT_TYPES.has(bytes[decoder.content] ?? 0);
  if (decoder.tag !== DECODER_CONFIG_DESCRIPTOR || !isAac) return null;
  const specific = readDescriptor(bytes, decoder.content + 13);
  return specific.tag === DECODER_SPECIFIC_INFO ? readFrameSeconds(bytes, specific.content) : null;
}

/**
 * Returns the seconds of one frame by the `stsd` whose content is given: it has to have one entry,
 * of AAC, in the plain form. Null for anything else.
 */
export function readAudioConfig(bytes: Uint8Array, content: number, end: number): number | null {
  const entry = content + STSD_HEADER_BYTES;
  const isOneEntry =
    readUint32(bytes, content + 4) === 1 && readUint32(bytes, entry) === end - entry;
  const isPlain = hasText(bytes, entry + 4, 'mp4a') && readUint16(bytes, entry + 16) === 0;
  const descriptor = entry + ENTRY_BYTES;
  if (!isOneEntry || !isPlain || !hasText(bytes, descriptor + 4, 'esds')) return null;
  return readElementaryStream(bytes, descriptor);
}
