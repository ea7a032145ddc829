/** Emails from the queue to SES and its events, on a real database with a scripted SES. */
import { connect, type Database } from '@farebox/database';
import {
  deleteOldEmails,
  findSuppression,
  insertEmails,
  listEmailDeliveries,
  recordNotification,
} from '@farebox/database/email';
import { setConsents, withdrawConsentByLink } from '@farebox/database/privacy';
import { insertAccount } from '@farebox/database/users';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type ConsentKind,
  type Email,
  type EmailKind,
  enqueueEmails,
  listKindsInGroup,
  type MailDeps,
  mailboxHash,
  notificationEmailId,
  type QueuedEmail,
  recordSesEvent,
  sendQueuedEmail,
} from './index.ts';
import { SAMPLE_DATA } from './sample-emails.testing.ts';

const MINUTE_MS = 60_000;
const SECRET = new Uint8Array(32).fill(9);
const SECRET_TEXT = 'AWS-secret-that-nobody-may-see';

let empty: EmptyDatabase;
let db: Database;
beforeAll(async () => {
  empty = await createEmptyDatabase();
  db = connect(empty.url);
});
afterAll(() => empty.close());

let now = Date.UTC(2026, 10, 24, 12);
let userCount = 0;
let responses: (() => Response | Promise<Response>)[] = [];
let requests: Request[] = [];
let logged: string[] = [];

beforeEach(() => {
  responses = [];
  requests = [];
  logged = [];
  now += 1;
  for (const stream of ['log', 'error'] as const) {
    vi.spyOn(console, stream).mockImplementation((line: unknown) => logged.push(String(line)));
  }
  return () => {
    vi.restoreAllMocks();
  };
});

const accepted = () => new Response(JSON.stringify({ MessageId: `ses-${requests.length}-${now}` }));
const rejection =
  (type: string, status = 400, header = true) =>
  () =>
    new Response(JSON.stringify({ message: 'ann@example.com is not …', __type: `x#${type}` }), {
      status,
      ...(header ? { headers: { 'x-amzn-errortype': `${type}:http://internal.amazon.com/` } } : {}),
    });

const deps = (): MailDeps => ({
  db,
  secret: SECRET,
  consoleUrl: new URL('https://console.example.com'),
  siteUrl: new URL('https://site.example.com'),
  ses: {
    endpoint: new URL('https://email.eu-west-1.amazonaws.com'),
    region: 'eu-west-1',
    accessKeyId: 'AKIA-test',
    secretAccessKey: SECRET_TEXT,
    sender: 'Farebox <mail@farebox.example>',
    configurationSet: 'farebox',
  },
  httpFetch: async (request) => {
    requests.push(request);
    return (responses.shift() ?? accepted)();
  },
  now: () => now,
});

async function createUser(): Promise<{ account: string; email: string }> {
  userCount += 1;
  const account = userCount.toString(16).padStart(16, '0');
  const email = `Ann${userCount}@example.com`;
  const result = await insertAccount(db, {
    accountId: account,
    verified: true,
    email,
    emailKey: email.toLowerCase(),
    passwordHash: '$x',
    language: 'en',
    now,
  });
  expect(result.ok).toBe(true);
  return { account, email };
}

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));

async function enqueue(message: Email): Promise<QueuedEmail> {
  const queuedEmails: QueuedEmail[] = [];
  const queue = {
    sendBatch: async (messages: Iterable<{ body: QueuedEmail }>) => {
      for (const { body } of messages) queuedEmails.push(body);
    },
  };
  await enqueueEmails(db, queue, [message], { now: () => now, random });
  if (queuedEmails[0] === undefined) throw new Error('nothing was queued');
  return queuedEmails[0];
}

const resetEmail = (to: string, account: string | null): Email => ({
  kind: 'reset_password',
  facts: { token: 'token-1' },
  to,
  language: 'en',
  account,
});
const lowBalanceEmail = (to: string, account: string): Email => ({
  kind: 'low_balance',
  facts: { balance: '1.00', threshold: '5.00' },
  to,
  language: 'en',
  account,
});

async function latestState(account: string) {
  const [last] = await listEmailDeliveries(db, account, 1);
  return last === undefined ? undefined : { state: last.state, reason: last.reason };
}

