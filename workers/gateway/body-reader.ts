/**
 * Reads request bodies within limits. All requests of an isolate share its memory (128 MB), so what
 * large bodies hold has a budget: beyond it a request gets 503 with Retry-After, because exceeding
 * the memory would kill the isolate with every stream in it.
 */
import type { AccountId } from '@farebox/ledger';
import { err, ok, type Result } from '@farebox/result';
import { AccountByteRate } from './account-byte-rate.ts';
import { type BodyAllocation, BodyBudget } from './body-budget.ts';
import { BODY_SPEED, BodySource } from './body-source.ts';
import { type ContentEncoding, loadDecoder, parseContentEncoding } from './content-encoding.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import type { ApiError } from './errors.ts';
import { drainBody, drainSource, keepOpen } from './unread-body.ts';

/** The largest body accepted, in bytes, decoded. */
export const MAX_BODY_BYTES = 20 * 1024 * 1024;

/**
 * The largest one with a file in it: 25 MB, which OpenAI takes (guide "Speech to text"), and the
 * other fields of the form. Fewer of these fit into the memory at a time; none takes more of it.
 */
export const MAX_FILE_BODY_BYTES = 26 * 1024 * 1024;

/**
 * Bodies up to this size, in bytes, are read by the runtime in one piece, which is faster, and
 * outside the budget, so that a few large uploads never block ordinary calls.
 */
export const SMALL_BODY_BYTES = 64 * 1024;

/** The largest step in which a body takes memory, in bytes. */
const MAX_STEP_BYTES = 1024 * 1024;
/** How often a body that waits for others asks whether it may be read on, in milliseconds. */
const TURN_CHECK_MS = 20;

/** When a small body counts as slow, and when it is given up, in milliseconds. */
const SLOW_SMALL_BODY_MS = 2_000;
const MAX_SMALL_BODY_MS = 20_000;
/** Slow small bodies that are waited for at a time: at most 8 MB. */
const MAX_SLOW_SMALL_BODIES = 128;
/** Those of one account: with all of them it would keep the slow clients of all others waiting. */
const MAX_ACCOUNT_SLOW_BODIES = 32;

/** Whose body it is, and whether a large one of theirs is worth reading. */
export type BodyOwner = Readonly<{
  account: AccountId;
  /** Asks the account; called before a large body is read. Returns why not, or null. */
  checkLargeBody: () => Promise<ApiError | null>;
}>;

/** `release` must be called once the bytes are no longer needed; it frees them. */
export type BodyResult = Result<{ bytes: Uint8Array; release: () => void }, ApiError>;

const ENCODER = new TextEncoder();

const tooLarge = (maxBytes: number) => err('body_too_large', { maxBytes });
const BUSY = err('gateway_busy');
const INCOMPLETE = err('incomplete_body');

/** One body to be read: `maxBytes` is the limit of its endpoint, decoded. */
type Reading = Readonly<{
  request: Request;
  owner: BodyOwner;
  timer: DeadlineTimer;
  maxBytes: number;
}>;

/** One per isolate. */
export class BodyReader {
  readonly #budget: BodyBudget;
  /** The requests of which a large part was not read. */
  readonly #unread = new WeakSet<Request>();
  readonly #byteRate = new AccountByteRate();
  #slowSmallBodies = 0;
  readonly #slowSmallBodiesByAccount = new Map<AccountId, number>();

  constructor(budget = new BodyBudget()) {
    this.#budget = budget;
  }

  /** `timer` is that of the request, `maxBytes` the limit of the endpoint. */
  async read(
    request: Request,
    owner: BodyOwner,
    timer = new DeadlineTimer(Date.now),
    maxBytes = MAX_BODY_BYTES,
  ): Promise<BodyResult> {
    const encodings = parseContentEncoding(request.headers.get('content-encoding'));
    if (encodings === null) {
      await this.drain(request);
      return err('unsupported_content_encoding');
    }
    const checkLargeBody = () => this.#checkLargeBody(owner);
    const reading = { request, owner: { ...owner, checkLargeBody }, timer, maxBytes };
    const body = await this.#readEncoded(reading);
    if (!body.ok) return body;
    const decoded = encodings.length === 0 ? body : await this.#decode(body, encodings, reading);
    if (!decoded.ok) return decoded;
    this.#countRead(owner.account, decoded.bytes.length);
    return { ...decoded, bytes: withoutByteOrderMark(decoded.bytes) };
  }

  /** Returns why a large body is not to be read now, or null. */
  async #checkLargeBody({ account, checkLargeBody }: BodyOwner): Promise<ApiError | null> {
    if (this.#byteRate.isExhausted(account, Date.now())) return { reason: 'gateway_busy' };
    return checkLargeBody();
  }

