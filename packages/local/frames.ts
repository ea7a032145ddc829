/**
 * PostgreSQL's wire messages, as bytes: cutting them apart, naming them, building the few a server
 * sends on its own. Pure; PostgreSQL docs, "Frontend/Backend Protocol: Message Formats".
 */

const TEXT = new TextEncoder();

export const SSL_REQUEST = 80877103;
export const GSS_REQUEST = 80877104;
export const CANCEL_REQUEST = 80877102;

/** Cuts whole messages off the front; `headed` is false only before the first (startup) message. */
export function cut(
  bytes: Buffer,
  headed: boolean,
): Readonly<{ frame: Buffer; rest: Buffer }> | null {
  const offset = headed ? 1 : 0;
  if (bytes.length < offset + 4) return null;
  const total = offset + bytes.readInt32BE(offset);
  if (bytes.length < total) return null;
  return { frame: bytes.subarray(0, total), rest: bytes.subarray(total) };
}

export function kindOf(frame: Buffer): string {
  return String.fromCharCode(frame[0] ?? 0);
}

export function message(kind: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? TEXT.encode(part) : part)),
  );
  const head = Buffer.alloc(5);
  head.write(kind, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

export function query(sql: string): Buffer {
  return message('Q', `${sql}\0`);
}

/** What a client hears when it may begin: no password is asked for on the loopback interface. */
export function greeting(version: string): Buffer {
  const parameters = {
    server_version: version,
    server_encoding: 'UTF8',
    client_encoding: 'UTF8',
    DateStyle: 'ISO, MDY',
    TimeZone: 'GMT',
    integer_datetimes: 'on',
    standard_conforming_strings: 'on',
  };
  return Buffer.concat([
    message('R', new Uint8Array(4)),
    ...Object.entries(parameters).map(([name, value]) => message('S', `${name}\0${value}\0`)),
    message('K', new Uint8Array(8)),
    message('Z', 'I'),
  ]);
}

/** The transaction state of the last ReadyForQuery in an answer: idle, in transaction, failed. */
export function lastState(answer: Buffer): 'I' | 'T' | 'E' | null {
  let state: 'I' | 'T' | 'E' | null = null;
  for (let piece = cut(answer, true); piece !== null; piece = cut(piece.rest, true)) {
    if (kindOf(piece.frame) !== 'Z') continue;
    const letter = String.fromCharCode(piece.frame[5] ?? 0);
    if (letter === 'I' || letter === 'T' || letter === 'E') state = letter;
  }
  return state;
}

function cString(frame: Buffer, from: number): string {
  return frame.toString('utf8', from, frame.indexOf(0, from));
}

/**
 * Prepared statements have names per connection; the one session behind many connections would mix
 * them up. Returns the message with the statement's name prefixed, and the new name.
 */
export function withStatementNamed(
  frame: Buffer,
  prefix: string,
): Readonly<{ frame: Buffer; named: string | null }> {
  const kind = kindOf(frame);
  let at = 5;
  if (kind === 'B') at = frame.indexOf(0, 5) + 1;
  else if (kind === 'D' || kind === 'C') {
    if (String.fromCharCode(frame[5] ?? 0) !== 'S') return { frame, named: null };
    at = 6;
  } else if (kind !== 'P') return { frame, named: null };
  const name = cString(frame, at);
  if (name === '') return { frame, named: null };
  const before = frame.subarray(5, at);
  const after = frame.subarray(at);
  return { frame: message(kind, before, prefix, after), named: prefix + name };
}
