/**
 * The offline signer's record of the attempts that it signed, one JSON object per line. It is
 * written to the disk before the signed file exists, so that a crash can lose a signature but never
 * the knowledge of one.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import * as v from 'valibot';
import { UsageError } from './command-line.ts';

const SIGNED_ATTEMPT = v.object({
  refund: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1)),
  txHash: v.pipe(v.string(), v.regex(/^0x[0-9a-f]{64}$/)),
});
export type SignedAttempt = Readonly<v.InferOutput<typeof SIGNED_ATTEMPT>>;

function parseLine(line: string): SignedAttempt | null {
  try {
    const parsed = v.safeParse(SIGNED_ATTEMPT, JSON.parse(line));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

/**
 * Reads a record. Throws UsageError for a missing or damaged one: an attempt on a line that can't be
 * read could be signed again. A last line without its end is one that a crash cut short: its
 * signature was never written.
 */
export function readRecord(path: string): readonly SignedAttempt[] {
  if (!existsSync(path)) {
    throw new UsageError(`${path} doesn’t exist. The first time, create it as an empty file.`);
  }
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.flatMap((line, at) => {
    if (line === '') return [];
    const attempt = parseLine(line);
    if (attempt === null) throw new UsageError(`${path}: line ${at + 1} is damaged.`);
    return [attempt];
  });
}

/** Appends attempts and waits until the disk has them. */
export function appendRecord(path: string, attempts: readonly SignedAttempt[]): void {
  const wholeBytes = readFileSync(path).lastIndexOf('\n') + 1;
  const lines = attempts.map((attempt) => `${JSON.stringify(attempt)}\n`).join('');
  const file = openSync(path, 'r+');
  try {
    ftruncateSync(file, wholeBytes);
    writeSync(file, lines, wholeBytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
