/**
 * The body of an outgoing request: small pieces are joined, large ones are streamed slice by slice,
 * so that a 20 MB body is never copied whole.
 */
import { concatBytes } from './concat-bytes.ts';

const MAX_CONCAT_BYTES = 65_536;
/** The runtime copies each write: with slices, a 20 MB body takes 20 MB of memory and not 40. */
const SLICE_BYTES = 262_144;

function* toSlices(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += SLICE_BYTES)
      yield piece.subarray(at, at + SLICE_BYTES);
  }
}

async function writeSlices(
  pieces: readonly Uint8Array[],
  target: WritableStream<Uint8Array>,
  onSent: () => void,
) {
  const writer = target.getWriter();
  try {
    for (const slice of toSlices(pieces)) await writer.write(slice);
    await writer.close();
    onSent();
  } catch {
    // The connection is gone; the fetch that reads the other end reports it.
  }
}

function toStream(
  pieces: readonly Uint8Array[],
  length: number,
  onSent: () => void,
): ReadableStream {
  // workerd's own stream keeps Content-Length, which some providers insist on; Node has none.
  if (typeof FixedLengthStream !== 'undefined') {
    const { readable, writable } = new FixedLengthStream(length);
    void writeSlices(pieces, writable, onSent);
    return readable;
  }
  const slices = toSlices(pieces);
  return new ReadableStream({
    pull(controller) {
      const next = slices.next();
      if (next.done !== true) {
        controller.enqueue(next.value);
        return;
      }
      controller.close();
      onSent();
    },
  });
}

/** `onSent` is called once the pieces of a streamed body are no longer needed. */
export function toRequestBody(
  pieces: readonly Uint8Array[],
  onSent: () => void = () => {},
): Uint8Array | ReadableStream {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  if (length >= MAX_CONCAT_BYTES) return toStream(pieces, length, onSent);
  return concatBytes(pieces);
}
