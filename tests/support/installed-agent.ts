/**
 * A coding agent from npm, run as its users run it and without a terminal. It is installed once into
 * `.tools` by the lockfile in `agents/`, whose hashes npm checks, and is told to use no proxy but one
 * that does not exist, so that it reaches nothing but this machine.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

type Agent = Readonly<{
  package: string;
  /** The script that its package runs once it is installed; npm runs none for us. */
  installScript?: string;
  /** Leaves out what its package offers to compile. */
  omitsOptional?: true;
}>;

const AGENTS = {
  // The package `cline` adds 280 MB of libraries, which this program has inside it.
  cline: { package: '@cline/cli-linux-x64' },
  codex: { package: '@openai/codex' },
  'claude-code': { package: '@anthropic-ai/claude-code', installScript: 'install.cjs' },
  'gemini-cli': { package: '@google/gemini-cli', omitsOptional: true },
  opencode: { package: 'opencode-ai', installScript: 'postinstall.mjs' },
} as const satisfies Record<string, Agent>;
export type AgentName = keyof typeof AGENTS;

const LOCKFILES = join(import.meta.dirname, 'agents');
const TOOLS = join(import.meta.dirname, '../../.tools/agents');
/** What a first run may take, which downloads up to 100 MB. */
export const INSTALL_MS = 300_000;
const runFile = promisify(execFile);

/** Installs beside the final folder and moves it there at once; another worker may be first. */
async function install(agent: Agent, lockfile: string, folder: string): Promise<void> {
  mkdirSync(TOOLS, { recursive: true });
  const unfinished = mkdtempSync(join(TOOLS, 'installing-'));
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(dirname(lockfile), file), join(unfinished, file));
  const omitted = agent.omitsOptional === true ? ['--omit=optional'] : [];
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...omitted];
  try {
    await runFile('npm', ['ci', '--prefix', unfinished, ...flags], { cwd: unfinished });
    if (agent.installScript !== undefined) {
      const cwd = join(unfinished, 'node_modules', agent.package);
      await runFile(process.execPath, [agent.installScript], { cwd });
    }
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/** Installs an agent, unless it is there already, and returns the folder of its command. */
export async function installAgent(name: AgentName): Promise<string> {
  const lockfile = join(LOCKFILES, name, 'package-lock.json');
  const hash = createHash('sha256').update(readFileSync(lockfile)).digest('hex').slice(0, 16);
  const folder = join(TOOLS, `${name}-${hash}`);
  if (!existsSync(folder)) await install(AGENTS[name], lockfile, folder);
  return join(folder, 'node_modules', '.bin');
}

export type AgentRun = Readonly<{ exitCode: number | null; stdout: string; stderr: string }>;

/** The folders of one run: where the agent keeps its settings, and where it works. */
export type AgentFolders = Readonly<{ home: string; work: string; remove: () => void }>;

/** Makes the folders of a run, with these files in the home folder. */
export function createAgentFolders(files: Readonly<Record<string, string>>): AgentFolders {
  const root = mkdtempSync(join(tmpdir(), 'agent-'));
  const folders = { home: join(root, 'home'), work: join(root, 'work') };
  for (const folder of Object.values(folders)) mkdirSync(folder);
  for (const [path, content] of Object.entries(files)) {
    const file = join(folders.home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return { ...folders, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** Port 9 is `discard` (RFC 863); nothing listens on it. */
const NO_NETWORK = {
  HTTP_PROXY: 'http://127.0.0.1:9',
  HTTPS_PROXY: 'http://127.0.0.1:9',
  NO_PROXY: '127.0.0.1,localhost',
};

/**
 * Runs lines of a shell in the agent's work folder, with its command and the Node of the tests in
 * `PATH` and an environment of its own. What they started is killed after `timeoutMs`.
 */
export async function runAgent(
  commands: string,
  binFolder: string,
  { home, work }: AgentFolders,
  env: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<AgentRun> {
  const path = [binFolder, dirname(process.execPath), process.env.PATH].join(delimiter);
  const child = spawn('sh', ['-euc', commands], {
    cwd: work,
    env: { PATH: path, HOME: home, ...NO_NETWORK, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const timer = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, timeoutMs);
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearTimeout(timer);
  return { exitCode, ...output };
}
