/**
 * How `npm run account` reaches a running stack, and how a second `npm start` finds that there is one:
 * a loopback port that answers who holds the token in `.farebox/control.json` (0600).
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { CreateAccountOptions, LocalAccount } from './create-account.ts';
import type { FundOptions, FundResult } from './fund-account.ts';
import { decode, encode } from './ledger-bridge.ts';
import { listen } from './ports.ts';
import { readPrivate, writePrivate } from './secrets.ts';

export type RunningStack = Readonly<{
  pid: number;
  workerdPid: number | null;
  url: string;
  token: string;
  gatewayUrl: string;
}>;

export type ControlResponse =
  | Readonly<{ ok: true; account: LocalAccount | null; transaction?: string }>
  | Readonly<{ ok: false; message: string }>;

export function controlFile(stateDir: string): string {
  return join(stateDir, 'control.json');
}

/** What the last start left: perhaps of a stack that is long gone. */
export function readRunning(stateDir: string): RunningStack | null {
  const found = readPrivate(controlFile(stateDir));
  const { pid, workerdPid, url, token, gatewayUrl } = found ?? {};
  if (pid === undefined || url === undefined || token === undefined) return null;
  return {
    pid: Number(pid),
    workerdPid: workerdPid === undefined || workerdPid === '' ? null : Number(workerdPid),
    url,
    token,
    gatewayUrl: gatewayUrl ?? '',
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function isAuthorized(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(String(request.headers.authorization ?? ''));
  const expected = Buffer.from(`Bearer ${token}`);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function parseAccountOptions(value: unknown): CreateAccountOptions | null {
  if (typeof value !== 'object' || value === null || !('creditUsd' in value)) return null;
  return typeof value.creditUsd === 'string' ? { ...value, creditUsd: value.creditUsd } : null;
}

function parseFundOptions(value: unknown): FundOptions | null {
  if (typeof value !== 'object' || value === null) return null;
  const text = (name: string) => String(Reflect.get(value, name) ?? '');
  return { account: text('account'), chain: text('chain'), amount: text('amount') };
}

type ControlHandlers = Readonly<{
  createAccount(options: CreateAccountOptions): Promise<LocalAccount>;
  fund(options: FundOptions): Promise<FundResult>;
}>;

async function handleFaucet(
  request: IncomingMessage,
  handlers: ControlHandlers,
): Promise<ControlResponse> {
  const options = parseFundOptions(decode(await readBody(request)));
  if (options === null) return { ok: false, message: 'That is not a wish for the faucet.' };
  const { transaction } = await handlers.fund(options);
  return { ok: true, account: null, transaction };
}

async function handleRequest(
  request: IncomingMessage,
  handlers: ControlHandlers,
): Promise<ControlResponse> {
  if (request.url === '/faucet') return handleFaucet(request, handlers);
  if (request.url !== '/account') return { ok: true, account: null };
  const options = parseAccountOptions(decode(await readBody(request)));
  if (options === null) return { ok: false, message: 'That is not a wish for an account.' };
  return { ok: true, account: await handlers.createAccount(options) };
}

export type ControlServer = Readonly<{ close(): Promise<void> }>;

export async function serveControl(
  stateDir: string,
  stack: Readonly<{
    gatewayUrl: string;
    workerdPid(): number | null;
  }> &
    ControlHandlers,
): Promise<ControlServer> {
  const token = randomBytes(24).toString('hex');
  const server = createServer(async (request, response) => {
    if (!isAuthorized(request, token)) {
      response.writeHead(401).end();
      return;
    }
    const result = await handleRequest(request, stack).catch(
      (error: unknown): ControlResponse => ({
        ok: false,
        message: error instanceof Error ? error.message : 'It failed.',
      }),
    );
    response.writeHead(200, { 'content-type': 'application/json' }).end(encode(result));
  });
  const port = await listen(server, 0);
  writePrivate(controlFile(stateDir), {
    pid: String(process.pid),
    workerdPid: String(stack.workerdPid() ?? ''),
    url: `http://127.0.0.1:${port}`,
    token,
    gatewayUrl: stack.gatewayUrl,
  });
  return {
    close: async () => {
      rmSync(controlFile(stateDir), { force: true });
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Asks a running stack; null where nothing answers. */
export async function callControl(
  running: RunningStack,
  path: '/ping' | '/account' | '/faucet',
  options?: CreateAccountOptions | FundOptions,
): Promise<ControlResponse | null> {
  try {
    const response = await fetch(running.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${running.token}` },
      body: encode(options ?? {}),
      signal: AbortSignal.timeout(path === '/ping' ? 2_000 : 60_000),
    });
    if (response.status !== 200) return null;
    return parseControlResponse(decode(await response.text()));
  } catch {
    return null;
  }
}

function parseControlResponse(value: unknown): ControlResponse | null {
  if (typeof value !== 'object' || value === null || !('ok' in value)) return null;
  if (value.ok !== true) {
    return { ok: false, message: 'message' in value ? String(value.message) : 'It failed.' };
  }
  const account = 'account' in value ? parseAccount(value.account) : null;
  if (!('transaction' in value)) return { ok: true, account };
  return { ok: true, account, transaction: String(value.transaction) };
}

function parseAccount(value: unknown): LocalAccount | null {
  if (typeof value !== 'object' || value === null) return null;
  const text = (name: string) => String(Reflect.get(value, name) ?? '');
  return {
    email: text('email'),
    password: text('password'),
    accountId: text('accountId'),
    apiKey: text('apiKey'),
  };
}
