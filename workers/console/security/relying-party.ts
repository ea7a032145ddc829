/**
 * Where passkeys belong: the console's own host name. On one's own machine it is the name the page was
 * opened by, because the configured one may say 127.0.0.1, for which no browser makes a passkey
 * (WebAuthn level 3, 5.1.3: an effective domain is no IP address).
 */
import { isLoopback } from '@farebox/bindings';
import type { RelyingParty } from '@farebox/identity';
import type { Context } from 'hono';
import type { PageVariables } from '../session.ts';

export function getRelyingParty<E extends { Variables: PageVariables }>(
  c: Context<E>,
): RelyingParty {
  const requestUrl = new URL(c.req.url);
  const { hostname, origin } = isLoopback(requestUrl.hostname) ? requestUrl : c.var.deps.consoleUrl;
  return { id: hostname, origin, name: 'Farebox' };
}
