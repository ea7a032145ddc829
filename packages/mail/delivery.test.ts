/**
 * From the queue to SES and back by its events, on a real database, with an SES that does as it is told.
 */
import {
  connect,
  type Database,
  deliveriesOf,
  findSuppression,
  insertAccount,
  insertMails,
  purgeMail,
  recordNotice,
  withdrawConsentByLink,
} from '@farebox/database';
import { type EmptyDatabase, emptyDatabase } from '@farebox/local';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  deliverLetter,
  type Letter,
  type MailHouse,
  mailboxHash,
  noticeMailId,
  type QueuedLetter,
  queueLetters,
  recordSesEvent,
} from './index.ts';

const MINUTE = 60_000;
const SECRET = new Uint8Array(32).fill(9);
const SECRET_TEXT = 'AWS-secret-that-nobody-may-see';

let empty: EmptyDatabase;
let db: Database;
beforeAll(async () => {
  empty = await emptyDatabase();
  db = connect(empty.url);
});
afterAll(() => empty.close());

let now = Date.UTC(2026, 10, 24, 12);
let people = 0;
let answers: (() => Response | Promise<Response>)[] = [];
let asked: Request[] = [];
let said: string[] = [];

beforeEach(() => {
  answers = [];
  asked = [];
  said = [];
  now += 1;
  for (const stream of ['log', 'error'] as const) {
    vi.spyOn(console, stream).mockImplementation((line: unknown) => said.push(String(line)));
  }
  return () => {
    vi.restoreAllMocks();
  };
});

const taken = () => new Response(JSON.stringify({ MessageId: `ses-${asked.length}-${now}` }));
const refusal =
  (type: string, status = 400, header = true) =>
  () =>
    new Response(JSON.stringify({ message: 'ann@example.com is not …', __type: `x#${type}` }), {
      status,
      ...(header ? { headers: { 'x-amzn-errortype': `${type}:http://internal.amazon.com/` } } : {}),
    });

const house = (): MailHouse => ({
  db,
  secret: SECRET,
  consoleUrl: new URL('https://console.example.com'),
  ses: {
    endpoint: new URL('https://email.eu-west-1.amazonaws.com'),
    region: 'eu-west-1',
    accessKeyId: 'AKIA-test',
    secretAccessKey: SECRET_TEXT,
    sender: 'Farebox <mail@farebox.example>',
    configurationSet: 'farebox',
  },
  ask: async (request) => {
    asked.push(request);
    return (answers.shift() ?? taken)();
  },
  now: () => now,
});

async function somebody(): Promise<{ account: string; email: string }> {
  people += 1;
  const account = people.toString(16).padStart(16, '0');
  const email = `Ann${people}@example.com`;
  const made = await insertAccount(db, {
    accountId: account,
    verified: true,
    email,
    emailKey: email.toLowerCase(),
    passwordHash: '$x',
    language: 'en',
    now,
  });
  expect(made.ok).toBe(true);
  return { account, email };
}

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));

async function queued(letter: Letter): Promise<QueuedLetter> {
  const sent: QueuedLetter[] = [];
  const queue = {
    sendBatch: async (messages: Iterable<{ body: QueuedLetter }>) => {
      for (const { body } of messages) sent.push(body);
    },
  };
  await queueLetters(db, queue, [letter], { now: () => now, random });
  if (sent[0] === undefined) throw new Error('nothing was queued');
  return sent[0];
}

const reset = (to: string, account: string | null): Letter => ({
  kind: 'reset_password',
  facts: { token: 'token-1' },
  to,
  language: 'en',
  account,
});
const lowBalance = (to: string, account: string): Letter => ({
  kind: 'low_balance',
  facts: { balance: '1.00', threshold: '5.00' },
  to,
  language: 'en',
  account,
});

async function stateOf(account: string) {
  const [last] = await deliveriesOf(db, account, 1);
  return last === undefined ? undefined : { state: last.state, reason: last.reason };
}

