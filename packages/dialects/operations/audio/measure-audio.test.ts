/** How long recordings are, by their bytes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measureRecording } from './measure-audio.ts';
import { FrameCounter } from './mpeg-frames.ts';

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The chunk of a format; zero stands for what some writers leave out. */
function buildFormat(tag: number, rate: number, bits: number, block = 0): Uint8Array {
  const chunk = Buffer.alloc(24);
  chunk.write('fmt ', 0, 'latin1');
  chunk.writeUInt32LE(16, 4);
  chunk.writeUInt16LE(tag, 8);
  chunk.writeUInt16LE(1, 10);
  chunk.writeUInt32LE(rate, 12);
  chunk.writeUInt32LE(rate * block, 16);
  chunk.writeUInt16LE(block, 20);
  chunk.writeUInt16LE(bits, 22);
  return chunk;
}

/** A format in its extensible form, with its valid bits and the tag in its GUID. */
function buildExtensible(rate: number, bits: number, validBits: number, tag: number): Uint8Array {
  const chunk = Buffer.alloc(48);
  chunk.set(buildFormat(0xfffe, rate, bits));
  chunk.writeUInt32LE(40, 4);
  chunk.writeUInt16LE(22, 24);
  chunk.writeUInt16LE(validBits, 26);
  chunk.writeUInt16LE(tag, 32);
  return chunk;
}

/** `stated` is what the header says of the length of the data. */
function buildRiff(formats: readonly Uint8Array[], data: Uint8Array, stated = data.length) {
  const head = Buffer.alloc(8);
  head.write('data', 0, 'latin1');
  head.writeUInt32LE(stated, 4);
  return concat(Buffer.from('RIFF\0\0\0\0WAVE', 'latin1'), ...formats, head, data);
}

function buildWav(seconds: number, stated = seconds * 32_000, format = 1): Uint8Array {
  const data = new Uint8Array(seconds * 32_000);
  return buildRiff([buildFormat(format, 16_000, 16, 2)], data, stated);
}

/** Frames of MPEG-1 layer III at 128 kbit/s and 44,100 Hz: 417 bytes, 1152 samples. */
function buildMp3(frames: number): Uint8Array {
  const frame = new Uint8Array(417);
  frame.set([0xff, 0xfb, 0x90, 0x00]);
  return concat(...Array.from({ length: frames }, () => frame));
}

/** Frames of AAC in ADTS at 44,100 Hz: 100 bytes, 1024 samples. */
function buildAac(frames: number): Uint8Array {
  const frame = new Uint8Array(100);
  frame.set([0xff, 0xf1, 0x50, 0x80, 0x0c, 0x9f, 0xfc]);
  return concat(...Array.from({ length: frames }, () => frame));
}

function buildOggPage(
  packets: readonly Uint8Array[],
  position: number,
  isFirst = false,
): Uint8Array {
  const header = Buffer.alloc(27 + packets.length);
  header.write('OggS', 0, 'latin1');
  header[5] = isFirst ? 2 : 0;
  header.writeUInt32LE(position, 6);
  header[26] = packets.length;
  packets.forEach((packet, index) => {
    header[27 + index] = packet.length;
  });
  return concat(header, ...packets);
}

/** Pages of a packet of 254 bytes that begins with `start`. */
function buildOggPages(start: Uint8Array): Uint8Array {
  const page = buildOggPage([concat(start, new Uint8Array(254 - start.length))], 0);
  return concat(...Array.from({ length: 3_000 }, () => page));
}

/** Packets of one SILK frame of 60 ms each; `position` is what the last page states. */
function buildOpus(packets: number, position: number): Uint8Array {
  const head = concat(ascii('OpusHead'), new Uint8Array(11));
  const tags = concat(ascii('OpusTags'), new Uint8Array(8));
  const packet = Uint8Array.of(0x18, 1, 2, 3);
  return concat(
    buildOggPage([head], 0, true),
    buildOggPage([tags], 0),
    buildOggPage(
      Array.from({ length: packets }, () => packet),
      position,
    ),
  );
}

