/**
 * Who is knocking: the session cookie's owner, or nobody in particular, and in which language they are
 * answered. A cookie is only ever believed after `findPerson` found its session.
 */
import { findPerson, type Person, PROOF_LASTS_MS, type SignedIn } from '@farebox/identity';
import { type Language, languageOf, type Texts, textsFor } from '@farebox/languages';
import type { Context, MiddlewareHandler } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { type Env, type House, houseOf } from './env.ts';

export type Visit = {
  house: House;
  language: Language;
  texts: Texts;
  /** Null where nobody is signed in. */
  person: Person | null;
  session: string | null;
};
/** A route anybody may knock at. */
export type Anybody = { Bindings: Env; Variables: Visit };
/** A route behind `signedIn`. */
export type Somebody = { Bindings: Env; Variables: Visit & { person: Person; session: string } };

const SESSION = 'session';
const DEVICE = 'device';
const STEP = 'step';
const LANGUAGE = 'language';
const DAY_SECONDS = 86_400;

/** `__Host-` keeps a cookie to this very host and to HTTPS (RFC 6265bis section 4.1.3.2); loopback counts as safe. */
const COOKIE = {
  prefix: 'host',
  path: '/',
  secure: true,
  httpOnly: true,
  sameSite: 'Lax',
} as const;

/** RFC 9110 section 12.5.4, by the order of the header alone: browsers send it sorted. */
function languageWanted(header: string | undefined): Language | undefined {
  for (const range of (header ?? '').slice(0, 200).split(',')) {
    const language = languageOf(range.split(';')[0]?.trim());
    if (language !== undefined) return language;
  }
  return undefined;
}

/** Finds out who it is; nobody is turned away here. */
export const welcome: MiddlewareHandler<Anybody> = async function welcome(c, next) {
  const house = houseOf(c.env);
  const session = getCookie(c, SESSION, 'host') ?? null;
  const person = session === null ? null : ((await findPerson(house.identity, session)) ?? null);
  const language =
    languageOf(person?.language) ??
    languageOf(getCookie(c, LANGUAGE, 'host')) ??
    languageWanted(c.req.header('accept-language')) ??
    'en';
  c.set('house', house);
  c.set('person', person);
  c.set('session', person === null ? null : session);
  c.set('language', language);
  c.set('texts', textsFor(language));
  await next();
};

/** A path of this console and nothing else: what a redirect may follow. */
export function localPath(text: string | undefined): string {
  const clean = text !== undefined && /^\/(?![/\\])[!-~]{0,500}$/.test(text);
  return clean && !text.includes('\\') ? text : '/';
}

/** Where this request is, for coming back to it. */
export function pathOf(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  return localPath(pathname + search);
}

export const signedIn: MiddlewareHandler<Somebody> = async function signedIn(c, next) {
  // `welcome` has run: the type says more than it left behind, and this makes it true.
  const person: Person | null = c.var.person;
  if (person === null) {
    const back = c.req.method === 'GET' ? pathOf(c) : '/';
    return c.redirect(`/sign-in?next=${encodeURIComponent(back)}`, 303);
  }
  return next();
};

/**
 * For what is dear (keys, address, password, deletion): who has not shown a password or factor lately is
 * asked for it first. A form is lost by that, so the page that holds it is behind this too.
 */
export const recentlyProven: MiddlewareHandler<Somebody> = async function recentlyProven(c, next) {
  const { house, person } = c.var;
  if (house.identity.now() - person.provedAt < PROOF_LASTS_MS) return next();
  const back = c.req.method === 'GET' ? pathOf(c) : localPath(new URL(c.req.url).pathname);
  return c.redirect(`/prove?next=${encodeURIComponent(back)}`, 303);
};

/** The only header about the network that Cloudflare itself writes; used for throttles and nothing else. */
export function networkOf(c: Context): string {
  return c.req.header('cf-connecting-ip') ?? 'local';
}

export function keepSession(c: Context, { session, device }: SignedIn): void {
  setCookie(c, SESSION, session, { ...COOKIE, maxAge: 90 * DAY_SECONDS });
  setCookie(c, DEVICE, device, { ...COOKIE, maxAge: 365 * DAY_SECONDS });
  deleteCookie(c, STEP, COOKIE);
}

export function forgetSession(c: Context): void {
  deleteCookie(c, SESSION, COOKIE);
}

/** Nothing of a person stays in their browser once there is no account. */
export function forgetBrowser(c: Context): void {
  for (const name of [SESSION, DEVICE, STEP]) deleteCookie(c, name, COOKIE);
}

export function deviceOf(c: Context): string | null {
  return getCookie(c, DEVICE, 'host') ?? null;
}

export function keepStep(c: Context, step: string): void {
  setCookie(c, STEP, step, { ...COOKIE, maxAge: 600 });
}

export function stepOf(c: Context): string | null {
  return getCookie(c, STEP, 'host') ?? null;
}

export function keepLanguage(c: Context, language: string): void {
  const known = languageOf(language);
  if (known !== undefined) setCookie(c, LANGUAGE, known, { ...COOKIE, maxAge: 365 * DAY_SECONDS });
}