describe('emails', () => {
  it('reach SES once, signed, and without data about the account', async () => {
    const { account, email } = await createUser();
    const message = await enqueue(resetEmail(email, account));
    expect(await latestState(account)).toEqual({ state: 'queued', reason: null });
    expect(await sendQueuedEmail(deps(), message, 1)).toBe('done');
    expect(await sendQueuedEmail(deps(), message, 2)).toBe('done');
    expect(requests).toHaveLength(1);
    expect(await latestState(account)).toEqual({ state: 'sent', reason: null });

    const [request] = requests;
    expect(request?.url).toBe('https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails');
    expect(request?.redirect).toBe('manual');
    const headers = JSON.stringify([...(request?.headers ?? [])]);
    expect(request?.headers.get('authorization')).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIA-test\/\d{8}\/eu-west-1\/ses\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/,
    );
    const text = (await request?.text()) ?? '';
    expect(headers + text).not.toContain(SECRET_TEXT);
    expect(text).not.toContain(account);
    expect(JSON.parse(text)).toMatchObject({
      FromEmailAddress: 'Farebox <mail@farebox.example>',
      Destination: { ToAddresses: [email] },
      ConfigurationSetName: 'farebox',
      EmailTags: [{ Name: 'farebox_mail', Value: message.id }],
    });
  });

  it('are retried while SES is unavailable, throttling or paused', async () => {
    const { account, email } = await createUser();
    const message = await enqueue(resetEmail(email, account));
    responses = [
      () => Promise.reject(new Error('ann@example.com')),
      rejection('TooManyRequestsException', 429),
      rejection('SendingPausedException'),
      rejection('AccessDeniedException', 403),
      rejection('x', 500),
      () => new Response('', { status: 302, headers: { location: 'https://evil.example' } }),
    ];
    const delays: unknown[] = [];
    for (const attempt of [1, 2, 3, 4, 5, 12])
      delays.push(await sendQueuedEmail(deps(), message, attempt));
    expect(delays).toEqual([2, 4, 8, 16, 32, 600].map((retryInSeconds) => ({ retryInSeconds })));
    expect(await sendQueuedEmail(deps(), message, 13)).toBe('done');
    expect(await latestState(account)).toEqual({ state: 'sent', reason: null });
    expect(logged).toEqual([]);
  });

  it('fail visibly after the last attempt', async () => {
    const { account, email } = await createUser();
    const message = await enqueue(lowBalanceEmail(email, account));
    responses = [rejection('x', 503)];
    expect(await sendQueuedEmail(deps(), message, 21)).toBe('done');
    expect(await latestState(account)).toEqual({ state: 'failed', reason: 'gave_up' });
    expect(logged.map((line) => JSON.parse(line))).toEqual([
      { event: 'mail_failed', mail: message.id, kind: 'low_balance', reason: 'gave_up' },
    ]);
  });

  it.each([
    ['MessageRejected', 'message_rejected', true],
    ['BadRequestException', 'bad_request', false],
  ])('are not retried when SES rejects them with %s', async (type, reason, header) => {
    const { account, email } = await createUser();
    const message = await enqueue(resetEmail(email, account));
    responses = [rejection(type, 400, header)];
    expect(await sendQueuedEmail(deps(), message, 1)).toBe('done');
    expect(await sendQueuedEmail(deps(), message, 2)).toBe('done');
    expect(requests).toHaveLength(1);
    expect(await latestState(account)).toEqual({ state: 'rejected', reason });
    expect(logged.join()).not.toContain('example.com');
  });

  it.each([
    'ann@example.com\r\nBcc: eve@example.com',
    'ann@example.com, eve@example.com',
    'Ann <ann@example.com>',
    '"ann eve"@example.com',
    'ann@example',
    `${'a'.repeat(250)}@example.com`,
  ])('are not sent to %j', async (to) => {
    const { account } = await createUser();
    const message = await enqueue(resetEmail(to, account));
    expect(await sendQueuedEmail(deps(), message, 1)).toBe('done');
    expect(requests).toEqual([]);
    expect(await latestState(account)).toEqual({ state: 'rejected', reason: 'bad_address' });
    expect(logged.join()).not.toContain('example');
  });

  it('are not sent when their link has expired', async () => {
    const { account, email } = await createUser();
    const message = await enqueue(resetEmail(email, account));
    now += 31 * MINUTE_MS;
    expect(await sendQueuedEmail(deps(), message, 9)).toBe('done');
    expect(requests).toEqual([]);
    expect(await latestState(account)).toEqual({ state: 'failed', reason: 'expired' });
  });

  it('are not sent when their row was deleted', async () => {
    const email = { id: 'f'.repeat(32), email: resetEmail('ann@example.com', null) };
    expect(await sendQueuedEmail(deps(), email, 1)).toBe('done');
    expect(requests).toEqual([]);
  });

  it('fail visibly when the queue does not accept them', async () => {
    const { account, email } = await createUser();
    const queue = { sendBatch: () => Promise.reject(new Error(email)) };
    await enqueueEmails(db, queue, [resetEmail(email, account)], { now: () => now, random });
    expect(await latestState(account)).toEqual({ state: 'failed', reason: 'not_queued' });
    expect(logged).toHaveLength(1);
    expect(logged.join()).not.toContain(email);
  });
});

