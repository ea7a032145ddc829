/** How long recordings are, by their bytes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measureAudio } from './measure-audio.ts';
import { FrameCounter } from './mpeg-frames.ts';

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** `stated` is what the header says of the length of the data. */
function buildWav(seconds: number, stated = seconds * 32_000, format = 1): Uint8Array {
  const header = Buffer.alloc(44);
  header.write('RIFF\0\0\0\0WAVEfmt ', 0, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(format, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(16_000, 24);
  header.writeUInt32LE(32_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(stated, 40);
  return concat(header, new Uint8Array(seconds * 32_000));
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

function buildOggPage(packets: readonly Uint8Array[], position: number): Uint8Array {
  const header = Buffer.alloc(27 + packets.length);
  header.write('OggS', 0, 'latin1');
  header.writeUInt32LE(position, 6);
  header[26] = packets.length;
  packets.forEach((packet, index) => {
    header[27 + index] = packet.length;
  });
  return concat(header, ...packets);
}

/** Packets of one SILK frame of 60 ms each; `position` is what the last page states. */
function buildOpus(packets: number, position: number): Uint8Array {
  const head = concat(ascii('OpusHead'), new Uint8Array(11));
  const tags = concat(ascii('OpusTags'), new Uint8Array(8));
  const packet = Uint8Array.of(0x18, 1, 2, 3);
  return concat(
    buildOggPage([head], 0),
    buildOggPage([tags], 0),
    buildOggPage(
      Array.from({ length: packets }, () => packet),
      position,
    ),
  );
}

/** A FLAC frame of silence: 4096 samples at 16,000 Hz in a dozen bytes, with its checksum. */
function buildFlacFrame(index: number): Uint8Array {
  const header = [0xff, 0xf8, 0xc5, 0x08, index];
  let crc = 0;
  for (const byte of header) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x80 ? 0x107 : 0)) & 0xff;
  }
  return Uint8Array.of(...header, crc, 0, 0, 0, 0, 0);
}

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
    ['in AAC', buildAac(1000), (1000 * 1024) / 44_100],
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
    const length = measureAudio(bytes);
    expect(length.estimatedSeconds).toBeCloseTo(seconds, 1);
    expect(length.maxSeconds).toBeGreaterThanOrEqual(length.estimatedSeconds);
    expect(length.maxSeconds).toBeLessThan(seconds + 3);
  });

  it.each([
    ['unknown', new Uint8Array(75_000)],
    ['in WebM', concat(Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3), new Uint8Array(75_000))],
    ['in a WAVE of an unknown coding', buildWav(2, 64_000, 0x55)],
  ])('%s is bounded by its bytes at the lowest rate', (_, bytes) => {
    expect(measureAudio(bytes).maxSeconds).toBeGreaterThanOrEqual(bytes.length / 750);
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
        const { maxSeconds, estimatedSeconds } = measureAudio(bytes);
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
