/** Claude Code against the gateway in real workerd, as docs/clients/claude-code.md says. */
import type { LocalAccount, LocalStack } from '@farebox/local';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toCharges, waitForCharges } from '../support/bills.ts';
import { followGuide, NOTE, readGuide } from '../support/guides.ts';
import { INSTALL_MS, installAgent } from '../support/installed-agent.ts';
import type { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { sharedStack } from '../support/shared-stack.ts';
import { playToolRoundTrip, type ToolRoundTrip } from '../support/tool-round-trip.ts';

const RUN_MS = 120_000;
const MODEL = 'anthropic/claude-opus-5-5';
// claude-opus-5-5: 4 USD in, 0.20 USD cached, 20 USD out per million tokens (Anthropic's prices).
const PRICES = { input: 4000n, cached: 200n, output: 20_000n };

/** Nothing but calls to the model, which are not repeated. */
const QUIET = {
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
  CLAUDE_CODE_MAX_RETRIES: '0',
  IS_SANDBOX: '1',
};

const SCRIPT: ToolRoundTrip = {
  dialect: 'messages',
  call: { name: 'Read', args: { file_path: NOTE.file } },
  result: NOTE.result,
  answer: NOTE.toAnswer,
  counts: {
    call: { input: 26_000, cached: 20_000, output: 60 },
    answer: { input: 26_200, cached: 26_000, output: 30 },
    title: { input: 300, output: 5 },
  },
};

let upstream: ScriptedUpstream;
let stack: LocalStack;
let account: LocalAccount;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  await installAgent('claude-code');
}, INSTALL_MS);

beforeEach(async () => {
  account = await stack.createAccount({ creditUsd: '5' });
});

function run(apiKey: string) {
  const guide = readGuide('claude-code.md', { gatewayUrl: stack.gatewayUrl, apiKey });
  return followGuide('claude-code', guide, QUIET, RUN_MS);
}

describe('Claude Code', () => {
  it(
    'reads a file with its own tool and answers, and each call costs what its tokens cost',
    async () => {
      const requests: { path: string; body: string }[] = [];
      const play = playToolRoundTrip(SCRIPT);
      upstream.handler = (request, response) => {
        requests.push({ path: request.path, body: request.body });
        return play(request, response);
      };
      const { exitCode, stdout, stderr } = await run(account.apiKey);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout.trim()).toBe(NOTE.answer);
      expect(requests.map(({ path }) => path)).toEqual([
        '/v1/messages?beta=true',
        '/v1/messages?beta=true',
      ]);
      expect(Buffer.byteLength(requests[0]?.body ?? '')).toBeGreaterThan(30_000);
      expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({
        model: 'claude-opus-5-5',
        max_tokens: 16_000,
        stream: true,
      });
      const counts = [SCRIPT.counts.call, SCRIPT.counts.answer];
      expect(await waitForCharges(stack, account.accountId, 2)).toEqual(
        toCharges(counts.map((each) => ({ model: MODEL, counts: each, prices: PRICES }))),
      );
    },
    RUN_MS,
  );

  it(
    'is told of a balance that is too low in words that it prints',
    async () => {
      const poor = await stack.createAccount({ creditUsd: '0.000001' });
      const { exitCode, stdout, stderr } = await run(poor.apiKey);
      expect(exitCode).not.toBe(0);
      expect(stdout + stderr).toContain('The balance is too low for this call.');
    },
    RUN_MS,
  );
});
