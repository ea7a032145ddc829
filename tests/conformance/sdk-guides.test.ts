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
import { HAS_PYTHON, installPython, readPythonVersion, warnIfNoPython } from '../support/python.ts';
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
/** Of docs/clients/python.md. */
const PYTHON_PROGRAMS: readonly Dialect[] = ['responses', 'chat', 'messages'];

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

warnIfNoPython();

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

/** Runs a program that asks for the weather with a tool, and compares the bills of its two calls. */
async function expectToolRoundTrip(
  dialect: Dialect,
  runWith: (apiKey: string) => Promise<string>,
): Promise<void> {
  const { apiKey, accountId } = await stack.createAccount({ creditUsd: '1' });
  const paths: string[] = [];
  const play = playToolRoundTrip({ ...SCRIPT, dialect });
  upstream.handler = (request, response) => {
    paths.push(request.path);
    return play(request, response);
  };
  expect((await runWith(apiKey)).trim()).toBe('It is sunny in Oslo.');
  expect(paths).toHaveLength(2);
  const { model, prices } = MODELS[dialect];
  expect(await waitForCharges(stack, accountId, 2)).toEqual(
    toCharges([COUNTS.call, COUNTS.answer].map((counts) => ({ model, counts, prices }))),
  );
}

describe('a program of a guide', () => {
  it.each(CASES)(
    'streams and uses a tool as $page says (program $index, $dialect), and each call costs what its tokens cost',
    ({ page, dialect, index }) =>
      expectToolRoundTrip(dialect, (apiKey) =>
        runProgram(`${page}-${index}`, readPrograms(page, apiKey)[index] ?? '', apiKey),
      ),
  );
});

describe.skipIf(!HAS_PYTHON)('a program of the guide for Python', () => {
  let python: string | null;
  beforeAll(async () => {
    python = await installPython();
  }, INSTALL_MS);

  it.for(PYTHON_PROGRAMS.map((dialect, index) => ({ dialect, index })))(
    'streams and uses a tool as the page says (program $index, $dialect), and each call costs what its tokens cost',
    ({ dialect, index }, { skip }) =>
      expectToolRoundTrip(dialect, async (apiKey) => {
        if (python === null) return skip('no registry has its packages');
        const guide = readGuide('python.md', { gatewayUrl: stack.gatewayUrl, apiKey });
        const env = { PATH: process.env.PATH, FAREBOX_KEY: apiKey, PYTHONDONTWRITEBYTECODE: '1' };
        const program = guide.pythonPrograms[index] ?? '';
        const { stdout } = await run(python, ['-c', program], { env, timeout: 50_000 });
        return stdout;
      }),
  );
});

describe('a command of the guide for curl', () => {
  it.each([
    { index: 0, dialect: 'chat', shows: /^HTTP\/1\.1 200 .*x-request-id: [0-9a-f]{32}/is },
    { index: 1, dialect: 'messages', shows: /event: message_stop/ },
    { index: 2, dialect: 'chat', shows: /"hold_usd":"/ },
  ] as const)('does what the page says ($index, $dialect)', async ({ index, dialect, shows }) => {
    const { apiKey } = await stack.createAccount({ creditUsd: '1' });
    upstream.handler = playToolRoundTrip({ ...SCRIPT, dialect });
    const { commands } = readGuide('curl.md', { gatewayUrl: stack.gatewayUrl, apiKey });
    expect(commands).toHaveLength(3);
    const command = ['-e', '-u', '-o', 'pipefail', '-c', commands[index] ?? ''];
    const env = { PATH: process.env.PATH, FAREBOX_KEY: apiKey };
    const { stdout } = await run('bash', command, { env, timeout: 30_000 });
    expect(stdout).toMatch(shows);
  });
});

describe('the guides', () => {
  it('have no program that is not run', () => {
    const counted = listGuides().map((page) => [page, readPrograms(page, '').length] as const);
    const expected = Object.entries(PROGRAMS).map(([page, dialects]) => [page, dialects.length]);
    expect(counted.filter(([, count]) => count > 0).sort()).toEqual(expected.sort());
    const access = { gatewayUrl: '', apiKey: '' };
    const inPython = listGuides().filter(
      (page) => readGuide(page, access).pythonPrograms.length > 0,
    );
    expect(inPython).toEqual(['python.md']);
    expect(readGuide('python.md', access).pythonPrograms).toHaveLength(PYTHON_PROGRAMS.length);
  });

  it('say of aider that it is not run', () => {
    const text = readFileSync(join(ROOT, 'docs/clients/aider.md'), 'utf8');
    expect(text).toMatch(/^# .+\n\nNot run: /);
    expect(readGuide('aider.md', { gatewayUrl: '', apiKey: '' }).commands).toEqual([]);
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
    const python = readFileSync(join(ROOT, 'docs/clients/python.md'), 'utf8');
    const pinned = [...python.matchAll(/pypi\.org\/project\/(\w+)\/\) \(tested: ([\d.]+)\)/g)];
    expect(
      pinned.map(([, name = '', version]) => [name, readPythonVersion(name) === version]),
    ).toEqual([
      ['openai', true],
      ['anthropic', true],
    ]);
  });
});

/** Cline's package has its program in another, of the same version. */
const PROGRAM_PACKAGES: Readonly<Record<string, string>> = { cline: '@cline/cli-linux-x64' };

/** The version of the workspace's dependency, or of an agent's lockfile. */
function readInstalledVersion(stated: string): unknown {
  const name = PROGRAM_PACKAGES[stated] ?? stated;
  const { devDependencies } = createRequire(import.meta.url)('../../package.json');
  if (name in devDependencies) return devDependencies[name];
  const agents = join(import.meta.dirname, '../support/agents');
  const manifests = ['cline', 'codex', 'claude-code', 'gemini-cli', 'opencode'].map((agent) =>
    JSON.parse(readFileSync(join(agents, agent, 'package.json'), 'utf8')),
  );
  return manifests.map(({ dependencies }) => dependencies[name]).find((each) => each !== undefined);
}
