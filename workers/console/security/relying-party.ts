/**
 * The relying party of passkeys: the console's host name. In local development it is the host name
 * of the request, because the configured one may be 127.0.0.1, for which browsers create no
 * passkeys (WebAuthn level 3, 5.1.3: an effective domain is no IP address).
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
