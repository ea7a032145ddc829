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
  'packages/signals': [],
  'packages/catalog': ['money'],
  'packages/dialects': [],
  'packages/providers': ['dialects', 'money', 'signals'],
  'packages/ledger': ['money', 'signals'],
  'packages/database': ['ledger', 'money'],
  'packages/languages': [],
  'packages/mail': ['database', 'languages', 'ledger', 'money', 'signals'],
  'packages/identity': ['database', 'ledger', 'mail'],
  'packages/deposits': ['database', 'ledger', 'money', 'signals'],
  'packages/treasury': ['deposits'],
  'workers/gateway': [
    'catalog',
    'dialects',
    'identity/api-keys',
    'ledger',
    'money',
    'providers',
    'signals',
  ],
  'workers/deposits': ['database', 'deposits', 'ledger', 'signals'],
  'workers/console': [
    'catalog',
    'database',
    'deposits',
    'identity',
    'languages',
    'ledger',
    'mail',
    'money',
    'signals',
  ],
  'workers/ledger': [
    'database',
    'identity/api-keys',
    'ledger',
    'ledger/account',
    'money',
    'signals',
  ],
  'packages/local': [
    'catalog',
    'database',
    'deposits',
    'dialects',
    'identity',
    'identity/api-keys',
    'ledger',
    'mail',
    'money',
    'providers',
  ],
};

/** What only one room may touch, and in which other rooms it is looked for. */
const SINGLE_OWNERS: readonly Readonly<{ what: string; pattern: RegExp; owner: RegExp }>[] = [
  {
    what: 'the database driver',
    pattern: /from '(@neondatabase\/serverless|drizzle-orm)/,
    owner: /^packages\/database\//,
  },
  {
    what: "an object's storage",
    pattern: /\bstorage\.sql\b|\btransactionSync\b/,
    owner: /^packages\/ledger\//,
  },
  {
    what: 'the console',
    pattern: /\bconsole\.(log|error|warn|info|debug)\(/,
    owner: /^packages\/(signals|local)\//,
  },
  {
    what: 'a fetch to models',
    pattern: /(?<![.\w])fetch\(/,
    owner: /^(packages\/(providers|local)|workers\/[a-z]+\/index\.ts)/,
  },
  { what: 'hono', pattern: /from 'hono/, owner: /^workers\// },
  { what: 'Math.random', pattern: /\bMath\.random\b/, owner: /^never$/ },
];

const FORBIDDEN_FOLDERS =
  /(^|\/)(utils?|helpers?|common|shared|lib|misc|types|core|services)(\/|\.ts$)/;
const FORBIDDEN_WORDS = [
  { word: /\b(TODO|FIXME|XXX)\b/, instead: 'an issue' },
  { word: /^\s+private\s/m, instead: '#private: TypeScript `private` answers over RPC' },
  { word: /setAlarm\(Date\.now\(\)\)/, instead: 'a moment later (workerd#6866)' },
  { word: /\bparseFloat\(/, instead: 'parseUsd or an integer' },
];

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes('node_modules/') && !path.includes('/.'));
}

const FILES = ['packages', 'workers'].flatMap(sources);
/** Tests and what they alone use may use any room's door; the rules below are for what is deployed. */
const PRODUCT = FILES.filter(
  (path) => !/\.test(ing)?\.tsx?$|vitest\.config\.ts$|drizzle\.config\.ts$/.test(path),
);

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function importsOf(path: string): string[] {
  return [...read(path).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
    (match) => match[1] ?? '',
  );
}

function room(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

describe('who may import whom', () => {
  it('keeps to the table, through fronts only', () => {
    const offences = PRODUCT.flatMap((path) =>
      importsOf(path)
        .filter((name) => name.startsWith('@farebox/'))
        .map((name) => name.slice('@farebox/'.length))
        .filter((name) => !(MAY_IMPORT[room(path)] ?? []).includes(name))
        .map((name) => `${path} imports ${name}`),
    );
    expect(offences).toEqual([]);
  });

  it('keeps what tests alone use out of what is deployed', () => {
    const offences = PRODUCT.filter((path) =>
      importsOf(path).some((name) => /\.test(ing)?\.tsx?$/.test(name)),
    );
    expect(offences).toEqual([]);
  });

  it('knows every room', () => {
    expect([...new Set(PRODUCT.map(room))].filter((name) => !(name in MAY_IMPORT))).toEqual([]);
  });

  it('never reaches into another room by path', () => {
    const offences = FILES.flatMap((path) =>
      importsOf(path)
        .filter((name) => name.startsWith('.'))
        .filter((name) => room(relative(ROOT, join(ROOT, dirname(path), name))) !== room(path))
        .map((name) => `${path} imports ${name}`),
    );
    expect(offences).toEqual([]);
  });
});

describe('single owners', () => {
  for (const { what, pattern, owner } of SINGLE_OWNERS) {
    it(`only ${owner.source} touches ${what}`, () => {
      expect(PRODUCT.filter((path) => pattern.test(read(path)) && !owner.test(path))).toEqual([]);
    });
  }
});

describe('names and words', () => {
  it('has no room without a noun', () => {
    expect(FILES.filter((path) => FORBIDDEN_FOLDERS.test(path))).toEqual([]);
  });

  for (const { word, instead } of FORBIDDEN_WORDS) {
    it(`says ${instead} in place of ${word.source}`, () => {
      expect(FILES.filter((path) => word.test(read(path)))).toEqual([]);
    });
  }

  it('has default exports only where a Worker or a tool needs one', () => {
    const allowed = /^workers\/[a-z]+\/index\.tsx?$|\.config\.ts$|^packages\/local\/doors\.ts$/;
    expect(
      FILES.filter((path) => /^export default/m.test(read(path)) && !allowed.test(path)),
    ).toEqual([]);
  });
});
