/**
 * The result of an operation that can fail in expected ways. A failure is data, not an exception:
 * what is thrown is a bug or lost infrastructure. Results are plain flat objects, so they cross
 * Workers RPC and `structuredClone` unchanged.
 */

/** The success of an operation that returns no data. */
export type NoData = Readonly<Record<never, never>>;

/**
 * The fields of `T` beside `ok`. A scalar or an array needs a field of its own: `Success<{ rows:
 * Row[] }>`.
 */
export type Success<T extends object = NoData> = Readonly<{ ok: true }> & Readonly<T>;

/**
 * A failure for each member of `E`: a string becomes `{ ok: false, reason }`, an object adds `ok:
 * false` to its own fields.
 */
export type Failure<E> = ReasonFailure<Extract<E, string>> | DetailedFailure<Exclude<E, string>>;

type ReasonFailure<Reason extends string> = [Reason] extends [never]
  ? never
  : Readonly<{ ok: false; reason: Reason }>;
type DetailedFailure<Detail> = Detail extends object
  ? Readonly<{ ok: false }> & Readonly<Detail>
  : never;

/**
 * `T` holds the fields of the success, `E` the closed set of errors:
 *
 *     type OpenResult = Result<{ account: AccountId }, 'email_taken' | 'email_invalid'>;
 *     type SignInResult = Result<
 *       { session: Token },
 *       'invalid_credentials' | { reason: 'rate_limited'; retryAfterSeconds: number }
 *     >;
 *     type DeleteResult = Result<NoData, 'not_found'>;
 *
 * `if (!result.ok)` narrows to the failures; a switch over `result.reason` is then exhaustive.
 */
export type Result<T extends object, E> = Success<T> | Failure<E>;

export function ok(): Success;
export function ok<T extends object>(data: T): Success<T>;
export function ok(data?: object): object {
  return { ok: true, ...data };
}

/** `detail` holds the fields beside the reason, such as `retryAfterSeconds`. */
export function err<const Reason extends string>(
  reason: Reason,
): Readonly<{ ok: false; reason: Reason }>;
export function err<const Reason extends string, Detail extends object>(
  reason: Reason,
  detail: Detail,
): Readonly<{ ok: false; reason: Reason }> & Readonly<Detail>;
export function err(reason: string, detail?: object): object {
  return { ok: false, reason, ...detail };
}