describe('consents', () => {
  it('are checked at sending, and have one receipt when withdrawn', async () => {
    const { account, email } = await createUser();
    const message = await enqueue(lowBalanceEmail(email, account));
    const withdraw = (receiptId: string) =>
      withdrawConsentByLink(db, {
        ...{ accountId: account, kind: 'balance', kindsInGroup: [] },
        ...{ receiptId, now },
      });
    expect(await withdraw('1'.repeat(32))).toBe('withdrawn');
    expect(await withdraw('2'.repeat(32))).toBe('already_withdrawn');
    expect(await sendQueuedEmail(deps(), message, 1)).toBe('done');
    expect(requests).toEqual([]);
    expect(await latestState(account)).toEqual({ state: 'suppressed', reason: 'no_consent' });
    const safety = await enqueue(resetEmail(email, account));
    await sendQueuedEmail(deps(), safety, 1);
    expect(requests).toHaveLength(1);
  });

  it('are not stored for an account without an owner', async () => {
    const ownerless = { accountId: 'f'.repeat(16), kind: 'keys', receiptId: '3'.repeat(32), now };
    expect(await withdrawConsentByLink(db, { ...ownerless, kindsInGroup: [] })).toBe('no_owner');
  });

  const KEY_EMAILS = [
    'expensive_model',
    'unusual_spending',
    'budget_low',
    'budget_reached',
  ] as const;

  function setConsent(account: string, kind: ConsentKind, given: boolean): Promise<void> {
    now += 1;
    const receiptId = Buffer.from(random(16)).toString('hex');
    return setConsents(db, account, [{ kind, given, receiptId }], now);
  }

  /** Queues one email of each optional kind about keys, and returns the kinds that SES was given. */
  async function sendKeyEmails(account: string, to: string): Promise<readonly EmailKind[]> {
    const sent: EmailKind[] = [];
    for (const kind of KEY_EMAILS) {
      const email = { kind, facts: SAMPLE_DATA[kind], to, language: 'en', account } as Email;
      const before = requests.length;
      await sendQueuedEmail(deps(), await enqueue(email), 1);
      if (requests.length > before) sent.push(kind);
    }
    return sent;
  }

  it('can be withdrawn for one kind of email, and the others of its group are sent', async () => {
    const { account, email } = await createUser();
    expect(await sendKeyEmails(account, email)).toEqual(KEY_EMAILS);
    await setConsent(account, 'expensive_model', false);
    await setConsent(account, 'budget_low', false);
    expect(await sendKeyEmails(account, email)).toEqual(['unusual_spending', 'budget_reached']);
    now += 1;
    await sendQueuedEmail(deps(), await enqueue(lowBalanceEmail(email, account)), 1);
    expect(await latestState(account)).toEqual({ state: 'sent', reason: null });
  });

  it('to one kind of email and to its group hold by the later choice', async () => {
    const { account, email } = await createUser();
    await setConsent(account, 'budget_low', true);
    await setConsent(account, 'keys', false);
    expect(await sendKeyEmails(account, email)).toEqual([]);
    await setConsent(account, 'budget_low', true);
    expect(await sendKeyEmails(account, email)).toEqual(['budget_low']);
    await setConsent(account, 'budget_low', false);
    await setConsent(account, 'keys', true);
    expect(await sendKeyEmails(account, email)).toEqual(KEY_EMAILS);
  });

  it('are withdrawn by an old link again, also for a kind that was turned on since', async () => {
    const { account, email } = await createUser();
    const kindsInGroup = listKindsInGroup('keys');
    const withdraw = (digit: string) => {
      now += 1;
      const receiptId = `${digit.repeat(16)}${account}`;
      const withdrawal = { accountId: account, kind: 'keys', kindsInGroup, receiptId, now };
      return withdrawConsentByLink(db, withdrawal);
    };
    expect(await withdraw('a')).toBe('withdrawn');
    await setConsent(account, 'budget_low', true);
    expect(await sendKeyEmails(account, email)).toEqual(['budget_low']);
    expect(await withdraw('b')).toBe('withdrawn');
    expect(await withdraw('c')).toBe('already_withdrawn');
    expect(await sendKeyEmails(account, email)).toEqual([]);
  });
});

