/**
 * `npm start`: runs the local stack until Ctrl-C. Prints `farebox ready` once a call succeeds, or
 * an error that says what to fix. Leaves no process behind.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type AccessProxy, startAccessProxy } from './access-proxy.ts';
import { anvilPath } from './anvil.ts';
import { type LocalChains, startChains } from './chains.ts';
import { callControl, readRunning } from './control-client.ts';
import { serveControl } from './control-server.ts';
import { InvalidOptions } from './create-account.ts';
import { type DemoKey, demoAccount, tryCall } from './demo-account.ts';
import { fund } from './fund-account.ts';
import { ROOT, STATE_DIR } from './paths.ts';
import { PORT_NAMES, PortInUseError, waitForFreePort } from './ports.ts';
import {
  mockedProviders,
  parseDevVars,
  parseGatewayBindings,
  parsePorts,
  parseProviders,
  parseSiteEnvironment,
} from './settings.ts';
import { createShutdown } from './shutdown.ts';
import { type LocalStack, startStack } from './stack.ts';

/** An error the user can fix. It is printed without a stack trace. */
class StartError extends Error {}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Kills the workerd of an earlier start that was killed without cleaning up. */
function killOrphan(workerdPid: number | null): void {
  if (workerdPid === null || !isAlive(workerdPid)) return;
  try {
    if (readFileSync(`/proc/${workerdPid}/comm`, 'utf8').trim() !== 'workerd') return;
    process.kill(workerdPid, 'SIGKILL');
  } catch {
    // Not Linux, or it has just exited.
  }
}

async function requireNoRunningStack(): Promise<void> {
  const before = readRunning(STATE_DIR);
  if (before === null) return;
  if ((await callControl(before, '/ping')) !== null) {
    const port = new URL(before.gatewayUrl).port;
    throw new StartError(
      `Farebox is already running here: process ${before.pid}, gateway on port ${port}. Stop it first, or use it.`,
    );
  }
  if (!isAlive(before.pid)) killOrphan(before.workerdPid);
}

function printSummary(
  stack: LocalStack,
  demo: DemoKey,
  mocked: readonly string[],
  chains: boolean,
  access: AccessProxy,
): void {
  print('');
  print(`  gateway   ${stack.gatewayUrl}`);
  // Passkeys need a domain, which an IP address isn't (WebAuthn section 5.1.3).
  print(`  console   ${stack.consoleUrl.replace('127.0.0.1', 'localhost')}`);
  print(`  operators ${access.url}/operators`);
  print(`  site      ${stack.siteUrl}`);
  print(`  mailbox   ${stack.mailboxUrl}`);
  print(`  database  ${stack.databaseUrl}`);
  if (mocked.length > 0) print(`  mock      ${stack.mockUrl} serves ${mocked.join(', ')}`);
  print('');
  print(`curl ${stack.gatewayUrl}/v1/chat/completions \\`);
  print(`  -H 'Authorization: Bearer ${demo.apiKey}' -H 'Content-Type: application/json' \\`);
  print(
    `  -d '{"model": "openai/gpt-6-luna", "messages": [{"role": "user", "content": "Hello!"}]}'`,
  );
  print('');
  print('Create an account:  npm run account -- --credit 25');
  if (chains) print('Send it test USDT:  npm run faucet -- --account ID --chain tron --amount 10');
}

const BLOCK_SECONDS = 1;
/** Deployed crons fire once a minute. Locally, deposits should arrive sooner. */
const CRON_EVERY_MS = 15_000;

/** Starts the local chains if this platform has anvil. Everything else works without them. */
async function startLocalChains(closers: (() => Promise<void>)[]): Promise<LocalChains | null> {
  const path = anvilPath();
  if (path === null) {
    print('farebox: anvil is not available on this platform, so deposits are disabled');
    return null;
  }
  print('farebox: starting local TRON, BNB Smart Chain and Polygon nodes');
  const chains = await startChains(path, { stateDir: STATE_DIR, blockSeconds: BLOCK_SECONDS });
  closers.unshift(() => chains.stop());
  return chains;
}

async function run(closers: (() => Promise<void>)[], onStarted: () => void): Promise<void> {
  const { values } = parseArgs({ options: { fresh: { type: 'boolean' } } });
  await requireNoRunningStack();
  if (values.fresh === true) rmSync(STATE_DIR, { recursive: true, force: true });
  const devVars = join(ROOT, '.dev.vars');
  const env = {
    ...(existsSync(devVars) ? parseDevVars(readFileSync(devVars, 'utf8')) : {}),
    ...process.env,
  };
  const ports = parsePorts(env);
  for (const name of PORT_NAMES) {
    await waitForFreePort(ports[name], name);
  }
  const providers = parseProviders(env);
  const mocked = mockedProviders(providers);
  const chains = await startLocalChains(closers);
  const access = await startAccessProxy(ports.operators);
  closers.unshift(() => access.stop());
  const stack = await startStack({
    ...(chains === null
      ? {}
      : { chains: chains.bindings, consoleBindings: { FAUCET_URL: chains.faucetUrl } }),
    stateDir: STATE_DIR,
    database: 'pglite',
    // The Access proxy has the documented port; the Worker behind it takes a free one.
    ports: { ...ports, operators: 0 },
    operatorBindings: access.bindings,
    site: parseSiteEnvironment(env, ports),
    providers,
    gatewayBindings: parseGatewayBindings(env),
    cronEveryMs: CRON_EVERY_MS,
    onProgress: (line) => print(`farebox: ${line}`),
  });
  closers.unshift(() => stack.stop());
  access.forwardTo(stack.operatorsUrl);
  onStarted();
  const control = await serveControl(STATE_DIR, {
    ...stack,
    fund: async (options) => {
      if (chains === null)
        throw new InvalidOptions('Local chains are not available on this platform.');
      return fund(stack, chains, options);
    },
  });
  closers.unshift(() => control.close());
  const demo = await demoAccount(stack);
  if (mocked.includes('openai')) await tryCall(stack, demo);
  printSummary(stack, demo, mocked, chains !== null, access);
  print('farebox ready');
}

const closers: (() => Promise<void>)[] = [];
const shutdown = createShutdown(async () => {
  for (const close of closers.splice(0)) await close();
});
try {
  await run(closers, shutdown.installSignalHandlers);
  // Miniflare and the servers keep the process alive. From here, only a signal ends it.
} catch (error) {
  const expected = error instanceof PortInUseError || error instanceof StartError;
  const text =
    error instanceof Error
      ? expected
        ? error.message
        : (error.stack ?? error.message)
      : String(error);
  process.stderr.write(`farebox: ${text}\n`);
  shutdown.exit(1);
}
