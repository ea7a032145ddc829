/**
 * `npm run measure [-- --ref <commit>]`: prints the size and style figures of this code base as a
 * table, so that a change of structure can be compared before and after. Without `--ref` it reads
 * the working tree.
 *
 * A function is a node with a block body, nested ones included; arrows on one line are ignored. Its
 * length is the whole span with the signature. A comment line holds nothing but comment. `any`,
 * `as` and `!` are the type-level ones; `as const` and import aliases do not count.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Comment, parseSync } from 'oxc-parser';

type Source = Readonly<{ path: string; text: string }>;

type FileFigures = Readonly<{
  lines: number;
  commentLines: number;
  functionLines: readonly number[];
  exportedFunctions: number;
  documentedFunctions: number;
  anyCount: number;
  asCount: number;
  bangCount: number;
  functionNames: readonly string[];
}>;

/** Rows of the table: a title and which paths it counts. */
const GROUPS: readonly (readonly [string, (path: string) => boolean])[] = [
  ['all sources', () => true],
  [
    'deployed, without texts',
    (path) => !/^packages\/(local|i18n|languages)\/|^(bench|scripts)\//.test(path),
  ],
  ['workers/gateway', (path) => path.startsWith('workers/gateway/')],
  ['workers/ledger', (path) => path.startsWith('workers/ledger/')],
  ['packages/ledger', (path) => path.startsWith('packages/ledger/')],
  ['providers + dialects', (path) => /^packages\/(providers|dialects)\//.test(path)],
  ['packages/database', (path) => path.startsWith('packages/database/')],
  ['packages/deposits', (path) => path.startsWith('packages/deposits/')],
  ['workers/console', (path) => /^workers\/console\/(?!operators\/)/.test(path)],
  ['operators', (path) => /^workers\/(console\/)?operators\//.test(path)],
];

/**
 * The private words that this code base once spoke; counted on lines of TypeScript, as whole words.
 */
const PRIVATE_WORDS = [
  'house',
  'asked',
  'ask',
  'letters?',
  'standing',
  'Somebody|Anybody',
  'somebody|anybody|nobody|whoever|whatever',
  'brakes',
  'Shelf|shelf',
  'dear|dearest',
  'flaws?',
  'desk',
  'note',
  'deeds?',
  'Visit|visit',
  'door',
  'room',
] as const;

/** This file and the law name the words in order to forbid them. */
const WORD_LISTS = /^scripts\/measure\.ts$|^tests\/(architecture|house-rules)\.test\.ts$/;
const TEST_FILE = /\.test\.tsx?$|\.testing\.tsx?$|\.workerd\.ts$|^tests\//;

function readTree(ref: string | undefined): Source[] {
  const options = { encoding: 'utf8', maxBuffer: 1 << 28 } as const;
  const listing =
    ref === undefined
      ? execFileSync('git', ['ls-files', '*.ts', '*.tsx'], options)
      : execFileSync('git', ['ls-tree', '-r', '--name-only', ref], options);
  return listing
    .split('\n')
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => ({
      path,
      text:
        ref === undefined
          ? readFileSync(path, 'utf8')
          : execFileSync('git', ['show', `${ref}:${path}`], options),
    }));
}

function countLines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

/** Lines that hold nothing but comment; `comments` come in the order of the text. */
function countCommentLines(text: string, comments: readonly Comment[]): number {
  let blanked = text;
  for (const { start, end } of comments) {
    const gap = text.slice(start, end).replace(/[^\n]/g, '\0');
    blanked = blanked.slice(0, start) + gap + blanked.slice(end);
  }
  return blanked.split('\n').filter((line) => line.includes('\0') && /^[\s\0]*$/.test(line)).length;
}

type Node = Readonly<{ type: string; start: number; end: number }> &
  Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/** Visits every node below `node`, parents first. */
function walk(
  node: Node,
  visit: (node: Node, parent: Node | undefined) => void,
  parent?: Node,
): void {
  visit(node, parent);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, visit, node);
    }
  }
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

function getName(node: Node, parent: Node | undefined): string {
  const id = node.id ?? (parent?.type === 'VariableDeclarator' ? parent.id : parent?.key);
  return isNode(id) && typeof id.name === 'string' ? id.name : '';
}

function isConstAssertion(node: Node): boolean {
  const annotation = node.typeAnnotation;
  if (!isNode(annotation) || !isNode(annotation.typeName)) return false;
  return annotation.typeName.name === 'const';
}

