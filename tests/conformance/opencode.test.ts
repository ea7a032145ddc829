/** opencode against the gateway in real workerd, in each dialect of docs/clients/opencode.md. */
import type { LocalAccount, LocalStack } from '@farebox/local';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toCharges, waitForCharges } from '../support/bills.ts';
import { followGuide, type Guide, NOTE, readGuide } from '../support/guides.ts';
import { INSTALL_MS, installAgent } from '../support/installed-agent.ts';
import type { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { sharedStack } from '../support/shared-stack.ts';
import { playToolRoundTrip, type ToolRoundTrip } from '../support/tool-round-trip.ts';

const RUN_MS = 120_000;

/** Nothing but calls to the model. */
const QUIET = {
  OPENCODE_DISABLE_AUTOUPDATE: '1',
  OPENCODE_DISABLE_MODELS_FETCH: '1',
  OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
  OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
  OPENCODE_DISABLE_SHARE: '1',
};

// OpenAI's and Anthropic's price lists, in nano-USD a token.
const MINI = {
  model: 'openai/gpt-5.4-mini',
  prices: { input: 750n, cached: 75n, output: 4500n },
};
const CASES = [
  {
    dialect: 'chat',
    name: 'farebox/gpt-5.4',
    model: 'openai/gpt-5.4',
    prices: { input: 2500n, cached: 250n, output: 15_000n },
  },
  {
    dialect: 'messages',
    name: 'farebox-anthropic/claude-sonnet-5-5',
    model: 'anthropic/claude-sonnet-5-5',
    prices: { input: 2000n, cached: 100n, output: 10_000n },
  },
  {
    dialect: 'responses',
    name: 'farebox-openai/gpt-6.2-sol',
    model: 'openai/gpt-6.2-sol',
    prices: { input: 2000n, cached: 100n, output: 10_000n },
  },
] as const;

const COUNTS = {
  call: { input: 12_000, cached: 8000, output: 40 },
  answer: { input: 12_100, cached: 12_000, output: 25 },
  title: { input: 400, output: 5 },
};

let upstream: ScriptedUpstream;
let stack: LocalStack;
let account: LocalAccount;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  await installAgent('opencode');
}, INSTALL_MS);

beforeEach(async () => {
  account = await stack.createAccount({ creditUsd: '5' });
});

/** The page's commands for another of its models. */
function readOpencodeGuide(apiKey: string, name: string): Guide {
  const guide = readGuide('opencode.md', { gatewayUrl: stack.gatewayUrl, apiKey });
  const commands = guide.commands.map((lines) => lines.replace('farebox/gpt-5.4', name));
  return { ...guide, commands };
}

describe('opencode', () => {
  it.each(CASES)(
    'reads a file with its own tool through $dialect, and each call costs what its tokens cost',
    async ({ dialect, name, model, prices }) => {
      const script: ToolRoundTrip = {
        dialect,
        call: { name: 'read', args: { filePath: NOTE.file } },
        result: NOTE.result,
        answer: NOTE.toAnswer,
        counts: COUNTS,
      };
      const titles = playToolRoundTrip({ ...script, dialect: 'chat' });
      const play = playToolRoundTrip(script);
      upstream.handler = (request, response) =>
        request.body.includes('"tools"') ? play(request, response) : titles(request, response);
      const guide = readOpencodeGuide(account.apiKey, name);
      const { exitCode, stdout, stderr } = await followGuide('opencode', guide, QUIET, RUN_MS);
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      expect(stdout).toContain(NOTE.answer);
      const { call, answer, title } = COUNTS;
      expect(await waitForCharges(stack, account.accountId, 3)).toEqual(
        toCharges([
          { model, counts: call, prices },
          { model, counts: answer, prices },
          { ...MINI, counts: title },
        ]),
      );
    },
    RUN_MS,
  );

  it(
    'is told of a balance that is too low in words that it prints',
    async () => {
      const poor = await stack.createAccount({ creditUsd: '0.000001' });
      const guide = readOpencodeGuide(poor.apiKey, 'farebox/gpt-5.4');
      const { stdout, stderr } = await followGuide('opencode', guide, QUIET, RUN_MS);
      expect(stdout + stderr).toContain('The balance is too low for this call.');
    },
    RUN_MS,
  );
});
