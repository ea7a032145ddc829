/**
 * Who is knocking: the session cookie's owner, or nobody in particular, and in which language they are
 * answered. A cookie is only ever believed after `findPerson` found its session.
 */
import { findLanguage, type Language, type Messages, messagesFor } from '@farebox/i18n';
import { findSessionUser, REAUTH_TTL_MS, type SessionUser, type SignedIn } from '@farebox/identity';
import type { Context, MiddlewareHandler } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { type ConsoleDeps, getDeps } from './deps.ts';
import type { Env } from './env.ts';

export type PageVariables = {
  deps: ConsoleDeps;
  language: Language;
  messages: Messages;
  /** Null where nobody is signed in. */
  user: SessionUser | null;
  session: string | null;
};
/** A route anybody may knock at. */
export type PublicEnv = { Bindings: Env; Variables: PageVariables };
/** A route behind `signedIn`. */
export type SignedInEnv = {
  Bindings: Env;
  Variables: PageVariables & { user: SessionUser; session: string };
};

const SESSION_COOKIE = 'session';
const DEVICE_COOKIE = 'device';
const MFA_COOKIE = 'step';
const LANGUAGE_COOKIE = 'language';
const DAY_SECONDS = 86_400;

/** `__Host-` keeps a cookie to this very host and to HTTPS (RFC 6265bis section 4.1.3.2); loopback counts as safe. */
const COOKIE_OPTIONS = {
  prefix: 'host',
  path: '/',
  secure: true,
  httpOnly: true,
  sameSite: 'Lax',
} as const;

/** RFC 9110 section 12.5.4, by the order of the header alone: browsers send it sorted. */
function parseAcceptLanguage(header: string | undefined): Language | undefined {
  for (const range of (header ?? '').slice(0, 200).split(',')) {
    const language = findLanguage(range.split(';')[0]?.trim());
    if (language !== undefined) return language;
  }
  return undefined;
}

/** Finds out who it is; nobody is turned away here. */
export const loadSession: MiddlewareHandler<PublicEnv> = async function loadSession(c, next) {
  const deps = getDeps(c.env);
  const session = getCookie(c, SESSION_COOKIE, 'host') ?? null;
  const user = session === null ? null : ((await findSessionUser(deps.identity, session)) ?? null);
  const language =
    findLanguage(user?.language) ??
    findLanguage(getCookie(c, LANGUAGE_COOKIE, 'host')) ??
    parseAcceptLanguage(c.req.header('accept-language')) ??
    'en';
  c.set('deps', deps);
  c.set('user', user);
  c.set('session', user === null ? null : session);
  c.set('language', language);
  c.set('messages', messagesFor(language));
  await next();
};

/** A path of this console and nothing else: what a redirect may follow. */
export function localPath(text: string | undefined): string {
  const isSafe = text !== undefined && /^\/(?![/\\])[!-~]{0,500}$/.test(text);
  return isSafe && !text.includes('\\') ? text : '/';
}

/** Where this request is, for coming back to it. */
export function getRequestPath(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  return localPath(pathname + search);
}

export const requireSignIn: MiddlewareHandler<SignedInEnv> = async function requireSignIn(c, next) {
  // `welcome` has run: the type says more than it left behind, and this makes it true.
  const user: SessionUser | null = c.var.user;
  if (user === null) {
    const returnTo = c.req.method === 'GET' ? getRequestPath(c) : '/';
    return c.redirect(`/sign-in?next=${encodeURIComponent(returnTo)}`, 303);
  }
  return next();
};

/**
 * For what is dear (keys, address, password, deletion): who has not shown a password or factor lately is
 * asked for it first. A form is lost by that, so the page that holds it is behind this too.
 */
export const requireRecentAuth: MiddlewareHandler<SignedInEnv> = async function requireRecentAuth(
  c,
  next,
) {
  const { deps, user } = c.var;
  if (deps.identity.now() - user.lastAuthAt < REAUTH_TTL_MS) return next();
  const returnTo =
    c.req.method === 'GET' ? getRequestPath(c) : localPath(new URL(c.req.url).pathname);
  return c.redirect(`/prove?next=${encodeURIComponent(returnTo)}`, 303);
};

/** The only header about the network that Cloudflare itself writes; used for throttles and nothing else. */
export function clientIp(c: Context): string {
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

/** Nothing of a person stays in their browser once there is no account. */
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
