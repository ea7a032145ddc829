/** The headers that every response of the API has. */
import { CORS_HEADERS } from './cors.ts';

/**
 * Returns a new record of our id, under the name that each SDK reads, and of the CORS headers. It is
 * a record and no `Headers`: each `set` on the latter crosses into the runtime, and a `Response` made
 * from a record crosses once.
 */
export function baseHeaders(requestId: string): Record<string, string> {
  return { 'x-request-id': requestId, 'request-id': requestId, ...CORS_HEADERS };
}
