/** Gemini CLI against the gateway in real workerd, as docs/clients/gemini-cli.md says. */
import type { LocalAccount, LocalStack } from '@farebox/local';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toCharges, waitForCharges } from '../support/bills.ts';
import { followGuide, NOTE, readGuide } from '../support/guides.ts';
import { INSTALL_MS, installAgent } from '../support/installed-agent.ts';
import type { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { sharedStack } from '../support/shared-stack.ts';
import { playToolRoundTrip, type ToolRoundTrip } from '../support/tool-round-trip.ts';

const RUN_MS = 90_000;
const MODEL = 'google/gemini-4-neon';
// gemini-4-neon: 3 USD in, 0.15 USD cached, 15 USD out per million tokens (Google's price list).
const PRICES = { input: 3000n, cached: 150n, output: 15_000n };

const SCRIPT: ToolRoundTrip = {
  dialect: 'gemini',
  call: { name: 'read_file', args: { file_path: NOTE.file } },
  result: NOTE.result,
  answer: NOTE.toAnswer,
  counts: {
    call: { input: 11_000, cached: 9000, output: 35 },
    answer: { input: 11_100, cached: 11_000, output: 15 },
    title: { input: 300, output: 5 },
  },
};

let upstream: ScriptedUpstream;
let stack: LocalStack;
let account: LocalAccount;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  await installAgent('gemini-cli');
}, INSTALL_MS);

beforeEach(async () => {
  account = await stack.createAccount({ creditUsd: '5' });
});

function run(apiKey: string) {
  const guide = readGuide('gemini-cli.md', { gatewayUrl: stack.gatewayUrl, apiKey });
  return followGuide('gemini-cli', guide, { GEMINI_CLI_NO_RELAUNCH: 'true' }, RUN_MS);
}

describe('Gemini CLI', () => {
  it(
    'reads a file with its own tool and answers, and each call costs what its tokens cost',
    async () => {
      const bodies: string[] = [];
      const play = playToolRoundTrip(SCRIPT);
      upstream.handler = (request, response) => {
        bodies.push(request.body);
        return play(request, response);
      };
      const { exitCode, stdout, stderr } = await run(account.apiKey);
      expect(stderr).not.toContain('Error');
      expect(exitCode).toBe(0);
      expect(JSON.parse(stdout).response).toBe(NOTE.answer);
      expect(bodies).toHaveLength(2);
      expect(Buffer.byteLength(bodies[0] ?? '')).toBeGreaterThan(30_000);
      expect(bodies[1]).toContain('"thoughtSignature":"c2ln"');
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
