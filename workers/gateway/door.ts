/** The gateway's table of routes. Everything it knows about a call is which room to send it to. */
import { type Context, type Handler, Hono } from 'hono';
import { credits, generation, key } from './account.ts';
import type { Visit } from './call.ts';
import { countTokens } from './count-tokens.ts';
import { type Env, houseOf } from './env.ts';
import { estimate } from './estimate.ts';
import { discard } from './intake.ts';
import { model, models } from './models.ts';
import { dialectOf, refuse } from './refusals.ts';
import { relay } from './relay.ts';

type Door = { Bindings: Env };

/** 32 hexadecimal characters, 122 bits of them random (RFC 9562 section 5.4). */
export function newCallId(): string {
  return crypto.randomUUID().replaceAll('-', '');
}

const LOOPBACK = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/;

/** A key sent in the clear has leaked already, and a redirect would leak it twice: so it is refused. */
function isPlain(url: string, allowed: boolean): boolean {
  return url.startsWith('http:') && !allowed && !LOOPBACK.test(url);
}

/** What a page may read besides the body; the SDKs decide by the last two whether to repeat a call. */
const EXPOSED = [
  'x-request-id',
  'request-id',
  'x-farebox-cost-usd',
  'x-farebox-max-output',
  'x-should-retry',
  'retry-after',
].join(', ');

/**
 * Any page may call with a key of its own, and read the answer: there are no cookies here that it could
 * ride on. On every answer, so that no cache can keep one that lacks it.
 */
export function readableAnywhere(answer: Response): Response {
  answer.headers.set('access-control-allow-origin', '*');
  answer.headers.set('access-control-expose-headers', EXPOSED);
  return answer;
}

const LONGEST_WISH = 4_096;
/** RFC 9110 section 5.6.2, as browsers write it: lower case. */
const FIELD_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;

/**
 * A browser asks before it sends a key. SDKs send more fields than one could list (authorization,
 * x-api-key, anthropic-*, x-stainless-*), and `*` never covers authorization (Fetch standard, CORS
 * protocol): what was asked for is allowed, since fields we do not know are dropped anyway.
 */
function preflight(request: Request): Response {
  const wish = request.headers.get('access-control-request-headers') ?? '';
  const names = wish.slice(0, LONGEST_WISH).toLowerCase().split(',');
  const allowed = names.map((name) => name.trim()).filter((name) => FIELD_NAME.test(name));
  const headers = new Headers({
    'access-control-allow-methods': 'GET, POST',
    'access-control-max-age': '86400',
    vary: 'access-control-request-headers',
  });
  if (allowed.length > 0) headers.set('access-control-allow-headers', allowed.join(', '));
  return readableAnywhere(new Response(null, { status: 204, headers }));
}

type Room = (visit: Visit, c: Context<Door>) => Promise<Response> | Response;

/**
 * Opens the door to a room: the visit's id, the refusal of plain http, and the headers a page in a
 * browser needs. One wrapper and no middleware: composing those costs more than the routing itself.
 */
function opens(room: Room): Handler<Door> {
  return async (c) => {
    const house = houseOf(c.env);
    const request = c.req.raw;
    const waitUntil = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
    const visit: Visit = { house, request, id: newCallId(), waitUntil, clock: Date.now };
    const plain = isPlain(request.url, house.allowPlainHttp);
    return readableAnywhere(
      plain
        ? refuse({ reason: 'plain_http' }, dialectOf(c.req.path, request.headers), visit.id)
        : await room(visit, c),
    );
  };
}

export const door = new Hono<Door>();

door.post(
  '/v1/chat/completions',
  opens((visit) => relay(visit, 'chat')),
);
door.post(
  '/v1/messages',
  opens((visit) => relay(visit, 'messages')),
);
door.post('/v1/messages/count_tokens', opens(countTokens));
door.post('/v1/estimate', opens(estimate));
door.get('/v1/models', opens(models));
door.get(
  '/v1/models/:id{.+}',
  opens((visit, c) => model(visit, c.req.param('id') ?? '')),
);
door.get('/v1/credits', opens(credits));
door.get('/v1/key', opens(key));
door.get(
  '/v1/generation/:id',
  opens((visit, c) => generation(visit, c.req.param('id') ?? '')),
);
door.get('/healthz', (c) => c.text('ok'));
door.options('*', (c) => preflight(c.req.raw));

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

door.all(
  '*',
  opens(async (visit, c) => {
    await discard(visit.request);
    const dialect = dialectOf(c.req.path, visit.request.headers);
    const allowed = METHODS.get(c.req.path);
    if (allowed === undefined) return refuse({ reason: 'not_found' }, dialect, visit.id);
    return refuse({ reason: 'method_not_allowed', allowed }, dialect, visit.id);
  }),
);
