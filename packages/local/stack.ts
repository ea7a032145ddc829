/**
 * The local stack: database, mock providers, mailbox, and the Workers in real workerd. `npm start`
 * and the system tests run it. It can create accounts and credit from nothing, so no Worker may
 * import it.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, type Bundles, bundleWorkers } from './bundles.ts';
import { type CreateAccountOptions, createAccount, type LocalAccount } from './create-account.ts';
import { type DatabaseChoice, type LocalDatabase, openDatabase } from './database.ts';
import {
  connectBridge,
  type LedgerBridge,
  type QueueName,
  sendToQueue,
  type Transport,
} from './ledger-bridge.ts';
import { type Mailbox, type ReceivedEmail, startMailbox } from './mailbox.ts';
import { migrate } from './migrate.ts';
import { type MockProviders, startMock } from './mock.ts';
import { getCacheDir, ROOT } from './paths.ts';
import { DEFAULT_PORTS, freePort, type Ports, requireFreePort, retryOnPortInUse } from './ports.ts';
import { consoleSecret, keyMacSecrets, statementSecrets } from './secrets.ts';
import { type ExtraProvider, type ProviderChoices, providerBindings } from './settings.ts';
import { bundleSite, type SiteEnvironment } from './site.ts';
import { type RunningWorkers, runWorkers, type WorkerPorts, type WorkersPlan } from './workers.ts';

export type StackOptions = Readonly<{
  /** The folder of all persistent state. Without it, a temporary folder that `stop` removes. */
  stateDir?: string;
  /** 0, the default, chooses a free port. */
  ports?: Partial<Ports>;
  /** Default: PGlite in memory. */
  database?: DatabaseChoice;
  /** Providers by id. The mock serves the others. */
  providers?: ProviderChoices;
  extraProviders?: readonly ExtraProvider[];
  gatewayBindings?: Readonly<Record<string, string>>;
  consoleBindings?: Readonly<Record<string, string>>;
  /** Bindings of the operators' Worker, which returns 503 without its Access settings. */
  operatorBindings?: Readonly<Record<string, string>>;
  /**
   * Bindings of chains and public keys for the deposits Worker and the console. Without them
   * deposits are off.
   */
  chains?: Readonly<Record<string, string>>;
  /**
   * For tests: fewer retries before a message is a dead letter, and a shorter time between replays.
   */
  queues?: Readonly<{ maxRetries: number; deadLetterRetrySeconds: number }>;
  /** The interval of the crons of ledger and console. Null: only `runCrons` fires them. */
  cronEveryMs?: number | null;
  quiet?: boolean;
  /** Gets a line for each step of the start. */
  onProgress?: (line: string) => void;
  /**
   * Serves the public site, built with these settings (docs/development.md). Without them the stack
   * has no site: most tests need none.
   */
  site?: SiteEnvironment;
  /** The checkout whose Workers are run. */
  root?: string;
}>;

export type LocalStack = Readonly<{
  gatewayUrl: string;
  consoleUrl: string;
  /** The operators' Worker. Requests need the header that Cloudflare Access would add. */
  operatorsUrl: string;
  /** The public site; null if the stack was started without one. */
  siteUrl: string | null;
  /** The DATABASE_URL of the Workers. */
  databaseUrl: string;
  mockUrl: string;
  /** Shows the emails that were sent. */
  mailboxUrl: string;
  /** The emails received since the mailbox started, oldest first. */
  emails(): Promise<readonly ReceivedEmail[]>;
  /** Stops the mail provider. Its emails are lost. */
  stopMailbox(): Promise<void>;
  startMailbox(): Promise<void>;
  ledger: LedgerBridge;
  /** Puts a message into a queue, whatever its body is. */
  sendToQueue(queue: QueueName, body: unknown): Promise<void>;
  createAccount(options: CreateAccountOptions): Promise<LocalAccount>;
  /** Everything that the Workers, workerd and this stack printed. */
  output(): string;
  /** Kills workerd and starts it again with the same state and ports. */
  restartWorkers(): Promise<void>;
  stopDatabase(): Promise<void>;
  startDatabase(): Promise<void>;
  /** Fires the crons once. */
  runCrons(): Promise<void>;
  workerdPid(): number | null;
  stop(): Promise<void>;
}>;

const EVERY_MINUTE_MS = 60_000;
/** Limits the memory of a stack that runs for weeks. */
const MAX_OUTPUT_CHARS = 8_000_000;

class Output {
  #lines: string[] = [];
  #length = 0;

