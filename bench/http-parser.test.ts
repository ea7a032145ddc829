import { expect, test } from 'vitest';
import { chunk, HttpParser, LAST_CHUNK } from './http-parser.ts';

function readAll(bytes: Buffer, step: number): string[] {
  const received: string[] = [];
  let body = '';
  const reader = new HttpParser({
    head: (head) => received.push(head.firstLine),
    body: (piece) => {
      body += piece.toString('latin1');
    },
    end: () => {
      received.push(body);
      body = '';
    },
  });
  for (let at = 0; at < bytes.length; at += step) reader.push(bytes.subarray(at, at + step));
  return received;
}

const CHUNKED = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk('data: ä\n\n')}${chunk('b'.repeat(300))}${LAST_CHUNK}`;
const SIZED = 'POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello';
const EMPTY = 'HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n';

test('HttpParser reads complete messages, wherever chunks are split', () => {
  const bytes = Buffer.from(CHUNKED + SIZED + EMPTY);
  const expected = [
    'HTTP/1.1 200 OK',
    Buffer.from(`data: ä\n\n${'b'.repeat(300)}`).toString('latin1'),
    'POST /x HTTP/1.1',
    'hello',
    'HTTP/1.1 204 No Content',
    '',
  ];
  for (let step = 1; step <= bytes.length; step += 1)
    expect(readAll(bytes, step)).toEqual(expected);
});

test('HttpParser throws for a chunk without a size', () => {
  const bytes = Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n');
  expect(() => readAll(bytes, bytes.length)).toThrow('a chunk has no size');
});