describe('notifications', () => {
  it('are stored once, and their email is queued until it was sent', async () => {
    const { account, email } = await createUser();
    const notification = {
      account,
      id: 'low_balance:7',
      kind: 'low_balance' as const,
      keyId: null,
      model: null,
      amount: 1_000_000_000n,
      at: now,
    };
    const id = notificationEmailId(SECRET, account, notification.id);
    const expected = { email, language: 'en', key: null, emailState: 'queued' };
    expect(await recordNotification(db, notification, id, now)).toEqual(expected);
    expect(await recordNotification(db, notification, id, now)).toEqual(expected);
    await sendQueuedEmail(deps(), { id, email: lowBalanceEmail(email, account) }, 1);
    expect(await recordNotification(db, notification, id, now)).toEqual({
      ...expected,
      emailState: 'sent',
    });
    expect(await listEmailDeliveries(db, account, 9)).toHaveLength(1);
  });

  it('are dropped for an account without an owner', async () => {
    const notification = {
      id: 'x',
      kind: 'key_leaked',
      keyId: 1,
      model: null,
      amount: null,
    } as const;
    const ownerless = { ...notification, account: 'f'.repeat(16), at: now };
    expect(await recordNotification(db, ownerless, 'e'.repeat(32), now)).toBeUndefined();
  });
});

