/** Runs the treasury's commands, one process each. Only tests use it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const CLI = join(import.meta.dirname, 'cli.ts');

export type RunResult = Readonly<{ code: number | null; out: string; err: string }>;

export function run(
  folder: string,
  args: readonly string[],
  stdinLines: readonly string[] = [],
): Promise<RunResult> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CLI, ...args], {
    cwd: folder,
  });
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    output.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.err += chunk;
  });
  child.stdin.end(stdinLines.map((line) => `${line}\n`).join(''));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...output })));
}
