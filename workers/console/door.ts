/**
 * The console's door: who knocks here is a person with a browser. It never answers over plain HTTP
 * outside of one's own machine, runs no script, and may not be framed.
 */
import { signal } from '@farebox/signals';
import { Hono, type MiddlewareHandler } from 'hono';
import { type Env, houseOf, MissingBinding } from './env.ts';
import { firstPage, STYLE } from './first-page.ts';

type Console = { Bindings: Env };

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Two years, as browsers' preload lists ask for (RFC 6797). */
const STRICT_TRANSPORT = 'max-age=63072000; includeSubDomains';

const secured: MiddlewareHandler<Console> = async function secured(c, next) {
  const url = new URL(c.req.url);
  const encrypted = url.protocol === 'https:';
  if (!encrypted && !LOOPBACK.has(url.hostname)) {
    url.protocol = 'https:';
    c.res = c.redirect(url.href, 308);
  } else {
    await next();
  }
  for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
  // RFC 6797 section 7.2: never over plain HTTP.
  if (encrypted) c.header('strict-transport-security', STRICT_TRANSPORT);
};

export const door = new Hono<Console>();

door.use(secured);

/** Ready when every binding is there; it asks no other system, so that nobody can load one through it. */
door.get('/healthz', (c) => {
  houseOf(c.env);
  c.header('cache-control', 'no-store');
  return c.json({ status: 'ok' });
});

door.get('/', (c) => c.html(firstPage(houseOf(c.env).apiUrl)));

door.get('/style.css', (c) =>
  c.body(STYLE, 200, {
    'content-type': 'text/css; charset=utf-8',
    'cache-control': 'public, max-age=3600',
  }),
);

door.notFound((c) => c.text('There is no such page.', 404));

/** The text of an unforeseen error may hold anything: it is dropped, not logged. */
door.onError((error, c) => {
  if (error instanceof MissingBinding) return c.text('The console is not set up.', 503);
  signal({ event: 'unexpected', where: 'console', call: null });
  return c.text('Something went wrong.', 500);
});
