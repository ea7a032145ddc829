/**
 * POST /playground/key makes the key of the page. Its text is in this response only. The script
 * asks with a request of the page's own origin, which the CSRF check of all pages requires.
 */
import { type Context, Hono } from 'hono';
import { loadKeys } from '../keys/load-keys.ts';
import { buildPageKey } from '../keys/page-key.ts';
import { consumeRateLimit } from '../rate-limit.ts';
import { isRecentlyAuthenticated, requireSignIn, type SignedInEnv } from '../session.ts';

/** The account object keeps revoked keys, so their number needs a limit. */
const PAGE_KEYS_PER_DAY = { maxAttempts: 30, seconds: 86_400 } as const;

/** Revokes the keys of earlier pages, so that an account has at most one. */
async function revokePageKeys(c: Context<SignedInEnv>): Promise<void> {
  const { deps, user } = c.var;
  const keys = await loadKeys(c);
  const earlier = keys.filter(({ isPageKey, state }) => isPageKey && state !== 'revoked');
  for (const { row } of earlier) await deps.accounts.revokeKey(user.account, row.keyId);
}

export const pageKeyRoutes = new Hono<SignedInEnv>();
pageKeyRoutes.use('/playground/key', requireSignIn);

pageKeyRoutes.post('/playground/key', async (c) => {
  const { deps, user } = c.var;
  c.header('cache-control', 'no-store');
  if (!isRecentlyAuthenticated(c.var)) return c.json({ error: 'authentication_required' }, 403);
  const { identity, accounts } = deps;
  const throttled = await consumeRateLimit(identity, user.account, 'page_keys', PAGE_KEYS_PER_DAY);
  if (throttled !== undefined) {
    c.header('retry-after', String(throttled.retryAfterSeconds));
    return c.json({ error: 'rate_limited' }, 429);
  }
  await revokePageKeys(c);
  const { expiresAt, ...request } = buildPageKey(identity.now());
  const minted = await accounts.mintKey(user.account, request);
  if (!minted.ok) return c.json({ error: minted.reason }, 409);
  return c.json({ api_key: minted.apiKey, expires_at: expiresAt });
});
