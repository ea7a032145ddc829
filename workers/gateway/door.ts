/** The gateway's table of routes. Everything it knows about a call is which room to send it to. */
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { credits, generation, key } from './account.ts';
import type { Visit } from './call.ts';
import { countTokens } from './count-tokens.ts';
import { type Env, houseOf } from './env.ts';
import { estimate } from './estimate.ts';
import { dialectOfHeaders, model, models } from './models.ts';
import { refuse } from './refusals.ts';
import { relay } from './relay.ts';

type Door = { Bindings: Env; Variables: { visit: Visit } };

/** 32 hexadecimal characters from the system's randomness. */
function newCallId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let id = '';
  for (const byte of bytes) id += byte.toString(16).padStart(2, '0');
  return id;
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** A key sent in the clear has leaked already, and a redirect would leak it twice: so it is refused. */
function isPlain(url: URL, allowed: boolean): boolean {
  return url.protocol === 'http:' && !allowed && !LOOPBACK.has(url.hostname);
}

/** Any page may call with a key of its own; there are no cookies here that it could ride on. */
const anyOrigin = cors({
  origin: '*',
  exposeHeaders: ['x-request-id', 'request-id', 'x-farebox-cost-usd', 'x-farebox-max-output'],
  maxAge: 86_400,
});

export const door = new Hono<Door>();

door.use(async (c, next) => (c.req.raw.headers.has('origin') ? anyOrigin(c, next) : next()));

door.use(async (c, next) => {
  const house = houseOf(c.env);
  const visit: Visit = {
    house,
    request: c.req.raw,
    id: newCallId(),
    waitUntil: (work) => c.executionCtx.waitUntil(work),
    clock: Date.now,
  };
  c.set('visit', visit);
  if (isPlain(new URL(c.req.url), house.allowPlainHttp)) {
    return refuse({ reason: 'plain_http' }, dialectOfHeaders(c.req.raw.headers), visit.id);
  }
  return next();
});

door.post('/v1/chat/completions', (c) => relay(c.var.visit, 'chat'));
door.post('/v1/messages', (c) => relay(c.var.visit, 'messages'));
door.post('/v1/messages/count_tokens', (c) => countTokens(c.var.visit));
door.post('/v1/estimate', (c) => estimate(c.var.visit));
door.get('/v1/models', (c) => models(c.var.visit));
door.get('/v1/models/:id{.+}', (c) => model(c.var.visit, c.req.param('id')));
door.get('/v1/credits', (c) => credits(c.var.visit));
door.get('/v1/key', (c) => key(c.var.visit));
door.get('/v1/generation/:id', (c) => generation(c.var.visit, c.req.param('id')));
door.get('/healthz', (c) => c.text('ok'));

/** Paths that exist, with the method they take: a wrong method is told which one is right. */
const METHODS: ReadonlyMap<string, string> = new Map([
  ['/v1/chat/completions', 'POST'],
  ['/v1/messages', 'POST'],
  ['/v1/messages/count_tokens', 'POST'],
  ['/v1/estimate', 'POST'],
  ['/v1/models', 'GET'],
  ['/v1/credits', 'GET'],
  ['/v1/key', 'GET'],
]);

door.notFound((c) => {
  const dialect = c.req.path.startsWith('/v1/messages')
    ? 'messages'
    : dialectOfHeaders(c.req.raw.headers);
  const allowed = METHODS.get(c.req.path);
  if (allowed !== undefined) {
    return refuse({ reason: 'method_not_allowed', allowed }, dialect, c.var.visit.id);
  }
  return refuse({ reason: 'not_found' }, dialect, c.var.visit.id);
});
