/**
 * Reads a caller's body once, within limits. An isolate's memory (128 MB) is shared by every request
 * in it, so the bytes of all bodies in flight have a budget of their own: above it a caller is asked
 * to come back rather than the isolate, with everybody's streams, being killed.
 */
import { IdleTimer } from './idle-timer.ts';

/** The largest body accepted, in bytes. */
export const MAX_BODY_BYTES = 20 * 1024 * 1024;
/** The most bytes of bodies in flight in one isolate: four of the largest. */
export const MAX_BODY_BYTES_IN_FLIGHT = 4 * MAX_BODY_BYTES;

/**
 * Bodies up to this size are read by the runtime in one go, which is quicker, and outside the budget, so
 * that a few large uploads never stand in the way of everybody's ordinary calls.
 */
const SMALL_BODY = 64 * 1024;

/** How long a large body may pause, in milliseconds: what it reserves is not there for others. */
const IDLE_TIMEOUT_MS = 10_000;

export type BodyResult =
  | Readonly<{ ok: true; bytes: Uint8Array; release: () => void }>
  | Readonly<{ ok: false; reason: 'gateway_busy' | 'incomplete_body' }>
  | Readonly<{ ok: false; reason: 'body_too_large'; maxBytes: number }>;

/** How much of a refused body is still read, so that its sender hears the refusal. */
const MAX_DRAINED_BYTES = 2 * MAX_BODY_BYTES;

/**
 * Reads and drops a body that is not wanted. An answer to a request whose body is still coming makes
 * most clients report a broken connection and not the answer (RFC 9112 section 9.3).
 */
export async function drainBody(request: Request): Promise<void> {
  if (request.body === null || request.bodyUsed) return;
  const reader = request.body.getReader();
  let drained = 0;
  try {
    while (drained < MAX_DRAINED_BYTES) {
      const { done, value } = await reader.read();
      if (done) return;
      drained += value.length;
    }
    await reader.cancel();
  } catch {
    // The sender left: nobody hears the refusal.
  }
}

const TOO_LARGE: BodyResult = { ok: false, reason: 'body_too_large', maxBytes: MAX_BODY_BYTES };
const BUSY: BodyResult = { ok: false, reason: 'gateway_busy' };
const INCOMPLETE: BodyResult = { ok: false, reason: 'incomplete_body' };

/** A count of bytes in flight, and the only thing that changes it. */
class MemoryBudget {
  #bytesInFlight = 0;

  acquire(bytes: number): boolean {
    if (this.#bytesInFlight + bytes > MAX_BODY_BYTES_IN_FLIGHT) return false;
    this.#bytesInFlight += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#bytesInFlight -= bytes;
  }
}

/** One per isolate. `release` must be called once the body is no longer referenced. */
export class BodyReader {
  readonly #budget = new MemoryBudget();

  async read(request: Request): Promise<BodyResult> {
    const declaredLength = contentLength(request);
    if (declaredLength !== null && declaredLength > MAX_BODY_BYTES) {
      await drainBody(request);
      return TOO_LARGE;
    }
    if (declaredLength !== null && declaredLength <= SMALL_BODY) return readSmall(request);
    // Without a length the whole limit is reserved: a chunked body can't grow past its reservation.
    const reserved = declaredLength ?? MAX_BODY_BYTES;
    if (!this.#budget.acquire(reserved)) {
      await drainBody(request);
      return BUSY;
    }
    const bytes = await readBytes(request, declaredLength);
    if (bytes === 'too_large' || bytes === 'incomplete') {
      this.#budget.release(reserved);
      return bytes === 'incomplete' ? INCOMPLETE : TOO_LARGE;
    }
    if (declaredLength === null) this.#budget.release(reserved - bytes.length);
    return {
      ok: true,
      bytes,
      release: once(() => this.#budget.release(declaredLength ?? bytes.length)),
    };
  }
}

function once(callback: () => void): () => void {
  let done = false;
  return () => {
    if (!done) callback();
    done = true;
  };
}

/** RFC 9112 section 6.3: Transfer-Encoding overrides Content-Length. */
function contentLength(request: Request): number | null {
  if (request.headers.has('transfer-encoding')) return null;
  const text = request.headers.get('content-length');
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null;
}

async function readSmall(request: Request): Promise<BodyResult> {
  try {
    return { ok: true, bytes: new Uint8Array(await request.arrayBuffer()), release: () => {} };
  } catch {
    return INCOMPLETE;
  }
}

async function readBytes(
  request: Request,
  declaredLength: number | null,
): Promise<Uint8Array | 'too_large' | 'incomplete'> {
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  const idle = new IdleTimer({ idleMs: IDLE_TIMEOUT_MS, onIdle: cancel, clock: Date.now });
  idle.start();
  try {
    const bytes = await readChunks(reader, declaredLength, idle);
    if (bytes === 'too_large') cancel();
    return bytes;
  } catch {
    return 'incomplete';
  } finally {
    idle.stop();
  }
}

/** Fills one buffer chunk by chunk; it grows by doubling only where no length was announced. */
async function readChunks(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  declaredLength: number | null,
  idle: IdleTimer,
): Promise<Uint8Array | 'too_large' | 'incomplete'> {
  let buffer = new Uint8Array(declaredLength ?? SMALL_BODY);
  let length = 0;
  for (;;) {
    const { done, value: chunk } = await reader.read();
    if (done) break;
    idle.touch();
    if (length + chunk.length > MAX_BODY_BYTES) return 'too_large';
    if (length + chunk.length > buffer.length) {
      const grown = new Uint8Array(Math.min(MAX_BODY_BYTES, 2 * (length + chunk.length)));
      grown.set(buffer.subarray(0, length));
      buffer = grown;
    }
    buffer.set(chunk, length);
    length += chunk.length;
  }
  if (idle.expired) return 'incomplete';
  if (declaredLength !== null && length < declaredLength) return 'incomplete';
  return buffer.subarray(0, length);
}
