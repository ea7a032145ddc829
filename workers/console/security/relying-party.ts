/**
 * Where passkeys belong: the console's own host name. On one's own machine it is the name the page was
 * opened by, because the configured one may say 127.0.0.1, for which no browser makes a passkey
 * (WebAuthn level 3, 5.1.3: an effective domain is no IP address).
 */
import type { RelyingParty } from '@farebox/identity';
import type { Context } from 'hono';
import { isLoopback } from '../loopback.ts';
import type { Visit } from '../visitor.ts';

export function relyingParty<E extends { Variables: Visit }>(c: Context<E>): RelyingParty {
  const asked = new URL(c.req.url);
  const { hostname, origin } = isLoopback(asked.hostname) ? asked : c.var.house.consoleUrl;
  return { id: hostname, origin, name: 'Farebox' };
}
