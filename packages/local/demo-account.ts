/** The demo account that `npm start` prints, and the test call it makes with it. */
import { join } from 'node:path';
import { STATE_DIR } from './paths.ts';
import { readPrivate, writePrivate } from './secrets.ts';
import type { LocalStack } from './stack.ts';

const DEMO_CREDIT_USD = '5';

export type DemoKey = Readonly<{ apiKey: string }>;

async function isKeyAccepted(stack: LocalStack, demo: DemoKey): Promise<boolean> {
  const response = await fetch(`${stack.gatewayUrl}/v1/credits`, {
    headers: { authorization: `Bearer ${demo.apiKey}` },
  });
  await response.arrayBuffer();
  return response.status === 200;
}

/** Creates the demo account on the first start, and reuses it afterwards. */
export async function demoAccount(stack: LocalStack): Promise<DemoKey> {
  const path = join(STATE_DIR, 'demo-account.json');
  const apiKey = readPrivate(path)?.apiKey;
  if (apiKey !== undefined && (await isKeyAccepted(stack, { apiKey }))) return { apiKey };
  const made = await stack.createAccount({ creditUsd: DEMO_CREDIT_USD, name: 'demo' });
  writePrivate(path, made);
  if (!(await isKeyAccepted(stack, made))) throw new Error('The gateway rejects the demo key.');
  return made;
}

/**
 * Makes one call through the gateway. Throws if it fails. Only for a mocked provider, where it is
 * free.
 */
export async function tryCall(stack: LocalStack, demo: DemoKey): Promise<void> {
  const response = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${demo.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'openai/gpt-6-luna',
      max_tokens: 16,
      messages: [{ role: 'user', content: 'Are you there?' }],
    }),
  });
  await response.arrayBuffer();
  // 402 means that the demo credit is used up, which is fine.
  if (response.status !== 200 && response.status !== 402) {
    throw new Error(`The test call through the gateway failed with HTTP ${response.status}.`);
  }
}
