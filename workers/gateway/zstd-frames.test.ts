import { constants, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadDecoder } from './content-encoding.ts';
import { splitZstdFrames } from './zstd-frames.ts';

const SEED = 20261126;

function skippableFrame(bytes: number): Buffer {
  const frame = Buffer.alloc(8 + bytes);
  frame.writeUInt32LE(0x184d2a53, 0);
  frame.writeUInt32LE(bytes, 4);
  return frame;
}

/** Contents that make blocks of each type, with and without a checksum and a content size. */
const frame = fc
  .record({
    size: fc.constantFrom(0, 1, 255, 256, 70_000, 140_000),
    kind: fc.constantFrom('same', 'random', 'text'),
    checksum: fc.boolean(),
    contentSize: fc.boolean(),
    level: fc.constantFrom(1, 9),
  })
  .map(({ size, kind, checksum, contentSize, level }) => {
    const content = Buffer.alloc(size, kind === 'text' ? 'The Nile is a river. ' : 'a');
    if (kind === 'random') {
      for (let at = 0; at < size; at += 1) content[at] = (at * at * 2_654_435_761) >>> 13;
    }
    const params = {
      [constants.ZSTD_c_checksumFlag]: checksum ? 1 : 0,
      [constants.ZSTD_c_contentSizeFlag]: contentSize ? 1 : 0,
      [constants.ZSTD_c_compressionLevel]: level,
    };
    return { content, encoded: zstdCompressSync(content, { params }) };
  });

function toBuffer(decoded: Uint8Array | string): Buffer {
  if (typeof decoded === 'string') throw new Error(decoded);
  return Buffer.from(decoded);
}

describe('a zstd body of several frames', () => {
  it('is decoded whole, whatever the frames are, skippable ones among them', async () => {
    const decode = await loadDecoder();
    const bodies = fc.array(fc.tuple(frame, fc.option(fc.nat({ max: 40 }))), {
      minLength: 1,
      maxLength: 5,
    });
    const check = (frames: readonly [{ content: Buffer; encoded: Buffer }, number | null][]) => {
      const encoded = frames.flatMap(([{ encoded: bytes }, skipped]) =>
        skipped === null ? [bytes] : [skippableFrame(skipped), bytes],
      );
      const content = Buffer.concat(frames.map(([one]) => one.content));
      const decoded = decode(Buffer.concat(encoded), ['zstd'], 2_000_000);
      expect(toBuffer(decoded).equals(content)).toBe(true);
    };
    fc.assert(fc.property(bodies, check), { seed: SEED, numRuns: 50 });
  });

  it('is too large when its frames together exceed the limit', async () => {
    const decode = await loadDecoder();
    const half = zstdCompressSync(Buffer.alloc(600));
    const body = Buffer.concat([half, half]);
    expect(decode(body, ['zstd'], 1200)).toHaveLength(1200);
    expect(decode(body, ['zstd'], 1199)).toBe('too_large');
    expect(decode(body, ['zstd'], 600)).toBe('too_large');
  });

  it('is malformed when a frame is cut off or followed by bytes that are no frame', async () => {
    const decode = await loadDecoder();
    const one = zstdCompressSync(Buffer.alloc(600, 'ab'));
    for (let cut = 1; cut < one.length; cut += 1) {
      const body = Buffer.concat([one, one.subarray(0, cut)]);
      expect(decode(body, ['zstd'], 10_000)).toBe('malformed');
    }
    expect(decode(Buffer.concat([one, Buffer.from('{"a":1}')]), ['zstd'], 10_000)).toBe(
      'malformed',
    );
  });

  it('is malformed with more frames than a client writes', () => {
    const one = zstdCompressSync(Buffer.from('x'));
    const repeat = (count: number) => Buffer.concat(Array.from({ length: count }, () => one));
    expect(splitZstdFrames(repeat(256))).toHaveLength(256);
    expect(splitZstdFrames(repeat(257))).toBeNull();
  });
});