  #countRead(account: AccountId, bytes: number): void {
    if (bytes > SMALL_BODY_BYTES) this.#byteRate.add(account, bytes, Date.now());
  }

  /** Discards a body that is not wanted; `respond` knows whether all of it was read. */
  async drain(request: Request): Promise<void> {
    if (!(await drainBody(request, contentLength(request)))) this.#unread.add(request);
  }

  /** Makes a response one that its client gets to read, although it may still send its body. */
  async respond(request: Request, response: Response): Promise<Response> {
    return this.#unread.has(request) ? keepOpen(response) : response;
  }

  async #readEncoded(reading: Reading): Promise<BodyResult> {
    const { request, owner, maxBytes } = reading;
    const declaredLength = contentLength(request);
    if (declaredLength !== null && declaredLength <= SMALL_BODY_BYTES) {
      return this.#readSmall(reading);
    }
    const isTooLarge = declaredLength !== null && declaredLength > maxBytes;
    const refusal = declaredLength === null || isTooLarge ? null : await owner.checkLargeBody();
    if (isTooLarge || refusal !== null) {
      await this.drain(request);
      return refusal === null ? tooLarge(maxBytes) : { ok: false, ...refusal };
    }
    if (request.body === null) return ok({ bytes: new Uint8Array(0), release: () => {} });
    return this.#readLarge(reading, request.body, declaredLength);
  }

  async #readSmall({ request, owner, timer }: Reading): Promise<BodyResult> {
    try {
      const bytes = await this.#withinTime(request.arrayBuffer(), owner.account, timer);
      if (bytes === null) return INCOMPLETE;
      return ok({ bytes: new Uint8Array(bytes), release: () => {} });
    } catch {
      return INCOMPLETE;
    }
  }

  async #withinTime(
    reading: Promise<ArrayBuffer>,
    account: AccountId,
    timer: DeadlineTimer,
  ): Promise<ArrayBuffer | null> {
    const bytes = await orTimeout(reading, SLOW_SMALL_BODY_MS, timer);
    if (bytes !== null || !this.#mayWaitFor(account)) return bytes;
    this.#countSlow(account, 1);
    try {
      return await orTimeout(reading, MAX_SMALL_BODY_MS, timer);
    } finally {
      this.#countSlow(account, -1);
    }
  }

  #mayWaitFor(account: AccountId): boolean {
    const ofAccount = this.#slowSmallBodiesByAccount.get(account) ?? 0;
    return this.#slowSmallBodies < MAX_SLOW_SMALL_BODIES && ofAccount < MAX_ACCOUNT_SLOW_BODIES;
  }

  #countSlow(account: AccountId, change: 1 | -1): void {
    this.#slowSmallBodies += change;
    const ofAccount = (this.#slowSmallBodiesByAccount.get(account) ?? 0) + change;
    if (ofAccount === 0) this.#slowSmallBodiesByAccount.delete(account);
    else this.#slowSmallBodiesByAccount.set(account, ofAccount);
  }

  async #readLarge(
    { request, owner, maxBytes }: Reading,
    stream: ReadableStream<Uint8Array>,
    declaredLength: number | null,
  ): Promise<BodyResult> {
    const buffer = new SegmentedBuffer(this.#budget, owner.account, declaredLength, maxBytes);
    if (declaredLength !== null && this.#budget.isHopeless(buffer.allocation, Date.now())) {
      buffer.drop();
      await this.drain(request);
      return BUSY;
    }
    const source = new BodySource(stream, BODY_SPEED);
    try {
      const error = await fill(buffer, source, declaredLength === null ? owner : null);
      if (error === null) return buffer.toBody(declaredLength);
      buffer.drop();
      const remaining = (declaredLength ?? 0) - source.received;
      if (!source.tooSlow && !(await drainSource(source, remaining))) this.#unread.add(request);
      return { ok: false, ...error };
    } catch {
      buffer.drop();
      return INCOMPLETE;
    } finally {
      source.stop();
    }
  }

  /** Decodes a body; the account is asked before more than a small one is made of it. */
  async #decode(
    encoded: Extract<BodyResult, { ok: true }>,
    encodings: readonly ContentEncoding[],
    { owner, maxBytes }: Reading,
  ): Promise<BodyResult> {
    const decode = await loadDecoder();
    try {
      const small = decode(encoded.bytes, encodings, SMALL_BODY_BYTES);
      if (small === 'malformed') return err('invalid_content_encoding');
      if (small !== 'too_large') return ok({ bytes: small, release: () => {} });
      const refusal = await owner.checkLargeBody();
      if (refusal !== null) return { ok: false, ...refusal };
      // The runtime collects the output in pieces and joins them: it takes its size twice.
      const available = Math.floor(this.#budget.availableTo(owner.account) / 2);
      const limit = Math.min(available, maxBytes);
      const bytes = decode(encoded.bytes, encodings, limit);
      // As much may have been decoded as was allowed.
      if (typeof bytes === 'string') this.#countRead(owner.account, limit);
      if (bytes === 'malformed') return err('invalid_content_encoding');
      if (bytes === 'too_large') return available < maxBytes ? BUSY : tooLarge(maxBytes);
      return this.#count(bytes, owner.account);
    } finally {
      encoded.release();
    }
  }

  /**
   * Counts a body that came whole, as the message of a WebSocket does. Of a large text there is no
   * copy before there is room for it.
   */
  admit(data: string | ArrayBuffer, account: AccountId): BodyResult {
    // A character of a text takes one byte or more.
    const minBytes = typeof data === 'string' ? data.length : data.byteLength;
    if (minBytes > MAX_BODY_BYTES) return tooLarge(MAX_BODY_BYTES);
    if (minBytes <= SMALL_BODY_BYTES) {
      const bytes = toBytes(data);
      if (bytes.length <= SMALL_BODY_BYTES) return ok({ bytes, release: () => {} });
    }
    if (this.#byteRate.isExhausted(account, Date.now())) return BUSY;
    this.#countRead(account, minBytes);
    const allocation = this.#budget.open(account, 0, Date.now(), () => {});
    if (!allocation.take(minBytes, Date.now())) {
      allocation.release();
      return BUSY;
    }
    const bytes = toBytes(data);
    const hasRoom = allocation.take(bytes.length - minBytes, Date.now());
    if (hasRoom && bytes.length <= MAX_BODY_BYTES) return toBody(bytes, allocation);
    allocation.release();
    free(bytes);
    return hasRoom ? tooLarge(MAX_BODY_BYTES) : BUSY;
  }

  #count(bytes: Uint8Array, account: AccountId): BodyResult {
    const allocation = this.#budget.open(account, 0, Date.now(), () => {});
    if (allocation.take(bytes.length, Date.now())) return toBody(bytes, allocation);
    allocation.release();
    return BUSY;
  }
}

