/**
 * `/status` in each language, `/status.json` and `/status.atom`. The report is read from the console
 * at most once a minute and kept for a day, so that the page says what was known last while the
 * console can't be reached; the static page without a report is the last resort.
 */
import type { StatusReport } from '@farebox/database/status';
import { LANGUAGES, type Language } from '@farebox/i18n';
import type { Env } from '../env.ts';
import { toUrlPath } from '../generator/page.ts';
import { renderStatusFeed, renderStatusHtml, renderStatusJson } from './status-documents.ts';
import { type StatusView, toStatusView } from './status-view.ts';

const FRESH_MS = 60_000;
/** A name in the cache only: nothing is served there. */
const CACHE_KEY = 'https://status.invalid/report';
const KEPT = 'public, max-age=86400';
const SHORT = 'public, max-age=60';

type Kept = Readonly<{ report: StatusReport; readAt: number }>;

async function readKept(): Promise<Kept | undefined> {
  const response = await caches.default.match(CACHE_KEY);
  return response?.json<Kept>();
}

/** Returns the report, or the last one that is known; undefined if there is none. */
async function readReport({ STATUS }: Env, now: number): Promise<StatusReport | undefined> {
  const kept = await readKept();
  if (kept !== undefined && now - kept.readAt < FRESH_MS) return kept.report;
  try {
    if (STATUS === undefined) return kept?.report;
    const report = await STATUS.read();
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

function findLanguage(path: string): Language | undefined {
  return LANGUAGES.find((language) => toUrlPath(language, '/status') === path);
}

/** Fills the static page; without a report it stays as it is. */
async function fillPage(page: Response, view: StatusView, language: Language): Promise<Response> {
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
  const language = findLanguage(path);
  const isFile = path === '/status.json' || path === '/status.atom';
  if (language === undefined && !isFile) return undefined;
  const report = await readReport(env, now);
  if (isFile) {
    if (report === undefined) return new Response('The status is not known.', { status: 503 });
    return answerFile(path, toStatusView(report, now), url);
  }
  const page = await env.ASSETS.fetch(request);
  if (report === undefined || language === undefined) return page;
  return fillPage(page, toStatusView(report, now), language);
}
