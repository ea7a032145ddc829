/** Request bodies: their limits, the memory budget, and senders that stall. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BodyReader, MAX_BODY_BYTES, MAX_BODY_BYTES_IN_FLIGHT } from './body-reader.ts';

const LARGE = 1024 * 1024;

afterEach(() => {
  vi.useRealTimers();
});

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

describe('BodyReader', () => {
  it('returns the bytes of a body without Content-Length that comes in chunks', async () => {
    const { writer, request } = createSender();
    const reading = new BodyReader().read(request);
    await writer.write(new Uint8Array(LARGE).fill(1));
    await writer.write(new Uint8Array(LARGE).fill(2));
    await writer.close();
    const body = await reading;
    if (!body.ok) throw new Error(body.reason);
    expect(body.bytes.length).toBe(2 * LARGE);
    expect([body.bytes[0], body.bytes.at(-1)]).toEqual([1, 2]);
  });

  it('rejects a body above the limit, whether its length is declared or not', async () => {
    const tooLarge = { ok: false, reason: 'body_too_large', maxBytes: MAX_BODY_BYTES };
    const declared = createRequest('x', { 'content-length': String(MAX_BODY_BYTES + 1) });
    expect(await new BodyReader().read(declared)).toEqual(tooLarge);
    const chunked = createRequest(new Blob([new Uint8Array(MAX_BODY_BYTES + 1)]).stream());
    expect(await new BodyReader().read(chunked)).toEqual(tooLarge);
  });

  it('rejects a body that is shorter than its Content-Length', async () => {
    const request = createRequest(new Blob(['x']).stream(), { 'content-length': String(LARGE) });
    const body = await new BodyReader().read(request);
    expect(body).toEqual({ ok: false, reason: 'incomplete_body' });
  });

  it.each([
    ['with', { 'content-length': String(LARGE) }],
    ['without', {}],
  ])('rejects a body %s Content-Length whose sender stalls for 10 s', async (_, headers) => {
    vi.useFakeTimers();
    const { writer, request } = createSender(headers);
    const reading = new BodyReader().read(request);
    await writer.write(new Uint8Array(10));
    await vi.advanceTimersByTimeAsync(9_000);
    await writer.write(new Uint8Array(10));
    await vi.advanceTimersByTimeAsync(9_000);
    await writer.write(new Uint8Array(10));
    await vi.advanceTimersByTimeAsync(11_000);
    expect(await reading).toEqual({ ok: false, reason: 'incomplete_body' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects bodies beyond the memory budget until others are released', async () => {
    const reader = new BodyReader();
    const read = () =>
      reader.read(createRequest(new Blob([new Uint8Array(MAX_BODY_BYTES)]).stream()));
    const bodies = [];
    for (let i = 0; i < MAX_BODY_BYTES_IN_FLIGHT / MAX_BODY_BYTES; i += 1)
      bodies.push(await read());
    expect(bodies.every((body) => body.ok)).toBe(true);
    expect(await read()).toEqual({ ok: false, reason: 'gateway_busy' });
    const [first] = bodies;
    if (first?.ok) {
      first.release();
      first.release();
    }
    expect((await read()).ok).toBe(true);
    expect(await read()).toEqual({ ok: false, reason: 'gateway_busy' });
  });
});
