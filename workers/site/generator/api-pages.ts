/** The API reference and the catalogue of errors, from docs/openapi.json. */
import { type OpenApi, renderApiReference } from './api-reference.tsx';
import { renderTable } from './content-table.tsx';
import { ERROR_EXPLANATIONS } from './error-explanations.ts';
import { toErrorPath } from './error-paths.ts';
import { createRenderer } from './markdown.ts';
import type { Page } from './page.ts';
import type { SiteSource } from './source.ts';

const OPENAPI_FILE = 'docs/openapi.json';

function buildReference(document: OpenApi, updatedOn: string | null): Page {
  return {
    path: '/docs/api',
    language: 'en',
    title: 'API reference',
    description: 'Every endpoint of the Farebox API with its parameters, shapes and statuses.',
    body: renderApiReference(document),
    updatedOn,
    section: 'api',
    scripts: ['search'],
  };
}

/** What the link of an error leads to that a provider wrote, which has no code of ours. */
const PROVIDER_ERROR = 'upstream_refused';

function describeStatus(document: OpenApi, code: string): string {
  const facts = document['x-errors']?.[code];
  if (facts === undefined) return 'HTTP 4xx, the provider’s own status. A retry fails again.';
  return facts.retryable
    ? `HTTP ${facts.status}. A retry can succeed; wait as long as \`Retry-After\` says where it is set.`
    : `HTTP ${facts.status}. A retry of the same request fails again.`;
}

function buildErrorPage(document: OpenApi, code: string, updatedOn: string | null): Page {
  const { cause, remedy } = ERROR_EXPLANATIONS[code] ?? { cause: '', remedy: '' };
  const markdown = [
    describeStatus(document, code),
    `## Why it happens\n\n${cause}`,
    `## What to do\n\n${remedy}`,
    'All codes: [errors](/docs/errors). The shapes: [API reference](/docs/api#schema-error).',
  ].join('\n\n');
  return {
    path: toErrorPath(code),
    language: 'en',
    title: code,
    description: cause,
    body: { html: createRenderer((href) => href)(markdown), markdown },
    updatedOn,
    section: 'api',
    scripts: ['search'],
    isInMenu: false,
  };
}

function buildErrorIndex(
  document: OpenApi,
  codes: readonly string[],
  updatedOn: string | null,
): Page {
  const intro = createRenderer((href) => href)(
    'Errors have the shape of the dialect that was called. `code` comes from one closed list in each of them. `x-should-retry` says whether the official SDKs try again, and the header `Link` with `rel="help"` leads to the page of the code.',
  );
  const table = renderTable({
    head: ['Code', 'Status', 'Retry', 'Cause'],
    rows: codes.map((code) => [
      { text: code, href: toErrorPath(code), isCode: true },
      String(document['x-errors']?.[code]?.status ?? '4xx'),
      document['x-errors']?.[code]?.retryable === true ? 'yes' : 'no',
      ERROR_EXPLANATIONS[code]?.cause ?? '',
    ]),
  });
  return {
    path: '/docs/errors',
    language: 'en',
    title: 'Errors',
    description: 'Every error code of the Farebox API, why it happens and what to do.',
    body: { html: intro + table.html, markdown: table.markdown },
    updatedOn,
    section: 'api',
    scripts: ['search'],
  };
}

/** The codes of the document and the provider's own errors, in alphabetical order. */
export function listErrorPages(document: OpenApi): string[] {
  const codes = (document.components.schemas.ErrorCode?.enum ?? []).map(String);
  return [...codes, PROVIDER_ERROR].sort();
}

export function buildApiPages(source: SiteSource): Page[] {
  const document: OpenApi = JSON.parse(source.copied.get(OPENAPI_FILE) ?? '{}');
  const updatedOn = source.changedOn.get(OPENAPI_FILE) ?? null;
  const codes = listErrorPages(document);
  return [
    buildReference(document, updatedOn),
    buildErrorIndex(document, codes, updatedOn),
    ...codes.map((code) => buildErrorPage(document, code, updatedOn)),
  ];
}
