/** Conversations that hear, speak and draw: with a price, and nowhere without one. */
import { RELEASED_CATALOG } from '@farebox/catalog';
import { parseRequest } from '@farebox/dialects';
import { configureProviders, createMeter } from '@farebox/providers';
import { PROVIDER_IDS } from '@farebox/providers/list';
import { describe, expect, it } from 'vitest';
import { computeBill } from './bill.ts';
import { type PlanResult, planCall } from './plan.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const openrouter = { id: 'openrouter', baseUrl: 'https://openrouter.ai/api/v1', apiKey: 'k' };
const deps = {
  catalog: RELEASED_CATALOG,
  providers: configureProviders({
    apiKeys: Object.fromEntries(PROVIDER_IDS.map((id) => [id, 'k'])),
    baseUrls: {},
    extra: [openrouter],
  }),
  defaultMaxOutput: 32_768,
};

function plan(body: object): PlanResult {
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  const parsed = parseRequest('chat', bytes);
  if (!parsed.ok) throw new Error(parsed.reason);
  return planCall(parsed.facts, new Headers(), deps, NOW);
}

const hears = {
  messages: [
    {
      role: 'user',
      content: [{ type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } }],
    },
  ],
};
const speaks = {
  messages: [{ role: 'user', content: 'Sing.' }],
  modalities: ['text', 'audio'],
  audio: { voice: 'alloy', format: 'wav' },
};
const draws = { messages: [{ role: 'user', content: 'A cat.' }], modalities: ['image', 'text'] };

describe('a conversation in sound or pictures', () => {
  it.each([
    ['input', hears],
    ['output', speaks],
  ])('has spoken %s with a model that has a price for it', (_, body) => {
    expect(plan({ model: 'gpt-audio', max_completion_tokens: 100, ...body })).toMatchObject({
      ok: true,
    });
  });

  it.each([
    ['spoken input', 'xai/grok-4.7', hears],
    ['spoken output', 'xai/grok-4.7', speaks],
    ['image output', 'xai/grok-4.7', draws],
    ['image output', 'openrouter/openai/gpt-5-image', draws],
    ['spoken input at an endpoint that does not report it', 'google/gemini-2.5-flash', hears],
    ['pictures at an endpoint that does not report them', 'google/gemini-2.5-flash-image', draws],
  ])('is refused for %s of %s', (_, model, body) => {
    const planned = plan({ model, max_tokens: 100, ...body });
    expect(planned).toMatchObject({ ok: false, reason: 'unsupported_feature' });
  });

  it('is billed by the tokens of audio that the provider reports, within its hold', () => {
    const planned = plan({ model: 'gpt-audio', max_completion_tokens: 500, ...speaks, ...hears });
    if (!planned.ok) throw new Error(planned.reason);
    const { plan: call } = planned;
    const answer = {
      choices: [{ message: { content: null, audio: { data: 'AAAA' } }, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: 120,
        completion_tokens: 300,
        total_tokens: 420,
        prompt_tokens_details: { audio_tokens: 100, text_tokens: 20 },
        completion_tokens_details: { audio_tokens: 260, text_tokens: 40 },
      },
    };
    const meter = createMeter({
      provider: call.provider,
      dialect: 'chat',
      stream: false,
      contentType: 'application/json',
      model: 'gpt-audio',
      choices: 1,
      hideUsage: false,
      replaceError: null,
    });
    meter.feed(new TextEncoder().encode(JSON.stringify(answer)));
    meter.end();
    const held = call.maxInputCost + (500n * call.maxOutputPrice) / 1_000_000n;
    const bill = computeBill(call, {
      reading: meter.reading(),
      endReason: 'complete',
      hiddenGenerationMs: 0,
      maxOutput: 500,
      held,
      floor: 0n,
    });
    // developers.openai.com/api/docs/models/gpt-audio: text 2.50 and 10, audio 32 and 64 USD.
    const cost = 20n * 2_500n + 100n * 32_000n + 40n * 10_000n + 260n * 64_000n;
    expect(bill).toMatchObject({ cost, reason: 'provider_reported' });
    expect(cost).toBeLessThanOrEqual(held);
  });
});
