/**
 * Loads the session of a request, if it has one, and picks the language of the response. A cookie
 * counts only after `findSessionUser` has found its session. Reads and writes all cookies of the
 * console.
 */
import { findLanguage, type Language, type Messages, messagesFor } from '@farebox/i18n';
import {
  findSessionUser,
  isSecondFactorDue,
  REAUTH_TTL_MS,
  type SessionUser,
  type SignedIn,
} from '@farebox/identity';
import type { Context, MiddlewareHandler } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { type ConsoleDeps, getDeps } from './deps.ts';
import type { Env } from './env.ts';

export type PageVariables = {
  deps: ConsoleDeps;
  language: Language;
  messages: Messages;
  /** Null where the visitor is not signed in. */
  user: SessionUser | null;
  session: string | null;
};
/** The Hono environment of routes that need no session. */
export type PublicEnv = { Bindings: Env; Variables: PageVariables };
/** The Hono environment of routes behind `requireSignIn`. */
export type SignedInEnv = {
  Bindings: Env;
  Variables: PageVariables & { user: SessionUser; session: string };
};

const SESSION_COOKIE = 'session';
const DEVICE_COOKIE = 'device';
const MFA_COOKIE = 'step';
const LANGUAGE_COOKIE = 'language';
const DAY_SECONDS = 86_400;

/**
 * `__Host-` limits a cookie to this host and to HTTPS (RFC 6265bis section 4.1.3.2); loopback
 * counts as secure.
 */
const COOKIE_OPTIONS = {
  prefix: 'host',
  path: '/',
  secure: true,
  httpOnly: true,
  sameSite: 'Lax',
} as const;

/**
 * Reads Accept-Language (RFC 9110 section 12.5.4) in its order, ignoring weights: browsers send it
 * sorted.
 */
function parseAcceptLanguage(header: string | undefined): Language | undefined {
  for (const range of (header ?? '').slice(0, 200).split(',')) {
    const language = findLanguage(range.split(';')[0]?.trim());
    if (language !== undefined) return language;
  }
  return undefined;
}

/** Returns the language of a request, by what it carries itself: its cookie, then its browser's. */
export function getRequestLanguage(c: Context): Language {
  return (
    findLanguage(getCookie(c, LANGUAGE_COOKIE, 'host')) ??
    parseAcceptLanguage(c.req.header('accept-language')) ??
    'en'
  );
}

/** Loads the session and the language. Rejects no request. */
export const loadSession: MiddlewareHandler<PublicEnv> = async function loadSession(c, next) {
  const deps = getDeps(c.env);
  const session = getCookie(c, SESSION_COOKIE, 'host') ?? null;
  const user = session === null ? null : ((await findSessionUser(deps.identity, session)) ?? null);
  const language = findLanguage(user?.language) ?? getRequestLanguage(c);
  c.set('deps', deps);
  c.set('user', user);
  c.set('session', user === null ? null : session);
  c.set('language', language);
  c.set('messages', messagesFor(language));
  await next();
};

/**
 * Returns `text` if it is a path of this console, else `/`: the only safe targets of a redirect.
 */
export function localPath(text: string | undefined): string {
  const isSafe = text !== undefined && /^\/(?![/\\])[!-~]{0,500}$/.test(text);
  return isSafe && !text.includes('\\') ? text : '/';
}

/** Returns the path and query of the request, as a target for a later redirect. */
export function getRequestPath(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  return localPath(pathname + search);
}

export const requireSignIn: MiddlewareHandler<SignedInEnv> = async function requireSignIn(c, next) {
  // `loadSession` may have left null here; the type of the routes behind this check excludes it.
  const user: SessionUser | null = c.var.user;
  if (user === null) {
    const returnTo = c.req.method === 'GET' ? getRequestPath(c) : '/';
    return c.redirect(`/sign-in?next=${encodeURIComponent(returnTo)}`, 303);
  }
  return next();
};

/** Returns whether the user gave a password or factor lately, as sensitive actions require. */
export function isRecentlyAuthenticated({ deps, user }: SignedInEnv['Variables']): boolean {
  return deps.identity.now() - user.lastAuthAt < REAUTH_TTL_MS;
}

/**
 * Requires a recent password or factor for sensitive actions (keys, address, deletion) and
 * redirects to /prove otherwise. The redirect loses a posted form, so the page with the form
 * requires it too.
 */
export const requireRecentAuth: MiddlewareHandler<SignedInEnv> = async function requireRecentAuth(
  c,
  next,
) {
  if (isRecentlyAuthenticated(c.var)) return next();
  return c.redirect(`/prove?next=${encodeURIComponent(getReturnPath(c))}`, 303);
};

/**
 * Requires a recent second factor or recovery code of users who have one, before factors, recovery
 * codes or the address change, and recent authentication of all others.
 */
export const requireRecentFactor: MiddlewareHandler<SignedInEnv> =
  async function requireRecentFactor(c, next) {
    const { deps, user } = c.var;
    if (!(await isSecondFactorDue(deps.identity, user))) return requireRecentAuth(c, next);
    return c.redirect(`/prove/factor?next=${encodeURIComponent(getReturnPath(c))}`, 303);
  };

/** The page to come back to: of a posted form only the path is left. */
function getReturnPath(c: Context): string {
  return c.req.method === 'GET' ? getRequestPath(c) : localPath(new URL(c.req.url).pathname);
}

/**
 * Returns the client's address, which Cloudflare sets. It is used for rate limits only and never
 * stored.
 */
export function getClientIp(c: Context): string {
  return c.req.header('cf-connecting-ip') ?? 'local';
}

export function setSessionCookies(c: Context, { session, device }: SignedIn): void {
  setCookie(c, SESSION_COOKIE, session, { ...COOKIE_OPTIONS, maxAge: 90 * DAY_SECONDS });
  setCookie(c, DEVICE_COOKIE, device, { ...COOKIE_OPTIONS, maxAge: 365 * DAY_SECONDS });
  deleteCookie(c, MFA_COOKIE, COOKIE_OPTIONS);
}

export function clearSessionCookie(c: Context): void {
  deleteCookie(c, SESSION_COOKIE, COOKIE_OPTIONS);
}

/** Deletes all cookies that belong to an account, after the account was deleted. */
export function clearAllCookies(c: Context): void {
  for (const name of [SESSION_COOKIE, DEVICE_COOKIE, MFA_COOKIE])
    deleteCookie(c, name, COOKIE_OPTIONS);
}

export function getDeviceCookie(c: Context): string | null {
  return getCookie(c, DEVICE_COOKIE, 'host') ?? null;
}

export function setMfaCookie(c: Context, mfaToken: string): void {
  setCookie(c, MFA_COOKIE, mfaToken, { ...COOKIE_OPTIONS, maxAge: 600 });
}

export function getMfaCookie(c: Context): string | null {
  return getCookie(c, MFA_COOKIE, 'host') ?? null;
}

export function setLanguageCookie(c: Context, language: string): void {
  const known = findLanguage(language);
  if (known !== undefined)
    setCookie(c, LANGUAGE_COOKIE, known, { ...COOKIE_OPTIONS, maxAge: 365 * DAY_SECONDS });
}
