/**
 * Python with the packages of `python/requirements.txt`, in an environment of its own in `.tools`. A
 * machine without Python has none, and a test that needs it says so.
 */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const REQUIREMENTS = join(import.meta.dirname, 'python/requirements.txt');
const TOOLS = join(import.meta.dirname, '../../.tools/python');
/** One of several indexes may be out of reach: pip tries it five times for each package. */
const PIP_OPTIONS = [
  ...['--quiet', '--disable-pip-version-check', '--no-deps', '--retries', '0', '--timeout', '20'],
  ...['--only-binary', ':all:'],
];
const run = promisify(execFile);

/** The packages need Python 3.10, and `venv` brings pip. */
function hasPython(): boolean {
  try {
    const program = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))';
    execFileSync('python3', ['-c', program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export const HAS_PYTHON = hasPython();

export function warnIfNoPython(): void {
  if (HAS_PYTHON) return;
  process.stdout.write(
    'no Python 3.10 with venv on this machine: programs in Python are skipped\n',
  );
}

/**
 * Installs the packages once per list of them, and returns the interpreter; null, with a printed
 * reason, where no registry has them.
 */
export async function installPython(): Promise<string | null> {
  const hash = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const folder = join(TOOLS, hash);
  const python = join(folder, 'bin/python');
  const isInstalled = join(folder, 'installed');
  if (existsSync(isInstalled)) return python;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(TOOLS, { recursive: true });
  // An environment names its own folder, so it can't be made elsewhere and moved.
  await run('python3', ['-m', 'venv', folder]);
  try {
    await run(python, ['-m', 'pip', 'install', ...PIP_OPTIONS, '--requirement', REQUIREMENTS]);
  } catch (error) {
    process.stdout.write(`no packages for Python, its programs are skipped: ${String(error)}\n`);
    return null;
  }
  mkdirSync(`${isInstalled}.${process.pid}`);
  renameSync(`${isInstalled}.${process.pid}`, isInstalled);
  return python;
}

/** The version of a package in the list. */
export function readPythonVersion(name: string): string | undefined {
  const list = readFileSync(REQUIREMENTS, 'utf8').split('\n');
  return list.find((line) => line.startsWith(`${name}==`))?.slice(name.length + 2);
}
