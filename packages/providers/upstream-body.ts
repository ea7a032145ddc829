/**
 * A request's body on its way out. One piece is passed as it is, small ones are joined, and large ones
 * are streamed piece by piece so that a 20 MB body is never copied whole.
 */

const JOINED_AT_MOST = 65_536;

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

async function pour(pieces: readonly Uint8Array[], into: WritableStream<Uint8Array>) {
  const writer = into.getWriter();
  try {
    for (const piece of pieces) await writer.write(piece);
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
  const rest = pieces.values();
  return new ReadableStream({
    pull(controller) {
      const next = rest.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
  });
}

export function bodyOf(pieces: readonly Uint8Array[]): Uint8Array | ReadableStream {
  const only = pieces.length === 1 ? pieces[0] : undefined;
  if (only !== undefined) return only;
  let length = 0;
  for (const piece of pieces) length += piece.length;
  return length < JOINED_AT_MOST ? joined(pieces, length) : streamed(pieces, length);
}