function toBytes(data: string | ArrayBuffer): Uint8Array {
  return typeof data === 'string' ? ENCODER.encode(data) : new Uint8Array(data);
}

function orTimeout<T>(
  work: Promise<T>,
  timeoutMs: number,
  timer: DeadlineTimer,
): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const stop = timer.start(timeoutMs, () => resolve(null));
    work.then(
      (value) => {
        stop();
        resolve(value);
      },
      (error: unknown) => {
        stop();
        reject(error);
      },
    );
  });
}

/** RFC 9112 section 6.3: Transfer-Encoding overrides Content-Length. */
function contentLength(request: Request): number | null {
  if (request.headers.has('transfer-encoding')) return null;
  const text = request.headers.get('content-length');
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null;
}

/** RFC 8259 section 8.1: a parser may ignore a byte order mark, and no provider has to. */
function withoutByteOrderMark(bytes: Uint8Array): Uint8Array {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return hasMark ? bytes.subarray(3) : bytes;
}

/** A whole body. Releasing it frees the bytes at once, referenced or not. */
function toBody(bytes: Uint8Array, allocation: BodyAllocation): BodyResult {
  allocation.complete(Date.now());
  const release = () => {
    allocation.release();
    free(bytes);
  };
  return ok({ bytes, release });
}

/** Gives the memory of a buffer back without waiting for the garbage collector. */
function free({ buffer }: Uint8Array): void {
  if (!(buffer instanceof ArrayBuffer) || buffer.detached) return;
  if (buffer.resizable) buffer.resize(0);
  else buffer.transfer(0);
}

/** Returns memory for `bytes` bytes. Of much, the process has only as much as `grow` was called for. */
function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes <= MAX_STEP_BYTES) return new Uint8Array(bytes);
  return new Uint8Array(new ArrayBuffer(MAX_STEP_BYTES, { maxByteLength: bytes }));
}

/** Adds the next step to a segment; returns false if it has all of its memory. */
function grow({ buffer }: Uint8Array<ArrayBuffer>): boolean {
  if (!buffer.resizable || buffer.byteLength === buffer.maxByteLength) return false;
  buffer.resize(Math.min(buffer.maxByteLength, buffer.byteLength + MAX_STEP_BYTES));
  return true;
}

