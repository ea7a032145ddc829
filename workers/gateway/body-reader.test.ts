/**
 * Request bodies: their limits, codings and memory, and senders that stall or take what others need.
 */
import {
  brotliCompressSync,
  constants,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BodyBudget } from './body-budget.ts';
import {
  type BodyOwner,
  BodyReader,
  MAX_BODY_BYTES,
  MAX_FILE_BODY_BYTES,
  SMALL_BODY_BYTES,
} from './body-reader.ts';
import type { ApiError } from './errors.ts';

const MB = 1024 * 1024;
const LARGE = MB;

afterEach(() => {
  vi.useRealTimers();
});

const ALICE: BodyOwner = { account: 'a'.repeat(16), checkLargeBody: async () => null };
const BOB: BodyOwner = { account: 'b'.repeat(16), checkLargeBody: async () => null };

function createRequest(body: BodyInit | null, headers: HeadersInit = {}): Request {
  const init = { method: 'POST', body, headers, duplex: 'half' };
  return new Request('https://api.example/v1/messages', init);
}

/** A body whose chunks the test sends. */
function createSender(headers: HeadersInit = {}) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  return { writer, request: createRequest(readable, headers) };
}

/** Sends the first `bytes` of a body of 20 MB and then nothing; returns the reading. */
async function startSending(reader: BodyReader, owner: BodyOwner, bytes: number) {
  const { writer, request } = createSender({ 'content-length': String(MAX_BODY_BYTES) });
  const reading = reader.read(request, owner);
  for (let sent = 0; sent < bytes; sent += LARGE) await writer.write(new Uint8Array(LARGE));
  return { writer, reading };
}

async function readText(reader: BodyReader, body: BodyInit, headers: HeadersInit = {}) {
  const result = await reader.read(createRequest(body, headers), ALICE);
  return result.ok ? new TextDecoder().decode(result.bytes) : result.reason;
}

describe('BodyReader', () => {
  it('returns the bytes of a body without Content-Length, however it is split', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 12 }),
      async (sizes) => {
        const budget = new BodyBudget();
        const { writer, request } = createSender();
        const reading = new BodyReader(budget).read(request, ALICE);
        let next = 0;
        const expected: number[] = [];
        for (const size of sizes) {
          const chunk = Uint8Array.from({ length: size }, () => (next++ * 7) & 0xff);
          expected.push(...chunk.subarray(0, 3));
          await writer.write(chunk);
        }
        await writer.close();
        const body = await reading;
        if (!body.ok) throw new Error(body.reason);
        expect(body.bytes.length).toBe(next);
        expect(body.bytes.every((byte, at) => byte === ((at * 7) & 0xff))).toBe(true);
        expect(budget.bytes).toBe(next);
        body.release();
        body.release();
        expect([budget.bytes, body.bytes.length]).toEqual([0, 0]);
      },
    );
    await fc.assert(property, { numRuns: 30 });
  });

  it.each([MAX_BODY_BYTES, MAX_FILE_BODY_BYTES])(
    'rejects a body above a limit of %d bytes, whether its length is declared or not',
    async (maxBytes) => {
      const tooLarge = { ok: false, reason: 'body_too_large', maxBytes };
      const read = (request: Request, budget = new BodyBudget()) =>
        new BodyReader(budget).read(request, ALICE, undefined, maxBytes);
      const chunked = (bytes: number) => createRequest(new Blob([new Uint8Array(bytes)]).stream());
      const declared = createRequest('x', { 'content-length': String(maxBytes + 1) });
      expect(await read(declared)).toEqual(tooLarge);
      const budget = new BodyBudget();
      expect(await read(chunked(maxBytes + 1), budget)).toEqual(tooLarge);
      expect(budget.bytes).toBe(0);
      expect(await read(chunked(maxBytes), budget)).toMatchObject({ ok: true });
      expect(budget.bytes).toBe(maxBytes);
    },
  );

  it('rejects a body that is shorter than its Content-Length', async () => {
    const request = createRequest(new Blob(['x']).stream(), { 'content-length': String(LARGE) });
    const body = await new BodyReader().read(request, ALICE);
    expect(body).toEqual({ ok: false, reason: 'incomplete_body' });
  });

  it('ignores a byte order mark', async () => {
    expect(await readText(new BodyReader(), '\ufeff{"a":1}')).toBe('{"a":1}');
    const long = `{"a":"${'x'.repeat(LARGE)}"}`;
    expect(await readText(new BodyReader(), `\ufeff${long}`)).toBe(long);
  });
});

