/**
 * `npm start` and `npm run account` as a user runs them: processes, ports, files and exit codes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readRunning } from './control-client.ts';
import { freePort, listen } from './ports.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'farebox-start-'));
afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

async function freePorts(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of ['GATEWAY', 'CONSOLE', 'OPERATORS', 'DATABASE', 'MOCK', 'MAILBOX']) {
    found[`FAREBOX_${name}_PORT`] = String(await freePort());
  }
  return found;
}

type Run = { child: ChildProcess; out: () => string; exit: Promise<number | null> };

function run(script: string, args: string[], environment: Record<string, string>): Run {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
    env: { ...process.env, ...environment, FAREBOX_STATE_DIR: stateDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => (output += chunk));
  const exit = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  return { child, out: () => output, exit };
}

async function ready(start: Run): Promise<void> {
  await expect
    .poll(() => /^farebox ready$/m.test(start.out()) || start.child.exitCode !== null, {
      timeout: 60_000,
    })
    .toBe(true);
  expect(start.out()).toContain('farebox ready');
}

function isAlive(pid: number | null | undefined): boolean {
  if (pid === null || pid === undefined) return false;
  try {
    process.kill(pid, 0);
    // A killed process stays in the process table until its parent reaps it.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Processes that use this state folder, as Linux lists them. */
function listStackProcesses(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(join(stateDir, 'chains'));
      } catch {
        return false;
      }
    });
}

it('npm run account fails with a hint when no stack runs', async () => {
  const account = run('account.ts', ['--credit', '1'], {});
  expect(await account.exit).toBe(1);
  expect(account.out()).toContain('npm start');
});

it('npm start names the port that is in use, and how to choose another', async () => {
  const ports = await freePorts();
  const server = createServer();
  await listen(server, Number(ports.FAREBOX_CONSOLE_PORT));
  const start = run('start.ts', [], ports);
  expect(await start.exit).toBe(1);
  expect(start.out()).toContain(`Port ${ports.FAREBOX_CONSOLE_PORT} (for the console) is in use`);
  expect(start.out()).toContain('FAREBOX_CONSOLE_PORT=');
  await new Promise((resolve) => server.close(resolve));
});

it('npm start serves calls and accounts, rejects a second start, and keeps its state over restarts', async () => {
  const ports = await freePorts();
  const gateway = `http://127.0.0.1:${ports.FAREBOX_GATEWAY_PORT}`;
  const first = run('start.ts', [], ports);
  await ready(first);
  expect(statSync(join(stateDir, 'secrets.json')).mode & 0o077).toBe(0);
  expect(statSync(join(stateDir, 'control.json')).mode & 0o077).toBe(0);

  const account = run('account.ts', ['--credit', '25', '--json'], {});
  expect(await account.exit).toBe(0);
  const made = JSON.parse(account.out().trim().split('\n').at(-1) ?? '');
  expect(Object.keys(made)).toEqual(['email', 'password', 'accountId', 'apiKey']);
  const credits = async () => {
    const headers = { authorization: `Bearer ${made.apiKey}` };
    return (await fetch(`${gateway}/v1/credits`, { headers })).json();
  };
  expect(await credits()).toMatchObject({ data: { posted_nano_usd: '25000000000' } });

  const operators = `http://127.0.0.1:${ports.FAREBOX_OPERATORS_PORT}/operators`;
  expect(first.out()).toContain(`operators ${operators}`);
  const operatorsPage = await fetch(operators);
  expect(operatorsPage.status).toBe(200);
  expect(await operatorsPage.text()).toContain('operator@farebox.example (admin)');

  const second = run('start.ts', [], ports);
  expect(await second.exit).toBe(1);
  expect(second.out()).toContain(`already running here: process ${first.child.pid}`);
  expect(second.out()).toContain(`port ${ports.FAREBOX_GATEWAY_PORT}`);

  const workerd = readRunning(stateDir)?.workerdPid;
  expect(isAlive(workerd)).toBe(true);
  first.child.kill('SIGINT');
  expect(await first.exit).toBe(0);
  expect(isAlive(workerd)).toBe(false);
  expect(listStackProcesses()).toEqual([]);

  const again = run('start.ts', [], ports);
  await ready(again);
  expect(await credits()).toMatchObject({ data: { posted_nano_usd: '25000000000' } });

  // Killed without cleaning up: nothing left over may prevent the next start.
  again.child.kill('SIGKILL');
  await again.exit;
  await expect.poll(listStackProcesses, { timeout: 10_000 }).toEqual([]);
  const third = run('start.ts', [], ports);
  await ready(third);
  third.child.kill('SIGTERM');
  expect(await third.exit).toBe(0);
  expect(listStackProcesses()).toEqual([]);
}, 120_000);
