/**
 * The house's rules as a test: who may import whom, who alone may touch what, and which names and
 * words do not come in. Function length is the linter's (biome.json).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** Which of our packages each room may import; nothing that is not listed. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'packages/money': [],
  'packages/result': [],
  'packages/crypto': [],
  'packages/bindings': ['telemetry'],
  'packages/telemetry': [],
  'packages/catalog': ['dialects', 'money', 'providers/list'],
  'packages/dialects': ['money'],
  'packages/providers': ['bindings', 'dialects', 'money', 'telemetry'],
  'packages/ledger': ['crypto', 'money', 'result', 'telemetry'],
  'packages/database': ['bindings', 'ledger', 'ledger/call-columns', 'money'],
  'packages/i18n': [],
  'packages/design': ['bindings', 'money'],
  'packages/mail': [
    'crypto',
    'database',
    'database/email',
    'i18n',
    'ledger',
    'money',
    'result',
    'telemetry',
  ],
  'packages/identity': [
    'crypto',
    'database',
    'database/privacy',
    'database/rate-limits',
    'database/users',
    'ledger',
    'mail',
    'result',
  ],
  'packages/deposits': ['database', 'database/deposits', 'ledger', 'money', 'result', 'telemetry'],
  'packages/treasury': ['deposits', 'result'],
  'workers/gateway': [
    'bindings',
    'catalog',
    'dialects',
    'identity/api-keys',
    'ledger',
    'money',
    'providers',
    'providers/list',
    'result',
    'telemetry',
  ],
  'workers/deposits': ['bindings', 'database', 'deposits', 'ledger', 'telemetry'],
  'workers/console': [
    'bindings',
    'catalog',
    'crypto',
    'database',
    'database/deposits',
    'database/email',
    'database/privacy',
    'database/rate-limits',
    'database/statements',
    'deposits',
    'design',
    'i18n',
    'identity',
    'ledger',
    'ledger/call-columns',
    'mail',
    'money',
    'providers/list',
    'telemetry',
  ],
  'workers/operators': [
    'bindings',
    'database',
    'database/deposits',
    'database/operators',
    'deposits',
    'design',
    'identity/emails',
    'ledger',
    'mail',
    'money',
    'telemetry',
  ],
  'workers/ledger': [
    'bindings',
    'database',
    'database/ledger',
    'identity/api-keys',
    'ledger',
    'ledger/account-object',
    'money',
    'telemetry',
  ],
  'packages/local': [
    'catalog',
    'database',
    'database/users',
    'deposits',
    'dialects',
    'identity',
    'identity/api-keys',
    'ledger',
    'mail',
    'money',
    'providers',
    'providers/list',
  ],
};

/** What only one room may touch, and in which other rooms it is looked for. */
const SINGLE_OWNERS: readonly Readonly<{ subject: string; pattern: RegExp; owner: RegExp }>[] = [
  {
    subject: 'the database driver',
    pattern: /from '(@neondatabase\/serverless|drizzle-orm)/,
    owner: /^packages\/database\//,
  },
  {
    subject: "an object's storage",
    pattern: /\bstorage\.sql\b|\btransactionSync\b/,
    owner: /^packages\/ledger\//,
  },
  {
    subject: 'the console',
    pattern: /\bconsole\.(log|error|warn|info|debug)\(/,
    owner: /^packages\/(telemetry|local)\//,
  },
  {
    subject: 'a fetch to models',
    pattern: /(?<![.\w])fetch\(/,
    owner: /^(packages\/(providers|local)|workers\/[a-z]+\/index\.ts)/,
  },
  { subject: 'hono', pattern: /from 'hono/, owner: /^(workers|packages\/design)\// },
  { subject: 'Math.random', pattern: /\bMath\.random\b/, owner: /^never$/ },
];

const FORBIDDEN_FOLDERS =
  /(^|\/)(utils?|helpers?|common|shared|lib|misc|types|core|services)(\/|\.ts$)/;
const FORBIDDEN_PATTERNS = [
  { pattern: /\b(TODO|FIXME|XXX)\b/, replacement: 'an issue' },
  { pattern: /^\s+private\s/m, replacement: '#private: TypeScript `private` answers over RPC' },
  { pattern: /setAlarm\(Date\.now\(\)\)/, replacement: 'a moment later (workerd#6866)' },
  { pattern: /\bparseFloat\(/, replacement: 'parseUsd or an integer' },
];

/** A condition on which dialect a call is in; what differs between dialects belongs into their specs. */
const DIALECT_CONDITION =
  /\bdialect [!=]==? |[!=]==? '(chat|messages)'|'(chat|messages)' [!=]==? |case '(chat|messages)':/i;
const DIALECT_CONDITION_SAMPLES = [
  `if (facts.dialect === 'chat') x();`,
  `const field = name !== 'messages' ? a : b;`,
  `if ('chat' === name) x();`,
  `switch (dialect) { case 'messages': }`,
];

function listSources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes('node_modules/') && !path.includes('/.'));
}

const FILES = ['packages', 'workers'].flatMap(listSources);
/** Tests and what they alone use may use any room's door; the rules below are for what is deployed. */
const DEPLOYED_FILES = FILES.filter(
  (path) => !/\.test(ing)?\.tsx?$|vitest\.config\.ts$|drizzle\.config\.ts$/.test(path),
);

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function listImports(path: string): string[] {
  return [...read(path).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
    (match) => match[1] ?? '',
  );
}

function getPackage(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

describe('who may import whom', () => {
  it('keeps to the table, through fronts only', () => {
    const violations = DEPLOYED_FILES.flatMap((path) =>
      listImports(path)
        .filter((name) => name.startsWith('@farebox/'))
        .map((name) => name.slice('@farebox/'.length))
        .filter((name) => !(MAY_IMPORT[getPackage(path)] ?? []).includes(name))
        .map((name) => `${path} imports ${name}`),
    );
    expect(violations).toEqual([]);
  });

  it('keeps what tests alone use out of what is deployed', () => {
    const violations = DEPLOYED_FILES.filter((path) =>
      listImports(path).some((name) => /\.test(ing)?\.tsx?$/.test(name)),
    );
    expect(violations).toEqual([]);
  });

  it('knows every room', () => {
    expect(
      [...new Set(DEPLOYED_FILES.map(getPackage))].filter((name) => !(name in MAY_IMPORT)),
    ).toEqual([]);
  });

  it('never reaches into another room by path', () => {
    const violations = FILES.flatMap((path) =>
      listImports(path)
        .filter((name) => name.startsWith('.'))
        .filter(
          (name) =>
            getPackage(relative(ROOT, join(ROOT, dirname(path), name))) !== getPackage(path),
        )
        .map((name) => `${path} imports ${name}`),
    );
    expect(violations).toEqual([]);
  });
});

describe('single owners', () => {
  for (const { subject, pattern, owner } of SINGLE_OWNERS) {
    it(`only ${owner.source} touches ${subject}`, () => {
      expect(
        DEPLOYED_FILES.filter((path) => pattern.test(read(path)) && !owner.test(path)),
      ).toEqual([]);
    });
  }
});

describe('names and words', () => {
  it('has no room without a noun', () => {
    expect(FILES.filter((path) => FORBIDDEN_FOLDERS.test(path))).toEqual([]);
  });

  for (const { pattern, replacement } of FORBIDDEN_PATTERNS) {
    it(`says ${replacement} in place of ${pattern.source}`, () => {
      expect(FILES.filter((path) => pattern.test(read(path)))).toEqual([]);
    });
  }

  it('asks no other file than a spec which dialect a call is in', () => {
    for (const sample of DIALECT_CONDITION_SAMPLES) expect(sample).toMatch(DIALECT_CONDITION);
    expect(DEPLOYED_FILES.filter((path) => DIALECT_CONDITION.test(read(path)))).toEqual([]);
  });

  it('has default exports only where a Worker or a tool needs one', () => {
    const allowed =
      /^workers\/[a-z]+\/index\.tsx?$|\.config\.ts$|^packages\/local\/ledger-bridge\.ts$/;
    expect(
      FILES.filter((path) => /^export default/m.test(read(path)) && !allowed.test(path)),
    ).toEqual([]);
  });
});
