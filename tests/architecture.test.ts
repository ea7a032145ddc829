/**
 * The rules of the code base as a test: the import table, the single owners of dangerous APIs, the
 * length of functions, import cycles, and the words that may not come back (docs/glossary.md has
 * their replacements).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseSync } from 'oxc-parser';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/**
 * The workspace packages that each package and Worker may import. What is not listed is forbidden.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'packages/money': [],
  'packages/result': [],
  'packages/crypto': [],
  'packages/bindings': ['telemetry'],
  'packages/telemetry': [],
  'packages/queues': ['telemetry'],
  'packages/catalog': ['dialects', 'money', 'providers/list'],
  'packages/catalog-changes': [
    'catalog',
    'database',
    'database/catalog',
    'database/operators',
    'ledger',
    'money',
    'result',
  ],
  'packages/dialects': ['money'],
  'packages/providers': ['bindings', 'dialects', 'money'],
  'packages/ledger': ['crypto', 'money', 'result', 'telemetry'],
  'packages/database': ['bindings', 'ledger', 'ledger/call-columns', 'money'],
  'packages/i18n': [],
  'packages/design': ['bindings', 'ledger', 'money'],
  'packages/mail': [
    'crypto',
    'database',
    'database/email',
    'database/privacy',
    // Colours and the mark as text; nothing of the pages.
    'design/email',
    'i18n',
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
    'telemetry',
  ],
  'packages/deposits': [
    'bindings',
    'database',
    'database/catalog',
    'database/deposits',
    'database/refunds',
    'ledger',
    'money',
    'result',
    'telemetry',
  ],
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
    'database/catalog',
    'database/deposits',
    'database/email',
    'database/privacy',
    'database/rate-limits',
    'database/refunds',
    'database/statements',
    'database/status',
    'database/webhooks',
    'deposits',
    'design',
    'i18n',
    'identity',
    'ledger',
    'ledger/call-columns',
    // The page that verifies a statement in the browser.
    'ledger/statement-verifier',
    'mail',
    'money',
    'providers/list',
    'queues',
    'telemetry',
  ],
  'workers/operators': [
    'bindings',
    'catalog',
    'catalog-changes',
    'database',
    'database/catalog',
    'database/deposits',
    'database/operators',
    'database/refunds',
    'database/status',
    'database/status/components',
    'deposits',
    'design',
    'identity/emails',
    'ledger',
    'mail',
    'money',
    'providers/list',
    'providers/list',
    'telemetry',
  ],
  'workers/ledger': [
    'bindings',
    'catalog',
    'database',
    'database/catalog',
    'database/ledger',
    'identity/api-keys',
    'ledger',
    'ledger/account-object',
    // Statements are signed as the account object hashed them.
    'ledger/statement-line',
    'queues',
    'telemetry',
  ],
  // The generator reads lists and prices of the product; the Worker itself imports bindings only.
  'workers/site': [
    'bindings',
    'catalog',
    // The contract of the console's entrypoint Status: types only.
    'database/status',
    // The order of its components: a list without Postgres.
    'database/status/components',
    'deposits',
    'design',
    'i18n',
    'ledger',
    'money',
    'providers/list',
  ],
  'packages/local': [
    'database',
    'database/users',
    'deposits',
    'identity',
    'ledger',
    'money',
    'providers/list',
  ],
};

/** APIs that exactly one package or kind of file may use. */
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

/**
 * A condition on which dialect a call is in; what differs between dialects belongs into their
 * specs.
 */
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
/**
 * Files that are deployed or run by operators. Tests and their harnesses may import any front.
 */
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

/**
 * Words of a former private vocabulary, as whole words in code, comments and test titles, in every
 * case. Each has one replacement of the field; docs/glossary.md has them all.
 */
