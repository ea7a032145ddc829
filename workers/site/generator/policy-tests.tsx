/** The table of docs/privacy-as-tests.md as the trust page shows it, read from the document. */
import type { Language } from '@farebox/i18n';
import type { FC } from 'hono/jsx';
import { siteMessagesFor } from '../texts/index.ts';
import { renderTable } from './content-table.tsx';
import type { Rendered } from './page.ts';

const ROW = /^\| (?<promise>[^|]+) \| (?<software>[^|]+) \| `(?<file>[^`]+)` "(?<title>.+)" \|$/gm;
/** `P3, P4 Nothing goes to advertisers`, or the numbers alone where a row adds to the one above. */
const PROMISE = /^(?<numbers>P\d+(?:, P\d+)*)(?: (?<title>.+))?$/;

export type PolicyTest = Readonly<{ software: string; test: string }>;
export type PolicyPromise = Readonly<{
  /** `P1`, or `P3, P4` where one text is for both. */
  numbers: string;
  title: string;
  tests: readonly PolicyTest[];
}>;

/** Titles of tests that run for several cases have a place for the case's name. */
function withoutPlaceholders(title: string): string {
  return title.replace(/\$\{[^}]*\}|%[sdij]/g, '…');
}

/** The promises in the document's order, each with the tests of its rows. */
export function parsePolicyPromises(document: string): PolicyPromise[] {
  const promises: PolicyPromise[] = [];
  for (const { groups = {} } of document.matchAll(ROW)) {
    const { numbers = '', title } = PROMISE.exec(groups.promise ?? '')?.groups ?? {};
    const test = {
      software: groups.software ?? '',
      test: `${groups.file ?? ''}: ${withoutPlaceholders(groups.title ?? '')}`,
    };
    const last = promises.at(-1);
    if (title !== undefined || last === undefined)
      promises.push({ numbers, title: title ?? '', tests: [test] });
    else promises[promises.length - 1] = { ...last, tests: [...last.tests, test] };
  }
  return promises;
}

/** The promise in the reader's language; the document's English where there is no translation. */
function getTitle({ numbers, title }: PolicyPromise, language: Language): string {
  const titles: Readonly<Record<string, string>> = siteMessagesFor(language).trust.promises;
  return titles[numbers] ?? title;
}

type PromiseProps = Readonly<{ promise: PolicyPromise; language: Language }>;

const PromiseDetails: FC<PromiseProps> = ({ promise, language }) => (
  <details>
    <summary>
      <strong>{promise.numbers}</strong> {getTitle(promise, language)}{' '}
      <span class="count">{siteMessagesFor(language).trust.tests(promise.tests.length)}</span>
    </summary>
    <ul lang="en">
      {promise.tests.map(({ software, test }) => (
        <li>
          {software}
          <code>{test}</code>
        </li>
      ))}
    </ul>
  </details>
);

function toMarkdown(promises: readonly PolicyPromise[], language: Language): string {
  const { trust: t } = siteMessagesFor(language);
  return renderTable({
    head: [t.promise, t.software, t.test],
    rows: promises.flatMap((promise) =>
      promise.tests.map(({ software, test }) => [
        `${promise.numbers} ${getTitle(promise, language)}`,
        software,
        { text: test, isCode: true },
      ]),
    ),
  }).markdown;
}

/** Each promise with the number of its tests; the tests open on demand. */
export function renderPolicyTests(
  promises: readonly PolicyPromise[],
  language: Language,
): Rendered {
  const { trust: t } = siteMessagesFor(language);
  const count = promises.reduce((sum, { tests }) => sum + tests.length, 0);
  const summary = t.promisesAndTests(promises.length, count);
  const html = (
    <div class="promises">
      <p>{summary}</p>
      {promises.map((promise) => (
        <PromiseDetails promise={promise} language={language} />
      ))}
    </div>
  );
  return { html: String(html), markdown: `${summary}\n\n${toMarkdown(promises, language)}` };
}
