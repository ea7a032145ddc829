/** Serves the control protocol of a running stack (control-protocol.ts). */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import * as v from 'valibot';
import {
  type ControlResponse,
  CREATE_ACCOUNT_REQUEST,
  controlFile,
  FUND_REQUEST,
} from './control-protocol.ts';
import type { CreateAccountOptions, LocalAccount } from './create-account.ts';
import type { FundOptions, FundResult } from './fund-account.ts';
import { decode, encode } from './ledger-bridge.ts';
import { listen } from './ports.ts';
import { writePrivate } from './secrets.ts';

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

type ControlHandlers = Readonly<{
  createAccount(options: CreateAccountOptions): Promise<LocalAccount>;
  fund(options: FundOptions): Promise<FundResult>;
}>;

async function handleFaucet(
  request: IncomingMessage,
  handlers: ControlHandlers,
): Promise<ControlResponse> {
  const options = v.safeParse(FUND_REQUEST, decode(await readBody(request)));
  if (!options.success) return { ok: false, message: 'Invalid faucet request.' };
  const { transaction } = await handlers.fund(options.output);
  return { ok: true, account: null, transaction };
}

async function handleRequest(
  request: IncomingMessage,
  handlers: ControlHandlers,
): Promise<ControlResponse> {
  if (request.url === '/faucet') return handleFaucet(request, handlers);
  if (request.url !== '/account') return { ok: true, account: null };
  const options = v.safeParse(CREATE_ACCOUNT_REQUEST, decode(await readBody(request)));
  if (!options.success) return { ok: false, message: 'Invalid account request.' };
  return { ok: true, account: await handlers.createAccount(options.output) };
}

export type ControlServer = Readonly<{ close(): Promise<void> }>;

/** Starts the control server and records it in `.farebox/control.json`. */
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
        message: error instanceof Error ? error.message : 'The request failed.',
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
