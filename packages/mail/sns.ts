/**
 * Verifies messages of Amazon SNS: signature version 2 (RSA with SHA-256) over the documented
 * fields, with a certificate from SNS's own host, for one of our topics, and recent. Nothing of a
 * message is used or fetched before that.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
 */
import { base64 } from '@farebox/crypto';
import { err, ok, type Result } from '@farebox/result';
import { importX509 } from 'jose';
import * as v from 'valibot';
import type { HttpFetch } from './ses.ts';

export type SnsError =
  | 'malformed'
  | 'version'
  | 'topic'
  | 'stale'
  | 'certificate_host'
  | 'certificate_unreachable'
  | 'forged'
  | 'subscribe_host';

export type SnsMessage =
  | Readonly<{ type: 'Notification'; id: string; at: number; text: string }>
  /** Opening the URL subscribes us. It is SNS's own, for this topic. */
  | Readonly<{ type: 'SubscriptionConfirmation'; subscribeUrl: URL }>
  | Readonly<{ type: 'UnsubscribeConfirmation' }>;

export type SnsResult = Result<{ message: SnsMessage }, SnsError>;

export type SnsSettings = Readonly<{
  /** The ARNs of our topics. */
  topics: ReadonlySet<string>;
  certificates: CertificateCache;
  now: number;
}>;

const HOUR_MS = 3_600_000;
/** The tolerance for AWS's clock being ahead of ours. */
const MAX_CLOCK_SKEW_MS = 5 * 60_000;

const CERTIFICATE_URL =
  /^https:\/\/sns\.([a-z0-9-]+)\.amazonaws\.com\/SimpleNotificationService-[0-9a-f]{1,64}\.pem$/;
const TOPIC_ARN = /^arn:aws:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}$/;
const MESSAGE_ID = /^[0-9a-f-]{1,64}$/;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

const SNS_BODY = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    Type: v.string(),
    MessageId: v.string(),
    TopicArn: v.string(),
    Message: v.string(),
    Timestamp: v.string(),
    SignatureVersion: v.string(),
    Signature: v.string(),
    SigningCertURL: v.string(),
    Subject: v.optional(v.string()),
    SubscribeURL: v.optional(v.string()),
    Token: v.optional(v.string()),
  }),
);
type SnsFields = v.InferOutput<typeof SNS_BODY>;

/** In the order of signing; absent fields are left out. */
const SIGNED_FIELDS: Readonly<
  Record<'Notification' | 'SubscriptionConfirmation', readonly (keyof SnsFields)[]>
> = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: [
    'Message',
    'MessageId',
    'SubscribeURL',
    'Timestamp',
    'Token',
    'TopicArn',
    'Type',
  ],
};

const REQUEST_TIMEOUT_MS = 5_000;
const MAX_SIGNATURE_LENGTH = 1_024;
const MAX_CERTIFICATE_LENGTH = 65_536;
const MAX_CERTIFICATES = 8;
/** The longest time for which a certificate that Amazon has withdrawn is still accepted. */
const CERTIFICATE_TTL_MS = 24 * HOUR_MS;

/**
 * Public certificates by URL, kept in memory. Holds finished results only: a promise belongs to its
 * request.
 */
export class CertificateCache {
  readonly #httpFetch: HttpFetch;
  readonly #cache = new Map<string, Readonly<{ key: CryptoKey; since: number }>>();

  constructor(httpFetch: HttpFetch) {
    this.#httpFetch = httpFetch;
  }

  /** `url` must have been checked. Returns undefined if the certificate can't be fetched. */
  async getKey(url: string, now: number): Promise<CryptoKey | undefined> {
    const cached = this.#cache.get(url);
    if (cached !== undefined && now - cached.since < CERTIFICATE_TTL_MS) return cached.key;
    const key = await this.#fetchKey(url);
    if (key === undefined) return undefined;
    if (this.#cache.size >= MAX_CERTIFICATES) this.#cache.clear();
    this.#cache.set(url, { key, since: now });
    return key;
  }

  async #fetchKey(url: string): Promise<CryptoKey | undefined> {
    try {
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const response = await this.#httpFetch(new Request(url, { redirect: 'manual', signal }));
      const pem = await response.text();
      if (response.status !== 200 || pem.length > MAX_CERTIFICATE_LENGTH) return undefined;
      return await importX509(pem, 'RS256');
    } catch {
      return undefined;
    }
  }
}

