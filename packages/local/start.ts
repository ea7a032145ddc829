/**
 * `npm start`: the whole product here, until Ctrl-C. Prints `farebox ready` when a call succeeds, says
 * plainly what stands in the way otherwise, and leaves no process behind however it ends.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type AccessProxy, startAccessProxy } from './access-proxy.ts';
import { anvilPath } from './anvil.ts';
import { type LocalChains, startChains } from './chains.ts';
import { callControl, readRunning, serveControl } from './control-server.ts';
import { InvalidOptions } from './create-account.ts';
import { fund } from './fund-account.ts';
import { ROOT, STATE_DIR } from './paths.ts';
import { PortInUseError, waitForFreePort } from './ports.ts';
import { readPrivate, writePrivate } from './secrets.ts';
import {
  mockedProviders,
  parseDevVars,
  parseGatewayBindings,
  parsePorts,
  parseProviders,
} from './settings.ts';
import { type LocalStack, startStack } from './stack.ts';

const DEMO_CREDIT_USD = '5';
/** Beyond this a stop is not waited for: workerd is killed by then, and nothing else holds state. */
const STOP_TIMEOUT_MS = 8_000;

/** Something a person can mend; told without a stack trace. */
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

/** A start that was killed with no time to clean up may have left its workerd: that one is ours to end. */
function killOrphan(workerdPid: number | null): void {
  if (workerdPid === null || !isAlive(workerdPid)) return;
  try {
    if (readFileSync(`/proc/${workerdPid}/comm`, 'utf8').trim() !== 'workerd') return;
    process.kill(workerdPid, 'SIGKILL');
  } catch {
    // Not Linux, or it has just ended.
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

type DemoKey = Readonly<{ apiKey: string }>;

async function isKeyAccepted(stack: LocalStack, demo: DemoKey): Promise<boolean> {
  const response = await fetch(`${stack.gatewayUrl}/v1/credits`, {
    headers: { authorization: `Bearer ${demo.apiKey}` },
  });
  await response.arrayBuffer();
  return response.status === 200;
}

/** The account the printed command uses, made once and found again. */
async function demoAccount(stack: LocalStack): Promise<DemoKey> {
  const path = join(STATE_DIR, 'demo-account.json');
  const apiKey = readPrivate(path)?.apiKey;
  if (apiKey !== undefined && (await isKeyAccepted(stack, { apiKey }))) return { apiKey };
  const made = await stack.createAccount({ creditUsd: DEMO_CREDIT_USD, name: 'demo' });
  writePrivate(path, made);
  if (!(await isKeyAccepted(stack, made)))
    throw new Error('The gateway does not answer its own demo key.');
  return made;
}

/** A whole call, where it costs nobody anything. */
async function tryCall(stack: LocalStack, demo: DemoKey): Promise<void> {
  const response = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${demo.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'openai/gpt-4o-mini',
      max_tokens: 16,
      messages: [{ role: 'user', content: 'Are you there?' }],
    }),
  });
  await response.arrayBuffer();
  // A demo balance that was used up is no reason to say that nothing works.
  if (response.status !== 200 && response.status !== 402) {
    throw new Error(`A call through the gateway ended with ${response.status}.`);
  }
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
  // Passkeys need a name: an address of digits can't have any (WebAuthn section 5.1.3).
  print(`  console   ${stack.consoleUrl.replace('127.0.0.1', 'localhost')}`);
  print(`  operators ${access.url}/operators`);
  print(`  mailbox   ${stack.mailboxUrl}`);
  print(`  database  ${stack.databaseUrl}`);
  if (mocked.length > 0) print(`  mock      ${stack.mockUrl} answers for ${mocked.join(', ')}`);
  print('');
  print(`curl ${stack.gatewayUrl}/v1/chat/completions \\`);
  print(`  -H 'Authorization: Bearer ${demo.apiKey}' -H 'Content-Type: application/json' \\`);
  print(
    `  -d '{"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello!"}]}'`,
  );
  print('');
  print('An account of your own: npm run account -- --credit 25');
  if (chains)
    print('Test USDT to its address:  npm run faucet -- --account ID --chain tron --amount 10');
}

type ShutdownHandle = Readonly<{ exit(code: number): void; installSignalHandlers(): void }>;

/** Runs `stop` once, whatever ends us first: a signal, the death of who started us, or a bug. */
function createShutdown(stop: () => Promise<void>): ShutdownHandle {
  let stopping = false;
  const exit = (code: number) => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(code), STOP_TIMEOUT_MS).unref();
    stop()
      .catch(() => {})
      .finally(() => process.exit(code));
  };
  // scripts/run.mjs may be killed without passing anything on; a new parent is the only sign of it.
  if (process.env.FAREBOX_STARTED_BY === `${process.ppid}`) {
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent) exit(0);
    }, 500).unref();
  }
  const installSignalHandlers = () => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      // Miniflare's own listener would end the process before the database is closed.
      process.removeAllListeners(name);
      process.on(name, () => exit(0));
    }
  };
  installSignalHandlers();
  return { exit, installSignalHandlers };
}

const BLOCK_SECONDS = 1;
/** A deployed one fires once a minute: here nobody should wait that long to see money arrive. */
const CRON_EVERY_MS = 15_000;

/** The networks, where this machine can have them; everything else works without. */
async function startLocalChains(closers: (() => Promise<void>)[]): Promise<LocalChains | null> {
  const path = anvilPath();
  if (path === null) {
    print('farebox: npm has no anvil for this machine, so there are no networks to top up on');
    return null;
  }
  print('farebox: starting TRON, BNB Smart Chain and Polygon on this machine');
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
  for (const name of ['gateway', 'console', 'operators', 'database', 'mock', 'mailbox'] as const) {
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
    fund: async (wish) => {
      if (chains === null) throw new InvalidOptions('There are no networks on this machine.');
      return fund(stack, chains, wish);
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
  // Miniflare and the servers keep the process alive; only a signal ends it from here.
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
