/**
 * Only a recent message that SNS signed for one of our topics is accepted; others cause no request.
 */
import { type LocalSns, makeSns } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { CertificateCache, confirmSubscription, verifySnsMessage } from './index.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const HOUR = 3_600_000;
const iso = (at: number) => new Date(at).toISOString();

let sns: LocalSns;
let other: LocalSns;
beforeAll(() => {
  sns = makeSns();
  other = makeSns();
});

class FetchRecorder {
  readonly urls: string[] = [];
  readonly certificates: CertificateCache;

  constructor(answer: () => Response = () => new Response(sns.certificate)) {
    this.certificates = new CertificateCache(async (request) => {
      this.urls.push(request.url);
      return answer();
    });
  }

  verify(body: string, now = NOW) {
    const { certificates } = this;
    return verifySnsMessage(body, { topics: new Set([sns.topic]), certificates, now });
  }
}

const notification = (overrides: Record<string, string> = {}) =>
  sns.message('Notification', '{"eventType":"Send"}', { Timestamp: iso(NOW), ...overrides });

/** Returns a signed notification with some fields changed afterwards. */
const tamper = (overrides: Record<string, unknown>, body = notification()) =>
  JSON.stringify({ ...JSON.parse(body), ...overrides });

describe('SNS notifications', () => {
  it('are accepted when SNS signed them', async () => {
    const recorder = new FetchRecorder();
    const result = await recorder.verify(
      notification({ MessageId: 'ab-1', Subject: 'Amazon SES' }),
    );
    expect(result).toEqual({
      ok: true,
      message: { type: 'Notification', id: 'ab-1', at: NOW, text: '{"eventType":"Send"}' },
    });
    expect(recorder.urls).toEqual([sns.certificateUrl]);
  });

  it('cause one fetch of their certificate a day', async () => {
    const recorder = new FetchRecorder();
    await recorder.verify(notification());
    await recorder.verify(notification());
    expect(recorder.urls).toHaveLength(1);
    const tomorrow = NOW + 25 * HOUR;
    expect(
      await recorder.verify(notification({ Timestamp: iso(tomorrow) }), tomorrow),
    ).toMatchObject({
      ok: true,
    });
    expect(recorder.urls).toHaveLength(2);
  });

  const TAMPERED_FIELDS: Readonly<Record<string, unknown>> = {
    Message: '{"eventType":"Bounce"}',
    MessageId: 'ab-2',
    Subject: 'another',
    Timestamp: iso(NOW - 1),
    Type: 'UnsubscribeConfirmation',
    Signature: Buffer.alloc(256, 1).toString('base64'),
  };
  it.each(Object.entries(TAMPERED_FIELDS))(
    'are rejected when their %s was changed',
    async (name, value) => {
      const recorder = new FetchRecorder();
      expect(await recorder.verify(tamper({ [name]: value }))).toEqual({
        ok: false,
        reason: 'forged',
      });
    },
  );

  it('are rejected when another key signed them', async () => {
    const recorder = new FetchRecorder();
    const body = other.message('Notification', '{}', {
      Timestamp: iso(NOW),
      SigningCertURL: sns.certificateUrl,
    });
    expect(await recorder.verify(body)).toEqual({ ok: false, reason: 'forged' });
  });

  it('are rejected when the certificate is malformed, which is fetched again', async () => {
    const bodies = ['<html>', 'x'.repeat(70_000)];
    const recorder = new FetchRecorder(() => new Response(bodies.shift() ?? sns.certificate));
    const failure = { ok: false, reason: 'certificate_unreachable' };
    expect(await recorder.verify(notification())).toEqual(failure);
    expect(await recorder.verify(notification())).toEqual(failure);
    expect(await recorder.verify(notification())).toMatchObject({ ok: true });
    const redirected = new FetchRecorder(() => new Response(sns.certificate, { status: 302 }));
    expect(await redirected.verify(notification())).toEqual(failure);
  });
});