  add(line: string): void {
    this.#lines.push(line);
    this.#length += line.length;
    while (this.#length > MAX_OUTPUT_CHARS)
      this.#length -= this.#lines.shift()?.length ?? this.#length;
  }

  text(): string {
    return this.#lines.join('\n');
  }
}

/** Closes what was opened so far, in reverse order, also when a later step fails. */
class Cleanup {
  readonly #closers: (() => unknown)[] = [];

  add(closer: () => unknown): void {
    this.#closers.unshift(closer);
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0)) await closer();
  }
}

type Parts = Readonly<{
  database: LocalDatabase;
  mock: MockProviders;
  mailbox: Mailbox;
  running: RunningWorkers;
  plan: WorkersPlan;
  output: Output;
}>;

function resolveStateDir(options: StackOptions, cleanup: Cleanup): string {
  const configuredDir = options.stateDir;
  if (configuredDir !== undefined) {
    mkdirSync(configuredDir, { recursive: true, mode: 0o700 });
    return configuredDir;
  }
  const made = mkdtempSync(join(tmpdir(), 'farebox-'));
  cleanup.add(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Chosen before the Workers run, because the console needs its own URL and the API's. */
async function workerPorts(
  { gateway, console, operators, site }: Ports,
  hasSite: boolean,
): Promise<WorkerPorts> {
  return {
    gateway: gateway || (await freePort()),
    console: console || (await freePort()),
    operators: operators || (await freePort()),
    site: hasSite ? site || (await freePort()) : null,
  };
}

/** As for AWS, except for the endpoint. The credentials are recognizable as local ones. */
function mailBindings(mailbox: Mailbox): Record<string, string> {
  return {
    SES_ENDPOINT: mailbox.url,
    SES_REGION: 'us-east-1',
    SES_ACCESS_KEY_ID: 'farebox-local',
    SES_SECRET_ACCESS_KEY: 'farebox-local',
    MAIL_FROM: 'Farebox <farebox@example.com>',
  };
}

type BindingSources = Readonly<{
  stateDir: string;
  ports: WorkerPorts;
  databaseUrl: string;
  mockUrl: string;
  mail: Readonly<Record<string, string>>;
}>;

/** The bindings of each Worker, as wrangler.toml and secrets give them in production. */
function workerBindings(options: StackOptions, sources: BindingSources): WorkersPlan['bindings'] {
  const macSecrets = { KEY_MAC_SECRETS: keyMacSecrets(sources.stateDir) };
  const address = { DATABASE_URL: sources.databaseUrl };
  const { providers = {}, extraProviders = [], queues } = options;
  const site = { SITE_URL: `http://127.0.0.1:${sources.ports.site ?? DEFAULT_PORTS.site}` };
  const replays: Record<string, string> =
    queues === undefined ? {} : { DEAD_LETTER_RETRY_SECONDS: `${queues.deadLetterRetrySeconds}` };
  return {
    gateway: {
      ALLOW_PLAIN_HTTP: 'true',
      ...site,
      ...macSecrets,
      ...providerBindings(providers, extraProviders, sources.mockUrl),
      ...options.gatewayBindings,
    },
    ledger: {
      ...macSecrets,
      STATEMENT_SECRETS: statementSecrets(sources.stateDir),
      ...address,
      ...replays,
    },
    console: {
      ...address,
      ...replays,
      ALLOW_PLAIN_HTTP: 'true',
      CONSOLE_SECRET: consoleSecret(sources.stateDir),
      CONSOLE_URL: `http://localhost:${sources.ports.console}`,
      ...site,
      API_URL: `http://127.0.0.1:${sources.ports.gateway}`,
      ...sources.mail,
      ...options.chains,
      ...options.consoleBindings,
    },
    operators: { ...address, ...options.chains, ...options.operatorBindings },
    deposits: { ...address, ...options.chains },
  };
}

/** 0 takes a free port. */
const ANY_PORTS: Ports = {
  gateway: 0,
  console: 0,
  operators: 0,
  site: 0,
  database: 0,
  mock: 0,
  mailbox: 0,
};

async function bundleAll(
  root: string,
  cacheDir: string,
  site: SiteEnvironment | undefined,
): Promise<Readonly<{ bundles: Bundles; site: Bundle | null }>> {
  const bundles = bundleWorkers(root, cacheDir);
  const siteBundle = site === undefined ? null : bundleSite(root, cacheDir, site);
  return { bundles: await bundles, site: await siteBundle };
}

async function openParts(options: StackOptions, cleanup: Cleanup): Promise<Parts> {
  const root = options.root ?? ROOT;
  const cacheDir = getCacheDir(root);
  const stateDir = resolveStateDir(options, cleanup);
  const ports: Ports = { ...ANY_PORTS, ...options.ports };
  const output = new Output();
  const onProgress = (line: string) => {
    output.add(line);
    options.onProgress?.(line);
  };
  await requireFreePort(ports.gateway, 'gateway');
  await requireFreePort(ports.console, 'console');
  await requireFreePort(ports.operators, 'operators');
  const bundling = bundleAll(root, cacheDir, options.site);
  // Awaited later. Until then a failure must not count as an unhandled rejection.
  bundling.catch(() => {});

  onProgress('opening the database');
  const choice = options.database ?? 'pglite-memory';
  const database = await openDatabase({ choice, stateDir, cacheDir, port: ports.database });
  cleanup.add(() => database.close());
  const applied = await migrate(database.directUrl, join(root, 'migrations'));
  onProgress(applied.length === 0 ? 'the database is up to date' : `applied ${applied.join(', ')}`);
  const mock = await startMock(ports.mock);
  cleanup.add(() => mock.stop());
  const mailbox = await startMailbox(ports.mailbox);
  cleanup.add(() => mailbox.stop());
  onProgress('bundling the Workers');
  const { bundles, site } = await bundling;

  const buildPlan = (known: WorkerPorts): WorkersPlan => ({
    bundles,
    site,
    ports: known,
    stateDir,
    bindings: workerBindings(options, {
      stateDir,
      ports: known,
      databaseUrl: database.url,
      mockUrl: mock.url,
      mail: mailBindings(mailbox),
    }),
    bridgeToken: randomBytes(24).toString('hex'),
    queueRetries: options.queues?.maxRetries ?? null,
    onOutput: (line) => output.add(line),
    onLog: (line) => {
      if (options.quiet !== true) process.stderr.write(`${line}\n`);
    },
  });
  onProgress('starting the Workers');
  const started = await retryOnPortInUse(async () => {
    const plan = buildPlan(await workerPorts(ports, site !== null));
    return { plan, running: await runWorkers(plan) };
  });
  return { database, mock, mailbox, ...started, output };
}

/** The Workers across restarts: callers keep this object, not a single run of workerd. */
class Workers {
  readonly #plan: WorkersPlan;
  #running: RunningWorkers;

  constructor(plan: WorkersPlan, running: RunningWorkers) {
    this.#plan = { ...plan, ports: running.ports };
    this.#running = running;
  }

  readonly transport: Transport = (body) => this.#running.transport(body);
  readonly runCrons = () => this.#running.runCrons();
  readonly kill = () => this.#running.kill();
  readonly pid = () => this.#running.pid;

  readonly restart = async () => {
    await this.#running.kill();
    this.#running = await runWorkers(this.#plan);
  };
}

function startCron(workers: Workers, everyMs: number | null): NodeJS.Timeout | undefined {
  if (everyMs === null) return undefined;
  // A failed run is ignored (database stopped, workerd restarting): the next one follows.
  const timer = setInterval(() => void workers.runCrons().catch(() => {}), everyMs);
  timer.unref();
  return timer;
}

async function assemble(options: StackOptions, cleanup: Cleanup): Promise<LocalStack> {
  const { database, mock, mailbox, running, plan, output } = await openParts(options, cleanup);
  const workers = new Workers(plan, running);
  cleanup.add(() => workers.kill());
  const cron = startCron(
    workers,
    options.cronEveryMs === undefined ? EVERY_MINUTE_MS : options.cronEveryMs,
  );
  cleanup.add(() => clearInterval(cron));
  const ledger = connectBridge(workers.transport);
  return {
    gatewayUrl: `http://127.0.0.1:${running.ports.gateway}`,
    consoleUrl: `http://127.0.0.1:${running.ports.console}`,
    operatorsUrl: `http://127.0.0.1:${running.ports.operators}`,
    siteUrl: running.ports.site === null ? null : `http://127.0.0.1:${running.ports.site}`,
    databaseUrl: database.url,
    mockUrl: mock.url,
    mailboxUrl: mailbox.url,
    emails: mailbox.emails,
    stopMailbox: mailbox.stop,
    startMailbox: mailbox.start,
    ledger,
    sendToQueue: (queue, body) => sendToQueue(workers.transport, queue, body),
    createAccount: (accountOptions) => createAccount(database.url, ledger, accountOptions),
    output: () => output.text(),
    restartWorkers: workers.restart,
    stopDatabase: () => database.stop(),
    startDatabase: () => database.start(),
    runCrons: workers.runCrons,
    workerdPid: workers.pid,
    stop: () => cleanup.close(),
  };
}

/** Starts the stack. On an error it closes what it has opened and throws. */
export async function startStack(options: StackOptions = {}): Promise<LocalStack> {
  const cleanup = new Cleanup();
  try {
    return await assemble(options, cleanup);
  } catch (error) {
    await cleanup.close();
    throw error;
  }
}
