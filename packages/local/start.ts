/**
 * `npm start`: the whole product here, until Ctrl-C. Prints `farebox ready` when a call succeeds, says
 * plainly what stands in the way otherwise, and leaves no process behind however it ends.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UnreasonableWish } from './account-making.ts';
import { anvilPath } from './anvil.ts';
import { type LocalChains, startChains } from './chains.ts';
import { askControl, readRunning, serveControl } from './control.ts';
import { fund } from './funding.ts';
import { ROOT, STATE_DIR } from './places.ts';
import { PortTaken, requireFreeSoon } from './ports.ts';
import { readPrivate, writePrivate } from './secrets.ts';
import {
  gatewayBindingsFrom,
  mockedProviders,
  parseDevVars,
  portsFrom,
  providersFrom,
} from './settings.ts';
import { type LocalStack, startStack } from './stack.ts';

const DEMO_CREDIT_USD = '5';
/** Beyond this a stop is not waited for: workerd is killed by then, and nothing else holds state. */
const STOP_WITHIN_MS = 8_000;

/** Something a person can mend; told without a stack trace. */
class Refusal extends Error {}

function say(line: string): void {
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
function endOrphan(workerdPid: number | null): void {
  if (workerdPid === null || !isAlive(workerdPid)) return;
  try {
    if (readFileSync(`/proc/${workerdPid}/comm`, 'utf8').trim() !== 'workerd') return;
    process.kill(workerdPid, 'SIGKILL');
  } catch {
    // Not Linux, or it has just ended.
  }
}

async function refuseSecondRun(): Promise<void> {
  const before = readRunning(STATE_DIR);
  if (before === null) return;
  if ((await askControl(before, '/ping')) !== null) {
    const port = new URL(before.gatewayUrl).port;
    throw new Refusal(
      `Farebox is already running here: process ${before.pid}, gateway on port ${port}. Stop it first, or use it.`,
    );
  }
  if (!isAlive(before.pid)) endOrphan(before.workerdPid);
}

type DemoKey = Readonly<{ apiKey: string }>;

async function worksAt(stack: LocalStack, demo: DemoKey): Promise<boolean> {
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
  if (apiKey !== undefined && (await worksAt(stack, { apiKey }))) return { apiKey };
  const made = await stack.createAccount({ creditUsd: DEMO_CREDIT_USD, name: 'demo' });
  writePrivate(path, made);
  if (!(await worksAt(stack, made)))
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

function welcome(
  stack: LocalStack,
  demo: DemoKey,
  mocked: readonly string[],
  chains: boolean,
): void {
  say('');
  say(`  gateway   ${stack.gatewayUrl}`);
  // Passkeys need a name: an address of digits can't have any (WebAuthn section 5.1.3).
  say(`  console   ${stack.consoleUrl.replace('127.0.0.1', 'localhost')}`);
  say(`  mailbox   ${stack.mailboxUrl}`);
  say(`  database  ${stack.databaseUrl}`);
  if (mocked.length > 0) say(`  mock      ${stack.mockUrl} answers for ${mocked.join(', ')}`);
  say('');
  say(`curl ${stack.gatewayUrl}/v1/chat/completions \\`);
  say(`  -H 'Authorization: Bearer ${demo.apiKey}' -H 'Content-Type: application/json' \\`);
  say(
    `  -d '{"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello!"}]}'`,
  );
  say('');
  say('An account of your own: npm run account -- --credit 25');
  if (chains)
    say('Test USDT to its address:  npm run faucet -- --account ID --chain tron --amount 10');
}

type End = Readonly<{ now(code: number): void; takeSignals(): void }>;

/** Runs `stop` once, whatever ends us first: a signal, the death of who started us, or a bug. */
function ending(stop: () => Promise<void>): End {
  let stopping = false;
  const now = (code: number) => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(code), STOP_WITHIN_MS).unref();
    stop()
      .catch(() => {})
      .finally(() => process.exit(code));
  };
  // scripts/run.mjs may be killed without passing anything on; a new parent is the only sign of it.
  if (process.env.FAREBOX_STARTED_BY === `${process.ppid}`) {
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent) now(0);
    }, 500).unref();
  }
  const takeSignals = () => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      // Miniflare's own listener would end the process before the database is closed.
      process.removeAllListeners(name);
      process.on(name, () => now(0));
    }
  };
  takeSignals();
  return { now, takeSignals };
}

const BLOCK_SECONDS = 1;
/** A deployed one fires once a minute: here nobody should wait that long to see money arrive. */
const CRON_EVERY_MS = 15_000;

/** The networks, where this machine can have them; everything else works without. */
async function openChains(closers: (() => Promise<void>)[]): Promise<LocalChains | null> {
  const path = anvilPath();
  if (path === null) {
    say('farebox: npm has no anvil for this machine, so there are no networks to top up on');
    return null;
  }
  say('farebox: starting TRON, BNB Smart Chain and Polygon on this machine');
  const chains = await startChains(path, { stateDir: STATE_DIR, blockSeconds: BLOCK_SECONDS });
  closers.unshift(() => chains.stop());
  return chains;
}

async function run(closers: (() => Promise<void>)[], started: () => void): Promise<void> {
  const { values } = parseArgs({ options: { fresh: { type: 'boolean' } } });
  await refuseSecondRun();
  if (values.fresh === true) rmSync(STATE_DIR, { recursive: true, force: true });
  const devVars = join(ROOT, '.dev.vars');
  const texts = {
    ...(existsSync(devVars) ? parseDevVars(readFileSync(devVars, 'utf8')) : {}),
    ...process.env,
  };
  const ports = portsFrom(texts);
  for (const name of ['gateway', 'console', 'database', 'mock', 'mailbox'] as const) {
    await requireFreeSoon(ports[name], name);
  }
  const providers = providersFrom(texts);
  const mocked = mockedProviders(providers);
  const chains = await openChains(closers);
  const stack = await startStack({
    ...(chains === null
      ? {}
      : { chains: chains.texts, consoleBindings: { FAUCET_URL: chains.faucetUrl } }),
    stateDir: STATE_DIR,
    database: 'pglite',
    ports,
    providers,
    gatewayBindings: gatewayBindingsFrom(texts),
    cronEveryMs: CRON_EVERY_MS,
    progress: (line) => say(`farebox: ${line}`),
  });
  closers.unshift(() => stack.stop());
  started();
  const control = await serveControl(STATE_DIR, {
    ...stack,
    fund: async (wish) => {
      if (chains === null) throw new UnreasonableWish('There are no networks on this machine.');
      return fund(stack, chains, wish);
    },
  });
  closers.unshift(() => control.close());
  const demo = await demoAccount(stack);
  if (mocked.includes('openai')) await tryCall(stack, demo);
  welcome(stack, demo, mocked, chains !== null);
  say('farebox ready');
}

const closers: (() => Promise<void>)[] = [];
const end = ending(async () => {
  for (const close of closers.splice(0)) await close();
});
try {
  await run(closers, end.takeSignals);
  // Miniflare and the servers keep the process alive; only a signal ends it from here.
} catch (error) {
  const expected = error instanceof PortTaken || error instanceof Refusal;
  const text =
    error instanceof Error
      ? expected
        ? error.message
        : (error.stack ?? error.message)
      : String(error);
  process.stderr.write(`farebox: ${text}\n`);
  end.now(1);
}
