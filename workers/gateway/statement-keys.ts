/** GET /.well-known/farebox-keys.json: the public keys of statements (docs/statements.md). */
import { baseHeaders } from './base-headers.ts';
import { type RequestContext, respondError } from './context.ts';

/** Keys are added months apart, and kept. */
const CACHE_CONTROL = 'public, max-age=300';

export async function getStatementKeys(ctx: RequestContext): Promise<Response> {
  const keys = await ctx.deps.ledger.statementKeys();
  if ('ok' in keys) return respondError(ctx, keys);
  const headers = baseHeaders(ctx.id);
  headers['content-type'] = 'application/jwk-set+json';
  headers['cache-control'] = CACHE_CONTROL;
  return new Response(JSON.stringify(keys), { headers });
}
