/**
 * Protection against cross-site request forgery without tokens: a form is accepted only if its
 * Origin header is exactly the expected origin and the browser does not call the request cross-site
 * (OWASP ASVS 5.0, 3.5).
 */

import { isLoopback } from '@farebox/bindings';
import type { Context, Env, MiddlewareHandler } from 'hono';

/** `localhost` and 127.0.0.1 name the same machine; elsewhere only the configured origin counts. */
function isAllowedOrigin(origin: string, request: URL, expectedOrigin: string): boolean {
  if (origin === expectedOrigin) return true;
  return isLoopback(request.hostname) && origin === request.origin;
}

function isSameOrigin(c: Context, expectedOrigin: string): boolean {
  const site = c.req.header('sec-fetch-site');
  const origin = c.req.header('origin');
  if (origin === undefined) return false;
  if (!isAllowedOrigin(origin, new URL(c.req.url), expectedOrigin)) return false;
  return site === undefined || site === 'same-origin';
}

/** Answers 403 to everything but GET and HEAD that was not sent from a page of `getOrigin(c)`. */
export function csrfProtection<E extends Env>(
  getOrigin: (c: Context<E>) => string,
): MiddlewareHandler<E> {
  return async function checkOrigin(c, next) {
    if (c.req.method === 'GET' || c.req.method === 'HEAD') return next();
    if (isSameOrigin(c, getOrigin(c))) return next();
    return c.text('This form was not sent from our own page.', 403);
  };
}
