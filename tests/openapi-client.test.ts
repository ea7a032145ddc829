/**
 * A client that openapi-typescript generates from docs/openapi.json, as a customer would: a program
 * that uses it is compiled and then run against the gateway. Its `@ts-expect-error` lines fail to
 * compile where the document says too little.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedStack } from './support/shared-stack.ts';

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, '..');
/** Below node_modules, so that the program finds openapi-fetch and git does not find the program. */
const FOLDER = join(ROOT, `node_modules/.cache/farebox-openapi-client-${process.pid}`);

const PROGRAM = `
import createClient from 'openapi-fetch';
import type { paths } from './schema.js';

const [baseUrl = '', apiKey = ''] = process.argv.slice(2);
const headersFor = (key: string) => ({ authorization: \`Bearer \${key}\` });
const client = createClient<paths>({ baseUrl, headers: headersFor(apiKey) });
const stranger = createClient<paths>({ baseUrl, headers: headersFor('fbx_nothing') });

const models = await client.GET('/v1/models');
if (models.data === undefined) throw new Error(models.error.error.message);
const ids: string[] = models.data.data.map(({ id }) => id);
// @ts-expect-error A model has an id and no identifier.
models.data.data.map(({ identifier }) => identifier);

const body = { model: 'openai/gpt-5.4', messages: [{ role: 'user', content: 'Hello' }] };
const estimate = await client.POST('/v1/estimate', { body });
if (estimate.data === undefined) throw new Error(estimate.error.error.message);
const maxCost: string = estimate.data.data.hold_nano_usd;

const params = { path: { id: '0'.repeat(32) } };
const missing = await client.GET('/v1/generation/{id}', { params });
// @ts-expect-error The path has a parameter.
const incomplete = () => client.GET('/v1/generation/{id}');
// @ts-expect-error No such path.
const unknown = () => client.GET('/v1/nothing');

const refused = await stranger.GET('/v1/credits');
const code: 'invalid_api_key' | undefined =
  refused.error?.error.code === 'invalid_api_key' ? refused.error.error.code : undefined;
// @ts-expect-error The codes are a closed list.
const isOther = () => refused.error?.error.code === 'no_such_code';

console.log(
  JSON.stringify({
    ids,
    maxCost,
    missing: [missing.response.status, missing.error?.error.code],
    refused: [refused.response.status, code],
    defined: [incomplete, unknown, isOther].length,
  }),
);
`;

const CONFIG = {
  compilerOptions: {
    target: 'esnext',
    module: 'nodenext',
    strict: true,
    skipLibCheck: true,
    types: ['node'],
    rootDir: '.',
    outDir: 'out',
  },
  files: ['program.ts', 'schema.d.ts'],
};

async function generateClient(): Promise<void> {
  const generator = join(ROOT, 'node_modules/openapi-typescript/bin/cli.js');
  const compiler = join(ROOT, 'tests/support/typescript5.mjs');
  const document = join(ROOT, 'docs/openapi.json');
  const types = join(FOLDER, 'schema.d.ts');
  await run(process.execPath, ['--import', compiler, generator, document, '--output', types]);
}

async function compile(): Promise<string> {
  try {
    await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', FOLDER]);
    return '';
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
  }
}

describe('a client generated from docs/openapi.json', () => {
  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(CONFIG));
    writeFileSync(join(FOLDER, 'program.ts'), PROGRAM);
    await generateClient();
  }, 60_000);
  afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

  it('compiles, and reads answers and errors of the gateway by their types', async () => {
    expect(await compile()).toBe('');
    const { stack } = await sharedStack('mock');
    const { apiKey } = await stack.createAccount({ creditUsd: '1' });
    const program = join(FOLDER, 'out/program.js');
    const { stdout } = await run(process.execPath, [program, stack.gatewayUrl, apiKey]);
    const result: Record<string, unknown> = JSON.parse(stdout);
    expect(result).toMatchObject({
      ids: expect.arrayContaining(['openai/gpt-5.4']),
      maxCost: expect.stringMatching(/^\d+$/),
      missing: [404, 'generation_not_found'],
      refused: [401, 'invalid_api_key'],
      defined: 3,
    });
  }, 120_000);
});
