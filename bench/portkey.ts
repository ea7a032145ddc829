/**
 * The subject "portkey": Portkey's open-source gateway from npm, as a self-hosting team would run
 * it. Version 1.15.2 returns 500 for every streamed call with the @hono/node-server that its range
 * resolves to, so that is pinned.
 */
import { findFreePort, installPackage, waitUntilListening } from './npm-subject.ts';
import type { BenchContext, Subject } from './subject.ts';

const PACKAGE = {
  name: '@portkey-ai/gateway',
  version: '1.15.2',
  entry: 'build/start-server.js',
  overrides: { '@hono/node-server': '1.13.5' },
};

export async function startPortkey(context: BenchContext): Promise<Subject> {
  const entry = await installPackage(context, PACKAGE);
  const port = await findFreePort();
  const process = context.processes.start(
    globalThis.process.execPath,
    [entry, `--port=${port}`, '--headless'],
    { env: { PATH: globalThis.process.env.PATH, NODE_ENV: 'production' } },
  );
  await waitUntilListening(port);
  const account = {
    authorization: 'Bearer bench',
    'x-portkey-custom-host': `http://127.0.0.1:${context.upstreamPort}/v1`,
  };
  const dialectFields = {
    chat: { 'x-portkey-provider': 'openai' },
    messages: { 'x-portkey-provider': 'anthropic', 'anthropic-version': '2023-06-01' },
    responses: { 'x-portkey-provider': 'openai' },
  };
  const dialects = ['chat', 'messages', 'responses'] as const;
  const rest = { accounts: [account], dialectFields, dialects, inspectorPort: null, tailMs: 0 };
  return { name: 'portkey', port, process, ...rest };
}