const BANNED_WORDS: readonly Readonly<{ words: RegExp; instead: string }>[] = [
  { words: /\b(houses?|furnish)\b|\b[A-Z]?\w*House\b/, instead: 'deps, Farebox or platform' },
  { words: /\bdoors?\b|\w+Door\b/, instead: 'router, app, entrypoint' },
  { words: /\brooms?\b(?! (for|in)\b)/, instead: 'package, handler, page' },
  { words: /\bvisits?\b/i, instead: 'request, page view' },
  { words: /\bknock(s|ing)?\b/i, instead: 'call, request' },
  {
    // Letters of the alphabet stay (letter case, letters and digits), and so do dead letters.
    words:
      /\b(a|the|its|this|that|every|each|one|kind of|no|last|first|such|queued) letters?\b(?! (case|of|from|or|and|that|means))|(?<![Dd]ead)[Ll]etters?[A-Z]|(?!\w*[Dd]eadLetters?\b)\b\w+Letters?\b/,
    instead: 'email',
  },
  { words: /\bdear(est)?\b(?!')/i, instead: 'expensive, max' },
  { words: /\bdeeds?\b/i, instead: 'action' },
  { words: /\b(shelf|shelves)\b/i, instead: 'transaction, index' },
  { words: /\brecall(s|ed)?\b/i, instead: 'load, cache' },
  { words: /\bglances?\b/i, instead: 'prefilter' },
  { words: /\bcarriages?\b/i, instead: 'options' },
  { words: /\bdepartures?\b/i, instead: 'disconnect' },
  { words: /\bhabits?\b/i, instead: 'baseline' },
  { words: /\bbrakes?\b/i, instead: 'spend guard' },
  { words: /\b(somebody|anybody|whoever|people)\b/i, instead: 'user, caller, owner' },
  { words: /\bflaws?\b/i, instead: 'error, problem' },
  { words: /\bstandings?\b/i, instead: 'status' },
  { words: /\b(MOST|LEAST|LARGEST|LONGEST)_|_(MOST|LEAST)\b|AtMost\b/, instead: 'MAX_, MIN_' },
  { words: /\bwhether[A-Z]/, instead: 'check, is' },
  {
    words:
      /\b(?!(indexOf|lastIndexOf|valueOf|instanceOf|setPrototypeOf|getPrototypeOf|isPrototypeOf|toBeInstanceOf|balanceOf|oneOf|supportedValuesOf)\b)[a-z]\w*[a-z]Of\(/,
    instead: 'get, to, parse, build',
  },
];

/**
 * Files that must spell a banned word: the lists of them, and what renames columns of earlier
 * versions.
 */
const WORD_EXCEPTIONS =
  /^tests\/architecture\.test\.ts$|^scripts\/measure\.ts$|^packages\/ledger\/tables(\.workerd\.test)?\.ts$/;

/** Sources whose words are held: the product, its tests, benches and scripts. */
const WORDED_FILES = ['packages', 'workers', 'tests', 'bench', 'scripts']
  .flatMap(listSources)
  .filter((path) => !WORD_EXCEPTIONS.test(path));

function findWords(words: RegExp): string[] {
  return WORDED_FILES.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) => (words.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

/** Names that two packages may both export, because they mean the same thing at two levels. */
const SHARED_EXPORTS: readonly string[] = [];

/** The names that a package's fronts export, with the front that exports them. */
function listExports(folder: string): Map<string, string> {
  const manifest: { exports?: Record<string, string> } = JSON.parse(read(`${folder}/package.json`));
  const names = new Map<string, string>();
  for (const front of Object.values(manifest.exports ?? {})) {
    const path = join(folder, front);
    if (!path.endsWith('.ts')) continue;
    for (const name of exportedNames(read(path))) names.set(name, path);
  }
  return names;
}

function exportedNames(text: string): string[] {
  const lists = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap((match) =>
    (match[1] ?? '').split(','),
  );
  const listed = lists.map(
    (item) =>
      item
        .trim()
        .replace(/^type /, '')
        .split(' as ')
        .at(-1) ?? '',
  );
  const declared = [
    ...text.matchAll(
      /^export (?:async )?(?:abstract )?(?:function\*?|const|let|class|type|interface) (\w+)/gm,
    ),
  ].map((match) => match[1] ?? '');
  return [...listed, ...declared].filter((name) => name !== '');
}

/**
 * Cycles among the files of one package or Worker, type imports included; each is one readable
 * path.
 */
function findCycles(files: readonly string[]): string[] {
  const edges = new Map(
    files.map((path) => [
      path,
      listImports(path)
        .filter((name) => name.startsWith('.'))
        .map((name) => relative(ROOT, join(ROOT, dirname(path), name)))
        .filter((target) => files.includes(target)),
    ]),
  );
  const cycles: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const search = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      return;
    }
    state.set(path, 'open');
    for (const target of edges.get(path) ?? []) search(target, [...trail, path]);
    state.set(path, 'done');
  };
  for (const path of files) search(path, []);
  return cycles;
}

const MAX_FUNCTION_LINES = 70;

type SyntaxNode = Readonly<Record<string, unknown> & { type: string; start: number; end: number }>;

function isSyntaxNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/** The functions of a file that are longer than the limit, as `path:line (lines)`. */
function findLongFunctions(path: string): string[] {
  const text = read(path);
  const lineAt = (offset: number) => text.slice(0, offset).split('\n').length;
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(visit);
    if (!isSyntaxNode(node)) return;
    if (/^(Function|ArrowFunction)/.test(node.type)) {
      const [first, last] = [lineAt(node.start), lineAt(node.end)];
      if (last - first + 1 > MAX_FUNCTION_LINES)
        found.push(`${path}:${first} (${last - first + 1})`);
    }
    Object.values(node).forEach(visit);
  };
  visit(parseSync(path, text).program);
  return found;
}

describe('the import table', () => {
  it('lists every import between packages', () => {
    const violations = DEPLOYED_FILES.flatMap((path) =>
      listImports(path)
        .filter((name) => name.startsWith('@farebox/'))
        .map((name) => name.slice('@farebox/'.length))
        .filter((name) => !(MAY_IMPORT[getPackage(path)] ?? []).includes(name))
        .map((name) => `${path} imports ${name}`),
    );
    expect(violations).toEqual([]);
  });

  it('grants no import that no file makes', () => {
    const made = new Set(
      DEPLOYED_FILES.flatMap((path) =>
        listImports(path).map((name) => `${getPackage(path)} ${name.replace('@farebox/', '')}`),
      ),
    );
    const unused = Object.entries(MAY_IMPORT).flatMap(([folder, names]) =>
      names.filter((name) => !made.has(`${folder} ${name}`)).map((name) => `${folder} ${name}`),
    );
    expect(unused).toEqual([]);
  });

  it('keeps test harnesses out of deployed files', () => {
    const violations = DEPLOYED_FILES.filter((path) =>
      listImports(path).some((name) => /\.test(ing)?\.tsx?$/.test(name)),
    );
    expect(violations).toEqual([]);
  });

  it('has a row for every package and Worker', () => {
    expect(
      [...new Set(DEPLOYED_FILES.map(getPackage))].filter((name) => !(name in MAY_IMPORT)),
    ).toEqual([]);
  });

  it('forbids relative imports that leave a package or Worker', () => {
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

  it('has no import cycle inside a package or Worker, types included', () => {
    const packages = [...new Set(DEPLOYED_FILES.map(getPackage))];
    expect(
      packages.flatMap((name) =>
        findCycles(DEPLOYED_FILES.filter((path) => getPackage(path) === name)),
      ),
    ).toEqual([]);
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

  it('has default exports only where a Worker or a tool needs one', () => {
    const allowed =
      /^workers\/[a-z]+\/index\.tsx?$|\.config\.ts$|^packages\/local\/ledger-bridge\.ts$/;
    expect(
      FILES.filter((path) => /^export default/m.test(read(path)) && !allowed.test(path)),
    ).toEqual([]);
  });
});

describe('functions', () => {
  it(`have at most ${MAX_FUNCTION_LINES} lines in deployed files`, () => {
    expect(DEPLOYED_FILES.flatMap(findLongFunctions)).toEqual([]);
  });
});

describe('names and words', () => {
  it('has no catch-all folder', () => {
    expect(FILES.filter((path) => FORBIDDEN_FOLDERS.test(path))).toEqual([]);
  });

  for (const { pattern, replacement } of FORBIDDEN_PATTERNS) {
    it(`has ${replacement} in place of ${pattern.source}`, () => {
      expect(FILES.filter((path) => pattern.test(read(path)))).toEqual([]);
    });
  }

  for (const { words, instead } of BANNED_WORDS) {
    it(`has ${instead} in place of ${words.source}`, () => {
      expect(findWords(words)).toEqual([]);
    });
  }

  it('compares dialects in their specs only', () => {
    for (const sample of DIALECT_CONDITION_SAMPLES) expect(sample).toMatch(DIALECT_CONDITION);
    expect(DEPLOYED_FILES.filter((path) => DIALECT_CONDITION.test(read(path)))).toEqual([]);
  });

  it('exports a name from one package only, but for the listed ones', () => {
    const owners = new Map<string, string[]>();
    for (const folder of Object.keys(MAY_IMPORT).filter((name) => name.startsWith('packages/'))) {
      for (const name of listExports(folder).keys()) {
        owners.set(name, [...(owners.get(name) ?? []), folder]);
      }
    }
    const shared = [...owners].filter(
      ([name, folders]) => folders.length > 1 && !SHARED_EXPORTS.includes(name),
    );
    expect(shared.map(([name, folders]) => `${name}: ${folders.join(', ')}`)).toEqual([]);
  });
});
