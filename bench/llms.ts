/**
 * The subject "llms": the server inside Claude Code Router, from npm (@musistudio/llms), with its
 * log turned off. Where provider and caller speak the same dialect it passes both on unchanged.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort, installPackage, waitUntilListening } from './npm-subject.ts';
import { PAYLOADS } from './payloads.ts';
import type { BenchContext, Subject } from './subject.ts';

const PACKAGE = { name: '@musistudio/llms', version: '1.0.53', entry: 'dist/cjs/server.cjs' };

function buildConfig(port: number, upstream: string): object {
  const provider = (name: 'chat' | 'messages', transformer: string) => ({
    name,
    api_base_url: `${upstream}${PAYLOADS[name].path(PAYLOADS[name].model, 'json')}`,
    api_key: 'bench',
    models: [PAYLOADS[name].model],
    transformer: { use: [transformer] },
  });
  const providers = [provider('chat', 'OpenAI'), provider('messages', 'Anthropic')];
  return { HOST: '127.0.0.1', PORT: String(port), providers };
}

export async function startLlms(context: BenchContext): Promise<Subject> {
  const entry = await installPackage(context, PACKAGE);
  const port = await findFreePort();
  const config = buildConfig(port, `http://127.0.0.1:${context.upstreamPort}`);
  const script = join(context.folder, 'llms.cjs');
  const options = JSON.stringify({ logger: false, initialConfig: config });
  writeFileSync(
    script,
    `const { default: Server } = require(${JSON.stringify(entry)});\nnew Server(${options}).start();\n`,
  );
  const process = context.processes.start(globalThis.process.execPath, [script], {
    env: { PATH: globalThis.process.env.PATH, NODE_ENV: 'production' },
  });
  await waitUntilListening(port);
  return {
    name: 'llms',
    port,
    process,
    accounts: [{ authorization: 'Bearer bench' }],
    dialectFields: { messages: { 'anthropic-version': '2023-06-01' } },
    models: {
      chat: `chat,${PAYLOADS.chat.model}`,
      messages: `messages,${PAYLOADS.messages.model}`,
    },
    dialects: ['chat', 'messages'],
    inspectorPort: null,
    tailMs: 0,
  };
}
