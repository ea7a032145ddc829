/** Only what SNS signed, lately, about a topic of ours, is believed; nothing else makes us ask anybody. */
import { type LocalSns, makeSns } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { Certificates, confirmSubscription, readSns } from './index.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const HOUR = 3_600_000;
const iso = (at: number) => new Date(at).toISOString();

let sns: LocalSns;
let other: LocalSns;
beforeAll(() => {
  sns = makeSns();
  other = makeSns();
});

class Asked {
  readonly urls: string[] = [];
  readonly certificates: Certificates;

  constructor(answer: () => Response = () => new Response(sns.certificate)) {
    this.certificates = new Certificates(async (request) => {
      this.urls.push(request.url);
      return answer();
    });
  }

  read(body: string, now = NOW) {
    const { certificates } = this;
    return readSns(body, { topics: new Set([sns.topic]), certificates, now });
  }
}

const notification = (changed: Record<string, string> = {}) =>
  sns.message('Notification', '{"eventType":"Send"}', { Timestamp: iso(NOW), ...changed });

/** As it was signed, but for these fields. */
const forged = (changed: Record<string, unknown>, body = notification()) =>
  JSON.stringify({ ...JSON.parse(body), ...changed });

describe('a notification', () => {
  it('is read', async () => {
    const asked = new Asked();
    const read = await asked.read(notification({ MessageId: 'ab-1', Subject: 'Amazon SES' }));
    expect(read).toEqual({
      ok: true,
      message: { type: 'Notification', id: 'ab-1', at: NOW, text: '{"eventType":"Send"}' },
    });
    expect(asked.urls).toEqual([sns.certificateUrl]);
  });

  it('has its certificate fetched once a day', async () => {
    const asked = new Asked();
    await asked.read(notification());
    await asked.read(notification());
    expect(asked.urls).toHaveLength(1);
    const tomorrow = NOW + 25 * HOUR;
    expect(await asked.read(notification({ Timestamp: iso(tomorrow) }), tomorrow)).toMatchObject({
      ok: true,
    });
    expect(asked.urls).toHaveLength(2);
  });

  const FORGERIES: Readonly<Record<string, unknown>> = {
    Message: '{"eventType":"Bounce"}',
    MessageId: 'ab-2',
    Subject: 'another',
    Timestamp: iso(NOW - 1),
    Type: 'UnsubscribeConfirmation',
    Signature: Buffer.alloc(256, 1).toString('base64'),
  };
  it.each(Object.entries(FORGERIES))('is refused when its %s was changed', async (name, value) => {
    const asked = new Asked();
    expect(await asked.read(forged({ [name]: value }))).toEqual({ ok: false, reason: 'forged' });
  });

  it('is refused when somebody else signed it', async () => {
    const asked = new Asked();
    const body = other.message('Notification', '{}', {
      Timestamp: iso(NOW),
      SigningCertURL: sns.certificateUrl,
    });
    expect(await asked.read(body)).toEqual({ ok: false, reason: 'forged' });
  });

  it('is refused where a certificate is something else, and asked for again', async () => {
    const bodies = ['<html>', 'x'.repeat(70_000)];
    const asked = new Asked(() => new Response(bodies.shift() ?? sns.certificate));
    const refused = { ok: false, reason: 'certificate_unreachable' };
    expect(await asked.read(notification())).toEqual(refused);
    expect(await asked.read(notification())).toEqual(refused);
    expect(await asked.read(notification())).toMatchObject({ ok: true });
    const redirected = new Asked(() => new Response(sns.certificate, { status: 302 }));
    expect(await redirected.read(notification())).toEqual(refused);
  });
});

