/**
 * Content codings of request bodies (RFC 9110 section 8.4): some HTTP clients compress what is
 * large, and some agents compress everything. A body is decoded in one synchronous step, so that no
 * two decoders have their windows in memory at a time.
 */
import { concatBytes } from '@farebox/providers';
import { splitZstdFrames } from './zstd-frames.ts';

/** The codings that are decoded, as `Accept-Encoding` of an error lists them. */
export const ACCEPTED_ENCODINGS = ['gzip', 'deflate', 'br', 'zstd'] as const;
export type ContentEncoding = (typeof ACCEPTED_ENCODINGS)[number];

/** RFC 9110 section 8.4.1.3: `x-gzip` is `gzip`. */
const ALIASES: ReadonlyMap<string, ContentEncoding> = new Map([
  ['x-gzip', 'gzip'],
  ...ACCEPTED_ENCODINGS.map((encoding) => [encoding, encoding] as const),
]);

/** More codings on top of each other than any client applies: each costs a pass over the body. */
const MAX_CODINGS = 3;

/**
 * Returns the codings in the order in which they were applied, none for an absent header, and null
 * if one is not known.
 */
export function parseContentEncoding(header: string | null): readonly ContentEncoding[] | null {
  const names = (header ?? '').split(',').map((name) => name.trim().toLowerCase());
  const applied = names.filter((name) => name !== '' && name !== 'identity');
  const encodings = applied.map((name) => ALIASES.get(name));
  const known = encodings.filter((encoding) => encoding !== undefined);
  return known.length === applied.length && known.length <= MAX_CODINGS ? known : null;
}

type Zlib = typeof import('node:zlib');

/** Decoders are loaded with the first body that needs one. */
const loadZlib = (): Promise<Zlib> => import('node:zlib');

/**
 * RFC 9659: a zstd window of a content coding is at most 8 MB. RFC 7932: one of brotli, without its
 * large-window extension, is at most 16 MB.
 */
const ZSTD_WINDOW_LOG = 23;

/**
 * "deflate" is zlib's format (RFC 9110 section 8.4.1.2), but some clients send the bare deflate
 * stream. A zlib header has the method 8 and is a multiple of 31 (RFC 1950 section 2.2).
 */
function hasZlibHeader(bytes: Uint8Array): boolean {
  const [method = 0, flags = 0] = bytes;
  return (method & 0x0f) === 8 && ((method << 8) | flags) % 31 === 0;
}

function decodeLayer(
  zlib: Zlib,
  encoding: ContentEncoding,
  bytes: Uint8Array,
  maxOutputLength: number,
): Uint8Array {
  switch (encoding) {
    case 'gzip':
      return zlib.gunzipSync(bytes, { maxOutputLength });
    case 'deflate':
      return hasZlibHeader(bytes)
        ? zlib.inflateSync(bytes, { maxOutputLength })
        : zlib.inflateRawSync(bytes, { maxOutputLength });
    case 'br':
      return zlib.brotliDecompressSync(bytes, { maxOutputLength });
    case 'zstd':
      return decodeZstd(zlib, bytes, maxOutputLength);
  }
}

/** Decodes every frame. Throws a RangeError as the decoders do, and an Error for malformed bytes. */
function decodeZstd(zlib: Zlib, bytes: Uint8Array, maxOutputLength: number): Uint8Array {
  const params = { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG };
  const frames = splitZstdFrames(bytes);
  if (frames === null) throw new Error('not whole zstd frames');
  let available = maxOutputLength;
  const pieces = frames.map((frame) => {
    const options = { maxOutputLength: Math.max(1, available), params };
    const piece = zlib.zstdDecompressSync(frame, options);
    available -= piece.length;
    if (available < 0) throw new RangeError('larger than maxOutputLength');
    return piece;
  });
  return concatBytes(pieces);
}

/** Decodes one body, with a limit in bytes that is known only when the decoding starts. */
export type BodyDecoder = (
  bytes: Uint8Array,
  encodings: readonly ContentEncoding[],
  maxBytes: number,
) => Uint8Array | 'too_large' | 'malformed';

/** Loads the decoders. The returned function is synchronous: see above. */
export async function loadDecoder(): Promise<BodyDecoder> {
  const zlib = await loadZlib();
  return (bytes, encodings, maxBytes) => {
    let decoded = bytes;
    try {
      for (const encoding of encodings.toReversed()) {
        decoded = decodeLayer(zlib, encoding, decoded, Math.max(1, maxBytes));
      }
    } catch (error) {
      // Both runtimes stop with a RangeError where the output exceeds `maxOutputLength`.
      return error instanceof RangeError ? 'too_large' : 'malformed';
    }
    return decoded;
  };
}
