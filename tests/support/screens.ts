/**
 * Every screen of the console and of the operators' application that a picture is kept of, and how a
 * browser comes to it.
 */
import type { Page } from 'playwright-core';
import type { FilledAccount } from './screen-data.ts';

export type Screen = Readonly<{
  name: string;
  /** A path, or the way to a page that answers a form. */
  open: string | ((page: Page, go: (path: string) => Promise<void>) => Promise<void>);
  /** A state of a screen that is shown in full elsewhere: one picture of it is enough. */
  isVariant?: true;
}>;

/** Fills in fields by name and sends the form that `button` belongs to. */
async function submit(
  page: Page,
  fields: Readonly<Record<string, string>>,
  button = 'main form button[type=submit]',
): Promise<void> {
  for (const [name, value] of Object.entries(fields)) await page.fill(`main [name=${name}]`, value);
  const navigation = page.waitForEvent('framenavigated');
  // Also a form that the browser itself would hold back is answered.
  await page
    .locator(button)
    .first()
    .evaluate((element) => {
      const form = element.closest('form');
      if (form !== null) form.noValidate = true;
    });
  await page.locator(button).first().click();
  await navigation;
  await page.waitForLoadState('load');
}

export const GUEST_SCREENS: readonly Screen[] = [
  { name: 'landing', open: '/' },
  { name: 'sign-up', open: '/sign-up' },
  {
    name: 'sign-up-wrong',
    isVariant: true,
    open: async (page, go) => {
      await go('/sign-up');
      await submit(page, { email: 'ada@example', password: 'short' });
    },
  },
  { name: 'sign-up-sent', isVariant: true, open: '/sign-up?done=sent' },
  { name: 'confirm', open: '/confirm?token=x' },
  { name: 'confirm-used', isVariant: true, open: '/confirm' },
  { name: 'sign-in', open: '/sign-in' },
  {
    name: 'sign-in-wrong',
    isVariant: true,
    open: async (page, go) => {
      await go('/sign-in');
      await submit(page, { email: 'nobody@example.com', password: 'not the password' });
    },
  },
  { name: 'forgot', open: '/forgot' },
  { name: 'reset', isVariant: true, open: '/reset?token=x' },
  { name: 'confirm-email', isVariant: true, open: '/confirm-email?token=x' },
  { name: 'unsubscribe', isVariant: true, open: '/unsubscribe?token=x' },
  { name: 'refund-link', isVariant: true, open: '/refunds/confirm?token=x' },
  { name: 'verify', open: '/verify' },
  {
    name: 'verify-tampered',
    isVariant: true,
    open: async (page, go) => {
      await go('/verify');
      const file = { name: 'statement.jsonl', mimeType: 'application/jsonl' };
      const buffer = Buffer.from('{"tampered": true}\n');
      await page.locator('input[type=file]').setInputFiles({ ...file, buffer });
      await page.locator('#result.problem').waitFor();
    },
  },
  { name: 'not-found', open: '/nowhere' },
];

type Credentials = Readonly<{ email: string; password: string }>;

/** More wrong codes than one address may try: the last ones are answered by 429. */
const WRONG_CODES = 15;

async function enterPassword(
  page: Page,
  go: (path: string) => Promise<void>,
  { email, password }: Credentials,
): Promise<void> {
  await go('/sign-in');
  await submit(page, { email, password });
}

/** What a visitor with the password of an account with an authenticator app is shown. */
export function listSecondFactorScreens(account: Credentials): readonly Screen[] {
  return [
    {
      name: 'sign-in-second',
      isVariant: true,
      open: (page, go) => enterPassword(page, go, account),
    },
    {
      name: 'error-429',
      isVariant: true,
      open: async (page, go) => {
        for (let attempt = 0; attempt < WRONG_CODES; attempt += 1) {
          if (!page.url().includes('/sign-in/second')) await enterPassword(page, go, account);
          const isForm = (await page.locator('main [name=code]').count()) > 0;
          if (!isForm) return;
          await submit(page, { code: '000000' });
        }
      },
    },
  ];
}

