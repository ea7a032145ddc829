/**
 * Reads request bodies within limits. All requests of an isolate share its memory (128 MB), so the
 * bodies in flight have a budget: above it a request gets 503 with Retry-After, because exceeding
 * the memory would kill the isolate with every stream in it.
 */
import { err, ok, type Result } from '@farebox/result';
import { IdleTimer } from './idle-timer.ts';

/** The largest body accepted, in bytes. */
export const MAX_BODY_BYTES = 20 * 1024 * 1024;
/** The budget for bodies in flight in one isolate, in bytes: four of the largest. */
export const MAX_BODY_BYTES_IN_FLIGHT = 4 * MAX_BODY_BYTES;

/**
 * Bodies up to this size, in bytes, are read by the runtime in one piece, which is faster, and
 * outside the budget, so that a few large uploads never block ordinary calls.
 */
const SMALL_BODY = 64 * 1024;

/** How long a large body may pause, in milliseconds: other requests can't use what it reserves. */
const IDLE_TIMEOUT_MS = 10_000;

export type BodyResult = Result<
  { bytes: Uint8Array; release: () => void },
  'gateway_busy' | 'incomplete_body' | Readonly<{ reason: 'body_too_large'; maxBytes: number }>
>;

/**
 * How much of a rejected body is still read, in bytes, so that its sender gets to read the error.
 */
const MAX_DRAINED_BYTES = 2 * MAX_BODY_BYTES;

/**
 * Reads and discards a body. Most clients report a broken connection instead of the response if
 * they receive one while they still send the body (RFC 9112 section 9.3).
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
    // The sender disconnected and will read no response.
  }
}

const TOO_LARGE = err('body_too_large', { maxBytes: MAX_BODY_BYTES });
const BUSY = err('gateway_busy');
const INCOMPLETE = err('incomplete_body');

/** Counts the bytes in flight. */
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

/**
 * One per isolate. `release` of a result must be called once its bytes are no longer referenced.
 */
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
    const release = once(() => this.#budget.release(declaredLength ?? bytes.length));
    return ok({ bytes, release });
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
    return ok({ bytes: new Uint8Array(await request.arrayBuffer()), release: () => {} });
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

/** Fills one buffer chunk by chunk; only a body without Content-Length makes it grow. */
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
