/** Identifiers and time, as every part of the contract writes them. */

/** 16 lowercase hexadecimal characters: 8 random bytes. Names the account and its object. */
export type AccountId = string;

/** A whole number below 2^32, unique within the account. */
export type KeyId = number;

/** 32 lowercase hexadecimal characters, made by us; the call's `x-request-id`. */
export type CallId = string;

/** Milliseconds since the epoch. */
export type Instant = number;

/** Milliseconds of a UTC day; `Instant`s have no leap seconds. */
export const DAY_MS = 86_400_000;
