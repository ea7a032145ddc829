/** Gemini CLI against the gateway in real workerd: one prompt, a tool and the answer. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalStack } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { fetchBalance } from '../support/bills.ts';
import { geminiResponse, sendGeminiEvents } from '../support/gemini-upstream.ts';
import { createAgentFolders, installAgent, runAgent } from '../support/installed-agent.ts';
import type { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { sharedStack } from '../support/shared-stack.ts';

const VERSION = '0.61.0';
const INSTALL_MS = 180_000;
const RUN_MS = 90_000;

const SETTINGS = {
  security: { auth: { selectedType: 'gemini-api-key' } },
  telemetry: { enabled: false },
  privacy: { usageStatisticsEnabled: false },
  general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
};

let upstream: ScriptedUpstream;
let stack: LocalStack;
let apiKey: string;
let script: string;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  ({ apiKey } = await stack.createAccount({ creditUsd: '5' }));
  script = await installAgent('@google/gemini-cli', VERSION, 'bundle/gemini.js');
}, INSTALL_MS);

async function ask(prompt: string) {
  const folders = createAgentFolders({ '.gemini/settings.json': SETTINGS });
  writeFileSync(join(folders.work, 'notes.txt'), 'The word is marzipan.');
  const env = {
    GEMINI_API_KEY: apiKey,
    GOOGLE_GEMINI_BASE_URL: stack.gatewayUrl,
    GEMINI_CLI_HOME: folders.home,
    GEMINI_CLI_NO_RELAUNCH: 'true',
    GEMINI_CLI_TRUST_WORKSPACE: 'true',
  };
  const args = ['--skip-trust', '--approval-mode', 'yolo', '-o', 'json'];
  const model = ['-m', 'gemini-3.8-flash', '-p', prompt];
  const result = await runAgent(script, [...args, ...model], folders, env, RUN_MS);
  folders.remove();
  return result;
}

describe('Gemini CLI', () => {
  it(
    'reads a file with its own tool and answers, and both of its calls are billed',
    async () => {
      const call = { name: 'read_file', args: { file_path: 'notes.txt' } };
      const parts = [{ functionCall: call, thoughtSignature: 'c2ln' }];
      const bodies: string[] = [];
      upstream.handler = ({ body }, response) => {
        bodies.push(body);
        const word = /The word is (\w+)/.exec(body)?.[1];
        const answer =
          word === undefined
            ? geminiResponse(parts, { input: 100, output: 5 })
            : geminiResponse([{ text: `It says ${word}.` }], { input: 140, output: 4 });
        return sendGeminiEvents(response, [answer]);
      };
      const before = await fetchBalance(stack.gatewayUrl, apiKey);
      const { exitCode, stdout, stderr } = await ask('What does notes.txt say?');
      expect(stderr).not.toContain('Error');
      expect(exitCode).toBe(0);
      expect(JSON.parse(stdout).response).toBe('It says marzipan.');
      expect(bodies).toHaveLength(2);
      expect(Buffer.byteLength(bodies[0] ?? '')).toBeGreaterThan(30_000);
      expect(bodies[1]).toContain('"thoughtSignature":"c2ln"');
      await expect
        .poll(async () => (await fetchBalance(stack.gatewayUrl, apiKey)).posted)
        .toBeLessThan(before.posted);
    },
    RUN_MS,
  );

  it(
    'is told of a balance that is too low in words that it prints',
    async () => {
      const { apiKey: poorKey } = await stack.createAccount({ creditUsd: '0.000001' });
      const rich = apiKey;
      apiKey = poorKey;
      const { exitCode, stdout, stderr } = await ask('Hello').finally(() => {
        apiKey = rich;
      });
      expect(exitCode).not.toBe(0);
      expect(stdout + stderr).toContain('The balance is too low for this call.');
    },
    RUN_MS,
  );
});
