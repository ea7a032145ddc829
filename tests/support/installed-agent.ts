/**
 * A coding agent from npm, run as its users run it and without a terminal. It is installed once into
 * `.tools` at the version of the test, with its network limited to what the test serves.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const TOOLS = join(import.meta.dirname, '../../.tools/agents');
const run = promisify(execFile);

/** Installs a package, unless it is there already, and returns the path of a file of it. */
export async function installAgent(name: string, version: string, file: string): Promise<string> {
  const folder = join(TOOLS, `${name.replaceAll('/', '+')}@${version}`);
  const path = join(folder, 'node_modules', name, file);
  if (existsSync(path)) return path;
  mkdirSync(TOOLS, { recursive: true });
  const unfinished = mkdtempSync(join(TOOLS, 'installing-'));
  writeFileSync(join(unfinished, 'package.json'), '{}');
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=optional'];
  await run('npm', ['install', ...flags, '--prefix', unfinished, `${name}@${version}`]);
  rmSync(folder, { recursive: true, force: true });
  renameSync(unfinished, folder);
  return path;
}

export type AgentRun = Readonly<{ exitCode: number | null; stdout: string; stderr: string }>;

/** The folders of one run: where the agent keeps its settings, and where it works. */
export type AgentFolders = Readonly<{ home: string; work: string; remove: () => void }>;

/** Makes the folders of a run, with these files in the home folder. */
export function createAgentFolders(files: Readonly<Record<string, unknown>>): AgentFolders {
  const root = mkdtempSync(join(tmpdir(), 'agent-'));
  const folders = { home: join(root, 'home'), work: join(root, 'work') };
  for (const folder of Object.values(folders)) mkdirSync(folder);
  for (const [path, content] of Object.entries(files)) {
    const file = join(folders.home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(content));
  }
  return { ...folders, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** Runs a script of an agent with the Node of the tests, in an environment of its own. */
export async function runAgent(
  script: string,
  args: readonly string[],
  { home, work }: AgentFolders,
  env: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<AgentRun> {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: work,
    env: { PATH: process.env.PATH, HOME: home, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { exitCode, ...output };
}
