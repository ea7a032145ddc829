/** `npm run catalog` on a real database: shows, changes, and leaves large moves to the screens. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@farebox/database';
import { listCatalogVersions, listOpenCatalogProposals } from '@farebox/database/catalog';
import { listOperatorActions } from '@farebox/database/operators';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const CLI = join(import.meta.dirname, 'cli.ts');
const SIGNED = ['--as', 'ada@farebox.example', '--reason', 'the provider published a price'];

let database: EmptyDatabase;
const folder = mkdtempSync(join(tmpdir(), 'farebox-catalog-'));

beforeAll(async () => {
  database = await createEmptyDatabase();
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

type CommandResult = Readonly<{ code: number; stdout: string; stderr: string }>;

function runCommand(...args: string[]): Promise<CommandResult> {
  const env = { ...process.env, DATABASE_URL: database.url };
  return new Promise((resolve) => {
    execFile(process.execPath, ['--no-warnings', CLI, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

const price = (usd: string) => ['price', 'openai/gpt-4o-mini', 'standard', 'output', usd];

describe('npm run catalog', () => {
  it('shows a change without making it in a dry run', async () => {
    const result = await runCommand(...price('0.66'), '--dry-run');
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout).toMatch(/openai\/gpt-4o-mini +standard +output +0\.6 +0\.66 +x1\.100/);
    expect(await listCatalogVersions(connect(database.url), 1)).toEqual([]);
  });

  it('adds the model of a file that it showed, with entries in the audit log', async () => {
    const shown = await runCommand('show', 'openai/gpt-4o-mini');
    const path = join(folder, 'model.json');
    const added = shown.stdout.replaceAll('gpt-4o-mini', 'gpt-added');
    writeFileSync(path, added);
    const parsed: unknown = JSON.parse(added);
    const patterns = { ...Object(Reflect.get(Object(parsed), 'definition')), patterns: [] };
    writeFileSync(path, JSON.stringify({ provider: 'openai', definition: patterns }));
    const result = await runCommand('add', path, ...SIGNED);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toContain('Version 1 is accepted.');
    expect((await runCommand('list', 'gpt-added')).stdout).toContain('openai/gpt-added');
    const entries = await listOperatorActions(connect(database.url), { before: 1e9, limit: 2 });
    expect(entries.map(({ operator, outcome }) => `${operator} ${outcome}`)).toEqual([
      'ada@farebox.example catalog_accepted',
      'ada@farebox.example requested',
    ]);
  });

  it('leaves a move above the limit to a second operator', async () => {
    const result = await runCommand(...price('6'), ...SIGNED);
    expect(result.stdout).toContain('A second operator has to approve this change.');
    expect(await listOpenCatalogProposals(connect(database.url), 9)).toHaveLength(1);
    expect((await listCatalogVersions(connect(database.url), 1))[0]?.version).toBe(1);
  });

  it.each([
    ['an unknown command', ['guess']],
    ['an unknown model', ['price', 'openai/none', 'standard', 'output', '1', ...SIGNED]],
    ['a change that nobody signs', ['margin', 'all', '10']],
    ['a moment that is none', [...price('0.61'), '--from', 'tomorrow', ...SIGNED]],
    ['an unknown option', ['list', '--all']],
    ['a negative margin', ['margin', 'all', '-5', ...SIGNED]],
    ['a price of zero', [...price('0'), ...SIGNED]],
  ])('refuses %s with a message', async (_, args) => {
    const result = await runCommand(...args);
    expect(result.code).toBeGreaterThan(0);
    expect(result.stderr).not.toBe('');
    expect(result.stderr).not.toContain('    at ');
    expect((await listCatalogVersions(connect(database.url), 1))[0]?.version).toBe(1);
  });
});
