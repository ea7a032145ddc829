/**
 * One way to pass a stream on, chosen by the binding WAY: what each costs is the base of
 * docs/decisions/0007 and 0034. No account, no key, no edits.
 */

type Env = Readonly<{ UPSTREAM: string; WAY: string }>;
type Body = ReadableStream<Uint8Array>;
type Way = (body: Body, waitUntil: (work: Promise<unknown>) => void) => Body;

const GATHER_MS = 20;
const LOOK_MS = 50;

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

async function copy(from: Body, to: WritableStream<Uint8Array>, awaitWrites: boolean) {
  const reader = from.getReader();
  const writer = to.getWriter();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const written = writer.write(value);
    if (awaitWrites) await written;
    else written.catch(() => {});
  }
  await writer.close();
}

/** As `copy`, into one buffer and with copies of its bytes: no chunk makes a buffer of its own. */
async function copyCompact(from: Body, to: WritableStream<Uint8Array>) {
  const reader = from.getReader({ mode: 'byob' });
  const writer = to.getWriter();
  let buffer = new ArrayBuffer(8_192);
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (done || value === undefined) break;
    buffer = value.buffer;
    writer.write(value.slice()).catch(() => {});
  }
  await writer.close();
}

/** Writes at most once in GATHER_MS; `patienceMs` after a write a timer sends what waits. */
async function gather(from: Body, to: WritableStream<Uint8Array>, patienceMs: number) {
  const reader = from.getReader();
  const writer = to.getWriter();
  let pieces: Uint8Array[] = [];
  let lastAt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    if (pieces.length === 0) return;
    lastAt = Date.now();
    writer.write(join(pieces)).catch(() => {});
    pieces = [];
  };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    const now = Date.now();
    if (now - lastAt >= GATHER_MS) flush();
    else timer ??= setTimeout(flush, lastAt + patienceMs - now);
  }
  clearTimeout(timer);
  flush();
  await writer.close();
}

/** Reads what has come, now and then, as a meter of a native pipe would. */
async function look(from: Body, waitMs: number) {
  const reader = from.getReader({ mode: 'byob' });
  let buffer = new ArrayBuffer(65_536);
  for (;;) {
    await scheduler.wait(waitMs);
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (done || value === undefined) return;
    buffer = value.buffer;
  }
}

async function readInParts(from: Body, bytes: number) {
  const reader = from.getReader({ mode: 'byob' });
  let buffer = new ArrayBuffer(bytes);
  for (;;) {
    const { done, value } = await reader.readAtLeast(bytes, new Uint8Array(buffer));
    if (done || value === undefined || value.length === 0) return;
    buffer = value.buffer;
  }
}

/** The runtime's own reader of server-sent events, in place of ours. */
function listen(from: Body): Promise<void> {
  const source = EventSource.from(from);
  return new Promise((resolve) => {
    source.onmessage = () => {};
    source.onerror = () => resolve();
  });
}

function teed(meter: (branch: Body) => Promise<unknown>): Way {
  return (body, waitUntil) => {
    const [forClient, forMeter] = body.tee();
    const { readable, writable } = new IdentityTransformStream();
    waitUntil(forClient.pipeTo(writable));
    waitUntil(meter(forMeter));
    return readable;
  };
}

/** By hand until the first bytes came, then the runtime's pipe. */
const nativeAfterFirst: Way = (body, waitUntil) => {
  const [forClient, forMeter] = body.tee();
  const { readable, writable } = new IdentityTransformStream();
  const pass = async () => {
    const reader = forClient.getReader();
    const writer = writable.getWriter();
    const { value } = await reader.read();
    if (value !== undefined) await writer.write(value);
    reader.releaseLock();
    writer.releaseLock();
    await forClient.pipeTo(writable);
  };
  waitUntil(pass());
  waitUntil(look(forMeter, LOOK_MS));
  return readable;
};

function inJavaScript(pass: (from: Body, to: WritableStream<Uint8Array>) => Promise<void>): Way {
  return (body, waitUntil) => {
    const { readable, writable } = new IdentityTransformStream();
    waitUntil(pass(body, writable));
    return readable;
  };
}

const WAYS: Readonly<Record<string, Way>> = {
  native: (body) => body,
  pipe: (body, waitUntil) => {
    const { readable, writable } = new IdentityTransformStream();
    waitUntil(body.pipeTo(writable));
    return readable;
  },
  tee_look: teed((branch) => look(branch, LOOK_MS)),
  tee_end: teed((branch) => new Response(branch).arrayBuffer()),
  tee_at_least: teed((branch) => readInParts(branch, 1_024)),
  tee_events: teed(listen),
  native_after_first: nativeAfterFirst,
  read_write: inJavaScript((from, to) => copy(from, to, true)),
  read_unawaited: inJavaScript((from, to) => copy(from, to, false)),
  read_compact: inJavaScript(copyCompact),
  gather: inJavaScript((from, to) => gather(from, to, GATHER_MS)),
  gather_patient: inJavaScript((from, to) => gather(from, to, 2 * GATHER_MS)),
};

const streamWay: ExportedHandler<Env> = {
  async fetch(request, env, context) {
    const path = request.url.slice(request.url.indexOf('/', 8));
    const upstream = await fetch(env.UPSTREAM + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: request.body,
    });
    const way = WAYS[env.WAY];
    if (way === undefined || upstream.body === null) return new Response(null, { status: 500 });
    const headers = { 'content-type': upstream.headers.get('content-type') ?? '' };
    return new Response(
      way(upstream.body, (work) => context.waitUntil(work)),
      { headers },
    );
  },
};

export default streamWay;
