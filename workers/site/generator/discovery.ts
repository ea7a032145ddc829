/** Files for programs that look for pages: sitemap.xml, robots.txt, llms.txt. Pure. */
import type { Language } from '@farebox/i18n';
import { escapeMarkup } from '../escape.ts';
import { type Page, toMarkdownUrlPath, toUrlPath } from './page.ts';
import type { SiteSettings } from './settings.ts';

/** https://www.sitemaps.org/protocol.html, with the languages of each page as Google reads them. */
export function renderSitemap(
  pages: readonly Page[],
  getLanguages: (path: string) => readonly Language[],
  siteUrl: string,
): string {
  const urls = pages.map(({ path, language, updatedOn }) => {
    const alternates = getLanguages(path).map(
      (other) =>
        `<xhtml:link rel="alternate" hreflang="${other}" href="${escapeMarkup(siteUrl + toUrlPath(other, path))}"/>`,
    );
    const xDefault = `<xhtml:link rel="alternate" hreflang="x-default" href="${escapeMarkup(siteUrl + path)}"/>`;
    const modified = updatedOn === null ? '' : `<lastmod>${updatedOn}</lastmod>`;
    const location = escapeMarkup(siteUrl + toUrlPath(language, path));
    return `<url><loc>${location}</loc>${modified}${alternates.length > 1 ? alternates.join('') + xDefault : ''}</url>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">
${urls.join('\n')}
</urlset>
`;
}

export function renderRobots(siteUrl: string): string {
  return `User-agent: *\nAllow: /\n\nSitemap: ${siteUrl}/sitemap.xml\n`;
}

function listLinks(pages: readonly Page[], siteUrl: string): string {
  return pages
    .map(
      ({ title, description, language, path }) =>
        `- [${title}](${siteUrl}${toMarkdownUrlPath(language, path)}): ${description}`,
    )
    .join('\n');
}

/** https://llmstxt.org: what the product is, how an agent has to use it, and every page. */
export function renderLlms(pages: readonly Page[], settings: SiteSettings): string {
  const english = pages.filter(
    ({ language, path }) =>
      language === 'en' && path !== '/404' && !/^\/docs\/(decisions|bench)\//.test(path),
  );
  const docs = english.filter(({ section }) => section !== null);
  const site = english.filter(({ section }) => section === null);
  const { siteUrl, apiUrl, consoleUrl } = settings;
  return `# Farebox

> A prepaid gateway to the AI models of OpenAI, Anthropic, Google, xAI and DeepSeek: one API key, one
> balance in US dollars, the SDK that you already use. Every call has an exact bill.

## Instructions

- The base URL is ${apiUrl}/v1 for OpenAI's SDKs, and ${apiUrl} for Anthropic's and Google's.
- The API key starts with \`fbx_\`. Read it from the environment variable \`FAREBOX_KEY\`. Never write
  it into a file, a log, a URL or a commit. Keys are made at ${consoleUrl}.
- Read the header \`x-request-id\` of every answer: \`GET /v1/generation/{id}\` returns its bill.
- Set an output limit. Without one, Farebox sets the largest that half of the balance can pay for and
  names it in \`x-farebox-max-output-tokens\`.
- On \`402 insufficient_balance\` and \`402 key_limit_exceeded\` do not retry: the error says how much
  is missing and which output limit would fit. On 429 and 503 wait for \`Retry-After\`.
- Model names are \`provider/model\`; \`GET /v1/models\` lists them with prices and limits.
- Every page is Markdown too: add \`.md\` to its address, or send \`Accept: text/markdown\`.
- The OpenAPI 3.1 document is ${siteUrl}/openapi.json.

## Documentation

${listLinks(docs, siteUrl)}

## Site

${listLinks(site, siteUrl)}
`;
}
