/** JSON-RPC calls to an anvil node. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A JSON-RPC error response. */
export class JsonRpcError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Calls one method. Throws `JsonRpcError` for an error response. */
export type AnvilRpc = (method: string, params: readonly unknown[]) => Promise<unknown>;

export function createAnvilRpc(url: string): AnvilRpc {
  return async function callAnvil(method, params) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const headers = { 'content-type': 'application/json' };
    const answer: unknown = await (await fetch(url, { method: 'POST', headers, body })).json();
    if (!isJsonObject(answer)) throw new JsonRpcError(-32000, 'The response is not JSON-RPC.');
    if (isJsonObject(answer.error)) {
      throw new JsonRpcError(Number(answer.error.code), String(answer.error.message));
    }
    return answer.result;
  };
}
