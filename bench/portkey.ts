/**
 * The subject "portkey": Portkey's open-source gateway from npm, as a self-hosting team would run
 * it. Version 1.15.2 returns 500 for every streamed call with the @hono/node-server that its range
 * resolves to, so that is pinned.
 */
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContext, Subject } from './subject.ts';

const VERSION = '1.15.2';
const MANIFEST = {
  private: true,
  dependencies: { '@portkey-ai/gateway': VERSION },
  overrides: { '@hono/node-server': '1.13.5' },
};

export async function startPortkey(context: BenchContext): Promise<Subject> {
  const entry = await install(context);
  const port = await freePort();
  const process = context.processes.start(
    globalThis.process.execPath,
    [entry, `--port=${port}`, '--headless'],
    {
      env: { PATH: globalThis.process.env.PATH, NODE_ENV: 'production' },
    },
  );
  await waitUntilListening(port);
  const account = {
    authorization: 'Bearer bench',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `http://127.0.0.1:${context.upstreamPort}/v1`,
  };
  return { name: 'portkey', port, process, accounts: [account], inspectorPort: null, tailMs: 0 };
}

/** Installs Portkey into the cache once and returns its entry file. */
async function install(context: BenchContext): Promise<string> {
  const folder = join(context.cache, `portkey-${VERSION}`);
  const entry = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  if (existsSync(entry)) return entry;
  context.log(`installing @portkey-ai/gateway ${VERSION} (once)`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify(MANIFEST));
  const npm = context.processes.start(
    npmProgram(),
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'],
    { cwd: folder },
  );
  const [code] = await once(npm.child, 'exit');
  if (code !== 0 || !existsSync(entry))
    throw new Error(`bench: npm could not install Portkey (${code})`);
  return entry;
}

/**
 * The npm beside the running Node, or the one in PATH: a Node installed from npm has none of its
 * own.
 */
function npmProgram(): string {
  const bundledNpm = join(dirname(globalThis.process.execPath), 'npm');
  return existsSync(bundledNpm) ? bundledNpm : 'npm';
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('bench: no free port');
  return address.port;
}

async function waitUntilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const socket = connect({ port, host: '127.0.0.1' });
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await sleep(100);
  }
  throw new Error('bench: Portkey did not start');
}
