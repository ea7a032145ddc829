/**
 * The public site's Worker: static files, Markdown in place of a page for a client that asks for it,
 * and the status. It reads no cookie and stores nothing of a request.
 */
import { isLoopback } from '@farebox/bindings';
import type { Env } from './env.ts';
import { prefersMarkdown, toMarkdownPath } from './negotiation.ts';
import { answerStatus } from './status/status-routes.ts';

/** Two years, as the browsers' preload lists require (RFC 6797). */
const HSTS = 'max-age=63072000; includeSubDomains';

async function fetchAsset(request: Request, env: Env): Promise<Response> {
  const url = new URL(request.url);
  const markdownPath = toMarkdownPath(url.pathname);
  if (markdownPath === undefined || !prefersMarkdown(request.headers.get('accept'))) {
    return env.ASSETS.fetch(request);
  }
  url.pathname = markdownPath;
  const markdown = await env.ASSETS.fetch(new Request(url, request));
  return markdown.ok ? markdown : env.ASSETS.fetch(request);
}

export default {
  async fetch(request, env): Promise<Response> {
    const url = new URL(request.url);
    const isEncrypted = url.protocol === 'https:';
    if (!isEncrypted && !isLoopback(url.hostname)) {
      url.protocol = 'https:';
      return Response.redirect(url.href, 308);
    }
    const answer =
      (await answerStatus(request, env, Date.now())) ?? (await fetchAsset(request, env));
    const response = new Response(answer.body, answer);
    response.headers.append('vary', 'Accept');
    // RFC 6797 section 7.2: never over plain HTTP.
    if (isEncrypted) response.headers.set('strict-transport-security', HSTS);
    return response;
  },
} satisfies ExportedHandler<Env>;
