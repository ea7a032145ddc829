/**
 * Parses HTTP/1.1 requests and responses from a socket, for the bench's load generator and
 * upstream. Node's http costs more CPU than a pass-through Worker, which on a small machine would
 * slow down the subject. Never use it for anything that faces a network.
 */

export type Head = Readonly<{ firstLine: string; fields: string }>;

export type HttpParserEvents = Readonly<{
  head: (head: Head) => void;
  body: (piece: Buffer) => void;
  end: () => void;
}>;

type ParserState = 'head' | 'sized' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers';

const EMPTY = Buffer.alloc(0);
const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');

export class HttpParser {
  readonly #events: HttpParserEvents;
  #state: ParserState = 'head';
  #buffer: Buffer = EMPTY;
  #remaining = 0;

  constructor(events: HttpParserEvents) {
    this.#events = events;
  }

  /** Parses a chunk. Events fire before it returns. */
  push(piece: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? piece : Buffer.concat([this.#buffer, piece]);
    while (this.#buffer.length > 0 && this.#step());
  }

  /** Makes one step. False when more bytes are needed. */
  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#readHead();
      case 'sized':
        return this.#readData('head');
      case 'chunk-size':
        return this.#readChunkSize();
      case 'chunk-data':
        return this.#readData('chunk-end');
      case 'chunk-end':
        return this.#skipLine('chunk-size');
      case 'trailers':
        return this.#readTrailer();
    }
  }

  #consume(length: number): Buffer {
    const bytes = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.length === length ? EMPTY : this.#buffer.subarray(length);
    return bytes;
  }

  #readHead(): boolean {
    const at = this.#buffer.indexOf(HEAD_END);
    if (at < 0) return false;
    const text = this.#consume(at + HEAD_END.length).toString('latin1', 0, at);
    const line = text.indexOf('\r\n');
    const fields = line < 0 ? '' : text.slice(line).toLowerCase();
    this.#events.head({ firstLine: line < 0 ? text : text.slice(0, line), fields });
    if (fields.includes('\r\ntransfer-encoding: chunked')) {
      this.#state = 'chunk-size';
      return true;
    }
    this.#remaining = contentLength(fields);
    if (this.#remaining === 0) this.#events.end();
    else this.#state = 'sized';
    return true;
  }

  #readData(next: 'head' | 'chunk-end'): boolean {
    const piece = this.#consume(Math.min(this.#remaining, this.#buffer.length));
    this.#remaining -= piece.length;
    this.#events.body(piece);
    if (this.#remaining > 0) return false;
    this.#state = next;
    if (next === 'head') this.#events.end();
    return true;
  }

  #readChunkSize(): boolean {
    const at = this.#buffer.indexOf(LINE_END);
    if (at < 0) return false;
    this.#remaining = Number.parseInt(this.#consume(at + 2).toString('latin1', 0, at), 16);
    if (!Number.isSafeInteger(this.#remaining)) throw new Error('bench: a chunk has no size');
    this.#state = this.#remaining === 0 ? 'trailers' : 'chunk-data';
    return true;
  }

  #skipLine(next: ParserState): boolean {
    if (this.#buffer.length < 2) return false;
    this.#consume(2);
    this.#state = next;
    return true;
  }

  #readTrailer(): boolean {
    const at = this.#buffer.indexOf(LINE_END);
    if (at < 0) return false;
    this.#consume(at + 2);
    if (at > 0) return true;
    this.#state = 'head';
    this.#events.end();
    return true;
  }
}

function contentLength(fields: string): number {
  const match = /\r\ncontent-length: (\d+)/.exec(fields);
  return match?.[1] === undefined ? 0 : Number(match[1]);
}

/** Formats one chunk of a chunked body (RFC 9112 section 7.1). */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

export const LAST_CHUNK = '0\r\n\r\n';