describe('a letter', () => {
  it('reaches SES once, signed, and without a word about the account', async () => {
    const { account, email } = await somebody();
    const letter = await queued(reset(email, account));
    expect(await stateOf(account)).toEqual({ state: 'queued', reason: null });
    expect(await deliverLetter(house(), letter, 1)).toBe('done');
    expect(await deliverLetter(house(), letter, 2)).toBe('done');
    expect(asked).toHaveLength(1);
    expect(await stateOf(account)).toEqual({ state: 'sent', reason: null });

    const [request] = asked;
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
      EmailTags: [{ Name: 'farebox_mail', Value: letter.id }],
    });
  });

  it('is asked for again while SES is away, throttled or paused', async () => {
    const { account, email } = await somebody();
    const letter = await queued(reset(email, account));
    answers = [
      () => Promise.reject(new Error('ann@example.com')),
      refusal('TooManyRequestsException', 429),
      refusal('SendingPausedException'),
      refusal('AccessDeniedException', 403),
      refusal('x', 500),
      () => new Response('', { status: 302, headers: { location: 'https://evil.example' } }),
    ];
    const delays: unknown[] = [];
    for (const attempt of [1, 2, 3, 4, 5, 12])
      delays.push(await deliverLetter(house(), letter, attempt));
    expect(delays).toEqual([2, 4, 8, 16, 32, 600].map((againInSeconds) => ({ againInSeconds })));
    expect(await deliverLetter(house(), letter, 13)).toBe('done');
    expect(await stateOf(account)).toEqual({ state: 'sent', reason: null });
    expect(said).toEqual([]);
  });

  it('is given up in the end, and says so', async () => {
    const { account, email } = await somebody();
    const letter = await queued(lowBalance(email, account));
    answers = [refusal('x', 503)];
    expect(await deliverLetter(house(), letter, 21)).toBe('done');
    expect(await stateOf(account)).toEqual({ state: 'failed', reason: 'gave_up' });
    expect(said.map((line) => JSON.parse(line))).toEqual([
      { event: 'mail_failed', mail: letter.id, kind: 'low_balance', reason: 'gave_up' },
    ]);
  });

  it.each([
    ['MessageRejected', 'message_rejected', true],
    ['BadRequestException', 'bad_request', false],
  ])('that SES refuses with %s is not sent again', async (type, reason, header) => {
    const { account, email } = await somebody();
    const letter = await queued(reset(email, account));
    answers = [refusal(type, 400, header)];
    expect(await deliverLetter(house(), letter, 1)).toBe('done');
    expect(await deliverLetter(house(), letter, 2)).toBe('done');
    expect(asked).toHaveLength(1);
    expect(await stateOf(account)).toEqual({ state: 'rejected', reason });
    expect(said.join()).not.toContain('example.com');
  });

  it.each([
    'ann@example.com\r\nBcc: eve@example.com',
    'ann@example.com, eve@example.com',
    'Ann <ann@example.com>',
    '"ann eve"@example.com',
    'ann@example',
    `${'a'.repeat(250)}@example.com`,
  ])('to %j never leaves', async (to) => {
    const { account } = await somebody();
    const letter = await queued(reset(to, account));
    expect(await deliverLetter(house(), letter, 1)).toBe('done');
    expect(asked).toEqual([]);
    expect(await stateOf(account)).toEqual({ state: 'rejected', reason: 'bad_address' });
    expect(said.join()).not.toContain('example');
  });

  it('with a link that has expired is not sent', async () => {
    const { account, email } = await somebody();
    const letter = await queued(reset(email, account));
    now += 31 * MINUTE;
    expect(await deliverLetter(house(), letter, 9)).toBe('done');
    expect(asked).toEqual([]);
    expect(await stateOf(account)).toEqual({ state: 'failed', reason: 'expired' });
  });

  it('goes with its row', async () => {
    const letter = { id: 'f'.repeat(32), letter: reset('ann@example.com', null) };
    expect(await deliverLetter(house(), letter, 1)).toBe('done');
    expect(asked).toEqual([]);
  });

  it('that the queue did not take is a failure one can see', async () => {
    const { account, email } = await somebody();
    const queue = { sendBatch: () => Promise.reject(new Error(email)) };
    await queueLetters(db, queue, [reset(email, account)], { now: () => now, random });
    expect(await stateOf(account)).toEqual({ state: 'failed', reason: 'not_queued' });
    expect(said).toHaveLength(1);
    expect(said.join()).not.toContain(email);
  });
});

