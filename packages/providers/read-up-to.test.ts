import { describe, expect, it } from 'vitest';
import { readUpTo } from './index.ts';

/** A body of these chunks, which breaks after them if `breaks`; `pulls` counts what was asked for. */
function createBody(chunks: readonly string[], breaks = false) {
  const seen = { pulls: 0, canceled: false };
  const rest = chunks.map((chunk) => new TextEncoder().encode(chunk));
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        seen.pulls += 1;
        const chunk = rest.shift();
        if (chunk !== undefined) controller.enqueue(chunk);
        else if (breaks) controller.error(new Error('reset'));
        else controller.close();
      },
      cancel: () => {
        seen.canceled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, seen };
}

async function read(body: ReadableStream<Uint8Array> | null, max: number) {
  const { bytes, isWhole } = await readUpTo(body, max);
  return [new TextDecoder().decode(bytes), isWhole];
}

describe('readUpTo', () => {
  it('returns a body of at most the limit as whole', async () => {
    expect(await read(createBody(['ab', 'cd']).body, 4)).toEqual(['abcd', true]);
    expect(await read(null, 4)).toEqual(['', true]);
  });

  it('returns the beginning of a longer body, and stops its sender', async () => {
    const { body, seen } = createBody(['ab', 'cde', 'f', 'g']);
    expect(await read(body, 4)).toEqual(['abcd', false]);
    expect(seen).toEqual({ pulls: 2, canceled: true });
  });

  it('returns what came before a connection broke, as not whole', async () => {
    expect(await read(createBody(['ab'], true).body, 4)).toEqual(['ab', false]);
  });
});
