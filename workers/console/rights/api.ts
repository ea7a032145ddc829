/**
 * The rights as an API for whoever holds a session: JSON (or the forms' own encoding) in, JSON out, under the
 * same check of where a request comes from as every form (forms.ts). Refusals are closed words.
 */
import type { Receipt } from '@farebox/database';
import { PROOF_LASTS_MS, requestEmailChange, type Throttled } from '@farebox/identity';
import { CONSENT_KINDS } from '@farebox/mail';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { deleteAccount } from '../deletions.ts';
import { readForm } from '../forms.ts';
import { postLetters } from '../letters.ts';
import { countOne } from '../once.ts';
import { forgetBrowser, networkOf, type Somebody } from '../visitor.ts';
import { chooseKind, correctLanguage, EXPORTS_AN_HOUR, exported, isOwnAddress } from './deeds.ts';
import { jsonExport } from './export.ts';

type Refusal =
  | 'not_signed_in'
  | 'proof_needed'
  | 'cross_site'
  | 'throttled'
  | 'email_invalid'
  | 'email_differs'
  | 'language_invalid'
  | 'consent_invalid';

function refuse(c: Context<Somebody>, status: 401 | 403 | 422 | 429, code: Refusal) {
  c.header('cache-control', 'no-store');
  return c.json({ error: { code } }, status);
}

function refuseThrottled(c: Context<Somebody>, { retryAfterSeconds }: Throttled) {
  c.header('retry-after', String(retryAfterSeconds));
  return refuse(c, 429, 'throttled');
}

function answer(c: Context<Somebody>, body: Readonly<Record<string, unknown>>, status: 200 | 202) {
  c.header('cache-control', 'no-store');
  return c.json(body, status);
}

function receiptJson({ id, kind, about, at }: Receipt) {
  return { id, kind, about, at: new Date(at).toISOString() };
}

const someone: MiddlewareHandler<Somebody> = async function someone(c, next) {
  const { person }: { person: Somebody['Variables']['person'] | null } = c.var;
  if (person === null) return refuse(c, 401, 'not_signed_in');
  return next();
};

/** There is no page to send a program to: whoever runs it shows who they are at /prove. */
const proven: MiddlewareHandler<Somebody> = async function proven(c, next) {
  const { house, person } = c.var;
  if (house.identity.now() - person.provedAt < PROOF_LASTS_MS) return next();
  return refuse(c, 403, 'proof_needed');
};

/** A page elsewhere may lead a browser here, with its cookies: it must not make a file of everything. */
const notFromElsewhere: MiddlewareHandler<Somebody> = async function notFromElsewhere(c, next) {
  const site = c.req.header('sec-fetch-site');
  if (site === undefined || site === 'same-origin' || site === 'none') return next();
  return refuse(c, 403, 'cross_site');
};

type Fields = (name: string) => string;

/** Only texts and truth values are read, and only those that are asked for by name. */
async function fieldsOf(c: Context<Somebody>): Promise<Fields> {
  if (!c.req.header('content-type')?.startsWith('application/json'))
    return (await readForm(c)).text;
  const body: unknown = await c.req.json().catch(() => null);
  return (name) => {
    const own = typeof body === 'object' && body !== null && Object.hasOwn(body, name);
    const value: unknown = own ? Reflect.get(body, name) : undefined;
    if (typeof value === 'boolean') return String(value);
    return typeof value === 'string' && value.length <= 4_096 ? value : '';
  };
}

export const rightsApi = new Hono<Somebody>();
rightsApi.use('/api/rights/*', someone);
rightsApi.use('/api/rights/data', notFromElsewhere, proven);
rightsApi.use('/api/rights/email', proven);
rightsApi.use('/api/rights/deletion', proven);

rightsApi.get('/api/rights/data', async (c) => {
  const { house, person } = c.var;
  const full = await countOne(house.identity, person.account, 'exports', EXPORTS_AN_HOUR);
  if (full !== undefined) return refuseThrottled(c, full);
  await exported(house, person, 'all');
  return jsonExport(house, person);
});

rightsApi.post('/api/rights/email', async (c) => {
  const { house, person } = c.var;
  const asked = { email: (await fieldsOf(c))('email'), network: networkOf(c) };
  const result = await requestEmailChange(house.identity, person, asked);
  if (result.ok) {
    postLetters(c, result.letters);
    return answer(c, { status: 'link_sent' }, 202);
  }
  return result.reason === 'throttled'
    ? refuseThrottled(c, result)
    : refuse(c, 422, 'email_invalid');
});

rightsApi.post('/api/rights/language', async (c) => {
  const { house, person } = c.var;
  const receipt = await correctLanguage(house, person, (await fieldsOf(c))('language'));
  if (receipt === undefined) return refuse(c, 422, 'language_invalid');
  return answer(c, { receipt: receiptJson(receipt) }, 200);
});

rightsApi.post('/api/rights/consents', async (c) => {
  const { house, person } = c.var;
  const fields = await fieldsOf(c);
  const kind = CONSENT_KINDS.find((known) => known === fields('kind'));
  const given = fields('given');
  if (kind === undefined || (given !== 'true' && given !== 'false')) {
    return refuse(c, 422, 'consent_invalid');
  }
  const receipt = await chooseKind(house, person, { kind, given: given === 'true' });
  return answer(c, { receipt: receiptJson(receipt) }, 200);
});

rightsApi.post('/api/rights/deletion', async (c) => {
  const { house, person } = c.var;
  if (!isOwnAddress(person, (await fieldsOf(c))('email'))) return refuse(c, 422, 'email_differs');
  const { receipt, closed } = await deleteAccount(house, person.account);
  forgetBrowser(c);
  const left = closed === null ? null : closed.posted.toString();
  return answer(c, { receipt, account: person.account, balance_left_nano_usd: left }, 200);
});
