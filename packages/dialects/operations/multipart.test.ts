/** What it takes to split a form, counted in the bytes that are read. */
import { describe, expect, it } from 'vitest';
import { type ByteList, findBoundaries, splitForm } from './multipart.ts';

const encoder = new TextEncoder();

type CountedBytes = Readonly<{ bytes: ByteList; reads: () => number }>;

/** Bytes that count how often one of them is read, also by `indexOf`. */
function countReads(text: string): CountedBytes {
  let reads = 0;
  const bytes = new Proxy(Array.from(encoder.encode(text)), {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads += 1;
      return Reflect.get(target, key, receiver);
    },
  });
  return { bytes, reads: () => reads };
}

describe('the search for the boundaries of a form', () => {
  const dashes = '-'.repeat(70);
  const BYTES = 20_000;
  it.each([
    ['dashes, with a boundary of dashes', dashes, '-'],
    ['lines of dashes', dashes, `\n${dashes}`],
    ['line ends', dashes, '\r\n'],
    ['all but the last byte of a boundary', 'a'.repeat(70), `\r\n--${'a'.repeat(69)}`],
    ['line ends and dashes', 'x', '\n-'],
  ])('reads no byte of %s more than a few times', (_, boundary, repeated) => {
    const text = `--${boundary}\r\nx${repeated.repeat(BYTES / repeated.length)}`;
    const { bytes, reads } = countReads(text);
    expect(findBoundaries(bytes, boundary)).toEqual([0]);
    expect(reads()).toBeLessThan(5 * text.length);
  });

  it('finds each line that is one', () => {
    const { bytes } = countReads('--x\r\nA: b\r\n\r\n1\r\n--x\r\nA: b\r\n\r\n--x\r\n--x--');
    expect(findBoundaries(bytes, 'x')).toEqual([0, 16, 29, 34]);
  });
});

describe('a form with the longest headers in each part', () => {
  it.each([' ', '\t', ' x', '; a=1', '"'])('of "%s" is split or refused', (repeated) => {
    const value = repeated.repeat(4_000 / repeated.length);
    const part = `--x\r\nContent-Disposition: form-data; name="a"\r\nB:${value}x\r\n\r\n\r\n`;
    const form = splitForm(encoder.encode(`${part.repeat(100)}--x--`), 'x');
    expect(form.ok).toBe(true);
  });
});
