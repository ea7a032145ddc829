/**
 * Responses to requests whose body is not read to its end. Most clients report a broken connection
 * instead of the response if that ends while they still send (RFC 9112 section 9.3). Reading a large
 * body only to discard it costs what its rejection was to save, so a small rest is read, and before
 * a large one the whole response is sent while its end is kept back: the client reads it and stops
 * sending.
 */
import { BODY_SPEED, BodySource } from './body-source.ts';

/** How much of a rejected body is still read, in bytes. */
const MAX_DRAINED_BYTES = 1024 * 1024;
/** How long the end of a response is kept back, in milliseconds. */
const LINGER_MS = 5_000;

const DRAIN_SPEED = { ...BODY_SPEED, durationMs: 10_000 };

/** Reads and discards the rest of a body; returns false if more than a little is left of it. */
export async function drainSource(source: BodySource, remainingBytes: number): Promise<boolean> {
  if (remainingBytes > MAX_DRAINED_BYTES) {
    source.stop();
    return false;
  }
  source.start(DRAIN_SPEED);
  try {
    let drained = 0;
    while (drained <= MAX_DRAINED_BYTES) {
      const chunk = await source.read();
      if (chunk === null) return true;
      drained += chunk.length;
    }
    return false;
  } catch {
    // The sender disconnected and will read no response.
    return true;
  } finally {
    source.stop();
  }
}

/** Reads and discards a body as `drainSource` does. `length` is what it announces, if it does. */
export async function drainBody(request: Request, length: number | null): Promise<boolean> {
  if (request.body === null || request.bodyUsed) return true;
  if (length !== null && length > MAX_DRAINED_BYTES) return false;
  return drainSource(new BodySource(request.body, DRAIN_SPEED), length ?? 0);
}

/** Returns the response with its end kept back; all of its bytes are sent before. */
export async function keepOpen(response: Response): Promise<Response> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const stream =
    typeof FixedLengthStream === 'undefined'
      ? new TransformStream<Uint8Array, Uint8Array>()
      : new FixedLengthStream(bytes.length);
  void writeAndLinger(stream.writable, bytes);
  return new Response(stream.readable, response);
}

async function writeAndLinger(
  writable: WritableStream<Uint8Array>,
  bytes: Uint8Array,
): Promise<void> {
  const writer = writable.getWriter();
  try {
    await writer.write(bytes);
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    await writer.close();
  } catch {
    // The client has read the response and closed the connection.
  }
}