/** Creates the page's key, sends one message and waits for its bill. */
async function askModel(page: Page): Promise<void> {
  await page.locator('#play-model option').first().waitFor({ state: 'attached' });
  await page.click('#play-create-key');
  await page.locator('#play-key-status:not(:empty)').waitFor();
  await page.fill('#play-message', 'Name three rivers of Iceland, with their lengths.');
  await page.click('#play-send');
  await page.locator('#play-cost a').waitFor();
}

export const EMPTY_SCREENS: readonly Screen[] = [
  { name: 'empty-overview', open: '/' },
  { name: 'empty-keys', isVariant: true, open: '/keys' },
  { name: 'empty-usage', isVariant: true, open: '/usage' },
  { name: 'empty-calls', isVariant: true, open: '/calls' },
  { name: 'empty-alerts', isVariant: true, open: '/alerts' },
  { name: 'empty-webhook', isVariant: true, open: '/alerts/webhook' },
  { name: 'empty-add-credits', isVariant: true, open: '/top-up' },
  { name: 'empty-statement', isVariant: true, open: '/transactions' },
  { name: 'empty-refunds', isVariant: true, open: '/refunds' },
];

export function listAccountScreens(account: FilledAccount): readonly Screen[] {
  const { keyId, callId, cutCallId } = account;
  return [
    { name: 'overview', open: '/' },
    { name: 'overview-by-kind', isVariant: true, open: '/?by=kind&days=7' },
    { name: 'keys', open: '/keys' },
    { name: 'key', open: `/keys/${keyId}` },
    { name: 'key-new', open: '/keys/new' },
    {
      name: 'key-new-wrong',
      isVariant: true,
      open: async (page, go) => {
        await go('/keys/new');
        await submit(page, {
          name: 'x'.repeat(64),
          month_budget: 'much',
          expires: '2020-01-01T00:00',
        });
      },
    },
    {
      name: 'key-created',
      open: async (page, go) => {
        await go('/keys/new');
        await submit(page, { name: 'ci' });
      },
    },
    { name: 'key-edit', open: `/keys/${keyId}/edit` },
    { name: 'key-rotate', isVariant: true, open: `/keys/${keyId}/roll` },
    { name: 'key-revoke', isVariant: true, open: `/keys/${keyId}/revoke` },
    { name: 'playground', open: '/playground' },
    {
      name: 'playground-answer',
      open: async (page, go) => {
        await go('/playground');
        await askModel(page);
      },
    },
    { name: 'models', open: '/models' },
    { name: 'models-found', isVariant: true, open: '/models?name=claude' },
    { name: 'usage', open: '/usage' },
    { name: 'usage-by-key', isVariant: true, open: '/usage?stack=key' },
    { name: 'calls', open: '/calls' },
    { name: 'calls-failed', isVariant: true, open: '/calls?outcome=failed' },
    { name: 'calls-none', isVariant: true, open: '/calls?from=2020-01-01&to=2020-01-02' },
    { name: 'calls-export', isVariant: true, open: '/calls/export' },
    { name: 'call', open: `/calls/${callId}` },
    { name: 'call-failed', isVariant: true, open: `/calls/${cutCallId}` },
    { name: 'alerts', open: '/alerts' },
    { name: 'alerts-saved', isVariant: true, open: '/alerts?done=saved' },
    {
      name: 'alerts-wrong',
      isVariant: true,
      open: async (page, go) => {
        await go('/alerts');
        await submit(page, { threshold: 'five' }, 'form[action="/alerts/low-balance"] button');
      },
    },
    { name: 'webhook', open: '/alerts/webhook' },
    { name: 'webhook-endpoint', isVariant: true, open: '/alerts/webhook/endpoint' },
    {
      name: 'webhook-endpoint-wrong',
      isVariant: true,
      open: async (page, go) => {
        await go('/alerts/webhook/endpoint');
        await submit(page, { endpoint: 'ftp://hooks.example.com' });
      },
    },
    {
      name: 'webhook-secret',
      open: async (page, go) => {
        await go('/alerts/webhook/secret');
        await submit(page, {});
      },
    },
    { name: 'webhook-delete', isVariant: true, open: '/alerts/webhook/delete' },
    { name: 'add-credits', open: '/top-up' },
    { name: 'add-credits-tron', open: '/top-up/tron' },
    { name: 'add-credits-bsc', isVariant: true, open: '/top-up/bsc' },
    { name: 'add-credits-halted', isVariant: true, open: '/top-up/polygon' },
    { name: 'statement', open: '/transactions' },
    { name: 'refunds', open: '/refunds' },
    { name: 'security', open: '/security' },
    { name: 'security-password', open: '/security/password' },
    { name: 'security-email', isVariant: true, open: '/security/email' },
    { name: 'security-passkeys', open: '/security/passkeys' },
    { name: 'security-app', isVariant: true, open: '/security/totp' },
    {
      name: 'security-app-setup',
      open: async (page, go) => {
        await go('/security/totp');
        await submit(page, {}, 'form[action="/security/totp"] button');
      },
    },
    { name: 'security-codes', open: '/security/recovery-codes' },
    { name: 'prove', open: '/prove?next=/' },
    { name: 'rights', open: '/rights' },
    { name: 'rights-data', open: '/rights/data' },
    { name: 'rights-deletion', open: '/rights/deletion' },
    { name: 'design', open: '/design' },
    { name: 'not-found-signed-in', isVariant: true, open: '/nowhere' },
  ];
}

