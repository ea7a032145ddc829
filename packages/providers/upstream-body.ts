/**
 * A request's body on its way out. Small pieces are joined, and large ones are streamed slice by slice
 * so that a 20 MB body is never copied whole.
 */
import { joined } from './joined.ts';

const JOINED_AT_MOST = 65_536;
/** A write is copied by the runtime: in slices, a 20 MB body costs that much once and not twice. */
const SLICE = 262_144;

function* slicesOf(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += SLICE) yield piece.subarray(at, at + SLICE);
  }
}

async function pour(pieces: readonly Uint8Array[], into: WritableStream<Uint8Array>) {
  const writer = into.getWriter();
  try {
    for (const slice of slicesOf(pieces)) await writer.write(slice);
    await writer.close();
  } catch {
    // The connection went away; the fetch that reads the other end says so.
  }
}

function streamed(pieces: readonly Uint8Array[], length: number): ReadableStream {
  // workerd's own stream keeps Content-Length, which some providers insist on; Node has none.
  if (typeof FixedLengthStream !== 'undefined') {
    const { readable, writable } = new FixedLengthStream(length);
    void pour(pieces, writable);
    return readable;
  }
  const rest = slicesOf(pieces);
  return new ReadableStream({
    pull(controller) {
      const next = rest.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
  });
}

export function bodyOf(pieces: readonly Uint8Array[]): Uint8Array | ReadableStream {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  if (length >= JOINED_AT_MOST) return streamed(pieces, length);
  const only = pieces.length === 1 ? pieces[0] : undefined;
  return only ?? joined(pieces);
}