describe('a consent', () => {
  it('that is withdrawn holds at the moment of sending, and has one receipt', async () => {
    const { account, email } = await somebody();
    const letter = await queued(lowBalance(email, account));
    const withdraw = (receiptId: string) =>
      withdrawConsentByLink(db, { accountId: account, kind: 'balance', receiptId, now });
    expect(await withdraw('1'.repeat(32))).toBe('withdrawn');
    expect(await withdraw('2'.repeat(32))).toBe('withdrawn_before');
    expect(await deliverLetter(house(), letter, 1)).toBe('done');
    expect(asked).toEqual([]);
    expect(await stateOf(account)).toEqual({ state: 'suppressed', reason: 'no_consent' });
    const safety = await queued(reset(email, account));
    await deliverLetter(house(), safety, 1);
    expect(asked).toHaveLength(1);
  });

  it('of nobody is not kept', async () => {
    const nobody = { accountId: 'f'.repeat(16), kind: 'keys', receiptId: '3'.repeat(32), now };
    expect(await withdrawConsentByLink(db, nobody)).toBe('nobody');
  });
});

describe('a notice', () => {
  it('is kept once, and its letter is queued until it was sent', async () => {
    const { account, email } = await somebody();
    const notice = {
      account,
      id: 'low_balance:7',
      kind: 'low_balance' as const,
      keyId: null,
      model: null,
      amount: 1_000_000_000n,
      at: now,
    };
    const id = noticeMailId(SECRET, account, notice.id);
    const expected = { email, language: 'en', key: null, mailState: 'queued' };
    expect(await recordNotice(db, notice, id, now)).toEqual(expected);
    expect(await recordNotice(db, notice, id, now)).toEqual(expected);
    await deliverLetter(house(), { id, letter: lowBalance(email, account) }, 1);
    expect(await recordNotice(db, notice, id, now)).toEqual({ ...expected, mailState: 'sent' });
    expect(await deliveriesOf(db, account, 9)).toHaveLength(1);
  });

  it('about an account without an owner is dropped', async () => {
    const notice = { id: 'x', kind: 'key_leaked', keyId: 1, model: null, amount: null } as const;
    const nobodys = { ...notice, account: 'f'.repeat(16), at: now };
    expect(await recordNotice(db, nobodys, 'e'.repeat(32), now)).toBeUndefined();
  });
});

