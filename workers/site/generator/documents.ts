/**
 * The documents of the repository that the site shows, with their addresses. Links between them lead
 * to each other; a link to anything else of the repository is text.
 */
import { basename, dirname, join, normalize } from 'node:path/posix';
import type { LinkResolver } from './markdown.ts';
import type { DocsSection } from './page.ts';

export type SiteDocument = Readonly<{
  /** From the root of the repository: `docs/operators.md`. */
  file: string;
  path: string;
  section: DocsSection;
  /** Records and results are linked from other pages, and would make the menu long. */
  isInMenu: boolean;
}>;

/** Documents that the menu lists under a part of their own; all others of `docs/` are internals. */
const SECTIONS: Readonly<Record<string, DocsSection>> = {
  'docs/dialects.md': 'api',
  'docs/api-keys.md': 'account',
  'docs/storage.md': 'account',
  'docs/privacy-as-tests.md': 'account',
  'docs/statements.md': 'account',
  'docs/webhooks.md': 'account',
  'docs/operators.md': 'operators',
  'docs/networks.md': 'operators',
  'docs/treasury.md': 'operators',
  'docs/development.md': 'operators',
};

/** Documents outside of `docs/`. */
const OTHER_PATHS: Readonly<Record<string, string>> = {
  'ARCHITECTURE.md': '/docs/architecture',
  'SECURITY.md': '/docs/security',
  'CONTRIBUTING.md': '/docs/contributing',
};

function toSiteDocument(file: string): SiteDocument | undefined {
  const name = basename(file, '.md').toLowerCase();
  const other = OTHER_PATHS[file];
  if (other !== undefined) return { file, path: other, section: 'internals', isInMenu: true };
  if (file.startsWith('docs/decisions/'))
    return { file, path: `/docs/decisions/${name}`, section: 'internals', isInMenu: false };
  if (file === 'docs/clients.md')
    return { file, path: '/docs/clients', section: 'clients', isInMenu: true };
  if (file.startsWith('docs/clients/'))
    return { file, path: `/docs/clients/${name}`, section: 'clients', isInMenu: true };
  if (file.startsWith('bench/results/'))
    return { file, path: `/docs/bench/${name}`, section: 'internals', isInMenu: false };
  if (!file.startsWith('docs/')) return undefined;
  return { file, path: `/docs/${name}`, section: SECTIONS[file] ?? 'internals', isInMenu: true };
}

/** Returns the documents among the Markdown files of the repository. */
export function listSiteDocuments(files: readonly string[]): SiteDocument[] {
  return files.flatMap((file) => toSiteDocument(file) ?? []);
}

/** Files that are copied as they are, by their file in the repository. */
export const COPIED_FILES: Readonly<Record<string, string>> = {
  'docs/openapi.json': '/openapi.json',
  'bench/results/latest.generated.json': '/bench/latest.json',
  'bench/results/all-rows.generated.json': '/bench/all-rows.json',
  'bench/results/soak.generated.json': '/bench/soak.json',
  'bench/results/stream-ways.generated.json': '/bench/stream-ways.json',
  'bench/results/latest.svg': '/bench/latest.svg',
  'bench/results/soak.svg': '/bench/soak.svg',
  'bench/results/console.svg': '/bench/console.svg',
  'bench/results/deposits.svg': '/bench/deposits.svg',
};

/** Pages of the site that stand for a file of the repository. */
const STAND_INS: Readonly<Record<string, string>> = {
  'README.md': '/docs/quickstart',
  'CHANGELOG.md': '/changelog',
  'docs/decisions': '/docs/decisions',
};

/** Resolves the links of one document. */
export function createDocumentLinks(
  file: string,
  documents: readonly SiteDocument[],
): LinkResolver {
  const paths = new Map([
    ...Object.entries(COPIED_FILES),
    ...Object.entries(STAND_INS),
    ...documents.map((document) => [document.file, document.path] as const),
  ]);
  return (href) => {
    if (/^(https?:|mailto:|#|\/)/.test(href)) return href;
    const [target = '', fragment] = href.split('#');
    const path = paths.get(normalize(join(dirname(file), target)).replace(/\/$/, ''));
    if (path === undefined) return undefined;
    return fragment === undefined ? path : `${path}#${fragment}`;
  };
}
