/**
 * Every block of code of the documentation and of the site, in all languages: each is run by the test
 * that is named here, or has a reason why it is not. A block in a file that is not listed fails.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const FILES = ['README.md', 'docs/*.md', 'docs/clients/*.md', 'workers/site/content/*/*.md'];

/** What becomes of the blocks of a file whose info string is `info`. */
type Rule = Readonly<{ files: RegExp; info: RegExp } & ({ test: string } | { reason: string })>;

const RULES: readonly Rule[] = [
  { files: /^README\.md$/, info: /^(js|sh)$/, test: 'tests/readme.test.ts' },
  { files: /^workers\/site\/content\//, info: /^(js|sh) run$/, test: 'tests/site-samples.test.ts' },
  {
    files: /^workers\/site\/content\/\w+\/quickstart\.md$/,
    info: /^sh$/,
    reason: 'installs packages and sets the key; tests/site-samples.test.ts fails if it calls',
  },
  {
    files:
      /^docs\/clients\/(ai-sdk|anthropic-sdk|curl|google-sdk|langchain|openai-sdk|python)\.md$/,
    info: /^(js|sh|python)$/,
    test: 'tests/conformance/sdk-guides.test.ts',
  },
  {
    files: /^docs\/clients\/cline\.md$/,
    info: /^(sh|json)$/,
    test: 'tests/conformance/cline.test.ts',
  },
  {
    files: /^docs\/clients\/claude-code\.md$/,
    info: /^sh$/,
    test: 'tests/conformance/claude-code.test.ts',
  },
  {
    files: /^docs\/clients\/codex\.md$/,
    info: /^(sh|toml)$/,
    test: 'tests/conformance/codex.test.ts',
  },
  {
    files: /^docs\/clients\/gemini-cli\.md$/,
    info: /^(sh|json)$/,
    test: 'tests/conformance/gemini-cli.test.ts',
  },
  {
    files: /^docs\/clients\/opencode\.md$/,
    info: /^(sh|json)$/,
    test: 'tests/conformance/opencode.test.ts',
  },
  {
    files: /^docs\/clients\/aider\.md$/,
    info: /^text$/,
    reason: 'PyPI alone has it, and neither npm nor Debian; the page says “Not run”',
  },
  {
    files: /^docs\/statements\.md$/,
    info: /^(sh openssl|python)$/,
    test: 'tests/statements.test.ts',
  },
  { files: /^docs\/webhooks\.md$/, info: /^(js|python)$/, test: 'tests/webhooks.test.ts' },
  {
    files: /^docs\/webhooks\.md$/,
    info: /^(json)?$/,
    reason: 'an event and its header as they arrive; tests/webhooks.test.ts compares real ones',
  },
  {
    files: /^docs\/(development|treasury)\.md$/,
    info: /^sh$/,
    reason: 'commands for operators that deploy or sign with keys of their own',
  },
  {
    files: /^docs\/operators\.md$/,
    info: /^(json)?$/,
    reason: 'bodies and settings for operators, which no client sends',
  },
];

type Block = Readonly<{ file: string; line: number; info: string }>;

function listBlocks(file: string): Block[] {
  const blocks: Block[] = [];
  let isOpen = false;
  for (const [index, text] of readFileSync(join(ROOT, file), 'utf8').split('\n').entries()) {
    const [, info] = /^\s*(?:```|~~~)(.*)$/.exec(text) ?? [];
    if (info === undefined) continue;
    if (!isOpen) blocks.push({ file, line: index + 1, info: info.trim() });
    isOpen = !isOpen;
  }
  return blocks;
}

const blocks = globSync([...FILES], { cwd: ROOT })
  .toSorted()
  .flatMap(listBlocks);
const matches = ({ files, info }: Rule, block: Block) =>
  files.test(block.file) && info.test(block.info);

describe('the code samples of the documentation and the site', () => {
  it('are each run by a test, or have a reason why not', () => {
    expect(blocks.length).toBeGreaterThan(60);
    const unknown = blocks.filter((block) => !RULES.some((rule) => matches(rule, block)));
    expect(unknown.map(({ file, line, info }) => `${file}:${line} ${info}`)).toEqual([]);
  });

  it('have no rule that no sample needs any more', () => {
    const unused = RULES.filter((rule) => !blocks.some((block) => matches(rule, block)));
    expect(unused.map(({ files, info }) => `${files} ${info}`)).toEqual([]);
  });

  it.each(RULES.flatMap((rule) => ('test' in rule ? [rule.test] : [])))(
    'are run by %s, which exists',
    (test) => {
      expect(readFileSync(join(ROOT, test), 'utf8')).toContain('describe(');
    },
  );

  it('are called not run on the page of every client whose samples are not', () => {
    const clients = RULES.filter(
      (rule) => 'reason' in rule && rule.files.source.includes('clients'),
    );
    expect(clients.length).toBeGreaterThan(0);
    for (const { files } of clients)
      for (const { file } of blocks.filter((block) => files.test(block.file)))
        expect(readFileSync(join(ROOT, file), 'utf8'), file).toMatch(/not run/i);
  });
});
