/** GET /v1/responses with an upgrade: Responses over WebSocket. */

import { baseHeaders } from './base-headers.ts';
import { type RequestContext, respondError } from './context.ts';
import { quotaHeaders, withQuota } from './quota-headers.ts';
import { SocketSession } from './socket-session.ts';
import { rejectUnread, withCaller } from './with-caller.ts';

function isUpgrade({ headers }: Request): boolean {
  return headers.get('upgrade')?.toLowerCase() === 'websocket';
}

/**
 * Returns whether the model that the URL may name, or any model, is called over WebSocket. Clients
 * name it with their first message, and go on over HTTP where the upgrade is refused with 426.
 */
function isOffered({ deps, request, clock }: RequestContext): boolean {
  const { providers, catalog } = deps;
  const name = new URL(request.url).searchParams.get('model');
  const model =
    name === null ? undefined : catalog.at(clock()).catalog.findModel(name, [...providers.keys()]);
  const candidates = [...providers.values()].filter(
    ({ id }) => model === undefined || id === model.provider,
  );
  return candidates.some(({ endpoints }) => endpoints.responses_socket !== undefined);
}

const openWithCaller = withCaller(async (ctx, { account, key }) => {
  ctx.refusals.caller = { account, key };
  if (!isOffered(ctx)) return respondError(ctx, { reason: 'websocket_not_supported' });
  const status = await ctx.deps.ledger.key(account, key);
  if (!status.ok) return respondError(ctx, status);
  const { quota } = status.value;
  const open = ctx.deps.openSockets.open(account, ctx.clock());
  if (open === null)
    return withQuota(
      respondError(ctx, { reason: 'too_many_concurrent_calls', retryAfterSeconds: 60 }),
      quota,
    );
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  new SocketSession(ctx, open, server);
  // The calls that follow have no header fields: what the limits leave is told here only.
  const headers = { ...baseHeaders(ctx.id), ...(quota === undefined ? {} : quotaHeaders(quota)) };
  return new Response(null, { status: 101, webSocket: client, headers });
});

/** Handles one request to open a WebSocket. */
export function openSocket(ctx: RequestContext): Promise<Response> {
  if (isUpgrade(ctx.request)) return openWithCaller(ctx);
  return rejectUnread(ctx, { reason: 'method_not_allowed', allowed: 'POST' });
}
