/**
 * The privacy actions as an API for a signed-in user. Takes JSON or form encoding and returns JSON;
 * passes the same CSRF check as every form. Errors are codes of a closed set.
 */
import type { Receipt } from '@farebox/database/privacy';
import { readForm } from '@farebox/design';
import {
  isSecondFactorDue,
  type RateLimited,
  REAUTH_TTL_MS,
  requestEmailChange,
} from '@farebox/identity';
import { CONSENT_KINDS } from '@farebox/mail';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { deleteAccount } from '../account-deletion.ts';
import { consumeRateLimit } from '../rate-limit.ts';
import { sendEmailsAfterResponse } from '../send-emails.ts';
import { clearAllCookies, getClientIp, type SignedInEnv } from '../session.ts';
import {
  changeLanguage,
  EXPORTS_PER_HOUR,
  isOwnEmail,
  recordExport,
  updateConsents,
} from './actions.ts';
import { jsonExport } from './export.ts';

type PrivacyErrorCode =
  | 'not_signed_in'
  | 'reauthentication_required'
  | 'second_factor_required'
  | 'cross_site'
  | 'rate_limited'
  | 'email_invalid'
  | 'email_differs'
  | 'language_invalid'
  | 'consent_invalid';

function errorResponse(
  c: Context<SignedInEnv>,
  status: 401 | 403 | 422 | 429,
  code: PrivacyErrorCode,
) {
  c.header('cache-control', 'no-store');
  return c.json({ error: { code } }, status);
}

function rateLimitedResponse(c: Context<SignedInEnv>, { retryAfterSeconds }: RateLimited) {
  c.header('retry-after', String(retryAfterSeconds));
  return errorResponse(c, 429, 'rate_limited');
}

function jsonResponse(
  c: Context<SignedInEnv>,
  body: Readonly<Record<string, unknown>>,
  status: 200 | 202,
) {
  c.header('cache-control', 'no-store');
  return c.json(body, status);
}

function toReceiptJson({ id, kind, about, at }: Receipt) {
  return { id, kind, about, at: new Date(at).toISOString() };
}

const requireSession: MiddlewareHandler<SignedInEnv> = async function requireSession(c, next) {
  const { user }: { user: SignedInEnv['Variables']['user'] | null } = c.var;
  if (user === null) return errorResponse(c, 401, 'not_signed_in');
  return next();
};

/** Answers 403 where a page would redirect: the user reauthenticates at /prove. */
const requireFreshSession: MiddlewareHandler<SignedInEnv> = async function requireFreshSession(
  c,
  next,
) {
  const { deps, user } = c.var;
  if (deps.identity.now() - user.lastAuthAt < REAUTH_TTL_MS) return next();
  return errorResponse(c, 403, 'reauthentication_required');
};

/** Answers 403 where a second factor has to be shown first, at /prove/factor. */
const requireFreshFactor: MiddlewareHandler<SignedInEnv> = async function requireFreshFactor(
  c,
  next,
) {
  const { deps, user } = c.var;
  if (!(await isSecondFactorDue(deps.identity, user))) return requireFreshSession(c, next);
  return errorResponse(c, 403, 'second_factor_required');
};

/** Rejects navigation from other sites, which would start an export with the user's cookies. */
const rejectCrossSite: MiddlewareHandler<SignedInEnv> = async function rejectCrossSite(c, next) {
  const site = c.req.header('sec-fetch-site');
  if (site === undefined || site === 'same-origin' || site === 'none') return next();
  return errorResponse(c, 403, 'cross_site');
};

type FieldReader = (name: string) => string;

/** Reads strings and booleans by name; all other fields are ignored. */
async function readFields(c: Context<SignedInEnv>): Promise<FieldReader> {
  if (!c.req.header('content-type')?.startsWith('application/json'))
    return (await readForm(c)).text;
  const body: unknown = await c.req.json().catch(() => null);
  return (name) => {
    const hasField = typeof body === 'object' && body !== null && Object.hasOwn(body, name);
    const value: unknown = hasField ? Reflect.get(body, name) : undefined;
    if (typeof value === 'boolean') return String(value);
    return typeof value === 'string' && value.length <= 4_096 ? value : '';
  };
}

export const privacyApi = new Hono<SignedInEnv>();
privacyApi.use('/api/rights/*', requireSession);
privacyApi.use('/api/rights/data', rejectCrossSite, requireFreshSession);
privacyApi.use('/api/rights/email', requireFreshFactor);
privacyApi.use('/api/rights/deletion', requireFreshSession);

privacyApi.get('/api/rights/data', async (c) => {
  const { deps, user } = c.var;
  const rateLimited = await consumeRateLimit(
    deps.identity,
    user.account,
    'exports',
    EXPORTS_PER_HOUR,
  );
  if (rateLimited !== undefined) return rateLimitedResponse(c, rateLimited);
  await recordExport(deps, user, 'all');
  return jsonExport(deps, user);
});

privacyApi.post('/api/rights/email', async (c) => {
  const { deps, user } = c.var;
  const params = { email: (await readFields(c))('email'), clientIp: getClientIp(c) };
  const result = await requestEmailChange(deps.identity, user, params);
  if (result.ok) {
    sendEmailsAfterResponse(c, result.emails);
    return jsonResponse(c, { status: 'link_sent' }, 202);
  }
  return result.reason === 'rate_limited'
    ? rateLimitedResponse(c, result)
    : errorResponse(c, 422, 'email_invalid');
});

privacyApi.post('/api/rights/language', async (c) => {
  const { deps, user } = c.var;
  const receipt = await changeLanguage(deps, user, (await readFields(c))('language'));
  if (receipt === undefined) return errorResponse(c, 422, 'language_invalid');
  return jsonResponse(c, { receipt: toReceiptJson(receipt) }, 200);
});

privacyApi.post('/api/rights/consents', async (c) => {
  const { deps, user } = c.var;
  const fields = await readFields(c);
  const kind = CONSENT_KINDS.find((known) => known === fields('kind'));
  const given = fields('given');
  if (kind === undefined || (given !== 'true' && given !== 'false')) {
    return errorResponse(c, 422, 'consent_invalid');
  }
  const [receipt] = await updateConsents(deps, user, [{ kind, given: given === 'true' }]);
  return jsonResponse(c, { receipt: receipt && toReceiptJson(receipt) }, 200);
});

privacyApi.post('/api/rights/deletion', async (c) => {
  const { deps, user } = c.var;
  if (!isOwnEmail(user, (await readFields(c))('email')))
    return errorResponse(c, 422, 'email_differs');
  const { receipt, closed } = await deleteAccount(deps, user.account);
  clearAllCookies(c);
  const remainingBalance = closed === null ? null : closed.posted.toString();
  return jsonResponse(
    c,
    { receipt, account: user.account, balance_left_nano_usd: remainingBalance },
    200,
  );
});
