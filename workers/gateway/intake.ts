/**
 * Reads a caller's body once, within limits. An isolate's memory (128 MB) is shared by every request
 * in it, so the bytes of all bodies in flight have a budget of their own: above it a caller is asked
 * to come back rather than the isolate, with everybody's streams, being killed.
 */

/** The largest body accepted, in bytes. */
export const BODY_LIMIT = 20 * 1024 * 1024;
/** The most bytes of bodies in flight in one isolate: four of the largest. */
export const BODIES_IN_FLIGHT_LIMIT = 4 * BODY_LIMIT;

/**
 * Bodies up to this size are read by the runtime in one go, which is quicker, and outside the budget, so
 * that a few large uploads never stand in the way of everybody's ordinary calls.
 */
const SMALL = 64 * 1024;

/** How long a large body may pause, in milliseconds: what it reserves is not there for others. */
const IDLE_LIMIT = 10_000;

export type Body =
  | Readonly<{ ok: true; bytes: Uint8Array; release: () => void }>
  | Readonly<{ ok: false; reason: 'gateway_busy' | 'body_cut' }>
  | Readonly<{ ok: false; reason: 'body_too_large'; limitBytes: number }>;

/** How much of a refused body is still read, so that its sender hears the refusal. */
const DISCARD_LIMIT = 2 * BODY_LIMIT;

/**
 * Reads and drops a body that is not wanted. An answer to a request whose body is still coming makes
 * most clients report a broken connection and not the answer (RFC 9112 section 9.3).
 */
export async function discard(request: Request): Promise<void> {
  if (request.body === null || request.bodyUsed) return;
  const reader = request.body.getReader();
  let dropped = 0;
  try {
    while (dropped < DISCARD_LIMIT) {
      const { done, value } = await reader.read();
      if (done) return;
      dropped += value.length;
    }
    await reader.cancel();
  } catch {
    // The sender left: nobody hears the refusal.
  }
}

const TOO_LARGE: Body = { ok: false, reason: 'body_too_large', limitBytes: BODY_LIMIT };
const BUSY: Body = { ok: false, reason: 'gateway_busy' };
const CUT: Body = { ok: false, reason: 'body_cut' };

/** A count of bytes in flight, and the only thing that changes it. */
class Budget {
  #taken = 0;

  take(bytes: number): boolean {
    if (this.#taken + bytes > BODIES_IN_FLIGHT_LIMIT) return false;
    this.#taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }
}

/** One per isolate. `release` must be called once the body is no longer referenced. */
export class Intake {
  readonly #budget = new Budget();

  async read(request: Request): Promise<Body> {
    const announced = announcedLength(request);
    if (announced !== null && announced > BODY_LIMIT) {
      await discard(request);
      return TOO_LARGE;
    }
    if (announced !== null && announced <= SMALL) return readSmall(request);
    // Without a length the whole limit is reserved: a chunked body can't grow past its reservation.
    const reserved = announced ?? BODY_LIMIT;
    if (!this.#budget.take(reserved)) {
      await discard(request);
      return BUSY;
    }
    const bytes = await readBytes(request, announced);
    if (bytes === 'too_large' || bytes === 'cut') {
      this.#budget.give(reserved);
      return bytes === 'cut' ? CUT : TOO_LARGE;
    }
    if (announced === null) this.#budget.give(reserved - bytes.length);
    return { ok: true, bytes, release: once(() => this.#budget.give(announced ?? bytes.length)) };
  }
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
}

/** RFC 9112 section 6.3: Transfer-Encoding overrides Content-Length. */
function announcedLength(request: Request): number | null {
  if (request.headers.has('transfer-encoding')) return null;
  const text = request.headers.get('content-length');
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null;
}

async function readSmall(request: Request): Promise<Body> {
  try {
    return { ok: true, bytes: new Uint8Array(await request.arrayBuffer()), release: () => {} };
  } catch {
    return CUT;
  }
}

async function readBytes(
  request: Request,
  announced: number | null,
): Promise<Uint8Array | 'too_large' | 'cut'> {
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  try {
    return await readChunks(reader, announced, stop);
  } catch {
    return 'cut';
  }
}

/** Fills one buffer chunk by chunk; it grows by doubling only where no length was announced. */
async function readChunks(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  announced: number | null,
  stop: () => void,
): Promise<Uint8Array | 'too_large' | 'cut'> {
  let buffer = new Uint8Array(announced ?? SMALL);
  let length = 0;
  for (;;) {
    const idle = setTimeout(stop, IDLE_LIMIT);
    const { done, value: chunk } = await reader.read();
    clearTimeout(idle);
    if (done) break;
    if (length + chunk.length > BODY_LIMIT) {
      stop();
      return 'too_large';
    }
    if (length + chunk.length > buffer.length) {
      const larger = new Uint8Array(Math.min(BODY_LIMIT, 2 * (length + chunk.length)));
      larger.set(buffer.subarray(0, length));
      buffer = larger;
    }
    buffer.set(chunk, length);
    length += chunk.length;
  }
  if (announced !== null && length < announced) return 'cut';
  return buffer.subarray(0, length);
}
