/**
 * Reads HTTP/1.1 messages off a socket, requests and responses alike, for the bench's own two ends.
 * It exists because Node's http costs more than a pass-through Worker does, and what the two ends
 * burn is taken from the subject on a small machine. Never use it for anything that faces a network.
 */

export type Head = Readonly<{ firstLine: string; fields: string }>;

export type MessageEvents = Readonly<{
  head: (head: Head) => void;
  body: (piece: Buffer) => void;
  end: () => void;
}>;

type Reading = 'head' | 'sized' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers';

const EMPTY = Buffer.alloc(0);
const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');

export class MessageReader {
  readonly #events: MessageEvents;
  #reading: Reading = 'head';
  #rest: Buffer = EMPTY;
  #left = 0;

  constructor(events: MessageEvents) {
    this.#events = events;
  }

  /** Takes what arrived; events fire before it returns. */
  push(piece: Buffer): void {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    while (this.#rest.length > 0 && this.#step());
  }

  /** One step forward; false where more bytes are needed first. */
  #step(): boolean {
    switch (this.#reading) {
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

  #take(length: number): Buffer {
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.length === length ? EMPTY : this.#rest.subarray(length);
    return taken;
  }

  #readHead(): boolean {
    const at = this.#rest.indexOf(HEAD_END);
    if (at < 0) return false;
    const text = this.#take(at + HEAD_END.length).toString('latin1', 0, at);
    const line = text.indexOf('\r\n');
    const fields = line < 0 ? '' : text.slice(line).toLowerCase();
    this.#events.head({ firstLine: line < 0 ? text : text.slice(0, line), fields });
    if (fields.includes('\r\ntransfer-encoding: chunked')) {
      this.#reading = 'chunk-size';
      return true;
    }
    this.#left = contentLength(fields);
    if (this.#left === 0) this.#events.end();
    else this.#reading = 'sized';
    return true;
  }

  #readData(next: 'head' | 'chunk-end'): boolean {
    const piece = this.#take(Math.min(this.#left, this.#rest.length));
    this.#left -= piece.length;
    this.#events.body(piece);
    if (this.#left > 0) return false;
    this.#reading = next;
    if (next === 'head') this.#events.end();
    return true;
  }

  #readChunkSize(): boolean {
    const at = this.#rest.indexOf(LINE_END);
    if (at < 0) return false;
    this.#left = Number.parseInt(this.#take(at + 2).toString('latin1', 0, at), 16);
    if (!Number.isSafeInteger(this.#left)) throw new Error('bench: a chunk without a size');
    this.#reading = this.#left === 0 ? 'trailers' : 'chunk-data';
    return true;
  }

  #skipLine(next: Reading): boolean {
    if (this.#rest.length < 2) return false;
    this.#take(2);
    this.#reading = next;
    return true;
  }

  #readTrailer(): boolean {
    const at = this.#rest.indexOf(LINE_END);
    if (at < 0) return false;
    this.#take(at + 2);
    if (at > 0) return true;
    this.#reading = 'head';
    this.#events.end();
    return true;
  }
}

function contentLength(fields: string): number {
  const found = /\r\ncontent-length: (\d+)/.exec(fields);
  return found?.[1] === undefined ? 0 : Number(found[1]);
}

/** One piece of a chunked body (RFC 9112 section 7.1). */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

export const LAST_CHUNK = '0\r\n\r\n';