/** CRC-8 of a FLAC header. */
function checksum(bytes: readonly number[]): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x80 ? 0x107 : 0)) & 0xff;
  }
  return crc;
}

/** A FLAC frame of silence: 4096 samples at 16,000 Hz in a dozen bytes, with its checksum. */
function buildFlacFrame(index: number): Uint8Array {
  const header = [0xff, 0xf8, 0xc5, 0x08, index];
  return Uint8Array.of(...header, checksum(header), 0, 0, 0, 0, 0);
}

/**
 * The same behind bytes that look like a header of a frame of 3 ms: its rate is the next frame's
 * first two bytes, and its checksum the third.
 */
function buildHiddenFlacFrame(): Uint8Array {
  for (let number = 0; number < 0x80; number += 1) {
    for (let channels = 0; channels < 0xf0; channels += 2) {
      const decoy = [0xff, 0xf8, 0x1d, channels, number, 0xff, 0xf8];
      if (checksum(decoy) === 0xc5)
        return concat(Uint8Array.from(decoy.slice(0, 5)), buildFlacFrame(0));
    }
  }
  throw new Error('no number has this checksum');
}

function buildBox(type: string, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concat(...content);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(body.length + 8, 0);
  header.write(type, 4, 'latin1');
  return concat(header, body);
}

function uint32(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, 4 * index);
  });
  return bytes;
}

/** AAC of 16,000 Hz and one channel: the object type and the description of the decoder. */
const AAC = { coding: 'mp4a', objectType: 0x40, config: [0x14, 0x08] };
const FRAME_BYTES = 200;
const MAX_AAC_BYTES = 1_536;

function buildSampleDescription({ coding, objectType, config }: typeof AAC): Uint8Array {
  const specific = Uint8Array.of(5, config.length, ...config);
  const decoder = Uint8Array.of(
    ...[4, 13 + specific.length, objectType, 0x15],
    ...new Uint8Array(11),
    ...specific,
  );
  const stream = Uint8Array.of(3, 3 + decoder.length, 0, 1, 0, ...decoder);
  const entry = buildBox(coding, new Uint8Array(28), buildBox('esds', uint32(0), stream));
  return buildBox('stsd', uint32(0, 1), entry);
}

function buildTrack({ frames, sizes = 'stsz', listed }: Mp4, description: Uint8Array): Uint8Array {
  const handler = buildBox('hdlr', uint32(0, 0), ascii('soun'), new Uint8Array(13));
  const table =
    listed !== undefined
      ? uint32(0, 0, listed.length, ...listed)
      : sizes === 'stsz'
        ? uint32(0, FRAME_BYTES, frames)
        : concat(uint32(0, 8, frames), new Uint8Array(frames).fill(FRAME_BYTES));
  const samples = buildBox('stbl', description, buildBox(sizes, table));
  // Durations of one second, whatever the frames say.
  const header = buildBox('mdhd', uint32(0, 0, 0, 1000, 1000, 0));
  return buildBox('trak', buildBox('mdia', header, handler, buildBox('minf', samples)));
}

type Mp4 = Readonly<{
  frames: number;
  sizes?: string;
  /** The size of each sample, where they differ. */
  listed?: readonly number[];
  coding?: typeof AAC;
  tracks?: number;
  /** Boxes before the track, and at the end of the file. */
  before?: readonly Uint8Array[];
  after?: readonly Uint8Array[];
}>;

function buildMp4(mp4: Mp4) {
  const { frames, coding = AAC, tracks = 1, ...boxes } = mp4;
  const track = buildTrack(mp4, buildSampleDescription(coding));
  const header = buildBox('mvhd', uint32(0, 0, 0, 1000, 1000), new Uint8Array(80));
  const list = Array.from({ length: tracks }, () => track);
  return concat(
    buildBox('ftyp', ascii('M4A '), uint32(0)),
    buildBox('moov', header, ...(boxes.before ?? []), ...list),
    buildBox('mdat', new Uint8Array(frames * FRAME_BYTES)),
    ...(boxes.after ?? []),
  );
}

