/** The endpoints whose URLs name the model: POST /v1beta/models/{model}:{method}, or under /v1. */
import { ENDPOINT_SPECS, parseUrlTarget } from '@farebox/dialects';
import type { RequestContext } from './context.ts';
import { countTokens } from './count-tokens.ts';
import { embedContent } from './operation-call.ts';
import { relay } from './relay.ts';
import { rejectUnread } from './with-caller.ts';

/** Handles one request to a method of a model; `path` is the canonical one. */
export function callModelMethod(ctx: RequestContext, path: string): Promise<Response> {
  const parsed = parseUrlTarget(path, new URL(ctx.request.url).searchParams);
  if (!parsed.ok) return rejectUnread(ctx, parsed);
  const { endpoint, target } = parsed;
  if (endpoint === 'embed_content') return embedContent(ctx, target);
  const handle = ENDPOINT_SPECS[endpoint].kind === 'call' ? relay : countTokens;
  return handle(ctx, endpoint, target);
}