describe('a sender that is too slow', () => {
  const declared = { 'content-length': String(LARGE) };

  it.each([
    ['with', declared],
    ['without', {}],
  ])('is rejected %s Content-Length after a pause of 10 s', async (_, headers) => {
    vi.useFakeTimers();
    const { writer, request } = createSender(headers);
    const reading = new BodyReader().read(request, ALICE);
    await writer.write(new Uint8Array(LARGE / 2));
    await vi.advanceTimersByTimeAsync(4_000);
    await writer.write(new Uint8Array(10));
    await vi.advanceTimersByTimeAsync(11_000);
    expect(await reading).toEqual({ ok: false, reason: 'incomplete_body' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is rejected soon after it sends less than 64 KB a second', async () => {
    vi.useFakeTimers();
    const { writer, request } = createSender(declared);
    const reading = new BodyReader().read(request, ALICE);
    let seconds = 0;
    const result = reading.then((body) => ({ body, seconds }));
    for (; seconds < 20; seconds += 1) {
      void writer.write(new Uint8Array(1_000)).catch(() => {});
      await vi.advanceTimersByTimeAsync(1_000);
    }
    const { body, seconds: rejectedAfter } = await result;
    expect(body).toEqual({ ok: false, reason: 'incomplete_body' });
    expect(rejectedAfter).toBeLessThanOrEqual(7);
  });

  it('is rejected after 120 s, however fast it is', async () => {
    vi.useFakeTimers();
    const { writer, request } = createSender({ 'content-length': String(MAX_BODY_BYTES) });
    const reading = new BodyReader().read(request, ALICE);
    let isDone = false;
    void reading.then(() => {
      isDone = true;
    });
    for (let second = 0; second < 118; second += 1) {
      await writer.write(new Uint8Array(70_000));
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(isDone).toBe(false);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(await reading).toEqual({ ok: false, reason: 'incomplete_body' });
  });

  it('is rejected for a small body too, after 22 s', async () => {
    vi.useFakeTimers();
    const { request } = createSender({ 'content-length': '100' });
    const reading = new BodyReader().read(request, ALICE);
    await vi.advanceTimersByTimeAsync(23_000);
    expect(await reading).toEqual({ ok: false, reason: 'incomplete_body' });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the memory of bodies', () => {
  it('is taken as the bytes arrive: nothing before the first, and in steps of at most 1 MB where no length is declared', async () => {
    const budget = new BodyBudget();
    const { writer, request } = createSender();
    void new BodyReader(budget).read(request, ALICE);
    expect(budget.bytes).toBe(0);
    for (let sent = 1; sent <= 6; sent += 1) {
      await writer.write(new Uint8Array(LARGE));
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(budget.bytes).toBeGreaterThanOrEqual(sent * LARGE);
      expect(budget.bytes).toBeLessThanOrEqual((sent + 1) * LARGE);
    }
    await writer.abort();
  });

  it('of senders that announce much and send nothing is not missing to others', async () => {
    const reader = new BodyReader();
    const idle = await Promise.all(
      Array.from({ length: 500 }, () => startSending(reader, ALICE, 0)),
    );
    const other = createRequest(new Uint8Array(LARGE), { 'content-length': String(LARGE) });
    expect(await reader.read(other, BOB)).toMatchObject({ ok: true });
    await Promise.all(idle.map(({ writer }) => writer.abort()));
  });

  it('goes to the bodies nearest their end: of 64 at once four are served, the rest are busy', async () => {
    const budget = new BodyBudget();
    const reader = new BodyReader(budget);
    const owners = Array.from({ length: 64 }, (_, at) => ({ ...ALICE, account: String(at) }));
    let peak = 0;
    const readings = owners.map(async (owner) => {
      const { writer, request } = createSender({ 'content-length': String(MAX_BODY_BYTES) });
      const reading = reader.read(request, owner);
      const sending = (async () => {
        for (let sent = 0; sent < MAX_BODY_BYTES; sent += LARGE / 2) {
          await writer.write(new Uint8Array(LARGE / 2));
          peak = Math.max(peak, budget.bytes);
        }
        await writer.close();
      })().catch(() => {});
      const body = await reading;
      // The rest of a rejected body is not read.
      if (body.ok) await sending;
      return body;
    });
    const results = await Promise.all(readings);
    expect(results.filter((body) => body.ok).length).toBe(4);
    const others = results.filter((body) => !body.ok);
    expect(new Set(others.map((body) => !body.ok && body.reason))).toEqual(
      new Set(['gateway_busy']),
    );
    expect(peak).toBeLessThanOrEqual(84 * MB);
  });

  it('is filled by one body after another once 40 MB have arrived, and by all again once that is freed', async () => {
    vi.useFakeTimers();
    const budget = new BodyBudget();
    const reader = new BodyReader(budget);
    // The first is the nearest to its end, and does not stall.
    const senders = await Promise.all(
      [15, 14, 13].map((size) => startSending(reader, ALICE, size * MB)),
    );
    const [first, second] = senders;
    let taken = 0;
    const write = async (sender = second) => {
      await sender?.writer.write(new Uint8Array(LARGE));
      taken += 1;
    };
    const waiting = write()
      .then(() => write())
      .then(() => write());
    await vi.advanceTimersByTimeAsync(500);
    // At most the one that was asked for before the 40 MB had arrived.
    expect(taken).toBeLessThan(2);
    for (let size = 15; size < 20; size++) await write(first);
    await first?.writer.close();
    await vi.advanceTimersByTimeAsync(100);
    const body = await first?.reading;
    expect(body).toMatchObject({ ok: true });
    if (body?.ok) body.release();
    await vi.advanceTimersByTimeAsync(100);
    await waiting;
    expect(taken).toBe(8);
    for (const { writer } of senders.slice(1)) await writer.abort().catch(() => {});
  });

  it('is left to other accounts by an account that holds four of the largest bodies', async () => {
    const reader = new BodyReader();
    const send = (owner: BodyOwner, bytes: number) =>
      reader.read(createRequest(new Blob([new Uint8Array(bytes)]).stream()), owner);
    const held = [];
    for (let count = 0; count < 4; count += 1) held.push(await send(ALICE, MAX_BODY_BYTES));
    expect(held.every((body) => body.ok)).toBe(true);
    expect(await send(ALICE, 2 * LARGE)).toEqual({ ok: false, reason: 'gateway_busy' });
    const other = await send(BOB, 2 * LARGE);
    expect(other.ok).toBe(true);
    for (const body of [...held, other]) if (body.ok) body.release();
    expect((await send(ALICE, MAX_BODY_BYTES)).ok).toBe(true);
  });

  it('is taken from bodies that stall, for one that comes', async () => {
    const reader = new BodyReader();
    const stalled = [];
    for (const account of ['c', 'd', 'e', 'f']) {
      stalled.push(await startSending(reader, { ...ALICE, account }, LARGE));
    }
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const { writer, reading } = await startSending(reader, BOB, MAX_BODY_BYTES);
    await writer.close();
    expect(await reading).toMatchObject({ ok: true });
    for (const { writer: other } of stalled) void other.abort();
  });

  it('is taken from an account with most of it for another account’s body', async () => {
    const budget = new BodyBudget(50 * LARGE, 45 * LARGE);
    const reader = new BodyReader(budget);
    const first = await startSending(reader, ALICE, 4 * LARGE);
    const second = await startSending(reader, ALICE, 2 * LARGE);
    const { writer, reading } = await startSending(reader, BOB, MAX_BODY_BYTES);
    await writer.close();
    expect(await reading).toMatchObject({ ok: true });
    expect(budget.bytes).toBeLessThanOrEqual(50 * LARGE);
    void second.writer.write(new Uint8Array(1)).catch(() => {});
    void second.writer.close().catch(() => {});
    expect(await second.reading).toEqual({ ok: false, reason: 'gateway_busy' });
    void first.writer.abort();
  });
});

describe('the account of a large body', () => {
  const broke: ApiError = {
    reason: 'insufficient_balance',
    missingAmount: 1n,
    affordableOutput: 0,
  };

  function refusingOwner() {
    const asked = { count: 0 };
    const checkLargeBody = async () => {
      asked.count += 1;
      return broke;
    };
    return { asked, owner: { ...ALICE, checkLargeBody } };
  }

  it('is asked before anything of it is kept, whether its length is declared or not', async () => {
    for (const headers of [{ 'content-length': String(LARGE) }, {}]) {
      const { owner, asked } = refusingOwner();
      const budget = new BodyBudget();
      const request = createRequest(new Blob([new Uint8Array(LARGE)]).stream(), headers);
      expect(await new BodyReader(budget).read(request, owner)).toMatchObject(broke);
      expect([asked.count, budget.bytes]).toEqual([1, 0]);
    }
  });

  it('is asked before more than a small body is decoded', async () => {
    const { owner, asked } = refusingOwner();
    const body = gzipSync(new Uint8Array(LARGE));
    const request = createRequest(new Uint8Array(body), {
      'content-encoding': 'gzip',
      'content-length': String(body.length),
    });
    expect(await new BodyReader().read(request, owner)).toMatchObject(broke);
    expect(asked.count).toBe(1);
  });

  it('is not asked about a small one', async () => {
    const { owner, asked } = refusingOwner();
    const text = new Blob(['x'.repeat(SMALL_BODY_BYTES)]).stream();
    expect(await new BodyReader().read(createRequest(text), owner)).toMatchObject({ ok: true });
    expect(asked.count).toBe(0);
  });
});

describe('a content coding', () => {
  type Encode = (bytes: Uint8Array) => Uint8Array;
  /** Compresses two halves apart, as parallel compressors do. */
  const inTwo =
    (encode: Encode): Encode =>
    (bytes) => {
      const half = Math.floor(bytes.length / 2);
      return Buffer.concat([encode(bytes.subarray(0, half)), encode(bytes.subarray(half))]);
    };
  /** A frame of another's, which decoders pass over (RFC 8878, section 3.1.2). */
  const SKIPPABLE = Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
  const withChecksum: Encode = (bytes) =>
    zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  const CODINGS: readonly (readonly [string, Encode])[] = [
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['GZIP', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['gzip', inTwo(gzipSync)],
    ['zstd', inTwo(zstdCompressSync)],
    ['zstd', inTwo(inTwo(withChecksum))],
    ['zstd', (bytes) => Buffer.concat([SKIPPABLE, zstdCompressSync(bytes), SKIPPABLE])],
    ['identity', (bytes) => bytes],
    ['gzip, br', (bytes) => brotliCompressSync(gzipSync(bytes))],
    ['identity, zstd ,gzip', (bytes) => gzipSync(zstdCompressSync(bytes))],
  ];
  const withCoding = async (encoding: string, body: Uint8Array) =>
    new BodyReader().read(
      createRequest(new Uint8Array(body), { 'content-encoding': encoding }),
      ALICE,
    );

  it.each(CODINGS)('%s gives the bytes of any body', async (encoding, encode) => {
    const property = fc.asyncProperty(
      fc.uint8Array({ maxLength: 4_000 }),
      fc.constantFrom(1, 70),
      async (piece, times) => {
        const bytes = Buffer.concat(Array.from({ length: times }, () => piece));
        if (bytes[0] === 0xef) return;
        const body = await withCoding(encoding, encode(bytes));
        if (!body.ok) throw new Error(body.reason);
        expect(Buffer.from(body.bytes).equals(bytes)).toBe(true);
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });

  it.each(CODINGS.filter(([name]) => name !== 'identity'))(
    '%s ends a body that decodes to more than the limit early',
    async (encoding, encode) => {
      const budget = new BodyBudget();
      const request = createRequest(new Uint8Array(encode(new Uint8Array(3 * MAX_BODY_BYTES))), {
        'content-encoding': encoding,
      });
      expect(await new BodyReader(budget).read(request, ALICE)).toEqual({
        ok: false,
        reason: 'body_too_large',
        maxBytes: MAX_BODY_BYTES,
      });
      expect(budget.bytes).toBe(0);
    },
  );

  it.each(CODINGS.filter(([name]) => name !== 'identity'))(
    '%s of a body that is cut off or is something else is an error',
    async (encoding, encode) => {
      const whole = encode(new TextEncoder().encode('{"model":"m"}'.repeat(50)));
      const invalid = { ok: false, reason: 'invalid_content_encoding' };
      expect(await withCoding(encoding, whole.subarray(0, whole.length - 9))).toEqual(invalid);
      expect(await withCoding(encoding, new TextEncoder().encode('{"model":"m"}'))).toEqual(
        invalid,
      );
    },
  );

  it.each([
    ['what is no frame after a frame', [zstdCompressSync('{}'), Buffer.from('junk')]],
    [
      'a frame that is cut off after a whole one',
      [zstdCompressSync('{}'), zstdCompressSync('x').subarray(0, -2)],
    ],
    [
      'more frames than a compressor makes',
      Array.from({ length: 300 }, () => zstdCompressSync(' ')),
    ],
  ])('zstd with %s is an error', async (_, pieces) => {
    const reason = 'invalid_content_encoding';
    expect(await withCoding('zstd', Buffer.concat(pieces))).toEqual({ ok: false, reason });
  });

  it.each(['compress', 'aws-chunked', 'gzip, snappy', 'gzip,gzip,gzip,gzip'])(
    '%s is rejected as not supported',
    async (encoding) => {
      const reason = 'unsupported_content_encoding';
      expect(await withCoding(encoding, new Uint8Array(9))).toEqual({ ok: false, reason });
    },
  );

  it('counts the decoded size in the memory of bodies', async () => {
    const budget = new BodyBudget();
    const request = createRequest(new Uint8Array(gzipSync(new Uint8Array(3 * LARGE))), {
      'content-encoding': 'gzip',
    });
    const body = await new BodyReader(budget).read(request, ALICE);
    expect(budget.bytes).toBe(3 * LARGE);
    if (body.ok) body.release();
    expect(budget.bytes).toBe(0);
  });
});

describe('the bodies of one account', () => {
  const BOMB = gzipSync(new Uint8Array(MAX_BODY_BYTES));
  const decode = async (reader: BodyReader, owner: BodyOwner, body: BodyInit) => {
    const headers = { 'content-encoding': 'gzip' };
    const result = await reader.read(createRequest(body, headers), owner);
    if (!result.ok) return result.reason;
    result.release();
    return 'read';
  };

  it('are 503 once it had 160 MB read at a rate of more than 8 MB a second, and others’ are read', async () => {
    vi.useFakeTimers();
    const reader = new BodyReader();
    for (let body = 0; body < 8; body += 1) expect(await decode(reader, ALICE, BOMB)).toBe('read');
    expect(await decode(reader, ALICE, BOMB)).toBe('gateway_busy');
    expect(await readText(reader, 'x'.repeat(LARGE))).toBe('gateway_busy');
    expect(await readText(reader, 'small')).toBe('small');
    expect(await decode(reader, BOB, BOMB)).toBe('read');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await decode(reader, ALICE, BOMB)).toBe('read');
    expect(await decode(reader, ALICE, BOMB)).toBe('gateway_busy');
    vi.useRealTimers();
  });

  it('count where they are too large or malformed, because they are decoded first', async () => {
    const tooLarge = gzipSync(new Uint8Array(2 * MAX_BODY_BYTES));
    const malformed = BOMB.subarray(0, -4);
    for (const [body, reason] of [
      [tooLarge, 'body_too_large'],
      [malformed, 'invalid_content_encoding'],
    ] as const) {
      const reader = new BodyReader();
      const results = new Set<string>();
      for (let time = 0; time < 12; time += 1) results.add(await decode(reader, ALICE, body));
      expect([...results]).toEqual([reason, 'gateway_busy']);
    }
  });

  it('are waited for up to a fourth of all slow ones, so that others’ slow ones are too', async () => {
    vi.useFakeTimers();
    const reader = new BodyReader();
    const headers = { 'content-length': '5' };
    const start = (owner: BodyOwner) => {
      const { writer, request } = createSender(headers);
      return { writer, reading: reader.read(request, owner) };
    };
    const ofAlice = Array.from({ length: 40 }, () => start(ALICE));
    const ofBob = start(BOB);
    await vi.advanceTimersByTimeAsync(3_000);
    for (const { writer } of [...ofAlice, ofBob]) {
      void writer.write(new TextEncoder().encode('hello')).catch(() => {});
      void writer.close().catch(() => {});
    }
    const results = await Promise.all(ofAlice.map(({ reading }) => reading));
    expect(results.filter(({ ok }) => ok)).toHaveLength(32);
    expect(await ofBob.reading).toMatchObject({ ok: true });
    vi.useRealTimers();
  });
});
