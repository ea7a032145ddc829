/**
 * Runs `npm start`, `npm test` and the other tasks: prepares the checkout, then runs the task with
 * the right Node. It keeps the task's exit code, forwards signals and arguments, and writes nothing
 * of its own to stdout.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootstrap, Unready } from './bootstrap.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

function tool(name, script) {
  return join(ROOT, 'node_modules', name, script);
}
const VITEST = [tool('vitest', 'vitest.mjs'), 'run'];
const BIOME = tool('@biomejs/biome', 'bin/biome');
const QUIET_NODE = '--disable-warning=ExperimentalWarning';

/**
 * Each task is a list of scripts for Node, run in turn until one fails; the last one gets the
 * arguments.
 */
const TASKS = {
  start: [[QUIET_NODE, 'packages/local/start.ts']],
  test: [VITEST],
  'test:unit': [[...VITEST, '--project', 'unit']],
  check: [
    [BIOME, 'check'],
    [tool('typescript', 'bin/tsc'), '-p', '.'],
    [tool('knip', 'bin/knip.js')],
    VITEST,
  ],
  bench: [[QUIET_NODE, 'bench/run.ts']],
  account: [[QUIET_NODE, 'packages/local/account.ts']],
  faucet: [[QUIET_NODE, 'packages/local/faucet.ts']],
  site: [[QUIET_NODE, 'scripts/site.ts']],
  canary: [[QUIET_NODE, 'scripts/canary.ts']],
  openapi: [[QUIET_NODE, 'scripts/openapi.ts']],
  catalog: [[QUIET_NODE, 'packages/catalog-changes/cli.ts']],
  treasury: [[QUIET_NODE, 'packages/treasury/cli.ts']],
  'update-sanctions': [[QUIET_NODE, 'packages/deposits/update-sanctions.ts']],
  prices: [[QUIET_NODE, 'packages/catalog/price-update.ts']],
  measure: [[QUIET_NODE, 'scripts/measure.ts']],
  verify: [[QUIET_NODE, 'scripts/verify.ts']],
  migrations: [
    [tool('drizzle-kit', 'bin.cjs'), 'generate', '--config', 'packages/database/drizzle.config.ts'],
  ],
  format: [[BIOME, 'check', '--write']],
};

/**
 * The ids of the parent processes. Under npm these are a shell and npm itself, and either may be
 * killed without forwarding a signal. Without npm, the script outlives its shell like any other
 * program.
 */
function parentPids() {
  if (process.env.npm_lifecycle_event === undefined) return '';
  try {
    // The parent's parent is the second field after the name in brackets (proc_pid_stat(5)).
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}`;
  } catch {
    return `${process.ppid}`;
  }
}

/** Runs one script to its end and forwards signals to it. */
function runScript(node, args, environment) {
  return new Promise((resolve, reject) => {
    const env = { ...environment, FAREBOX_STARTED_BY: `${process.pid}` };
    const child = spawn(node, args, { cwd: ROOT, env, stdio: 'inherit' });
    const forward = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    const before = parentPids();
    const watch = setInterval(() => {
      if (parentPids() !== before) child.kill('SIGTERM');
    }, 500);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearInterval(watch);
      for (const name of signals) process.off(name, forward);
      resolve(code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 15));
    });
  });
}

async function main() {
  const [name = '', ...args] = process.argv.slice(2);
  const steps = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
  if (steps === undefined) {
    process.stderr.write(
      `farebox: no task "${name}". There are: ${Object.keys(TASKS).join(', ')}.\n`,
    );
    return 2;
  }
  const { node, environment } = await bootstrap(ROOT);
  for (const [index, step] of steps.entries()) {
    const extra = index === steps.length - 1 ? args : [];
    const code = await runScript(node, [...step, ...extra], environment);
    if (code !== 0) return code;
  }
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`farebox: ${error instanceof Unready ? error.message : error.stack}\n`);
  process.exitCode = 1;
}
