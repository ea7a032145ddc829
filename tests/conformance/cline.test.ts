/** Cline’s command line against the gateway in real workerd, as docs/clients/cline.md says. */
import type { LocalAccount, LocalStack } from '@farebox/local';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toCharges, waitForCharges } from '../support/bills.ts';
import { followGuide, type Guide, NOTE, readGuide } from '../support/guides.ts';
import { INSTALL_MS, installAgent } from '../support/installed-agent.ts';
import type { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { sharedStack } from '../support/shared-stack.ts';
import { playToolRoundTrip } from '../support/tool-round-trip.ts';

const RUN_MS = 120_000;

/** Without the program that stays in the background, nor warnings of the libraries inside it. */
const QUIET = { CLINE_SESSION_BACKEND_MODE: 'local', AI_SDK_LOG_WARNINGS: 'false' };

// OpenAI's and Anthropic's price lists, in nano-USD a token.
const CASES = [
  {
    dialect: 'chat',
    provider: 'openai',
    path: '/v1/chat/completions',
    model: 'openai/gpt-5.4',
    prices: { input: 2500n, cached: 250n, output: 15_000n },
  },
  {
    dialect: 'messages',
    provider: 'anthropic',
    path: '/v1/messages',
    model: 'anthropic/claude-sonnet-5-5',
    prices: { input: 2000n, cached: 100n, output: 10_000n },
  },
] as const;

const COUNTS = {
  call: { input: 5000, cached: 3000, output: 40 },
  answer: { input: 5100, cached: 5000, output: 25 },
  title: { input: 400, output: 5 },
};

let upstream: ScriptedUpstream;
let stack: LocalStack;
let account: LocalAccount;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  await installAgent('cline');
}, INSTALL_MS);

beforeEach(async () => {
  // With Claude’s models its requests hold about 14 USD.
  account = await stack.createAccount({ creditUsd: '20' });
});

/** The page’s commands for one of its providers: its first block, or its file and its second block. */
function readClineGuide(apiKey: string, provider: (typeof CASES)[number]['provider']): Guide {
  const guide = readGuide('cline.md', { gatewayUrl: stack.gatewayUrl, apiKey });
  const [withAuth = '', withFile = ''] = guide.commands;
  expect(guide.commands).toHaveLength(2);
  return provider === 'openai'
    ? { ...guide, files: {}, commands: [withAuth] }
    : { ...guide, commands: [withFile] };
}

describe('Cline', () => {
  it.each(CASES)(
    'reads a file with its own tool through $dialect, and each call costs what its tokens cost',
    async ({ dialect, provider, path, model, prices }) => {
      const paths: string[] = [];
      const play = playToolRoundTrip({
        dialect,
        call: { name: 'read_files', args: { files: [{ path: NOTE.file }] } },
        result: NOTE.result,
        answer: NOTE.toAnswer,
        counts: COUNTS,
      });
      upstream.handler = (request, response) => {
        paths.push(request.path);
        return play(request, response);
      };
      const guide = readClineGuide(account.apiKey, provider);
      const { exitCode, stdout, stderr } = await followGuide('cline', guide, QUIET, RUN_MS);
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      expect(stdout).toContain(NOTE.answer);
      expect(paths).toEqual([path, path]);
      const { call, answer } = COUNTS;
      expect(await waitForCharges(stack, account.accountId, 2)).toEqual(
        toCharges([call, answer].map((counts) => ({ model, counts, prices }))),
      );
    },
    RUN_MS,
  );

  it(
    'is told of a balance that is too low in words that it prints',
    async () => {
      const poor = await stack.createAccount({ creditUsd: '0.000001' });
      const guide = readClineGuide(poor.apiKey, 'openai');
      const { stdout, stderr } = await followGuide('cline', guide, QUIET, RUN_MS);
      expect(stdout + stderr).toContain('The balance is too low for this call.');
    },
    RUN_MS,
  );

  it(
    'is refused in Responses, because it offers a tool whose price no answer states',
    async () => {
      const guide = readClineGuide(account.apiKey, 'openai');
      const commands = guide.commands.map((lines) =>
        lines.replace('--provider openai ', '--provider openai-native '),
      );
      const run = await followGuide('cline', { ...guide, commands }, QUIET, RUN_MS);
      expect(run.stdout + run.stderr).toContain('is not supported here: its images are billed by');
    },
    RUN_MS,
  );
});
