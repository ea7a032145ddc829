/**
 * The code samples of the site's pages in every language, run as they stand there against the stack,
 * with its address and a key. A block marked `run` is run; every call in a sample has to be marked.
 */
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LocalStack } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedStack } from './support/shared-stack.ts';

const ROOT = join(import.meta.dirname, '..');
const CONTENT = join(ROOT, 'workers/site/content');
const MOCK_ANSWER = 'Hello from the mock';

const run = promisify(execFile);

type Sample = Readonly<{ page: string; language: string; isRun: boolean; code: string }>;

function readSamples(page: string): Sample[] {
  const blocks = readFileSync(join(CONTENT, page), 'utf8').matchAll(
    /^```(\w*)( run)?\n(.*?)^```/gms,
  );
  return [...blocks].map(([, language = '', mark, code = '']) => ({
    page,
    language,
    isRun: mark !== undefined,
    code,
  }));
}

const samples = globSync('*/*.md', { cwd: CONTENT }).sort().flatMap(readSamples);

let stack: LocalStack;
let apiKey: string;

beforeAll(async () => {
  ({ stack } = await sharedStack('mock'));
  ({ apiKey } = await stack.createAccount({ creditUsd: '5' }));
});

async function runSample({ language, code }: Sample): Promise<string> {
  const text = code.replaceAll('{{api}}', stack.gatewayUrl);
  const [command, args] =
    language === 'sh'
      ? (['bash', ['-e', '-u', '-o', 'pipefail', '-c', text]] as const)
      : ([process.execPath, ['--input-type=module', '--eval', text]] as const);
  const env = { ...process.env, FAREBOX_KEY: apiKey };
  const { stdout } = await run(command, [...args], { cwd: ROOT, env });
  return stdout;
}

describe('the samples of the site', () => {
  it('are marked to be run wherever they call something', () => {
    const unmarked = samples.filter(({ isRun, code }) => !isRun && /curl|import /.test(code));
    expect(unmarked.map(({ page, code }) => `${page}: ${code}`)).toEqual([]);
    expect(samples.filter(({ isRun }) => isRun).length).toBeGreaterThan(15);
  });

  it.each(
    samples
      .filter(({ isRun }) => isRun)
      .map((sample, index) => [sample.page, index, sample] as const),
  )('%s, sample %i, gets what it asks for', async (_page, _index, sample) => {
    const output = await runSample(sample);
    if (sample.code.includes('/v1/generation/')) {
      expect(JSON.parse(output)).toMatchObject({ data: { id: expect.any(String) } });
    } else {
      expect(output).toContain(MOCK_ANSWER);
    }
  });
});