describe('SES events', () => {
  let serial = 0;
  type ExtraFields = Readonly<Record<string, unknown>>;

  async function sendEmail(): Promise<{ account: string; email: string; mail: string }> {
    const { account, email } = await createUser();
    const message = await enqueue(resetEmail(email, account));
    await sendQueuedEmail(deps(), message, 1);
    return { account, email, mail: message.id };
  }

  const buildSesEvent = (
    mail: string,
    email: string,
    eventType: string,
    extra: ExtraFields = {},
  ) => {
    serial += 1;
    const text = JSON.stringify({
      eventType,
      mail: {
        messageId: `ses-${serial}`,
        destination: [email],
        tags: { farebox_mail: [mail], 'ses:from-domain': ['farebox.example'] },
        commonHeaders: { subject: 'Reset your password' },
      },
      ...extra,
    });
    return {
      id: `00000000-0000-0000-0000-${serial.toString(16).padStart(12, '0')}`,
      at: now,
      text,
    };
  };
  const recordEvent = (event: ReturnType<typeof buildSesEvent>) =>
    recordSesEvent({ db, secret: SECRET }, event);
  const PERMANENT = { bounce: { bounceType: 'Permanent', bounceSubType: 'NoEmail' } };
  const TRANSIENT = { bounce: { bounceType: 'Transient', bounceSubType: 'MailboxFull' } };

  it('record a delivery, which no later event of an earlier state reverts', async () => {
    const { account, email, mail } = await sendEmail();
    await recordEvent(buildSesEvent(mail, email, 'Delivery'));
    expect(await latestState(account)).toEqual({ state: 'delivered', reason: null });
    await recordEvent(buildSesEvent(mail, email, 'Send'));
    await recordEvent(
      buildSesEvent(mail, email, 'DeliveryDelay', { deliveryDelay: { delayType: 'General' } }),
    );
    await recordEvent(buildSesEvent(mail, email, 'Bounce', TRANSIENT));
    expect(await latestState(account)).toEqual({ state: 'delivered', reason: null });
  });

  it('may arrive before our own record that the email was sent', async () => {
    const { account, email } = await createUser();
    const message = await enqueue(resetEmail(email, account));
    responses = [
      async () => {
        await recordEvent(buildSesEvent(message.id, email, 'Delivery'));
        return accepted();
      },
    ];
    await sendQueuedEmail(deps(), message, 1);
    expect(await latestState(account)).toEqual({ state: 'delivered', reason: null });
  });

  it('suppress all email to a mailbox after a permanent bounce', async () => {
    const { account, email, mail } = await sendEmail();
    const bounce = buildSesEvent(mail, email, 'Bounce', PERMANENT);
    await recordEvent(bounce);
    await recordEvent(bounce);
    await recordEvent(buildSesEvent(mail, email, 'Delivery'));
    expect(await latestState(account)).toEqual({ state: 'bounced', reason: 'Permanent-NoEmail' });
    const hash = mailboxHash(SECRET, email);
    expect(await findSuppression(db, hash)).toEqual({ reason: 'bounced', since: now });
    now += 1;
    const again = await enqueue(
      resetEmail(email.toUpperCase().replace('EXAMPLE.COM', 'example.com'), account),
    );
    requests = [];
    await sendQueuedEmail(deps(), again, 1);
    expect(requests).toEqual([]);
    expect(await latestState(account)).toEqual({ state: 'suppressed', reason: 'bounced' });
  });

  it('suppress nothing after a transient bounce', async () => {
    const { account, email, mail } = await sendEmail();
    await recordEvent(buildSesEvent(mail, email, 'Bounce', TRANSIENT));
    expect(await latestState(account)).toEqual({
      state: 'bounced',
      reason: 'Transient-MailboxFull',
    });
    expect(await findSuppression(db, mailboxHash(SECRET, email))).toBeUndefined();
  });

  it('suppress all email after a complaint, and nothing after not-spam', async () => {
    const { account, email, mail } = await sendEmail();
    await recordEvent(buildSesEvent(mail, email, 'Delivery'));
    const complaint = (type: string) => ({ complaint: { complaintFeedbackType: type } });
    await recordEvent(buildSesEvent(mail, email, 'Complaint', complaint('not-spam')));
    expect(await latestState(account)).toEqual({ state: 'delivered', reason: null });
    await recordEvent(
      buildSesEvent(mail, email, 'Complaint', complaint('a word that is not in the list')),
    );
    expect(await latestState(account)).toEqual({ state: 'complained', reason: 'unspecified' });
    expect(await findSuppression(db, mailboxHash(SECRET, email))).toMatchObject({
      reason: 'complained',
    });
  });

  it('record a rejection', async () => {
    const { account, email, mail } = await sendEmail();
    await recordEvent(buildSesEvent(mail, email, 'Reject', { reject: { reason: 'Bad content' } }));
    expect(await latestState(account)).toEqual({ state: 'rejected', reason: 'content' });
  });

  it('suppress the mailbox and are logged when the email no longer exists', async () => {
    await recordEvent(
      buildSesEvent('d'.repeat(32), 'Gone <gone@example.com>', 'Bounce', PERMANENT),
    );
    expect(await findSuppression(db, mailboxHash(SECRET, 'gone@example.com'))).toBeDefined();
    expect(logged).toEqual(['{"event":"mail_event_unknown","what":"mail"}']);
  });

  it('are logged when their kind is unknown or missing', async () => {
    const { account, email, mail } = await sendEmail();
    await recordEvent(buildSesEvent(mail, email, 'Click'));
    const text = 'Successfully validated SNS topic for Amazon SES event publishing.';
    await recordEvent({ id: 'x', at: now, text });
    await recordEvent({ id: 'y', at: now, text: '{"eventType":"Send","mail":{"messageId":7}}' });
    expect(logged.map((line) => JSON.parse(line).what)).toEqual([
      'kind',
      'unreadable',
      'unreadable',
    ]);
    expect(await latestState(account)).toEqual({ state: 'sent', reason: null });
  });

  it('leave only words of closed lists in the tables', async () => {
    const { email, mail } = await sendEmail();
    await recordEvent(buildSesEvent(mail, email, 'Bounce', PERMANENT));
    const { rows } = await db.execute(
      'select (select json_agg(m) from emails m)::text || (select json_agg(e) from email_events e)::text || (select json_agg(s) from suppressions s)::text as all',
    );
    expect(String(rows[0]?.all)).not.toMatch(/@|example|Reset your|token-1/);
  });
});

it('deletes old emails, and marks those that were lost on the way', async () => {
  const DAY = 24 * 60 * MINUTE_MS;
  const { account } = await createUser();
  await insertEmails(
    db,
    [{ id: 'c'.repeat(32), accountId: account, kind: 'new_device' }],
    now - 8 * DAY,
  );
  const limits = { now, retentionMs: 90 * DAY, lostAfterMs: 7 * DAY, limit: 100 };
  await deleteOldEmails(db, limits);
  expect(await latestState(account)).toEqual({ state: 'failed', reason: 'lost' });
  expect(await deleteOldEmails(db, { ...limits, now: now + 90 * DAY })).toBeGreaterThan(0);
  expect(await latestState(account)).toBeUndefined();
});
