/** The values and blocks that content files may name. */
import { priceDate } from '@farebox/catalog';
import type { Language } from '@farebox/i18n';
import { PROVIDERS } from '@farebox/providers/list';
import { escapeMarkup } from '../escape.ts';
import { siteMessagesFor } from '../texts/index.ts';
import {
  describeRun,
  renderAdditions,
  renderBars,
  renderGoals,
  renderPeers,
} from './benchmark-blocks.tsx';
import { parseBenchmarkRun } from './benchmark-results.ts';
import { EXAMPLE_MODEL, renderExampleBill } from './bill-example.tsx';
import type { Blocks, Values } from './blocks.ts';
import { renderNetworks, renderReasons } from './closed-lists.ts';
import type { ContentParts } from './content-pages.ts';
import { renderTable } from './content-table.tsx';
import { renderCallToAction, renderPoints } from './home-blocks.tsx';
import { listPriceRows, type PriceRow } from './model-prices.ts';
import { type Rendered, toUrlPath } from './page.ts';
import { parsePolicyPromises, renderPolicyTests } from './policy-tests.tsx';
import { renderNewestPrices, renderPriceList } from './price-list.tsx';
import { DEPLOYED_WORKERS, type SiteSettings } from './settings.ts';
import type { SiteSource } from './source.ts';
import { parseStoredTables, renderStoredData } from './stored-data.ts';

/** The last run of every row; the last run of all may be of some rows only. */
const ALL_ROWS_FILE = 'bench/results/all-rows.generated.json';

function formatMinute(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** One row for each Worker, or one for all where the build knows no version. */
function listWorkerVersions({ workerVersions }: SiteSettings, language: Language): string[][] {
  const { trust: t } = siteMessagesFor(language);
  if (workerVersions.size === 0) return [[t.workers, t.unknown]];
  return DEPLOYED_WORKERS.map((worker) => [
    t.worker(worker),
    workerVersions.get(worker) ?? t.unknown,
  ]);
}

/** What is deployed, as far as the build knows it. */
function renderDeployment(settings: SiteSettings, language: Language): Rendered {
  const { trust: t } = siteMessagesFor(language);
  return renderTable({
    head: ['', ''],
    rows: [
      ...(settings.sourceUrl === null
        ? []
        : [[t.source, { text: settings.sourceUrl, href: settings.sourceUrl }]]),
      [t.commit, settings.commit ?? t.unknown],
      ...listWorkerVersions(settings, language),
      [t.builtAt, formatMinute(settings.builtAt)],
      [t.priceList, priceDate()],
      [t.canary, { text: t.canaryStatus, href: toUrlPath(language, '/status') }],
    ],
    phoneLayout: 'stacked',
  });
}

/** What the Worker replaces with the status; it stays where the status can't be read. */
function renderUnknownStatus(language: Language): Rendered {
  const text = siteMessagesFor(language).status.unknown;
  return { html: `<div data-status><p>${escapeMarkup(text)}</p></div>`, markdown: text };
}

/** What a reader asks first of a price list: whether the platform adds to it. */
function describeMargin(rows: readonly PriceRow[], language: Language): string {
  const { margin } = siteMessagesFor(language).priceList;
  return rows.some(({ providersOwn }) => providersOwn !== null) ? margin.included : margin.none;
}

export function buildContentParts(source: SiteSource, settings: SiteSettings): ContentParts {
  const rows = listPriceRows(settings.builtAt);
  const storedTables = parseStoredTables(source.documents.get('docs/storage.md') ?? '');
  const run = parseBenchmarkRun(source.copied.get(ALL_ROWS_FILE) ?? '');
  const promises = parsePolicyPromises(source.documents.get('docs/privacy-as-tests.md') ?? '');
  return {
    getValues: (language): Values => ({
      site: settings.siteUrl,
      api: settings.apiUrl,
      console: settings.consoleUrl,
      operator: settings.operatorName,
      contact: settings.contactEmail,
      'price-date': priceDate(),
      'model-count': String(rows.length),
      'provider-count': String(PROVIDERS.length),
      'example-model': EXAMPLE_MODEL,
      margin: describeMargin(rows, language),
      'benchmark-run': describeRun(run, language),
      counter: settings.metrikaCounter ?? siteMessagesFor(language).consent.noCounter,
    }),
    getBlocks: (language): Blocks => ({
      points: renderPoints(language),
      'call-to-action': renderCallToAction(settings.consoleUrl, language),
      'price-list': renderPriceList(rows, language),
      'newest-prices': renderNewestPrices(rows, language),
      'example-bill': renderExampleBill(settings.builtAt, language),
      reasons: renderReasons(language),
      networks: renderNetworks(settings.networks, language),
      'stored-data': renderStoredData(storedTables, language),
      'policy-tests': renderPolicyTests(promises, language),
      deployment: renderDeployment(settings, language),
      status: renderUnknownStatus(language),
      'benchmark-additions': renderAdditions(run, language),
      'benchmark-bars': renderBars(run, language),
      'benchmark-peers': renderPeers(run, language),
      'benchmark-goals': renderGoals(run, language),
    }),
  };
}