export async function verifySnsMessage(body: string, settings: SnsSettings): Promise<SnsResult> {
  const parsed = v.safeParse(SNS_BODY, body);
  if (!parsed.success) return err('malformed');
  const fields = parsed.output;
  const error = validateFields(fields, settings);
  if (error !== undefined) return err(error);
  const key = await settings.certificates.getKey(fields.SigningCertURL, settings.now);
  if (key === undefined) return err('certificate_unreachable');
  if (!(await isSigned(fields, key))) return err('forged');
  return toResult(fields);
}

/** Checks everything that needs no network request. */
function validateFields(fields: SnsFields, { topics, now }: SnsSettings): SnsError | undefined {
  if (fields.SignatureVersion !== '2') return 'version';
  const region = TOPIC_ARN.exec(fields.TopicArn)?.[1];
  if (region === undefined || !topics.has(fields.TopicArn)) return 'topic';
  if (!MESSAGE_ID.test(fields.MessageId) || !TIMESTAMP.test(fields.Timestamp)) return 'malformed';
  const age = now - Date.parse(fields.Timestamp);
  if (!(age <= HOUR_MS && age >= -MAX_CLOCK_SKEW_MS)) return 'stale';
  // The topic's own region, so that no other host below amazonaws.com is accepted.
  if (CERTIFICATE_URL.exec(fields.SigningCertURL)?.[1] !== region) return 'certificate_host';
  return undefined;
}

async function isSigned(fields: SnsFields, key: CryptoKey): Promise<boolean> {
  const names =
    SIGNED_FIELDS[fields.Type === 'Notification' ? 'Notification' : 'SubscriptionConfirmation'];
  const parts = names.flatMap((name) => {
    const text = fields[name];
    return text === undefined ? [] : [`${name}\n${text}\n`];
  });
  if (fields.Signature.length > MAX_SIGNATURE_LENGTH) return false;
  const signature = base64.decode(fields.Signature);
  if (signature === undefined) return false;
  const data = new TextEncoder().encode(parts.join(''));
  return crypto.subtle.verify('RSASSA-PKCS1-v1_5', key, signature, data);
}

function toResult(fields: SnsFields): SnsResult {
  const { Type: type, MessageId: id, Message: text } = fields;
  switch (type) {
    case 'Notification': {
      const at = Date.parse(fields.Timestamp);
      return ok({ message: { type, id, at, text } });
    }
    case 'SubscriptionConfirmation': {
      const subscribeUrl = parseSubscribeUrl(fields);
      if (subscribeUrl === undefined) return err('subscribe_host');
      return ok({ message: { type, subscribeUrl } });
    }
    case 'UnsubscribeConfirmation':
      return ok({ message: { type } });
    default:
      return err('malformed');
  }
}

/**
 * Accepts a URL of SNS in the topic's region that confirms this topic, even if the message is
 * signed.
 */
function parseSubscribeUrl(fields: SnsFields): URL | undefined {
  const url = URL.parse(fields.SubscribeURL ?? '');
  const region = TOPIC_ARN.exec(fields.TopicArn)?.[1];
  if (url === null || url.origin !== `https://sns.${region}.amazonaws.com`) return undefined;
  const { searchParams: query } = url;
  const isOurs =
    url.username === '' &&
    url.password === '' &&
    url.pathname === '/' &&
    query.get('Action') === 'ConfirmSubscription' &&
    query.get('TopicArn') === fields.TopicArn;
  return isOurs ? url : undefined;
}

/** Returns true if SNS accepted the confirmation. */
export async function confirmSubscription(
  httpFetch: HttpFetch,
  subscribeUrl: URL,
): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const response = await httpFetch(new Request(subscribeUrl, { redirect: 'manual', signal }));
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
