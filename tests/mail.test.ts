/**
 * Email through the real stack: a page queues it, the queue delivers it, a provider accepts it or
 * is down, and a delivery event is accepted only with a valid SNS signature.
 */
import {
  type LocalSns,
  type LocalStack,
  makeSns,
  type ReceivedEmail,
  startStack,
} from '@farebox/local';
import { parseUsd } from '@farebox/money';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let sns: LocalSns;
let certificates: { url: string; stop(): Promise<void> };
let stack: LocalStack;

beforeAll(async () => {
  sns = makeSns();
  certificates = await sns.serve();
  stack = await startStack({
    quiet: true,
    consoleBindings: { SNS_TOPIC_ARNS: sns.topic, SNS_CERTIFICATES_URL: certificates.url },
  });
}, 120_000);

afterAll(async () => {
  await stack?.stop();
  await certificates?.stop();
});

async function signUp(email: string): Promise<void> {
  const origin = stack.consoleUrl;
  const response = await fetch(`${origin}/sign-up`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin },
    body: new URLSearchParams({ email, password: 'correct horse battery' }),
  });
  expect(response.status).toBe(303);
}

async function listEmails(email: string): Promise<readonly ReceivedEmail[]> {
  return (await stack.emails()).filter(({ to }) => to === email);
}

async function waitForEmail(email: string, timeout = 20_000): Promise<ReceivedEmail> {
  await expect.poll(async () => (await listEmails(email)).length, { timeout }).toBe(1);
  const [received] = await listEmails(email);
  if (received === undefined) throw new Error('no email');
  return received;
}

function postWebhook(body: string): Promise<Response> {
  const headers = { 'content-type': 'text/plain; charset=UTF-8' };
  return fetch(`${stack.consoleUrl}/hooks/ses`, { method: 'POST', headers, body });
}

function buildBounce(received: ReceivedEmail): string {
  return JSON.stringify({
    eventType: 'Bounce',
    bounce: { bounceType: 'Permanent', bounceSubType: 'General' },
    mail: { messageId: received.id, destination: [received.to] },
  });
}

describe('an email', () => {
  it('arrives with a link to the console', async () => {
    await signUp('ann@example.com');
    const { text, html, subject } = await waitForEmail('ann@example.com');
    expect(subject).toBe('Verify your email address');
    const port = new URL(stack.consoleUrl).port;
    expect(text).toMatch(new RegExp(`^http://localhost:${port}/confirm\\?token=[\\w-]{43}$`, 'm'));
    expect(html).toContain('<html lang="en">');
  });

  it('is delivered after an outage of the provider', async () => {
    await stack.stopMailbox();
    try {
      await signUp('bob@example.com');
      await new Promise((resolve) => setTimeout(resolve, 2_500));
    } finally {
      await stack.startMailbox();
    }
    await waitForEmail('bob@example.com', 40_000);
    expect(stack.output()).not.toMatch(/bob@example|mail_failed/);
  }, 90_000);
});

describe('an SNS event', () => {
  it('suppresses an address that bounced', async () => {
    await signUp('cat@example.com');
    const received = await waitForEmail('cat@example.com');
    const bounceNotification = sns.message('Notification', buildBounce(received));
    expect((await postWebhook(bounceNotification)).status).toBe(200);
    expect((await postWebhook(bounceNotification)).status).toBe(200);
    await signUp('cat@example.com');
    await signUp('dan@example.com');
    await waitForEmail('dan@example.com');
    expect(await listEmails('cat@example.com')).toHaveLength(1);
  });

  it('is rejected when its signature is not Amazon’s', async () => {
    const received = await waitForEmail('dan@example.com');
    const forgedNotification = makeSns(sns.topic).message('Notification', buildBounce(received), {
      SigningCertURL: sns.certificateUrl,
    });
    expect((await postWebhook(forgedNotification)).status).toBe(403);
    const staleTimestamp = { Timestamp: new Date(Date.now() - 2 * 3_600_000).toISOString() };
    expect(
      (await postWebhook(sns.message('Notification', buildBounce(received), staleTimestamp)))
        .status,
    ).toBe(403);
    expect((await postWebhook('{}')).status).toBe(400);
    expect((await postWebhook(JSON.stringify({ x: 'x'.repeat(300_000) }))).status).toBe(413);
    // workerd prints a Worker's log line as a text within JSON.
    const reasons = () =>
      [
        ...stack
          .output()
          .replaceAll('\\"', '"')
          .matchAll(/sns_refused","reason":"(\w+)/g),
      ].map((match) => match[1]);
    await expect.poll(reasons).toEqual(['forged', 'stale', 'malformed', 'too_large']);
  });
});

describe('a notification of an account', () => {
  it('is emailed with a one-click unsubscribe link that needs no session', async () => {
    const account = await stack.createAccount({ creditUsd: '5' });
    const threshold = parseUsd('4.999999999') ?? null;
    await stack.ledger.accounts.setLowBalance(account.accountId, threshold);
    const response = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${account.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'openai/gpt-4o-mini',
        messages: [{ role: 'user', content: 'Hello' }],
      }),
    });
    await response.arrayBuffer();
    expect(response.status).toBe(200);
    const { subject, text, headers } = await waitForEmail(account.email, 30_000);
    expect(subject).toBe('Your balance is low');
    expect(text).toContain('4.99 USD');
    expect(headers['List-Unsubscribe-Post']).toBe('List-Unsubscribe=One-Click');
    const link = headers['List-Unsubscribe']?.replace(/[<>]/g, '') ?? '';

    const unsubscribePage = await fetch(link);
    expect(unsubscribePage.status).toBe(200);
    expect(await unsubscribePage.text()).toContain('<form method="post"');
    const oneClick = (url: string, type = 'application/x-www-form-urlencoded') =>
      fetch(url, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'content-type': type },
        body: 'List-Unsubscribe=One-Click',
      });
    const wrongLink = link.replace(/mac=../, 'mac=zz');
    expect((await oneClick(wrongLink)).status).toBe(400);
    expect((await oneClick(link.replace('kind=balance', 'kind=keys'))).status).toBe(400);
    const unsubscribed = await oneClick(link);
    expect(unsubscribed.status).toBe(200);
    expect(await unsubscribed.text()).toContain('You’re unsubscribed. You’ll find a receipt');
    expect((await oneClick(link, 'multipart/form-data; boundary=x')).status).toBe(200);
  }, 60_000);
});
