/**
 * Security headers of every page, and the rule that pages are served over HTTPS only. The content
 * security policy allows nothing inline and nothing from other origins; no page may be framed.
 */

import { isLoopback } from '@farebox/bindings';
import type { Context, Env, MiddlewareHandler } from 'hono';

/** The headers of every page beside the content security policy. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self), publickey-credentials-create=(self)',
  // A link in an email holds a token, which must not leak as a referrer. With `no-referrer`
  // browsers would also send our own forms' Origin as `null` (Fetch, "append a request Origin
  // header").
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

/** Two years, as the browsers' preload lists require (RFC 6797). */
const HSTS = 'max-age=63072000; includeSubDomains';

/** Other origins that a page may use, by what for. */
export type AllowedOrigins = Readonly<
  Partial<Record<'connect' | 'script' | 'image', readonly string[]>>
>;

/** The content security policy of a page: its own origin, and those that are named. */
export function contentSecurityPolicy({
  connect = [],
  script = [],
  image = [],
}: AllowedOrigins): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    ["script-src 'self'", ...script].join(' '),
    ["img-src 'self' data:", ...image].join(' '),
    ["connect-src 'self'", ...connect].join(' '),
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/**
 * Redirects plain HTTP to HTTPS (except on loopback) and sets the security headers of every
 * response. `getConnectOrigins` lists the other origins that the pages' scripts may call.
 */
export function secureTransport<E extends Env>(
  getConnectOrigins: (c: Context<E>) => readonly string[] = () => [],
): MiddlewareHandler<E> {
  return async function setSecurityHeaders(c, next) {
    const url = new URL(c.req.url);
    const encrypted = url.protocol === 'https:';
    if (!encrypted && !isLoopback(url.hostname)) {
      url.protocol = 'https:';
      c.res = c.redirect(url.href, 308);
    } else {
      await next();
    }
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.header(name, value);
    const policy = contentSecurityPolicy({ connect: getConnectOrigins(c) });
    c.header('content-security-policy', policy);
    // RFC 6797 section 7.2: never over plain HTTP.
    if (encrypted) c.header('strict-transport-security', HSTS);
  };
}
