/**
 * Recordings in MP4 (ISO 14496-12: M4A, MP4): AAC by the number of its frames, whatever durations the
 * headers state; anything else by its bytes.
 */
import {
  type AudioLength,
  hasText,
  lengthOfBytes,
  lengthOfFrames,
  readUint16,
  readUint32,
} from './audio-length.ts';
import { readAudioConfig } from './mp4-audio-config.ts';

const CONTAINERS = ['moov', 'trak', 'mdia', 'minf', 'stbl'];
/** A player may take any of these for further frames, which no table of samples lists. */
const FRAGMENTS = ['moof', 'mvex', 'sidx', 'moov'];
const MAX_BOXES = 10_000;
const MAX_DEPTH = 8;
/** Sound, video, subtitles, chapters. */
const MAX_TRACKS = 16;

type Box = Readonly<{ type: string; content: number; end: number; depth: number }>;

function readType(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

/** Lists boxes and those in them, each before what it holds; null where one is malformed. */
function listBoxes(bytes: Uint8Array): readonly Box[] | null {
  const boxes: Box[] = [];
  const read = (from: number, to: number, depth: number): boolean => {
    for (let at = from; at < to; ) {
      const stated = readUint32(bytes, at);
      const isLong = stated === 1;
      const large = readUint32(bytes, at + 8) * 2 ** 32 + readUint32(bytes, at + 12);
      const end = stated === 0 ? to : at + (isLong ? large : stated);
      const content = at + (isLong ? 16 : 8);
      if (content > to || end < content || end > to || boxes.length === MAX_BOXES) return false;
      const type = readType(bytes, at + 4);
      boxes.push({ type, content, end, depth });
      if (CONTAINERS.includes(type) && (depth === MAX_DEPTH || !read(content, end, depth + 1)))
        return false;
      at = end;
    }
    return true;
  };
  return read(0, bytes.length, 0) ? boxes : null;
}

/**
 * The longest frame of AAC in two channels, in bytes (6,144 bits a channel, ISO 14496-3). Decoders
 * go on in a sample where a frame ends, so that a longer one may hold any number of frames.
 */
const MAX_SAMPLE_BYTES = 1_536;

/** The bytes of all samples, and of the largest. */
type Sizes = Readonly<{ bytes: number; largest: number }>;
type Track = Sizes & Readonly<{ isAudio: boolean; frames: number; frameSeconds: number }>;

/** Reads the entry of so many bits at `index` of a table. */
function readSize(bytes: Uint8Array, at: number, index: number, bits: number): number {
  const entry = at + Math.floor((index * bits) / 8);
  if (bits === 32) return readUint32(bytes, entry);
  if (bits === 16) return readUint16(bytes, entry);
  if (bits === 8) return bytes[entry] ?? 0;
  return index % 2 === 0 ? (bytes[entry] ?? 0) >> 4 : (bytes[entry] ?? 0) & 0xf;
}

/** Adds up the sizes in a table of `count` entries of so many bits. */
function sumSizes(bytes: Uint8Array, at: number, count: number, bits: number): Sizes {
  let sum = 0;
  let largest = 0;
  for (let index = 0; index < count && at + (index * bits) / 8 < bytes.length; index += 1) {
    const size = readSize(bytes, at, index, bits);
    sum += size;
    if (size > largest) largest = size;
  }
  return { bytes: sum, largest };
}

/** The number and the bytes of the samples, by either of the tables (ISO 14496-12, section 8.7.3). */
function readSizes(bytes: Uint8Array, { type, content }: Box) {
  const frames = readUint32(bytes, content + 8);
  const each = type === 'stsz' ? readUint32(bytes, content + 4) : 0;
  if (each > 0) return { frames, bytes: each * frames, largest: each };
  const bits = type === 'stsz' ? 32 : (bytes[content + 7] ?? 0);
  return { frames, ...sumSizes(bytes, content + 12, frames, bits) };
}

/** Reads the boxes of one track; null where there is more than one of what there has to be one. */
function readTrack(bytes: Uint8Array, boxes: readonly Box[]): Track | null {
  const find = (...types: readonly string[]) => boxes.filter(({ type }) => types.includes(type));
  const [handler, ...otherHandlers] = find('hdlr').filter(({ depth }) => depth === 3);
  const [description, ...otherDescriptions] = find('stsd');
  const [size, ...otherSizes] = find('stsz', 'stz2');
  if (handler === undefined || description === undefined || size === undefined) return null;
  if (otherHandlers.length + otherDescriptions.length + otherSizes.length > 0) return null;
  const isAudio = hasText(bytes, handler.content + 8, 'soun');
  const frameSeconds = isAudio ? readAudioConfig(bytes, description.content, description.end) : 0;
  return frameSeconds === null ? null : { isAudio, frameSeconds, ...readSizes(bytes, size) };
}

/** Divides the boxes by the tracks that they stand in. */
function splitTracks(boxes: readonly Box[]): readonly (readonly Box[])[] {
  return boxes
    .filter(({ type }) => type === 'trak')
    .map(({ content, end }) => boxes.filter((box) => box.content > content && box.end <= end));
}

/** `bytes` begins with the box `ftyp`. */
export function measureMp4(bytes: Uint8Array): AudioLength {
  const unknown = lengthOfBytes(bytes.length);
  const boxes = listBoxes(bytes);
  if (boxes === null) return unknown;
  const index = boxes.find(({ type }) => type === 'moov');
  const isFragmented = boxes.some((box) => FRAGMENTS.includes(box.type) && box !== index);
  const trackCount = boxes.filter(({ type }) => type === 'trak').length;
  if (index === undefined || isFragmented || trackCount > MAX_TRACKS) return unknown;
  const tracks = splitTracks(boxes).map((track) => readTrack(bytes, track));
  const known = tracks.filter((track) => track !== null);
  const [audio, ...others] = known.filter(({ isAudio }) => isAudio);
  if (audio === undefined || others.length > 0 || known.length < tracks.length) return unknown;
  if (audio.largest > MAX_SAMPLE_BYTES) return unknown;
  const covered = known.reduce((sum, track) => sum + track.bytes, index.end - index.content);
  const between = Math.max(0, bytes.length - covered);
  return lengthOfFrames(audio.frames * audio.frameSeconds, between);
}