export function listOperatorScreens(account: FilledAccount): readonly Screen[] {
  const { accountId, adjustmentId, correctionId, refundId, depositPath } = account;
  const correctedPath = `/operators/corrections/new?scope=call&call=${account.correctableCallId}`;
  const accountPath = `/operators/accounts/${accountId}`;
  const action = (name: string) => `${accountPath}/actions/${name}`;
  return [
    { name: 'op-find', open: '/operators' },
    {
      name: 'op-find-wrong',
      isVariant: true,
      open: async (page, go) => {
        await go('/operators');
        await submit(page, { query: 'Ada' });
      },
    },
    { name: 'op-account', open: accountPath },
    { name: 'op-ledger', open: `${accountPath}/ledger` },
    { name: 'op-calls', open: `${accountPath}/calls` },
    { name: 'op-reconciliation', isVariant: true, open: `${accountPath}/reconciliation` },
    { name: 'op-freeze', isVariant: true, open: action('freeze') },
    { name: 'op-adjust', isVariant: true, open: action('adjust') },
    { name: 'op-adjustments', open: '/operators/adjustments' },
    { name: 'op-adjustment', open: `/operators/adjustments/${adjustmentId}` },
    { name: 'op-corrections', open: '/operators/corrections' },
    { name: 'op-correction-call', open: correctedPath },
    {
      name: 'op-correction-preview',
      open: async (page, go) => {
        await go(correctedPath);
        await submit(page, { cost: '0' });
      },
    },
    { name: 'op-correction', open: `/operators/corrections/${correctionId}` },
    { name: 'op-refunds', open: '/operators/refunds' },
    { name: 'op-refund', open: `/operators/refunds/${refundId}` },
    { name: 'op-deposits', open: '/operators/deposits' },
    { name: 'op-deposit', open: `/operators/deposits/${depositPath}` },
    { name: 'op-catalog', open: '/operators/catalog' },
    { name: 'op-catalog-found', isVariant: true, open: '/operators/catalog?q=deepseek%2F' },
    { name: 'op-catalog-model', open: '/operators/catalog/models/deepseek/deepseek-flash' },
    { name: 'op-parity', open: '/operators/parity' },
    { name: 'op-health', open: '/operators/health' },
    { name: 'op-incidents', open: '/operators/incidents' },
    { name: 'op-audit-log', open: '/operators/audit-log' },
    { name: 'op-not-found', isVariant: true, open: '/operators/nowhere' },
  ];
}
