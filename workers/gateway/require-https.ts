/** Refuses calls over plain http. */
import { isLoopback } from '@farebox/bindings';

/**
 * Returns whether to reject a request because it is not encrypted. It is not redirected: its key
 * has leaked already, and the redirected request would leak it again.
 */
export function isHttpsMissing(url: string, allowPlainHttp: boolean): boolean {
  return url.startsWith('http:') && !allowPlainHttp && !isLoopback(new URL(url).hostname);
}
