/**
 * Recordings in WebM and Matroska (RFC 9559), as browsers make them: Opus by its packets, anything
 * else by its bytes.
 */
import { type AudioLength, hasText, lengthOfBytes, lengthOfCodedFrames } from './audio-length.ts';
import { opusPacketSeconds } from './opus-packets.ts';

const EBML = 0x1a45_dfa3;
const SEGMENT = 0x1853_8067;
const TRACKS = 0x1654_ae6b;
const TRACK = 0xae;
const TRACK_NUMBER = 0xd7;
const TRACK_TYPE = 0x83;
const AUDIO_TRACK = 2;
const CODEC = 0x86;
const OPUS = 'A_OPUS';
const ENCODINGS = 0x6d80;
const CLUSTER = 0x1f43_b675;
const BLOCK_GROUP = 0xa0;
const BLOCK = 0xa1;
const SIMPLE_BLOCK = 0xa3;
/** What holds the elements that are read here. */
const MASTERS: ReadonlySet<number> = new Set([SEGMENT, TRACKS, TRACK, CLUSTER, BLOCK_GROUP]);
/** Written as they are recorded: their size is not known at their beginning. */
const MAY_BE_OPEN: ReadonlySet<number> = new Set([SEGMENT, CLUSTER]);
/** After the number of the track: the time in two bytes, and flags. */
const BLOCK_HEADER_BYTES = 3;
const LACING = 0x06;
/** Packets of 20 ms for five hours: what has more takes too long to read. */
const MAX_ELEMENTS = 1_000_000;

type VariableInteger = Readonly<{ value: number; length: number; isUnknown: boolean }>;

/** Reads a number of variable length (RFC 8794, section 4), with its marker or without; null if none. */
function readVariableInteger(
  bytes: Uint8Array,
  at: number,
  maxLength: number,
  keepsMarker: boolean,
): VariableInteger | null {
  const length = Math.clz32(bytes[at] ?? 0) - 23;
  if (length > maxLength || at + length > bytes.length) return null;
  const marker = 0x80 >> (length - 1);
  let value = (bytes[at] ?? 0) & (keepsMarker ? 0xff : marker - 1);
  let isUnknown = ((bytes[at] ?? 0) & (marker - 1)) === marker - 1;
  for (let index = 1; index < length; index += 1) {
    const byte = bytes[at + index] ?? 0;
    value = value * 256 + byte;
    isUnknown &&= byte === 0xff;
  }
  return { value, length, isUnknown };
}

type Element = Readonly<{ id: number; content: number; end: number; isOpen: boolean }>;

function readElement(bytes: Uint8Array, at: number): Element | null {
  const id = readVariableInteger(bytes, at, 4, true);
  const size = id === null ? null : readVariableInteger(bytes, at + id.length, 8, false);
  if (id === null || size === null) return null;
  const content = at + id.length + size.length;
  const isOpen = size.isUnknown && MAY_BE_OPEN.has(id.value);
  return { id: id.value, content, end: isOpen ? bytes.length : content + size.value, isOpen };
}

/**
 * Lists the elements, each before what it holds; null where one is malformed or longer than what
 * holds it, since decoders look for the next one there, each in its own way.
 */
function* listElements(bytes: Uint8Array): Generator<Element | null> {
  const ends = [bytes.length];
  for (let at = 0; at < bytes.length; ) {
    while (ends.length > 1 && at >= (ends.at(-1) ?? 0)) ends.pop();
    const element = readElement(bytes, at);
    if (element === null || element.end > (ends.at(-1) ?? 0)) {
      yield null;
      return;
    }
    yield element;
    const isMaster = MASTERS.has(element.id);
    if (isMaster && !element.isOpen) ends.push(element.end);
    at = isMaster ? element.content : element.end;
  }
}

/** Reads the unsigned integer that is the content of an element. */
function readInteger(bytes: Uint8Array, { content, end }: Element): number {
  let value = 0;
  for (let at = content; at < end; at += 1) value = value * 256 + (bytes[at] ?? 0);
  return value;
}

/** What a track says of itself; a decoder takes the first or the last of what stands there twice. */
type Track = Readonly<{ numbers: number[]; types: number[]; codecs: string[] }>;

type Found = {
  segments: number;
  tracks: Track[];
  isReadable: boolean;
  seconds: number;
  audioBytes: number;
};

function isWhole({ numbers, types, codecs }: Track): boolean {
  return numbers.length === 1 && types.length === 1 && codecs.length === 1;
}

/** A frame of the one track that is heard. Several frames in a block are not told apart here. */
function addBlock(bytes: Uint8Array, { content, end }: Element, found: Found): void {
  const number = readVariableInteger(bytes, content, 8, false);
  const track = found.tracks.find(({ numbers }) => numbers[0] === number?.value);
  if (number === null || track === undefined) found.isReadable = false;
  else if (track.types[0] === AUDIO_TRACK) {
    const frame = content + number.length + BLOCK_HEADER_BYTES;
    if (((bytes[frame - 1] ?? 0) & LACING) !== 0 || frame >= end) found.isReadable = false;
    found.seconds += opusPacketSeconds(bytes, frame);
    found.audioBytes += end - frame;
  }
}

function addElement(bytes: Uint8Array, element: Element, found: Found): void {
  const track = found.tracks.at(-1);
  if (element.id === SEGMENT) found.segments += 1;
  else if (element.id === TRACK) found.tracks.push({ numbers: [], types: [], codecs: [] });
  else if (element.id === TRACK_NUMBER) track?.numbers.push(readInteger(bytes, element));
  else if (element.id === TRACK_TYPE) track?.types.push(readInteger(bytes, element));
  else if (element.id === CODEC)
    track?.codecs.push(hasText(bytes, element.content, OPUS) ? OPUS : '');
  else if (element.id === ENCODINGS) found.isReadable = false;
  else if (element.id === BLOCK || element.id === SIMPLE_BLOCK) addBlock(bytes, element, found);
}

/** Returns whether bytes begin as a recording of this format does. */
export function isMatroska(bytes: Uint8Array): boolean {
  return readElement(bytes, 0)?.id === EBML;
}

export function measureMatroska(bytes: Uint8Array): AudioLength {
  const unknown = lengthOfBytes(bytes.length);
  const found: Found = { segments: 0, tracks: [], isReadable: true, seconds: 0, audioBytes: 0 };
  let count = 0;
  for (const element of listElements(bytes)) {
    count += 1;
    if (element === null || count > MAX_ELEMENTS) return unknown;
    addElement(bytes, element, found);
    if (!found.isReadable) return unknown;
  }
  const audio = found.tracks.filter(({ types }) => types[0] === AUDIO_TRACK);
  const isOneOpus = audio.length === 1 && audio[0]?.codecs[0] === OPUS;
  const isPlain = found.segments === 1 && isOneOpus && found.tracks.every(isWhole);
  const length = lengthOfCodedFrames(found.seconds, 0, found.audioBytes);
  return isPlain && found.seconds > 0 && length.estimatedSeconds === found.seconds
    ? length
    : unknown;
}