/**
 * The bytes of a body that is being read. With a declared length they are one segment from the
 * first chunk on: joined at its end, each body would take its size twice, and what the allocator
 * keeps of that is not given back (measured: 170 MB in place of 85 for four bodies of 20 MB).
 */
class SegmentedBuffer {
  readonly #allocation: BodyAllocation;
  readonly #maxBytes: number;
  readonly #minStepBytes: number;
  readonly #maxStepBytes: number;
  #segments: Uint8Array<ArrayBuffer>[] = [];
  /** The bytes in the last segment. */
  #lastLength = 0;
  #length = 0;

  constructor(
    budget: BodyBudget,
    account: AccountId,
    declaredLength: number | null,
    maxBytes: number,
  ) {
    this.#maxStepBytes = declaredLength ?? MAX_STEP_BYTES;
    this.#minStepBytes = declaredLength ?? SMALL_BODY_BYTES;
    this.#maxBytes = declaredLength ?? maxBytes;
    this.#allocation = budget.open(account, this.#maxBytes, Date.now(), () => this.#freeSegments());
  }

  get length(): number {
    return this.#length;
  }

  get allocation(): BodyAllocation {
    return this.#allocation;
  }

  /** Copies a chunk; returns why it can't. */
  append(chunk: Uint8Array): ApiError | null {
    for (let from = 0; from < chunk.length; ) {
      if (this.#length === this.#maxBytes) return tooLarge(this.#maxBytes);
      const segment = this.#getSegment();
      if (segment === null) return BUSY;
      const part = chunk.subarray(from, from + segment.length - this.#lastLength);
      segment.set(part, this.#lastLength);
      this.#lastLength += part.length;
      this.#length += part.length;
      from += part.length;
    }
    this.#allocation.progress(chunk.length, this.#maxBytes - this.#length, Date.now());
    return null;
  }

  /** Returns a segment that is not full: a new one is as large as all before it, within limits. */
  #getSegment(): Uint8Array | null {
    if (this.#allocation.evicted) return null;
    const last = this.#segments.at(-1);
    if (last !== undefined && (this.#lastLength < last.length || grow(last))) return last;
    const preferred = Math.min(this.#maxStepBytes, Math.max(this.#minStepBytes, this.#length));
    const size = Math.min(preferred, this.#maxBytes - this.#length);
    if (!this.#allocation.take(size, Date.now())) return null;
    const segment = allocate(size);
    this.#segments.push(segment);
    this.#lastLength = 0;
    return segment;
  }

  /** Joins the segments, each of which is freed as soon as it is copied. */
  #join(length: number): Uint8Array<ArrayBuffer> {
    const [first] = this.#segments;
    if (first !== undefined && first.length === length) return first;
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const segment of this.#segments) {
      bytes.set(segment.subarray(0, this.#length - at), at);
      at += segment.length;
      free(segment);
    }
    return bytes;
  }

  toBody(declaredLength: number | null): BodyResult {
    if (this.#allocation.evicted) return BUSY;
    if (declaredLength !== null && this.#length < declaredLength) {
      this.drop();
      return INCOMPLETE;
    }
    const bytes = this.#join(this.#length);
    this.#segments = [];
    this.#allocation.shrinkTo(this.#length);
    return toBody(bytes, this.#allocation);
  }

  drop(): void {
    this.#freeSegments();
    this.#allocation.release();
  }

  #freeSegments(): void {
    for (const segment of this.#segments) free(segment);
    this.#segments = [];
  }
}

/** Waits until a body may be read on, with a timer of its own: no other request wakes it. */
async function waitForTurn(allocation: BodyAllocation, source: BodySource): Promise<void> {
  source.pause();
  while (!allocation.mayFill(Date.now())) {
    await new Promise((resolve) => setTimeout(resolve, TURN_CHECK_MS));
  }
  source.resume();
}

/**
 * Reads a body to its end. `owner` is asked before more than a small body is read, where its length
 * was not declared.
 */
async function fill(
  buffer: SegmentedBuffer,
  source: BodySource,
  owner: BodyOwner | null,
): Promise<ApiError | null> {
  let asked = owner === null;
  const { allocation } = buffer;
  for (;;) {
    if (!allocation.mayFill(Date.now())) await waitForTurn(allocation, source);
    const chunk = await source.read();
    if (chunk === null) return source.tooSlow ? { reason: 'incomplete_body' } : null;
    if (!asked && owner !== null && buffer.length + chunk.length > SMALL_BODY_BYTES) {
      asked = true;
      // The chunk stays valid: it is not read on before it is copied.
      const refusal = await owner.checkLargeBody();
      if (refusal !== null) return refusal;
    }
    const error = buffer.append(chunk);
    if (error !== null) return error;
  }
}
