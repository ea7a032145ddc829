/**
 * `/status` in each language as HTML and Markdown, `/status.json` and `/status.atom`. The report is read from the console
 * at most once a minute and kept for a day, so that the page says what was known last while the
 * console can't be reached; the static page without a report is the last resort.
 */
import type { StatusReport, StatusRpc } from '@farebox/database/status';
import { LANGUAGES, type Language } from '@farebox/i18n';
import type { Env } from '../env.ts';
import { toMarkdownUrlPath, toUrlPath } from '../generator/page.ts';
import { prefersMarkdown } from '../negotiation.ts';
import { siteMessagesFor } from '../texts/index.ts';
import {
  renderStatusFeed,
  renderStatusHtml,
  renderStatusJson,
  renderStatusMarkdown,
} from './status-documents.ts';
import { type StatusView, toStatusView } from './status-view.ts';

const FRESH_MS = 60_000;
/** A database that hangs must not keep the page from saying what was known last. */
const MAX_READ_MS = 5_000;
/** A name in the cache only: nothing is served there. */
const CACHE_KEY = 'https://status.invalid/report';
const KEPT = 'public, max-age=86400';
const SHORT = 'public, max-age=60';

type Kept = Readonly<{ report: StatusReport; readAt: number }>;

async function readKept(): Promise<Kept | undefined> {
  const response = await caches.default.match(CACHE_KEY);
  return response?.json<Kept>();
}

async function readInTime(status: StatusRpc): Promise<StatusReport> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the status took too long')), MAX_READ_MS);
  });
  try {
    return await Promise.race([status.read(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns the report, or the last one that is known; undefined if there is none. */
async function readReport({ STATUS }: Env, now: number): Promise<StatusReport | undefined> {
  const kept = await readKept();
  if (kept !== undefined && now - kept.readAt < FRESH_MS) return kept.report;
  try {
    if (STATUS === undefined) return kept?.report;
    const report = await readInTime(STATUS);
    // Before the first check there is nothing worth keeping.
    if (report.days.length === 0) return report;
    const text = JSON.stringify({ report, readAt: now });
    const headers = { 'cache-control': KEPT, 'content-type': 'application/json' };
    await caches.default.put(CACHE_KEY, new Response(text, { headers }));
    return report;
  } catch {
    return kept?.report;
  }
}

type StatusPage = Readonly<{ language: Language; isMarkdown: boolean }>;

function findPage({ headers }: Request, path: string): StatusPage | undefined {
  for (const language of LANGUAGES) {
    if (path === toMarkdownUrlPath(language, '/status')) return { language, isMarkdown: true };
    if (path === toUrlPath(language, '/status'))
      return { language, isMarkdown: prefersMarkdown(headers.get('accept')) };
  }
  return undefined;
}

/**
 * Reads the static page around the status. Its ETag says nothing of the status in it: with it a
 * browser would get 304 and show an old status, so the page is read and answered without one.
 */
async function readStaticPage(request: Request, env: Env, page: StatusPage): Promise<Response> {
  const { language, isMarkdown } = page;
  const path = isMarkdown ? toMarkdownUrlPath(language, '/status') : toUrlPath(language, '/status');
  const { method, url } = request;
  const asset = await env.ASSETS.fetch(new Request(new URL(path, url), { method }));
  const response = new Response(asset.body, asset);
  response.headers.delete('etag');
  response.headers.delete('content-length');
  response.headers.set('cache-control', SHORT);
  return response;
}

async function fillMarkdown(
  page: Response,
  view: StatusView,
  language: Language,
): Promise<Response> {
  const text = await page.text();
  const { unknown } = siteMessagesFor(language).status;
  return new Response(
    text.replace(unknown, () => renderStatusMarkdown(view, language)),
    page,
  );
}

function fillHtml(page: Response, view: StatusView, language: Language): Response {
  const html = renderStatusHtml(view, language);
  return new HTMLRewriter()
    .on('[data-status]', {
      element: (element) => void element.setInnerContent(html, { html: true }),
    })
    .transform(page);
}

const TYPES = {
  '/status.json': 'application/json; charset=utf-8',
  '/status.atom': 'application/atom+xml; charset=utf-8',
} as const;

function answerFile(path: keyof typeof TYPES, view: StatusView, url: URL): Response {
  const body =
    path === '/status.json'
      ? renderStatusJson(view)
      : renderStatusFeed(view, `${url.origin}/status`);
  return new Response(body, {
    headers: {
      'content-type': TYPES[path],
      'cache-control': SHORT,
      'x-content-type-options': 'nosniff',
    },
  });
}

/** Returns undefined for a path that is not about the status. */
export async function answerStatus(
  request: Request,
  env: Env,
  now: number,
): Promise<Response | undefined> {
  const url = new URL(request.url);
  const path = url.pathname;
  const found = findPage(request, path);
  const isFile = path === '/status.json' || path === '/status.atom';
  if (found === undefined && !isFile) return undefined;
  const report = await readReport(env, now);
  if (isFile) {
    if (report === undefined) return new Response('The status is not known.', { status: 503 });
    return answerFile(path, toStatusView(report, now), url);
  }
  if (found === undefined) return undefined;
  const page = await readStaticPage(request, env, found);
  if (report === undefined || !page.ok) return page;
  const fill = found.isMarkdown ? fillMarkdown : fillHtml;
  return fill(page, toStatusView(report, now), found.language);
}