/** Frames of MPEG-2.5 layer III at 8 kbit/s and 8,000 Hz: 72 bytes, 72 ms. */
function buildSlowMp3(bytes: number): Uint8Array {
  const frame = new Uint8Array(72);
  frame.set([0xff, 0xe3, 0x18, 0x00]);
  return concat(...Array.from({ length: Math.ceil(bytes / 72) }, () => frame));
}

/** `bytes` bytes in which a header of AAC stands every 8,191 bytes, as if all were one frame. */
function withSparseHeaders(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  for (let at = 12; at + 7 < copy.length; at += 8_191)
    copy.set([0xff, 0xf1, 0x50, 0x83, 0xff, 0xff, 0xfc], at);
  return copy;
}

/** An element of Matroska; a size of null is not known. */
function buildElement(
  id: readonly number[],
  content: Uint8Array,
  size: number | null = content.length,
) {
  const length =
    size === null ? [0x01, 255, 255, 255, 255, 255, 255, 255] : [0x10, ...uint32(size).slice(1)];
  return concat(Uint8Array.from([...id, ...length]), content);
}

const SEGMENT = [0x18, 0x53, 0x80, 0x67];
const CLUSTER = [0x1f, 0x43, 0xb6, 0x75];

function buildMatroskaTrack(
  number: number,
  type: number,
  codec: string,
  more: Uint8Array = new Uint8Array(0),
) {
  return buildElement(
    [0xae],
    concat(
      buildElement([0xd7], Uint8Array.of(number)),
      buildElement([0x83], Uint8Array.of(type)),
      buildElement([0x86], ascii(codec)),
      more,
    ),
  );
}

/** Blocks of one packet of 60 ms; other blocks in the lists are those of another track. */
function buildBlock(track = 1, flags = 0x80, group = false): Uint8Array {
  const block = Uint8Array.of(0x80 | track, 0, 0, flags, 0x18, 1, 2, 3);
  return group ? buildElement([0xa0], buildElement([0xa1], block)) : buildElement([0xa3], block);
}

type Webm = Readonly<{
  tracks?: readonly Uint8Array[];
  blocks?: readonly Uint8Array[];
  isLive?: boolean;
  more?: readonly Uint8Array[];
}>;

const OPUS_TRACK = buildMatroskaTrack(1, 2, 'A_OPUS');

function buildWebm({
  tracks = [OPUS_TRACK],
  blocks = Array.from({ length: 100 }, () => buildBlock()),
  isLive = true,
  more = [],
}: Webm): Uint8Array {
  const size = (content: Uint8Array) => (isLive ? null : content.length);
  const half = Math.ceil(blocks.length / 2);
  const clusters = [blocks.slice(0, half), blocks.slice(half)].map((list) => concat(...list));
  const segment = concat(
    buildElement([0x16, 0x54, 0xae, 0x6b], concat(...tracks)),
    ...clusters.map((cluster) => buildElement(CLUSTER, cluster, size(cluster))),
    ...more,
  );
  const header = buildElement([0x1a, 0x45, 0xdf, 0xa3], new Uint8Array(20));
  return concat(header, buildElement(SEGMENT, segment, size(segment)));
}

const MANY = Array.from({ length: 3_000 }, () => buildBlock());