function measureFile({ path, text }: Source): FileFigures {
  const { program, comments } = parseSync(path, text);
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1))
    lineStarts.push(at + 1);
  const lineAt = (offset: number) => lineStarts.filter((start) => start <= offset).length;
  const docEnds = comments.filter(({ value }) => value.startsWith('*')).map(({ end }) => end);
  const isDocumented = (start: number) =>
    docEnds.some((end) => end <= start && /^\s*$/.test(text.slice(end, start)));
  const functionLines: number[] = [];
  const functionNames: string[] = [];
  let [exportedFunctions, documentedFunctions, anyCount, asCount, bangCount] = [0, 0, 0, 0, 0];
  if (!isNode(program)) throw new Error(`${path} has no syntax tree`);
  walk(program, (node, parent) => {
    if (FUNCTIONS.has(node.type) && isNode(node.body)) {
      const lines = lineAt(node.end - 1) - lineAt(node.start) + 1;
      if (!(node.type === 'ArrowFunctionExpression' && lines === 1)) functionLines.push(lines);
      const name = getName(node, parent);
      if (name !== '') functionNames.push(name);
    }
    const declaration = node.type === 'ExportNamedDeclaration' ? node.declaration : undefined;
    if (isNode(declaration) && declaration.type === 'FunctionDeclaration') {
      exportedFunctions += 1;
      if (isDocumented(node.start)) documentedFunctions += 1;
    }
    if (node.type === 'TSAnyKeyword') anyCount += 1;
    if (node.type === 'TSAsExpression' && !isConstAssertion(node)) asCount += 1;
    if (node.type === 'TSNonNullExpression') bangCount += 1;
  });
  return {
    lines: countLines(text),
    commentLines: countCommentLines(text, comments),
    functionLines,
    exportedFunctions,
    documentedFunctions,
    anyCount,
    asCount,
    bangCount,
    functionNames,
  };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `${quantile(sorted, 0.5)} / ${quantile(sorted, 0.9)} / ${sorted.at(-1) ?? 0}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}

function row(title: string, figures: readonly FileFigures[]): string {
  const lines = figures.map((file) => file.lines);
  const lengths = figures.flatMap((file) => file.functionLines);
  const names = figures.flatMap((file) => file.functionNames);
  const total = (pick: (file: FileFigures) => number) => sum(figures.map(pick));
  const cells = [
    title,
    `${figures.length} / ${(sum(lines) / 1000).toFixed(1)}k`,
    spread(lines),
    spread(lengths),
    percent(lengths.filter((length) => length > 70).length, lengths.length),
    percent(
      total((file) => file.commentLines),
      sum(lines),
    ),
    percent(
      total((file) => file.documentedFunctions),
      total((file) => file.exportedFunctions),
    ),
    `${total((file) => file.anyCount)} / ${total((file) => file.asCount)} / ${total((file) => file.bangCount)}`,
    `${names.filter((name) => /[a-z]Of$/.test(name)).length}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

const HEADER = `| code | files / lines | file median / p90 / max | fn median / p90 / max | > 70 lines | comment share | exported fns with doc | any / as / ! | functions named xOf |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |`;

function vocabulary(sources: readonly Source[]): string[] {
  return PRIVATE_WORDS.map((word) => {
    const pattern = new RegExp(`(?<![A-Za-z0-9_])(?:${word})(?![A-Za-z0-9_])`);
    const hits = sources.map(
      ({ text }) => text.split('\n').filter((line) => pattern.test(line)).length,
    );
    return `| ${word.replaceAll('|', ', ')} | ${sum(hits)} | ${hits.filter((count) => count > 0).length} |`;
  });
}

function main(): void {
  const { values } = parseArgs({ options: { ref: { type: 'string' } } });
  const sources = readTree(values.ref);
  const product = sources.filter(({ path }) => !TEST_FILE.test(path));
  const tests = sources.filter(({ path }) => TEST_FILE.test(path));
  const figures = new Map(sources.map((source) => [source.path, measureFile(source)]));
  const pick = (group: readonly Source[]) => group.flatMap(({ path }) => figures.get(path) ?? []);
  const rows = GROUPS.map(([title, includes]) =>
    row(title, pick(product.filter(({ path }) => includes(path)))),
  );
  const output = [
    `Measured: ${values.ref ?? 'the working tree'}`,
    '',
    HEADER,
    ...rows,
    row('tests', pick(tests)),
    '',
    '| private word | lines | files |',
    '| --- | --- | --- |',
    ...vocabulary(sources.filter(({ path }) => !WORD_LISTS.test(path))),
  ];
  process.stdout.write(`${output.join('\n')}\n`);
}

main();
