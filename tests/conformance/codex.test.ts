/** Codex against the gateway in real workerd, as docs/clients/codex.md says. */
import type { LocalAccount, LocalStack } from '@farebox/local';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toCharges, waitForCharges } from '../support/bills.ts';
import { followGuide, type Guide, NOTE, readGuide } from '../support/guides.ts';
import { INSTALL_MS, installAgent } from '../support/installed-agent.ts';
import type { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { sharedStack } from '../support/shared-stack.ts';
import {
  playToolRoundTrip,
  playToolRoundTripOverSocket,
  type ToolRoundTrip,
} from '../support/tool-round-trip.ts';

const RUN_MS = 120_000;
const MODEL = 'openai/gpt-6.2-sol';
// gpt-6.2-sol: 2 USD in, 0.10 USD cached, 10 USD out per million tokens (OpenAI's model page).
const PRICES = { input: 2000n, cached: 100n, output: 10_000n };

/** A machine that runs tests may have no sandbox of Codex's kind. */
const SETTINGS = `approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
analytics.enabled = false
`;
const CONFIG = '.codex/config.toml';

const SCRIPT: ToolRoundTrip = {
  dialect: 'responses',
  // Codex gives the models since GPT-6 one tool, which runs a program that calls the others.
  call: {
    name: 'exec',
    namespace: 'functions',
    input: `text(await tools.exec_command({ cmd: 'cat ${NOTE.file}' }));`,
  },
  result: NOTE.result,
  answer: NOTE.toAnswer,
  counts: {
    call: { input: 9000, cached: 4000, output: 50 },
    answer: { input: 9100, cached: 9000, output: 20 },
    title: { input: 300, output: 5 },
  },
};
const BOTH_CALLS = toCharges(
  [SCRIPT.counts.call, SCRIPT.counts.answer].map((counts) => ({
    ...{ model: MODEL, counts, prices: PRICES },
  })),
);

let upstream: ScriptedUpstream;
let stack: LocalStack;
let account: LocalAccount;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  await installAgent('codex');
}, INSTALL_MS);

beforeEach(async () => {
  account = await stack.createAccount({ creditUsd: '5' });
});

function readCodexGuide(apiKey: string, more = ''): Guide {
  const guide = readGuide('codex.md', { gatewayUrl: stack.gatewayUrl, apiKey });
  return { ...guide, files: { [CONFIG]: SETTINGS + guide.files[CONFIG] + more } };
}

describe('Codex', () => {
  it(
    'reads a file with its own tool and answers, and each call costs what its tokens cost',
    async () => {
      const bodies: Record<string, unknown>[] = [];
      const play = playToolRoundTrip(SCRIPT);
      upstream.handler = (request, response) => {
        bodies.push(JSON.parse(request.body));
        return play(request, response);
      };
      const run = await followGuide('codex', readCodexGuide(account.apiKey), {}, RUN_MS);
      expect(run).toMatchObject({ exitCode: 0 });
      expect(run.stdout).toContain(NOTE.answer);
      expect(bodies).toHaveLength(2);
      expect(bodies[1]).toMatchObject({ model: 'gpt-6.2-sol', stream: true, store: false });
      expect(await waitForCharges(stack, account.accountId, 2)).toEqual(BOTH_CALLS);
    },
    RUN_MS,
  );

  it(
    'does the same over one WebSocket, on which it sends only what is new',
    async () => {
      const received: string[] = [];
      upstream.socketHandler = playToolRoundTripOverSocket(SCRIPT, received);
      const guide = readCodexGuide(account.apiKey, 'supports_websockets = true\n');
      const run = await followGuide('codex', guide, {}, RUN_MS);
      upstream.socketHandler = null;
      expect(run).toMatchObject({ exitCode: 0 });
      expect(run.stdout).toContain(NOTE.answer);
      const [prepared, first, second] = received.map((message) => JSON.parse(message));
      expect(received).toHaveLength(3);
      expect(prepared).toMatchObject({ type: 'response.create', generate: false });
      expect(first).toMatchObject({ previous_response_id: 'resp_1' });
      expect(second).toMatchObject({ previous_response_id: 'resp_2' });
      expect(second.input).toHaveLength(1);
      const [nothing, ...charges] = await waitForCharges(stack, account.accountId, 3);
      expect(nothing?.cost).toBe(0n);
      expect(charges).toEqual(BOTH_CALLS);
    },
    RUN_MS,
  );

  it(
    'goes on over HTTP where the provider takes no WebSocket',
    async () => {
      upstream.socketHandler = null;
      upstream.handler = playToolRoundTrip(SCRIPT);
      const guide = readCodexGuide(account.apiKey, 'supports_websockets = true\n');
      const run = await followGuide('codex', guide, {}, RUN_MS);
      expect(run).toMatchObject({ exitCode: 0 });
      expect(run.stdout).toContain(NOTE.answer);
    },
    RUN_MS,
  );

  it(
    'is told of a balance that is too low in words that it prints',
    async () => {
      const poor = await stack.createAccount({ creditUsd: '0.000001' });
      const run = await followGuide('codex', readCodexGuide(poor.apiKey), {}, RUN_MS);
      expect(run.exitCode).not.toBe(0);
      expect(run.stdout + run.stderr).toContain('The balance is too low for this call.');
    },
    RUN_MS,
  );
});
