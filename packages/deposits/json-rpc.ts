/**
 * JSON-RPC 2.0 over HTTP, and strict readers for its values. Nothing retries here: a response that
 * can't be trusted becomes an `RpcError`, and the next cron run asks again.
 */
import type { Result } from '@farebox/result';
import type { Hash, RpcProvider } from './contract.ts';

export type RpcRequest = Readonly<{ method: string; params: readonly unknown[] }>;
export type RpcResponse =
  | Readonly<{ ok: true; result: unknown }>
  /** `code` is JSON-RPC's. */
  | Readonly<{ ok: false; code: number }>;

/** JSON-RPC's code for a contract that ran and reverted (EIP-1474; go-ethereum's revertError). */
export const EXECUTION_REVERTED = 3;

/** Why a provider's response isn't trusted this time. */
export type RpcError =
  /** The provider wants a narrower block range. */
  | 'too_wide'
  /** HTTP 429 or 403: the provider limits our requests. */
  | 'throttled'
  | 'unreachable'
  /** The provider doesn't have the requested blocks yet. */
  | 'lagging'
  /** The responses contradict each other or the chain's interface. */
  | 'inconsistent'
  | 'wrong_chain';

/** Sends one batch. Responses are in the order of the requests. */
export type RpcTransport = (
  provider: RpcProvider,
  requests: readonly RpcRequest[],
) => Promise<readonly RpcResponse[] | 'throttled' | 'unreachable'>;

export type RpcResult<T> = Result<{ value: T }, RpcError>;

export function getField(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** A JSON-RPC quantity (`0x` and up to 13 hexadecimal digits, so below 2^53), or null. */
export function parseQuantity(value: unknown): number | null {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,13}$/i.test(value)) return null;
  return Number.parseInt(value, 16);
}

export function parseHash(value: unknown): Hash | null {
  return typeof value === 'string' && /^0x[0-9a-f]{64}$/i.test(value) ? value.toLowerCase() : null;
}

export function toHex(number: number): string {
  return `0x${number.toString(16)}`;
}

export function inBatches<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, batch) =>
    items.slice(batch * size, (batch + 1) * size),
  );
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const RESPONSE_TIMEOUT_MS = 15_000;

function parseResponse(value: unknown): RpcResponse {
  const error = getField(value, 'error');
  if (error === undefined || error === null) return { ok: true, result: getField(value, 'result') };
  if (isRevertMessage(getField(error, 'message'))) return { ok: false, code: EXECUTION_REVERTED };
  const code = getField(error, 'code');
  return { ok: false, code: typeof code === 'number' ? code : 0 };
}

/**
 * Older nodes report a revert as -32000 with a text only: go-ethereum's ErrExecutionReverted, and
 * java-tron's Program.RevertException.
 */
function isRevertMessage(message: unknown): boolean {
  return (
    typeof message === 'string' && /^(execution reverted|REVERT opcode executed)\b/.test(message)
  );
}

/**
 * A redirect is never followed: it would send the API key in our header to wherever the provider
 * points. `fetch` returns a redirect that it did not follow as a 3xx, or as status 0 (Fetch standard,
 * "opaque-redirect filtered response").
 */
function isRedirect({ status }: Response): boolean {
  return status === 0 || (status >= 300 && status < 400);
}

/**
 * One HTTP request per batch. Responses are matched by id: section 6 of the specification allows
 * any order.
 */
export function httpTransport(fetcher: Fetch): RpcTransport {
  return async function sendOverHttp({ url, header }, requests) {
    const body = JSON.stringify(
      requests.map((request, id) => ({ jsonrpc: '2.0', id, ...request })),
    );
    const headers = {
      'content-type': 'application/json',
      ...(header === undefined ? {} : { [header.name]: header.value }),
    };
    try {
      const signal = AbortSignal.timeout(RESPONSE_TIMEOUT_MS);
      const request = { method: 'POST', headers, body, signal, redirect: 'manual' } as const;
      const response = await fetcher(url, request);
      if (isRedirect(response)) return 'unreachable';
      if (response.status === 429 || response.status === 403) return 'throttled';
      const parsed: unknown = await response.json();
      if (!Array.isArray(parsed)) return 'unreachable';
      const byId = new Map(parsed.map((answer) => [getField(answer, 'id'), parseResponse(answer)]));
      return requests.map((_, id) => byId.get(id) ?? { ok: false, code: 0 });
    } catch {
      return 'unreachable';
    }
  };
}
