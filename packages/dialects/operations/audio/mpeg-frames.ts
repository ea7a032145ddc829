/**
 * The frames of MP3 (ISO 11172-3, 13818-3) and of AAC in ADTS (ISO 13818-7), over bytes that come
 * piece by piece. A decoder plays the frames that it finds; so does this count.
 */

/** One frame: its length in bytes, and how long it sounds. */
type Frame = Readonly<{ bytes: number; seconds: number; isAac: boolean }>;

/** kbit/s by version 1 or 2 (and 2.5) and layer. */
const BITRATES: Readonly<Record<string, readonly number[]>> = {
  '1.1': [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  '1.2': [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  '1.3': [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  '2.1': [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  '2.2': [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  '2.3': [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};
const SAMPLE_RATES = [44_100, 48_000, 32_000];
const AAC_SAMPLE_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
  7_350,
];
const AAC_SAMPLES = 1024;
/** 6,144 bits for each channel (ISO 13818-7, section 8.2.2), in a header of 7 or 9 bytes. */
const MAX_AAC_CHANNEL_BYTES = 768;
const MAX_AAC_HEADER_BYTES = 9;
const MAX_AAC_CHANNELS = 8;

/** The longest header of a frame. */
export const FRAME_HEADER_BYTES = 7;

function isSync(header: Uint8Array, at: number): boolean {
  return header[at] === 0xff && ((header[at + 1] ?? 0) & 0xe0) === 0xe0;
}

function readMpegFrame(header: Uint8Array, at: number): Frame | null {
  const [second = 0, third = 0] = [header[at + 1], header[at + 2]];
  const versionBits = (second >> 3) & 3;
  const layer = 4 - ((second >> 1) & 3);
  const rateIndex = (third >> 2) & 3;
  if (versionBits === 1 || layer === 4 || rateIndex === 3) return null;
  const version = versionBits === 3 ? 1 : 2;
  const kilobits = BITRATES[`${version}.${layer}`]?.[third >> 4] ?? 0;
  if (kilobits === 0) return null;
  const divisor = versionBits === 3 ? 1 : versionBits === 2 ? 2 : 4;
  const rate = (SAMPLE_RATES[rateIndex] ?? 0) / divisor;
  const samples = layer === 1 ? 384 : layer === 3 && version === 2 ? 576 : 1152;
  const padding = (third >> 1) & 1;
  const slot = layer === 1 ? 4 : 1;
  const bytes = (Math.floor(((samples / 8 / slot) * kilobits * 1000) / rate) + padding) * slot;
  return { bytes, seconds: samples / rate, isAac: false };
}

function readAacFrame(header: Uint8Array, at: number): Frame | null {
  const rate = AAC_SAMPLE_RATES[((header[at + 2] ?? 0) >> 2) & 0xf];
  const bytes =
    (((header[at + 3] ?? 0) & 3) << 11) |
    ((header[at + 4] ?? 0) << 3) |
    ((header[at + 5] ?? 0) >> 5);
  const blocks = ((header[at + 6] ?? 0) & 3) + 1;
  const configuration = (((header[at + 2] ?? 0) & 1) << 2) | ((header[at + 3] ?? 0) >> 6);
  // 7 stands for eight channels, and 0 for what the frame itself says.
  const channels = configuration % 7 === 0 ? MAX_AAC_CHANNELS : configuration;
  const maxBytes = blocks * channels * MAX_AAC_CHANNEL_BYTES + MAX_AAC_HEADER_BYTES;
  if (rate === undefined || bytes < FRAME_HEADER_BYTES || bytes > maxBytes) return null;
  return { bytes, seconds: (blocks * AAC_SAMPLES) / rate, isAac: true };
}

/** Reads the frame whose header begins at `at`; null if none does. */
function readFrame(header: Uint8Array, at: number): Frame | null {
  if (!isSync(header, at)) return null;
  const isAac = ((header[at + 1] ?? 0) & 0xf6) === 0xf0;
  return isAac ? readAacFrame(header, at) : readMpegFrame(header, at);
}

/** Returns whether a frame begins at `at`. */
export function beginsWithFrame(bytes: Uint8Array, at: number): boolean {
  return at + FRAME_HEADER_BYTES <= bytes.length && readFrame(bytes, at) !== null;
}

/** Counts the bytes of frames each of which another follows: by chance hardly any do. */
export function countChainedBytes(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(0xff); at >= 0; ) {
    const frame = at + FRAME_HEADER_BYTES <= bytes.length ? readFrame(bytes, at) : null;
    const isChained = frame !== null && beginsWithFrame(bytes, at + frame.bytes);
    if (isChained) count += frame.bytes;
    at = bytes.indexOf(0xff, at + (isChained ? frame.bytes : 1));
  }
  return count;
}

/** Counts frames. */
export class FrameCounter {
  seconds = 0;
  /** Bytes that belong to no frame. */
  bytesBetween = 0;
  /** Bytes of frames of AAC. */
  aacBytes = 0;
  /** The bytes of the current frame that are still to come. */
  #missing = 0;
  #carried = new Uint8Array(0);

  write(chunk: Uint8Array): void {
    const skipped = Math.min(this.#missing, chunk.length);
    this.#missing -= skipped;
    const bytes = this.#join(chunk.subarray(skipped));
    let at = 0;
    while (at + FRAME_HEADER_BYTES <= bytes.length) {
      const frame = readFrame(bytes, at);
      if (frame === null) {
        this.bytesBetween += 1;
        at += 1;
        continue;
      }
      this.seconds += frame.seconds;
      if (frame.isAac) this.aacBytes += frame.bytes;
      at += frame.bytes;
    }
    this.#missing += Math.max(0, at - bytes.length);
    this.#carried = bytes.slice(Math.min(at, bytes.length));
  }

  #join(rest: Uint8Array): Uint8Array {
    const carried = this.#carried;
    if (carried.length === 0) return rest;
    const bytes = new Uint8Array(carried.length + rest.length);
    bytes.set(carried);
    bytes.set(rest, carried.length);
    return bytes;
  }

  /** Ends the recording: what is left is no frame. */
  end(): void {
    this.bytesBetween += this.#carried.length;
    this.#carried = new Uint8Array(0);
  }
}