describe('SNS messages before any request', () => {
  const NAME = '/SimpleNotificationService-0123abcd.pem';
  const CASES: readonly (readonly [string, Record<string, string>, string])[] = [
    ['version 1', { SignatureVersion: '1' }, 'version'],
    ['an unknown version', { SignatureVersion: '3' }, 'version'],
    ['another topic', { TopicArn: 'arn:aws:sns:us-east-1:123456789012:farebox-mail2' }, 'topic'],
    ['a malformed topic', { TopicArn: 'farebox-mail' }, 'topic'],
    ['an old timestamp', { Timestamp: iso(NOW - HOUR - 1_000) }, 'stale'],
    ['a timestamp in the future', { Timestamp: iso(NOW + 6 * 60_000) }, 'stale'],
    ['a malformed timestamp', { Timestamp: 'yesterday' }, 'malformed'],
    ['a malformed id', { MessageId: "x'; --" }, 'malformed'],
    [
      'a certificate over plain HTTP',
      { SigningCertURL: `http://sns.us-east-1.amazonaws.com${NAME}` },
      '',
    ],
    [
      'a certificate of another host',
      { SigningCertURL: `https://sns.us-east-1.amazonaws.com.evil.example${NAME}` },
      '',
    ],
    [
      'a user name in the URL',
      { SigningCertURL: `https://sns.us-east-1.amazonaws.com@evil.example${NAME}` },
      '',
    ],
    ['a port in the URL', { SigningCertURL: `https://sns.us-east-1.amazonaws.com:444${NAME}` }, ''],
    ['an S3 bucket', { SigningCertURL: `https://s3.amazonaws.com/sns.us-east-1${NAME}` }, ''],
    [
      'a certificate of another region',
      { SigningCertURL: `https://sns.eu-west-1.amazonaws.com${NAME}` },
      '',
    ],
    ['another file name', { SigningCertURL: 'https://sns.us-east-1.amazonaws.com/x.pem' }, ''],
    [
      'a query in the URL',
      { SigningCertURL: `https://sns.us-east-1.amazonaws.com${NAME}?x=1` },
      '',
    ],
    ['a line break', { SigningCertURL: `https://sns.us-east-1.amazonaws.com${NAME}\n` }, ''],
  ];
  it.each(CASES)('are rejected with %s', async (_, overrides, reason) => {
    const recorder = new FetchRecorder();
    const failure = { ok: false, reason: reason === '' ? 'certificate_host' : reason };
    expect(await recorder.verify(notification(overrides))).toEqual(failure);
    expect(recorder.urls).toEqual([]);
  });

  it.each(['', '[]', 'null', '{', '{"Type":"Notification"}', tamper({ Message: 1 }, '{}')])(
    'are rejected as malformed: %j',
    async (body) => {
      expect(await new FetchRecorder().verify(body)).toEqual({ ok: false, reason: 'malformed' });
    },
  );
});

describe('SNS subscriptions', () => {
  const subscriptionMessage = (url: string) =>
    sns.message('SubscriptionConfirmation', 'You have chosen …', {
      Timestamp: iso(NOW),
      Token: '0123abcd',
      SubscribeURL: url,
    });
  const validUrl = () =>
    `https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${sns.topic}&Token=0123abcd`;

  it('are confirmed at SNS for our topic', async () => {
    const result = await new FetchRecorder().verify(subscriptionMessage(validUrl()));
    if (!result.ok || result.message.type !== 'SubscriptionConfirmation')
      throw new Error('refused');
    expect(result.message.subscribeUrl.href).toBe(validUrl());
    const requestedUrls: string[] = [];
    const fetchWithStatus = (status: number) => async (request: Request) => {
      requestedUrls.push(request.url);
      return new Response('', { status });
    };
    expect(await confirmSubscription(fetchWithStatus(200), result.message.subscribeUrl)).toBe(true);
    expect(await confirmSubscription(fetchWithStatus(302), result.message.subscribeUrl)).toBe(
      false,
    );
    expect(requestedUrls).toEqual([validUrl(), validUrl()]);
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
  ])('are not confirmed at %s, even when signed', async (url) => {
    const full = url.endsWith('x=') ? `${url}&TopicArn=other` : `${url}&TopicArn=${sns.topic}`;
    const result = await new FetchRecorder().verify(
      subscriptionMessage(url === 'no url' ? url : full),
    );
    expect(result).toEqual({ ok: false, reason: 'subscribe_host' });
  });

  it('are rejected when their URL was changed', async () => {
    const url = validUrl().replace('0123abcd', '4567');
    const result = await new FetchRecorder().verify(
      tamper({ SubscribeURL: url }, subscriptionMessage(validUrl())),
    );
    expect(result).toEqual({ ok: false, reason: 'forged' });
  });

  it('may be ended by SNS', async () => {
    const body = sns.message('UnsubscribeConfirmation', 'gone', {
      Timestamp: iso(NOW),
      Token: '0123abcd',
      SubscribeURL: validUrl(),
    });
    expect(await new FetchRecorder().verify(body)).toEqual({
      ok: true,
      message: { type: 'UnsubscribeConfirmation' },
    });
  });

  it('are rejected when their type is unknown', async () => {
    const body = sns.message('Surprise', 'x', { Timestamp: iso(NOW) });
    expect(await new FetchRecorder().verify(body)).toEqual({ ok: false, reason: 'malformed' });
  });
});
