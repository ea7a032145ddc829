/**
 * Splits a multipart form (RFC 7578, RFC 2046 section 5.1) into its parts. Parsers of forms are lax,
 * each in its own way: about line ends, text before the first boundary, repeated headers, boundaries
 * with spaces after them. A form that two of them could read differently is refused, so that what is
 * billed is what the provider reads.
 */
import type { Span } from '../contract.ts';

export type FormPart = Readonly<{
  name: string;
  /** True for a part with a file name, which servers hand over as a file. */
  isFile: boolean;
  /** Where its content stands in the body. */
  content: Span;
}>;

export type FormResult =
  | Readonly<{ ok: true; parts: readonly FormPart[] }>
  /** `expected` completes "the form must be ...". */
  | Readonly<{ ok: false; field: string; expected: string }>;

const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;
/** More than any form of these endpoints has. */
const MAX_PARTS = 128;
const MAX_HEADER_BYTES = 4_096;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const PARAMETER = /;[\t ]*([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\\r\n]|\\["\\])*)"|([^\s";,]+))/y;
/** RFC 2046, section 5.1.1: it may not end with a space, which no client writes inside either. */
const BOUNDARY = /^[\w'()+,./:=?-]{1,70}$/;

type Parameters = ReadonlyMap<string, string>;

/** Reads the parameters after a header's value; null where one is malformed or stands there twice. */
function parseParameters(text: string): Parameters | null {
  const parameters = new Map<string, string>();
  let at = 0;
  while (at < text.length && text.slice(at).trim() !== '') {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(text);
    if (match === null) return null;
    const name = (match[1] ?? '').toLowerCase();
    if (parameters.has(name)) return null;
    parameters.set(name, match[2]?.replaceAll(/\\(.)/g, '$1') ?? match[3] ?? '');
    at = PARAMETER.lastIndex;
  }
  return parameters;
}

/** Returns the boundary that a content type states; null if it states none, or an unusual one. */
export function parseBoundary(contentType: string): string | null {
  const match = /^\s*multipart\/form-data\s*(?=;|$)/i.exec(contentType);
  if (match === null) return null;
  const boundary = parseParameters(contentType.slice(match[0].length))?.get('boundary');
  return boundary !== undefined && BOUNDARY.test(boundary) ? boundary : null;
}

/** What a search reads of bytes. */
export type ByteList = Readonly<{
  length: number;
  indexOf: (byte: number, from: number) => number;
  [index: number]: number;
}>;

function startsWith(bytes: ByteList, at: number, word: Uint8Array): boolean {
  if (at + word.length > bytes.length) return false;
  for (let index = 0; index < word.length; index += 1)
    if (bytes[at + index] !== word[index]) return false;
  return true;
}

/**
 * Returns the offset of `word` at or after `from`, or -1. Of a word whose first byte it has once, no
 * byte is compared more than twice.
 */
function find(bytes: ByteList, word: Uint8Array, from: number): number {
  const first = word[0] ?? 0;
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1))
    if (startsWith(bytes, at, word)) return at;
  return -1;
}

class MalformedForm extends Error {
  readonly field: string;
  readonly expected: string;

  constructor(field: string, expected: string) {
    super('malformed form');
    this.field = field;
    this.expected = expected;
  }
}

type PartHeader = Readonly<{ name: string; value: string }>;

/** The value without the spaces and tabs around it: `trim` is linear, a pattern for both is not. */
function parseHeader(line: string): PartHeader {
  const match = /^([!#$%&'*+.^_`|~\w-]+):(.*)$/.exec(line);
  if (match === null)
    throw new MalformedForm('body', 'a form whose parts have well-formed headers');
  return { name: (match[1] ?? '').toLowerCase(), value: (match[2] ?? '').trim() };
}

/** Names in use: letters, digits and the brackets of lists. */
const PART_NAME = /^[\w.-]{1,64}(?:\[\d{0,3}\])?$/;

/** Codings that leave the content as it is (RFC 7578, section 4.7). */
const IDENTITY_CODING = /^(binary|8bit|7bit)$/i;

function parseDisposition(value: string): Pick<FormPart, 'name' | 'isFile'> {
  const match = /^form-data\s*(?=;)/i.exec(value);
  const parameters = match === null ? null : parseParameters(value.slice(match[0].length));
  const name = parameters?.get('name');
  if (parameters === null || parameters === undefined || name === undefined)
    throw new MalformedForm('body', 'a form whose parts each have one name');
  if (!PART_NAME.test(name) || parameters.has('name*'))
    throw new MalformedForm('body', 'a form whose parts have plain names');
  return { name, isFile: parameters.has('filename') || parameters.has('filename*') };
}

function parseHeaders(text: string): Pick<FormPart, 'name' | 'isFile'> {
  const headers = text.split('\r\n').map(parseHeader);
  const values = new Map(headers.map(({ name, value }) => [name, value]));
  if (values.size !== headers.length)
    throw new MalformedForm('body', 'a form whose parts have each header once');
  const coding = values.get('content-transfer-encoding') ?? 'binary';
  if (!IDENTITY_CODING.test(coding))
    throw new MalformedForm('body', 'a form whose parts are not encoded');
  if (/^\s*multipart\//i.test(values.get('content-type') ?? ''))
    throw new MalformedForm('body', 'a form whose parts are not forms themselves');
  return parseDisposition(values.get('content-disposition') ?? '');
}

const BLANK_LINE = ENCODER.encode('\r\n\r\n');

/** Reads one part: `start` is just after the line of its boundary. */
function parsePart(bytes: Uint8Array, start: number, end: number): FormPart {
  const blank = find(bytes.subarray(0, Math.min(end, start + MAX_HEADER_BYTES)), BLANK_LINE, start);
  if (blank < 0) throw new MalformedForm('body', 'a form whose parts have headers and a content');
  let text: string;
  try {
    text = DECODER.decode(bytes.subarray(start, blank));
  } catch {
    throw new MalformedForm('body', 'a form with headers in UTF-8');
  }
  if (/[\r\n]/.test(text.replaceAll('\r\n', '')))
    throw new MalformedForm('body', 'a form with lines that end with CR and LF');
  return { ...parseHeaders(text), content: { start: blank + BLANK_LINE.length, end } };
}

const EPILOGUE_FREE = 'a form with nothing before its first and after its last boundary';

/** Returns the offsets of the boundary lines, each from its first dash. */
export function findBoundaries(bytes: ByteList, boundary: string): number[] {
  if (!startsWith(bytes, 0, ENCODER.encode(`--${boundary}`)))
    throw new MalformedForm('body', EPILOGUE_FREE);
  // With its line end in front, which is nowhere else in it: a body of dashes is read once.
  const line = ENCODER.encode(`\n--${boundary}`);
  const offsets = [0];
  // A line that only begins like a boundary, or ends with a lone LF, is one to some parsers.
  for (let at = find(bytes, line, 0); at >= 0; at = find(bytes, line, at + 1)) {
    if (bytes[at - 1] !== CR)
      throw new MalformedForm('body', 'a form with lines that end with CR and LF');
    if (offsets.length > MAX_PARTS)
      throw new MalformedForm('body', `a form of at most ${MAX_PARTS} parts`);
    offsets.push(at + 1);
  }
  return offsets;
}

function splitParts(bytes: Uint8Array, boundary: string): FormPart[] {
  const offsets = findBoundaries(bytes, boundary);
  const markLength = boundary.length + 2;
  const last = offsets.at(-1) ?? 0;
  return offsets.flatMap((offset, index) => {
    const after = offset + markLength;
    const isClosing = bytes[after] === DASH && bytes[after + 1] === DASH;
    if (isClosing !== (offset === last))
      throw new MalformedForm('body', 'a form that ends with its closing boundary');
    if (isClosing) {
      const isEnd = after + 2 === bytes.length;
      const endsLine = bytes[after + 2] === CR && bytes[after + 3] === LF;
      if (!isEnd && !(endsLine && after + 4 === bytes.length))
        throw new MalformedForm('body', EPILOGUE_FREE);
      return [];
    }
    if (bytes[after] !== CR || bytes[after + 1] !== LF)
      throw new MalformedForm('body', 'a form whose boundaries stand alone on their lines');
    // The line end before the next boundary belongs to that.
    return [parsePart(bytes, after + 2, (offsets[index + 1] ?? 0) - 2)];
  });
}

/** Splits a form; no error repeats anything of it. */
export function splitForm(bytes: Uint8Array, boundary: string): FormResult {
  try {
    return { ok: true, parts: splitParts(bytes, boundary) };
  } catch (error) {
    if (error instanceof MalformedForm)
      return { ok: false, field: error.field, expected: error.expected };
    throw error;
  }
}
