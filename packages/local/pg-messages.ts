/**
 * Parses and builds messages of PostgreSQL's wire protocol (PostgreSQL docs, "Frontend/Backend
 * Protocol: Message Formats"). Pure.
 */

const TEXT = new TextEncoder();

export const SSL_REQUEST = 80877103;
export const GSS_REQUEST = 80877104;
export const CANCEL_REQUEST = 80877102;

/**
 * Splits the first whole message off, or returns null. Only the startup message has no type byte.
 */
export function splitMessage(
  bytes: Buffer,
  hasTypeByte: boolean,
): Readonly<{ frame: Buffer; rest: Buffer }> | null {
  const offset = hasTypeByte ? 1 : 0;
  if (bytes.length < offset + 4) return null;
  const total = offset + bytes.readInt32BE(offset);
  if (bytes.length < total) return null;
  return { frame: bytes.subarray(0, total), rest: bytes.subarray(total) };
}

export function getMessageType(frame: Buffer): string {
  return String.fromCharCode(frame[0] ?? 0);
}

export function buildMessage(kind: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? TEXT.encode(part) : part)),
  );
  const head = Buffer.alloc(5);
  head.write(kind, 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

export function buildQuery(sql: string): Buffer {
  return buildMessage('Q', `${sql}\0`);
}

/** The server's reply to the startup message. No password is required on the loopback interface. */
export function buildStartupResponse(version: string): Buffer {
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
    buildMessage('R', new Uint8Array(4)),
    ...Object.entries(parameters).map(([name, value]) => buildMessage('S', `${name}\0${value}\0`)),
    buildMessage('K', new Uint8Array(8)),
    buildMessage('Z', 'I'),
  ]);
}

/**
 * The transaction status of the last ReadyForQuery in a response: idle, in transaction, or failed.
 */
export function lastTransactionStatus(answer: Buffer): 'I' | 'T' | 'E' | null {
  let state: 'I' | 'T' | 'E' | null = null;
  for (
    let piece = splitMessage(answer, true);
    piece !== null;
    piece = splitMessage(piece.rest, true)
  ) {
    if (getMessageType(piece.frame) !== 'Z') continue;
    const status = String.fromCharCode(piece.frame[5] ?? 0);
    if (status === 'I' || status === 'T' || status === 'E') state = status;
  }
  return state;
}

function cString(frame: Buffer, from: number): string {
  return frame.toString('utf8', from, frame.indexOf(0, from));
}

/**
 * Prefixes the name of a prepared statement. Names are per connection, and the single session
 * behind all connections would mix them up. Returns the changed message and the new name.
 */
export function prefixStatementName(
  frame: Buffer,
  prefix: string,
): Readonly<{ frame: Buffer; statementName: string | null }> {
  const kind = getMessageType(frame);
  let at = 5;
  if (kind === 'B') at = frame.indexOf(0, 5) + 1;
  else if (kind === 'D' || kind === 'C') {
    if (String.fromCharCode(frame[5] ?? 0) !== 'S') return { frame, statementName: null };
    at = 6;
  } else if (kind !== 'P') return { frame, statementName: null };
  const name = cString(frame, at);
  if (name === '') return { frame, statementName: null };
  const before = frame.subarray(5, at);
  const after = frame.subarray(at);
  return { frame: buildMessage(kind, before, prefix, after), statementName: prefix + name };
}
