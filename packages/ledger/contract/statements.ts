/** Signed statements: an account's entries as a hash chain (docs/statements.md). */
import type { Result } from '@farebox/result';
import type { Instant } from './identifiers.ts';

/** An entry's place in the chain: its sequence number, and its hash of 64 hexadecimal characters. */
export type StatementLink = Readonly<{ seq: number; hash: string }>;

/** Entries of a time: from `since` on and before `before`; null has no bound. */
export type StatementPeriod = Readonly<{ since: Instant | null; before: Instant | null }>;

/**
 * The entries of a statement, both ends included; null for a period without one that is chained.
 * `unchained` counts the entries of the period that are stored and not chained yet.
 */
export type StatementRange = Readonly<{
  first: number;
  last: number;
}> | null;

export type StatementOutline = Readonly<{ range: StatementRange; unchained: number }>;

/** A part of a statement: at most 500 lines from `from` on. */
export type StatementPageRequest = Readonly<{
  range: StatementRange;
  unchained: number;
  from: number;
}>;

/**
 * Lines in JWS compact form. `next` is where the next part begins; null after the last one, which
 * has the closing line. `broken` means that a stored entry does not match its hash.
 */
export type StatementPage = Result<{ lines: readonly string[]; next: number | null }, 'broken'>;

/** A public key of statements (RFC 8037). */
export type StatementKey = Readonly<{
  kty: 'OKP';
  crv: 'Ed25519';
  alg: 'EdDSA';
  use: 'sig';
  kid: string;
  x: string;
}>;

/** RFC 7517. */
export type StatementKeys = Readonly<{ keys: readonly StatementKey[] }>;
