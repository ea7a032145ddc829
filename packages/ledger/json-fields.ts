/** Reading of untrusted JSON. Each function throws `MalformedValueError`, which carries no value. */
import { MalformedValueError } from '@farebox/money';

/** A call's id: 32 lowercase hexadecimal characters. */
export const CALL_ID = /^[0-9a-f]{32}$/;

export function parseAnyText(value: unknown): string {
  if (typeof value !== 'string') throw new MalformedValueError();
  return value;
}

export function parseText(value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw new MalformedValueError();
  return value;
}

export function parseBoolean(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new MalformedValueError();
  return value;
}

export function parseList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new MalformedValueError();
  return value;
}

/** A value that is being made: a member that may be absent is set after the others. */
export type Writable<T> = { -readonly [P in keyof T]: T[P] };
