/**
 * What a browser may post, and how it is read. Only our own pages may post to us: the Origin has to be
 * exactly ours and the browser must not call the request cross-site (OWASP ASVS 5.0, 3.5). Whatever else
 * a form holds than the fields asked for is dropped, so that nobody can set what no page offers.
 */
import { isLoopback } from '@farebox/bindings';
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { PublicEnv } from './session.ts';

const MAX_FORM_BYTES = 64 * 1024;
const MAX_REPORT_BYTES = 512 * 1024;
const MAX_FIELD_LENGTH = 4_096;

/** `localhost` and 127.0.0.1 are one machine; anywhere else only the configured origin is ours. */
function isOwnOrigin(origin: string, request: URL, ourOrigin: string): boolean {
  if (origin === ourOrigin) return true;
  return isLoopback(request.hostname) && origin === request.origin;
}

/** Whether what was posted comes from a page of `ourOrigin`. */
export function isSameOrigin(c: Context, ourOrigin: string): boolean {
  const site = c.req.header('sec-fetch-site');
  const origin = c.req.header('origin');
  if (origin === undefined || !isOwnOrigin(origin, new URL(c.req.url), ourOrigin)) return false;
  return site === undefined || site === 'same-origin';
}

export const csrfProtection: MiddlewareHandler<PublicEnv> = async function csrfProtection(c, next) {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return next();
  if (!isSameOrigin(c, c.var.deps.consoleUrl.origin)) {
    return c.text('This form was not sent from our own page.', 403);
  }
  return next();
};

function createBodyLimit(maxSize: number) {
  return bodyLimit({ maxSize, onError: (c) => c.text('That is too large for a form.', 413) });
}

export const formBodyLimit = createBodyLimit(MAX_FORM_BYTES);
/** A thousand lines of JSON, percent-encoded. */
export const reportBodyLimit = createBodyLimit(MAX_REPORT_BYTES);

export type Form = Readonly<{
  /** A field's text; '' where it is absent, too long or no text. */
  text: (name: string) => string;
  /** A field that may be as long as a form may be large. */
  longText: (name: string) => string;
  /** Every value of a field that may come more than once (checkboxes). */
  values: (name: string) => readonly string[];
}>;

function isFieldText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_FIELD_LENGTH;
}

export async function readForm(c: Context): Promise<Form> {
  const form = await parseFormData(c);
  return {
    text: (name) => {
      const value = form?.get(name);
      return isFieldText(value) ? value : '';
    },
    longText: (name) => {
      const value = form?.get(name);
      return typeof value === 'string' ? value : '';
    },
    values: (name) => form?.getAll(name).filter(isFieldText) ?? [],
  };
}

/** Hono keeps the parsed body, so that a form can be read twice. */
async function parseFormData(c: Context): Promise<FormData | undefined> {
  try {
    return await c.req.formData();
  } catch {
    return undefined;
  }
}