describe('the length of a recording', () => {
  it.each([
    ['in WAVE', buildWav(3), 3],
    ['in WAVE whose header says otherwise', buildWav(3, 100), 3],
    ['in MP3', buildMp3(1000), (1000 * 1152) / 44_100],
    [
      'in MP3 after a tag',
      concat(ascii('ID3\x04\0\0\0\0\x01\0'), new Uint8Array(128), buildMp3(100)),
      2.612,
    ],
    ['in Opus', buildOpus(100, 0), 6],
    ['in Opus whose pages say otherwise', buildOpus(100, 48), 6],
    [
      'of silence in FLAC',
      concat(
        ascii('fLaC'),
        new Uint8Array(38),
        ...Array.from({ length: 100 }, (_, i) => buildFlacFrame(i)),
      ),
      (100 * 4096) / 16_000,
    ],
  ])('%s is told by its frames', (_, bytes, seconds) => {
    const length = measureRecording(bytes);
    expect(length.estimatedSeconds).toBeCloseTo(seconds, 1);
    expect(length.maxSeconds).toBeGreaterThanOrEqual(length.estimatedSeconds);
    expect(length.maxSeconds).toBeLessThan(seconds + 3);
  });

  it.each([
    ['unknown', new Uint8Array(75_000)],
    ['in WebM', concat(Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3), new Uint8Array(75_000))],
    ['in a WAVE of an unknown coding', buildWav(2, 64_000, 0x55)],
  ])('%s is bounded by its bytes at the lowest rate', (_, bytes) => {
    expect(measureRecording(bytes).maxSeconds).toBeGreaterThanOrEqual(bytes.length / 750);
  });

  const data = new Uint8Array(750_000);
  const noise = Uint8Array.from(data, (_, index) => (index * 7_919 + (index >> 7)) % 251);
  it.each<[string, Uint8Array]>([
    ['unknown', noise],
    [
      'in MP3 that is said to be PCM',
      buildRiff([buildFormat(1, 48_000, 16, 2)], buildSlowMp3(750_000)),
    ],
    ['with 65,528 bits a sample of PCM', buildRiff([buildFormat(1, 8_000, 65_528)], data)],
    ['with two formats', buildRiff([buildFormat(7, 8_000, 8), buildFormat(1, 768_000, 32)], data)],
    ['with a format that contradicts itself', buildRiff([buildFormat(1, 8_000, 32, 1)], data)],
    ['with 4,000,000,000 samples a second', buildRiff([buildFormat(1, 4_000_000_000, 16)], data)],
    ['with fewer valid bits than it stores', buildRiff([buildExtensible(8_000, 32, 8, 1)], data)],
    [
      'in Ogg with a second stream',
      concat(buildOpus(1, 0), buildOggPage([ascii('fLaC')], 0, true), buildOggPages(ascii('\x18'))),
    ],
    [
      'in Ogg with pages inside of pages',
      concat(buildOpus(1, 0), buildOggPages(ascii('\x18OggS'))),
    ],
    [
      'in Vorbis that states its length',
      concat(buildOggPage([ascii('\x01vorbis')], 48_000, true), data),
    ],
    ['in WebM without blocks', concat(Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3), data)],
    [
      'in WebM with Vorbis',
      buildWebm({ tracks: [buildMatroskaTrack(1, 2, 'A_VORBIS')], blocks: MANY }),
    ],
    [
      'in WebM with two tracks',
      buildWebm({ tracks: [OPUS_TRACK, buildMatroskaTrack(2, 2, 'A_OPUS')], blocks: MANY }),
    ],
    [
      'in WebM with a track of two numbers',
      buildWebm({
        tracks: [buildMatroskaTrack(1, 2, 'A_OPUS', buildElement([0xd7], Uint8Array.of(2)))],
        blocks: MANY,
      }),
    ],
    [
      'in WebM with blocks of no track',
      buildWebm({ tracks: [OPUS_TRACK], blocks: [buildBlock(), buildBlock(2), ...MANY] }),
    ],
    [
      'in WebM with several frames in a block',
      buildWebm({ blocks: [buildBlock(1, 0x82), ...MANY] }),
    ],
    [
      'in WebM with encoded blocks',
      buildWebm({
        tracks: [
          buildMatroskaTrack(1, 2, 'A_OPUS', buildElement([0x6d, 0x80], data.subarray(0, 9))),
        ],
        blocks: MANY,
      }),
    ],
    [
      'in two files of WebM',
      concat(buildWebm({ isLive: false, blocks: MANY }), buildWebm({ blocks: MANY })),
    ],
    [
      'in WebM with a block longer than what holds it',
      buildWebm({
        isLive: false,
        blocks: [buildBlock(), buildElement([0xa3], data.subarray(0, 99), 5_000)],
        more: [data.subarray(0, 9_000)],
      }),
    ],
    [
      'in WebM with all of its bytes in one packet',
      buildWebm({
        blocks: [buildElement([0xa3], concat(Uint8Array.of(0x81, 0, 0, 0x80, 0x18), data))],
      }),
    ],
    [
      'in WebM with millions of elements',
      buildWebm({
        blocks: MANY,
        more: [
          new Uint8Array(2_000_002)
            .fill(0xec)
            .map((byte, index) => (index % 2 === 0 ? byte : 0x80)),
        ],
      }),
    ],
    [
      'in MP4 with thousands of tracks',
      buildMp4({ frames: 3_000, before: Array.from({ length: 4_000 }, () => buildBox('trak')) }),
    ],
    ['in MP4 with fragments', buildMp4({ frames: 3_000, after: [buildBox('moof')] })],
    ['in MP4 with two tracks', buildMp4({ frames: 3_000, tracks: 2 })],
    ['in MP4 with two indexes', buildMp4({ frames: 3_000, after: [buildBox('moov')] })],
    [
      'in MP4 with more boxes than are read',
      buildMp4({ frames: 3_000, before: Array.from({ length: 10_000 }, () => buildBox('free')) }),
    ],
    [
      'in MP4 whose box is longer than what holds it',
      buildMp4({ frames: 3_000, before: [uint32(1_000_000)] }),
    ],
    [
      'in MP4 with another coding than AAC',
      buildMp4({ frames: 3_000, coding: { ...AAC, coding: 'alac' } }),
    ],
    ['in MP4 with MP3', buildMp4({ frames: 3_000, coding: { ...AAC, objectType: 0x6b } })],
    [
      'in MP4 with AAC of long frames',
      buildMp4({ frames: 3_000, coding: { ...AAC, config: [0xf9, 0x48] } }),
    ],
    [
      'in MP4 with a few of its bytes in frames',
      buildMp4({ frames: 100, after: [buildBox('mdat', data)] }),
    ],
    ['in MP4 in one sample', buildMp4({ frames: 3_000, listed: [600_000] })],
    [
      'in MP4 with a sample longer than AAC can be',
      buildMp4({ frames: 3_000, listed: [...Array.from({ length: 2_990 }, () => 200), 2_000] }),
    ],
    ['in AAC, whose frames may hold further ones', buildAac(1000)],
    ['in MP4 with AAC, whose samples may hold further frames', buildMp4({ frames: 3_000 })],
    [
      'in AIFF with headers of AAC in it',
      withSparseHeaders(concat(ascii('FORM\0\0\0\0AIFF'), noise)),
    ],
    [
      'in AAC whose frames are longer than AAC can be',
      withSparseHeaders(concat(noise)).subarray(12),
    ],
  ])('that is %s is no shorter than its bytes allow, and a guess', (_, bytes) => {
    const { maxSeconds, isMeasured } = measureRecording(bytes);
    expect(isMeasured).toBe(false);
    expect(maxSeconds).toBeGreaterThanOrEqual((0.9 * bytes.length) / 750);
  });

  it.each<[string, Uint8Array, number]>([
    ['mu-law with 65,528 bits', buildRiff([buildFormat(7, 8_000, 65_528)], data), 93.75],
    ['A-law with 16 bits', buildRiff([buildFormat(6, 8_000, 16)], data), 93.75],
    ['mu-law in its extensible form', buildRiff([buildExtensible(8_000, 64, 0, 7)], data), 93.75],
    ['PCM without block sizes', buildRiff([buildFormat(1, 8_000, 16)], data), 46.875],
    ['Opus in WebM as it is recorded', buildWebm({}), 6],
    ['Opus in WebM with sizes', buildWebm({ isLive: false }), 6],
    [
      'Opus in WebM in groups',
      buildWebm({ blocks: Array.from({ length: 10 }, () => buildBlock(1, 0, true)) }),
      0.6,
    ],
    [
      'Opus in WebM beside a video',
      buildWebm({
        tracks: [buildMatroskaTrack(2, 1, 'V_VP8'), OPUS_TRACK],
        blocks: [buildBlock(2), buildBlock(), buildBlock(2)],
      }),
      0.06,
    ],
    ['AAC', buildAac(1000), (1000 * 1024) / 44_100],
    ['AAC in MP4 that states one second', buildMp4({ frames: 3_000 }), 192],
    ['AAC in MP4 with a compact table', buildMp4({ frames: 3_000, sizes: 'stz2' }), 192],
    [
      'AAC in MP4 with frames of every size',
      buildMp4({ frames: 3_000, listed: Array.from({ length: 3_000 }, (_, n) => n % 400) }),
      192,
    ],
    [
      'AAC in MP4 with frames as long as AAC can be',
      buildMp4({ frames: 400, listed: Array.from({ length: 50 }, () => MAX_AAC_BYTES) }),
      3.2,
    ],
    [
      'AAC in MP4 with band replication',
      buildMp4({ frames: 3_000, coding: { ...AAC, config: [0x2c, 0x0a, 0x08] } }),
      192,
    ],
  ])('of %s is that of its samples', (_, bytes, seconds) => {
    const { estimatedSeconds, maxSeconds } = measureRecording(bytes);
    expect(estimatedSeconds).toBeCloseTo(seconds, 1);
    expect(maxSeconds).toBeGreaterThanOrEqual(estimatedSeconds);
  });

  it('in FLAC counts a frame that bytes before it cover with a header of their own', () => {
    const frames = Array.from({ length: 100 }, buildHiddenFlacFrame);
    const bytes = concat(ascii('fLaC'), new Uint8Array(38), ...frames);
    expect(measureRecording(bytes).estimatedSeconds).toBeGreaterThan((100 * 4096) / 16_000);
  });

  it('is believed as the provider reports it, up to what the bytes can hold', () => {
    const { maxSeconds, believableSeconds } = measureRecording(buildWav(3));
    expect(maxSeconds).toBeLessThan(4);
    expect(believableSeconds).toBe(buildWav(3).length / 750);
  });

  it('of any bytes is a number, and at least what is estimated', () => {
    const start = fc.constantFrom(
      'RIFF\0\0\0\0WAVEfmt ',
      'OggS',
      'fLaC',
      '\0\0\0\x18ftypM4A ',
      'ID3',
      '',
      '\xff\xfb',
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 2000 }), (text, rest) => {
        const bytes = concat(Buffer.from(text, 'latin1'), rest);
        const { maxSeconds, estimatedSeconds } = measureRecording(bytes);
        expect(Number.isFinite(maxSeconds) && estimatedSeconds >= 0).toBe(true);
        expect(maxSeconds).toBeGreaterThanOrEqual(estimatedSeconds);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same however the bytes are cut', () => {
    const bytes = concat(buildMp3(40), Uint8Array.of(1, 2, 3), buildMp3(3));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1 }), (sizes) => {
        const whole = new FrameCounter();
        whole.write(bytes);
        whole.end();
        const cut = new FrameCounter();
        let at = 0;
        for (let index = 0; at < bytes.length; index += 1) {
          const size = sizes[index % sizes.length] ?? 1;
          cut.write(bytes.subarray(at, at + size));
          at += size;
        }
        cut.end();
        expect(cut.seconds).toBeCloseTo(whole.seconds, 6);
        expect(cut.bytesBetween).toBe(whole.bytesBetween);
      }),
    );
  });
});