describe('an event', () => {
  let serial = 0;
  type Extra = Readonly<Record<string, unknown>>;

  async function sent(): Promise<{ account: string; email: string; mail: string }> {
    const { account, email } = await somebody();
    const letter = await queued(reset(email, account));
    await deliverLetter(house(), letter, 1);
    return { account, email, mail: letter.id };
  }

  const told = (mail: string, email: string, eventType: string, extra: Extra = {}) => {
    serial += 1;
    const text = JSON.stringify({
      eventType,
      mail: {
        messageId: `ses-${serial}`,
        destination: [email],
        tags: { farebox_mail: [mail], 'ses:from-domain': ['farebox.example'] },
        commonHeaders: { subject: 'Set a new password' },
      },
      ...extra,
    });
    return {
      id: `00000000-0000-0000-0000-${serial.toString(16).padStart(12, '0')}`,
      at: now,
      text,
    };
  };
  const record = (event: ReturnType<typeof told>) => recordSesEvent({ db, secret: SECRET }, event);
  const PERMANENT = { bounce: { bounceType: 'Permanent', bounceSubType: 'NoEmail' } };
  const TRANSIENT = { bounce: { bounceType: 'Transient', bounceSubType: 'MailboxFull' } };

  it('of delivery shows, and nothing later that happened before takes it back', async () => {
    const { account, email, mail } = await sent();
    await record(told(mail, email, 'Delivery'));
    expect(await stateOf(account)).toEqual({ state: 'delivered', reason: null });
    await record(told(mail, email, 'Send'));
    await record(told(mail, email, 'DeliveryDelay', { deliveryDelay: { delayType: 'General' } }));
    await record(told(mail, email, 'Bounce', TRANSIENT));
    expect(await stateOf(account)).toEqual({ state: 'delivered', reason: null });
  });

  it('may overtake our own note that it was sent', async () => {
    const { account, email } = await somebody();
    const letter = await queued(reset(email, account));
    answers = [
      async () => {
        await record(told(letter.id, email, 'Delivery'));
        return taken();
      },
    ];
    await deliverLetter(house(), letter, 1);
    expect(await stateOf(account)).toEqual({ state: 'delivered', reason: null });
  });

  it('of a permanent bounce ends all mail to that mailbox, whoever asks for it', async () => {
    const { account, email, mail } = await sent();
    const bounce = told(mail, email, 'Bounce', PERMANENT);
    await record(bounce);
    await record(bounce);
    await record(told(mail, email, 'Delivery'));
    expect(await stateOf(account)).toEqual({ state: 'bounced', reason: 'Permanent-NoEmail' });
    const hash = mailboxHash(SECRET, email);
    expect(await findSuppression(db, hash)).toEqual({ reason: 'bounced', since: now });
    now += 1;
    const again = await queued(
      reset(email.toUpperCase().replace('EXAMPLE.COM', 'example.com'), account),
    );
    asked = [];
    await deliverLetter(house(), again, 1);
    expect(asked).toEqual([]);
    expect(await stateOf(account)).toEqual({ state: 'suppressed', reason: 'bounced' });
  });

  it('of a transient bounce ends nothing', async () => {
    const { account, email, mail } = await sent();
    await record(told(mail, email, 'Bounce', TRANSIENT));
    expect(await stateOf(account)).toEqual({ state: 'bounced', reason: 'Transient-MailboxFull' });
    expect(await findSuppression(db, mailboxHash(SECRET, email))).toBeUndefined();
  });

  it('of a complaint ends all mail, of its contrary nothing', async () => {
    const { account, email, mail } = await sent();
    await record(told(mail, email, 'Delivery'));
    const complaint = (type: string) => ({ complaint: { complaintFeedbackType: type } });
    await record(told(mail, email, 'Complaint', complaint('not-spam')));
    expect(await stateOf(account)).toEqual({ state: 'delivered', reason: null });
    await record(told(mail, email, 'Complaint', complaint('a word that is not in the list')));
    expect(await stateOf(account)).toEqual({ state: 'complained', reason: 'unsaid' });
    expect(await findSuppression(db, mailboxHash(SECRET, email))).toMatchObject({
      reason: 'complained',
    });
  });

  it('of a rejection shows', async () => {
    const { account, email, mail } = await sent();
    await record(told(mail, email, 'Reject', { reject: { reason: 'Bad content' } }));
    expect(await stateOf(account)).toEqual({ state: 'rejected', reason: 'content' });
  });

  it('about a mail that is gone still suppresses, and is counted', async () => {
    await record(told('d'.repeat(32), 'Gone <gone@example.com>', 'Bounce', PERMANENT));
    expect(await findSuppression(db, mailboxHash(SECRET, 'gone@example.com'))).toBeDefined();
    expect(said).toEqual(['{"event":"mail_event_unknown","what":"mail"}']);
  });

  it('of another kind, or none, is counted', async () => {
    const { account, email, mail } = await sent();
    await record(told(mail, email, 'Click'));
    const text = 'Successfully validated SNS topic for Amazon SES event publishing.';
    await record({ id: 'x', at: now, text });
    await record({ id: 'y', at: now, text: '{"eventType":"Send","mail":{"messageId":7}}' });
    expect(said.map((line) => JSON.parse(line).what)).toEqual(['kind', 'unreadable', 'unreadable']);
    expect(await stateOf(account)).toEqual({ state: 'sent', reason: null });
  });

  it('leaves nothing in a table but closed words', async () => {
    const { email, mail } = await sent();
    await record(told(mail, email, 'Bounce', PERMANENT));
    const { rows } = await db.execute(
      'select (select json_agg(m) from mails m)::text || (select json_agg(e) from mail_events e)::text || (select json_agg(s) from suppressions s)::text as all',
    );
    expect(String(rows[0]?.all)).not.toMatch(/@|example|Set a new|token-1/);
  });
});

it('is purged when it is old, and what was lost on the way says so', async () => {
  const DAY = 24 * 60 * MINUTE;
  const { account } = await somebody();
  await insertMails(
    db,
    [{ id: 'c'.repeat(32), accountId: account, kind: 'new_device' }],
    now - 8 * DAY,
  );
  const limits = { now, keptMs: 90 * DAY, lostAfterMs: 7 * DAY, most: 100 };
  await purgeMail(db, limits);
  expect(await stateOf(account)).toEqual({ state: 'failed', reason: 'lost' });
  expect(await purgeMail(db, { ...limits, now: now + 90 * DAY })).toBeGreaterThan(0);
  expect(await stateOf(account)).toBeUndefined();
});
