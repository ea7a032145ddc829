/**
 * The programs of docs/clients: each streams an answer with a tool of its own, and runs as it stands
 * in the page, in a process of its own.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LocalStack } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { toCharges, waitForCharges } from '../support/bills.ts';
import { listGuides, readGuide } from '../support/guides.ts';
import { INSTALL_MS } from '../support/installed-agent.ts';
import type { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { sharedStack } from '../support/shared-stack.ts';
import { playToolRoundTrip, type ToolRoundTrip } from '../support/tool-round-trip.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Inside the checkout, because a program imports its packages from there. */
const FOLDER = join(ROOT, 'node_modules/.cache/guides');
const run = promisify(execFile);

// The providers' price lists, in nano-USD a token.
const MODELS = {
  responses: {
    model: 'openai/gpt-6.2-sol',
    prices: { input: 2000n, cached: 100n, output: 10_000n },
  },
  chat: { model: 'openai/gpt-5.4', prices: { input: 2500n, cached: 250n, output: 15_000n } },
  messages: {
    model: 'anthropic/claude-sonnet-5-5',
    prices: { input: 2000n, cached: 100n, output: 10_000n },
  },
  gemini: {
    model: 'google/gemini-3.5-flash',
    prices: { input: 1500n, cached: 150n, output: 9000n },
  },
} as const;
type Dialect = keyof typeof MODELS;

/** The dialects of each page's programs, in their order. */
const PROGRAMS: Readonly<Record<string, readonly Dialect[]>> = {
  'openai-sdk.md': ['responses', 'chat'],
  'anthropic-sdk.md': ['messages'],
  'google-sdk.md': ['gemini'],
  'ai-sdk.md': ['responses', 'chat', 'messages', 'gemini'],
  'langchain.md': ['responses', 'chat', 'messages', 'gemini'],
};
const CASES = Object.entries(PROGRAMS).flatMap(([page, dialects]) =>
  dialects.map((dialect, index) => ({ page, dialect, index })),
);

const COUNTS = {
  call: { input: 900, cached: 600, output: 30 },
  answer: { input: 950, cached: 900, output: 12 },
  title: { input: 1, output: 1 },
};
const SCRIPT: Omit<ToolRoundTrip, 'dialect'> = {
  call: { name: 'weather', args: { city: 'Oslo' } },
  result: /Sunny in (\w+)/,
  answer: (city) => `It is sunny in ${city}.`,
  counts: COUNTS,
};

let upstream: ScriptedUpstream;
let stack: LocalStack;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  mkdirSync(FOLDER, { recursive: true });
}, INSTALL_MS);

function readPrograms(page: string, apiKey: string): readonly string[] {
  return readGuide(page, { gatewayUrl: stack.gatewayUrl, apiKey }).programs;
}

async function runProgram(name: string, program: string, apiKey: string): Promise<string> {
  const path = join(FOLDER, `${name}.mjs`);
  writeFileSync(path, program);
  const env = { PATH: process.env.PATH, FAREBOX_KEY: apiKey };
  const { stdout } = await run(process.execPath, [path], { env, timeout: 30_000 });
  return stdout;
}

describe('a program of a guide', () => {
  it.each(CASES)(
    'streams and uses a tool as $page says (program $index, $dialect), and each call costs what its tokens cost',
    async ({ page, dialect, index }) => {
      const { apiKey, accountId } = await stack.createAccount({ creditUsd: '1' });
      const program = readPrograms(page, apiKey)[index] ?? '';
      const paths: string[] = [];
      const play = playToolRoundTrip({ ...SCRIPT, dialect });
      upstream.handler = (request, response) => {
        paths.push(request.path);
        return play(request, response);
      };
      const output = await runProgram(`${page}-${index}`, program, apiKey);
      expect(output.trim()).toBe('It is sunny in Oslo.');
      expect(paths).toHaveLength(2);
      const { model, prices } = MODELS[dialect];
      expect(await waitForCharges(stack, accountId, 2)).toEqual(
        toCharges([COUNTS.call, COUNTS.answer].map((counts) => ({ model, counts, prices }))),
      );
    },
  );
});

describe('the guides', () => {
  it('have no program that is not run', () => {
    const counted = listGuides().map((page) => [page, readPrograms(page, '').length] as const);
    const expected = Object.entries(PROGRAMS).map(([page, dialects]) => [page, dialects.length]);
    expect(counted.filter(([, count]) => count > 0).sort()).toEqual(expected.sort());
  });

  it('are all listed in docs/clients.md', () => {
    const overview = readFileSync(join(ROOT, 'docs/clients.md'), 'utf8');
    const linked = [...overview.matchAll(/\]\(clients\/([^)]+)\)/g)].map(([, page]) => page);
    expect(linked.sort()).toEqual(listGuides().sort());
  });

  it('state the versions that the tests run', () => {
    const stated = listGuides().flatMap((page) => {
      const text = readFileSync(join(ROOT, 'docs/clients', page), 'utf8');
      return [...text.matchAll(/npmjs\.com\/package\/([^)]+)\)[^()]*?\(tested: ([\d.]+)/g)].map(
        ([, name = '', version = '']) => `${name}@${version}`,
      );
    });
    const installed = stated.map((each) => {
      const name = each.slice(0, each.lastIndexOf('@'));
      return `${name}@${readInstalledVersion(name)}`;
    });
    expect(stated.length).toBeGreaterThan(10);
    expect(stated).toEqual(installed);
  });
});

/** The version of the workspace's dependency, or of an agent's lockfile. */
function readInstalledVersion(name: string): unknown {
  const { devDependencies } = createRequire(import.meta.url)('../../package.json');
  if (name in devDependencies) return devDependencies[name];
  const agents = join(import.meta.dirname, '../support/agents');
  const manifests = ['codex', 'claude-code', 'gemini-cli', 'opencode'].map((agent) =>
    JSON.parse(readFileSync(join(agents, agent, 'package.json'), 'utf8')),
  );
  return manifests.map(({ dependencies }) => dependencies[name]).find((each) => each !== undefined);
}