describe('without asking anybody', () => {
  const NAME = '/SimpleNotificationService-0123abcd.pem';
  const CASES: readonly (readonly [string, Record<string, string>, string])[] = [
    ['version 1', { SignatureVersion: '1' }, 'version'],
    ['no version', { SignatureVersion: '3' }, 'version'],
    ['another topic', { TopicArn: 'arn:aws:sns:us-east-1:123456789012:farebox-mail2' }, 'topic'],
    ['no topic', { TopicArn: 'farebox-mail' }, 'topic'],
    ['an old message', { Timestamp: iso(NOW - HOUR - 1_000) }, 'stale'],
    ['one from the future', { Timestamp: iso(NOW + 6 * 60_000) }, 'stale'],
    ['no time', { Timestamp: 'yesterday' }, 'malformed'],
    ['an id that is none', { MessageId: "x'; --" }, 'malformed'],
    ['plain HTTP', { SigningCertURL: `http://sns.us-east-1.amazonaws.com${NAME}` }, ''],
    [
      'another host',
      { SigningCertURL: `https://sns.us-east-1.amazonaws.com.evil.example${NAME}` },
      '',
    ],
    ['a user', { SigningCertURL: `https://sns.us-east-1.amazonaws.com@evil.example${NAME}` }, ''],
    ['a port', { SigningCertURL: `https://sns.us-east-1.amazonaws.com:444${NAME}` }, ''],
    ['a bucket', { SigningCertURL: `https://s3.amazonaws.com/sns.us-east-1${NAME}` }, ''],
    ['another region', { SigningCertURL: `https://sns.eu-west-1.amazonaws.com${NAME}` }, ''],
    ['another file', { SigningCertURL: 'https://sns.us-east-1.amazonaws.com/x.pem' }, ''],
    ['a query', { SigningCertURL: `https://sns.us-east-1.amazonaws.com${NAME}?x=1` }, ''],
    ['a line more', { SigningCertURL: `https://sns.us-east-1.amazonaws.com${NAME}\n` }, ''],
  ];
  it.each(CASES)('refuses %s', async (_, changed, reason) => {
    const asked = new Asked();
    const refused = { ok: false, reason: reason === '' ? 'certificate_host' : reason };
    expect(await asked.read(notification(changed))).toEqual(refused);
    expect(asked.urls).toEqual([]);
  });

  it.each(['', '[]', 'null', '{', '{"Type":"Notification"}', forged({ Message: 1 }, '{}')])(
    'refuses %j',
    async (body) => {
      expect(await new Asked().read(body)).toEqual({ ok: false, reason: 'malformed' });
    },
  );
});

describe('a subscription', () => {
  const subscribing = (url: string) =>
    sns.message('SubscriptionConfirmation', 'You have chosen …', {
      Timestamp: iso(NOW),
      Token: '0123abcd',
      SubscribeURL: url,
    });
  const right = () =>
    `https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${sns.topic}&Token=0123abcd`;

  it('is confirmed at SNS for our topic', async () => {
    const read = await new Asked().read(subscribing(right()));
    if (!read.ok || read.message.type !== 'SubscriptionConfirmation') throw new Error('refused');
    expect(read.message.subscribeUrl.href).toBe(right());
    const opened: string[] = [];
    const ask = (status: number) => async (request: Request) => {
      opened.push(request.url);
      return new Response('', { status });
    };
    expect(await confirmSubscription(ask(200), read.message.subscribeUrl)).toBe(true);
    expect(await confirmSubscription(ask(302), read.message.subscribeUrl)).toBe(false);
    expect(opened).toEqual([right(), right()]);
  });

  it.each([
    'http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription',
    'https://evil.example/?Action=ConfirmSubscription',
    'https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription',
    'https://x@sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription',
    'https://sns.us-east-1.amazonaws.com/x?Action=ConfirmSubscription',
    'https://sns.us-east-1.amazonaws.com/?Action=DeleteTopic',
    'https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&x=',
    'no url',
  ])('is not opened at %s, though it was signed', async (url) => {
    const full = url.endsWith('x=') ? `${url}&TopicArn=other` : `${url}&TopicArn=${sns.topic}`;
    const read = await new Asked().read(subscribing(url === 'no url' ? url : full));
    expect(read).toEqual({ ok: false, reason: 'subscribe_host' });
  });

  it('is refused when its URL was changed', async () => {
    const url = right().replace('0123abcd', '4567');
    const read = await new Asked().read(forged({ SubscribeURL: url }, subscribing(right())));
    expect(read).toEqual({ ok: false, reason: 'forged' });
  });

  it('may end', async () => {
    const body = sns.message('UnsubscribeConfirmation', 'gone', {
      Timestamp: iso(NOW),
      Token: '0123abcd',
      SubscribeURL: right(),
    });
    expect(await new Asked().read(body)).toEqual({
      ok: true,
      message: { type: 'UnsubscribeConfirmation' },
    });
  });

  it('of a type nobody knows is refused', async () => {
    const body = sns.message('Surprise', 'x', { Timestamp: iso(NOW) });
    expect(await new Asked().read(body)).toEqual({ ok: false, reason: 'malformed' });
  });
});
