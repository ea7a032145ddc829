/**
 * The console's door: who knocks here is a person with a browser, an operator behind Cloudflare Access,
 * or a machine that posts to a hook. It never answers over plain HTTP outside of one's own machine, lets
 * no page run a script that is not a file of ours, and may not be framed.
 */
import { signal } from '@farebox/signals';
import { Hono, type MiddlewareHandler } from 'hono';
import { alerts } from './alerts/alerts.tsx';
import { calls } from './calls/calls.tsx';
import { houseOf, isOperatorsHost, MissingBinding } from './env.ts';
import { ownFormsOnly, smallBodies } from './forms.ts';
import { keys } from './keys/keys.tsx';
import { language } from './language.ts';
import { isLoopback } from './loopback.ts';
import { mailHook } from './mail/hook.ts';
import { unsubscribing } from './mail/unsubscribe.tsx';
import { missing } from './missing.tsx';
import { operators } from './operators/door.ts';
import { overviewPage } from './overview/overview.tsx';
import { playground } from './playground/playground.tsx';
import { newEmail } from './recovery/new-email.tsx';
import { forgotten } from './recovery/password.tsx';
import { rights } from './rights/rights.tsx';
import { SCRIPTS } from './scripts.ts';
import { secretScanning } from './secret-scanning/hook.ts';
import { email } from './security/email.tsx';
import { newPassword } from './security/new-password.tsx';
import { passkeys } from './security/passkeys.tsx';
import { recoveryCodes } from './security/recovery-codes.tsx';
import { security } from './security/security.tsx';
import { totp } from './security/totp.tsx';
import { proving } from './sign-in/prove.tsx';
import { secondStep } from './sign-in/second.tsx';
import { signingIn } from './sign-in/sign-in.tsx';
import { signingUp } from './sign-up/sign-up.tsx';
import { ICON, STYLE } from './style.ts';
import { topUp } from './top-up/top-up.tsx';
import { transactions } from './transactions/transactions.tsx';
import { usage } from './usage/usage.tsx';
import { type Anybody, welcome } from './visitor.ts';
import { welcomePage } from './welcome/welcome.tsx';

const HEADERS: Readonly<Record<string, string>> = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self), publickey-credentials-create=(self)',
  // A link from a mail holds a token: it must not reach anybody else as a referrer. With `no-referrer`
  // browsers would send our own forms' Origin as `null` too (Fetch, "append a request Origin header").
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

/** Two years, as browsers' preload lists ask for (RFC 6797). */
const STRICT_TRANSPORT = 'max-age=63072000; includeSubDomains';

/** Nothing inline and nothing from elsewhere; the playground alone talks to the API. */
function contentPolicy(apiOrigin: string): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ${apiOrigin}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const secured: MiddlewareHandler<Anybody> = async function secured(c, next) {
  const url = new URL(c.req.url);
  const encrypted = url.protocol === 'https:';
  if (!encrypted && !isLoopback(url.hostname)) {
    url.protocol = 'https:';
    c.res = c.redirect(url.href, 308);
  } else {
    await next();
  }
  for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
  c.header('content-security-policy', contentPolicy(URL.parse(c.env.API_URL ?? '')?.origin ?? ''));
  // RFC 6797 section 7.2: never over plain HTTP.
  if (encrypted) c.header('strict-transport-security', STRICT_TRANSPORT);
};

/** Operators have a host of their own: nothing else is answered there, and nothing of theirs elsewhere. */
const operatorsApart: MiddlewareHandler<Anybody> = async function operatorsApart(c, next) {
  if (!isOperatorsHost(c.env, new URL(c.req.url).hostname)) return next();
  return operators.fetch(c.req.raw, c.env);
};

/** Files that say nothing of anybody. */
const files = new Hono<Anybody>();
const BRIEFLY = { 'cache-control': 'public, max-age=300' };
files.get('/style.css', (c) =>
  c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8', ...BRIEFLY }),
);
files.get('/icon.svg', (c) => c.body(ICON, 200, { 'content-type': 'image/svg+xml', ...BRIEFLY }));
files.get('/scripts/:file', (c) => {
  const name = c.req.param('file').replace(/\.js$/, '');
  const script = Object.hasOwn(SCRIPTS, name) ? SCRIPTS[name] : undefined;
  if (script === undefined) return c.text('There is no such script.', 404);
  return c.body(script, 200, { 'content-type': 'text/javascript; charset=utf-8', ...BRIEFLY });
});
/** Ready when every binding is there; it asks no other system, so that nobody can load one through it. */
files.get('/healthz', (c) => {
  houseOf(c.env);
  c.header('cache-control', 'no-store');
  return c.json({ status: 'ok' });
});

/** Screens for people: each behind the visitor's check and our own forms' check. */
const screens = new Hono<Anybody>();
screens.use(smallBodies, welcome, ownFormsOnly);
screens.route('/', language);
for (const entrance of [signingUp, signingIn, secondStep, forgotten, newEmail]) {
  screens.route('/', entrance);
}
for (const own of [proving, security, newPassword, email, totp, passkeys, recoveryCodes]) {
  screens.route('/', own);
}
screens.route('/', usage);
screens.route('/', calls);
screens.route('/', transactions);
screens.route('/', alerts);
screens.route('/', playground);
screens.route('/', keys);
screens.route('/', rights);
screens.route('/', topUp);
screens.get('/', (c) => (c.var.person === null ? welcomePage(c) : overviewPage(c)));
screens.all('*', missing);

export const door = new Hono<Anybody>();
door.use(secured, operatorsApart);
door.route('/', secretScanning);
door.route('/', mailHook);
door.route('/', unsubscribing);
door.route('/', files);
door.route('/', screens);

/** The text of an unforeseen error may hold anything: it is dropped, not logged. */
door.onError((error, c) => {
  if (error instanceof MissingBinding) return c.text('The console is not set up.', 503);
  signal({ event: 'unexpected', where: 'console', call: null });
  return c.text('Something went wrong on our side. Nothing you sent was kept.', 500);
});
