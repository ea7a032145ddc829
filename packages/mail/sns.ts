/**
 * Whether Amazon SNS said it: signature version 2 (RSA with SHA-256) over the documented fields, by a
 * certificate from SNS's own host, about a topic of ours, and lately. Nothing of a message is believed,
 * fetched or kept before that.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
 */
import { importX509 } from 'jose';
import type { Ask } from './ses.ts';

export type SnsFlaw =
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
  /** Opening the URL makes us a subscriber: it is SNS's own, for this topic. */
  | Readonly<{ type: 'SubscriptionConfirmation'; subscribeUrl: URL }>
  | Readonly<{ type: 'UnsubscribeConfirmation' }>;

export type SnsVerdict =
  | Readonly<{ ok: true; message: SnsMessage }>
  | Readonly<{ ok: false; reason: SnsFlaw }>;

export type SnsSettings = Readonly<{
  /** The ARNs of our topics. */
  topics: ReadonlySet<string>;
  certificates: Certificates;
  now: number;
}>;

const HOUR = 3_600_000;
/** How far AWS's clock may be ahead of ours. */
const MOST_AHEAD_MS = 5 * 60_000;

const CERTIFICATE_URL =
  /^https:\/\/sns\.([a-z0-9-]+)\.amazonaws\.com\/SimpleNotificationService-[0-9a-f]{1,64}\.pem$/;
const TOPIC_ARN = /^arn:aws:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}$/;
const MESSAGE_ID = /^[0-9a-f-]{1,64}$/;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

const FIELDS = [
  'Type',
  'MessageId',
  'TopicArn',
  'Message',
  'Timestamp',
  'SignatureVersion',
  'Signature',
  'SigningCertURL',
] as const;
type Fields = Readonly<Record<(typeof FIELDS)[number], string>> &
  Readonly<{ Subject?: string; SubscribeURL?: string; Token?: string }>;

/** In the order in which they are signed; a field that is not there is left out. */
const SIGNED: Readonly<
  Record<'Notification' | 'SubscriptionConfirmation', readonly (keyof Fields)[]>
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

const ANSWER_WITHIN_MS = 5_000;
const LARGEST_CERTIFICATE = 65_536;
const MOST_CERTIFICATES = 8;
/** A certificate that Amazon withdraws is believed for so long at most. */
const FRESH_MS = 24 * HOUR;

/** Public certificates by their URL, kept in memory. Only finished ones: a promise belongs to its request. */
export class Certificates {
  readonly #ask: Ask;
  readonly #known = new Map<string, Readonly<{ key: CryptoKey; since: number }>>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** `url` has been checked. Undefined where it can't be had. */
  async key(url: string, now: number): Promise<CryptoKey | undefined> {
    const known = this.#known.get(url);
    if (known !== undefined && now - known.since < FRESH_MS) return known.key;
    const key = await this.#fetched(url);
    if (key === undefined) return undefined;
    if (this.#known.size >= MOST_CERTIFICATES) this.#known.clear();
    this.#known.set(url, { key, since: now });
    return key;
  }

  async #fetched(url: string): Promise<CryptoKey | undefined> {
    try {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
      const response = await this.#ask(new Request(url, { redirect: 'manual', signal }));
      const pem = await response.text();
      if (response.status !== 200 || pem.length > LARGEST_CERTIFICATE) return undefined;
      return await importX509(pem, 'RS256');
    } catch {
      return undefined;
    }
  }
}

export async function readSns(body: string, settings: SnsSettings): Promise<SnsVerdict> {
  const fields = fieldsOf(body);
  if (fields === undefined) return refused('malformed');
  const flaw = flawOf(fields, settings);
  if (flaw !== undefined) return refused(flaw);
  const key = await settings.certificates.key(fields.SigningCertURL, settings.now);
  if (key === undefined) return refused('certificate_unreachable');
  if (!(await isSigned(fields, key))) return refused('forged');
  return understood(fields);
}

function refused(reason: SnsFlaw): SnsVerdict {
  return { ok: false, reason };
}

function fieldsOf(body: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null) return false;
  const texts = FIELDS.every((name) => typeof Reflect.get(value, name) === 'string');
  return (
    texts &&
    ['Subject', 'SubscribeURL', 'Token'].every((name) => {
      const found: unknown = Reflect.get(value, name);
      return found === undefined || typeof found === 'string';
    })
  );
}

/** What can be refused without asking anybody. */
function flawOf(fields: Fields, { topics, now }: SnsSettings): SnsFlaw | undefined {
  if (fields.SignatureVersion !== '2') return 'version';
  const region = TOPIC_ARN.exec(fields.TopicArn)?.[1];
  if (region === undefined || !topics.has(fields.TopicArn)) return 'topic';
  if (!MESSAGE_ID.test(fields.MessageId) || !TIMESTAMP.test(fields.Timestamp)) return 'malformed';
  const age = now - Date.parse(fields.Timestamp);
  if (!(age <= HOUR && age >= -MOST_AHEAD_MS)) return 'stale';
  // Of the topic's own region, so that no other name below amazonaws.com will do.
  if (CERTIFICATE_URL.exec(fields.SigningCertURL)?.[1] !== region) return 'certificate_host';
  return undefined;
}

async function isSigned(fields: Fields, key: CryptoKey): Promise<boolean> {
  const names =
    SIGNED[fields.Type === 'Notification' ? 'Notification' : 'SubscriptionConfirmation'];
  const lines = names.flatMap((name) => {
    const text = fields[name];
    return text === undefined ? [] : [`${name}\n${text}\n`];
  });
  const signature = bytesOf(fields.Signature);
  if (signature === undefined) return false;
  const data = new TextEncoder().encode(lines.join(''));
  return crypto.subtle.verify('RSASSA-PKCS1-v1_5', key, signature, data);
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  if (base64.length > 1_024 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function understood(fields: Fields): SnsVerdict {
  const { Type: type, MessageId: id, Message: text } = fields;
  switch (type) {
    case 'Notification': {
      const at = Date.parse(fields.Timestamp);
      return { ok: true, message: { type, id, at, text } };
    }
    case 'SubscriptionConfirmation': {
      const subscribeUrl = subscribeUrlOf(fields);
      if (subscribeUrl === undefined) return refused('subscribe_host');
      return { ok: true, message: { type, subscribeUrl } };
    }
    case 'UnsubscribeConfirmation':
      return { ok: true, message: { type } };
    default:
      return refused('malformed');
  }
}

/** Signed or not: only SNS in the topic's region is opened, and only to confirm this topic. */
function subscribeUrlOf(fields: Fields): URL | undefined {
  const url = URL.parse(fields.SubscribeURL ?? '');
  const region = TOPIC_ARN.exec(fields.TopicArn)?.[1];
  if (url === null || url.origin !== `https://sns.${region}.amazonaws.com`) return undefined;
  const { searchParams: query } = url;
  const ours =
    url.username === '' &&
    url.password === '' &&
    url.pathname === '/' &&
    query.get('Action') === 'ConfirmSubscription' &&
    query.get('TopicArn') === fields.TopicArn;
  return ours ? url : undefined;
}

/** Whether SNS took it. */
export async function confirmSubscription(ask: Ask, subscribeUrl: URL): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const response = await ask(new Request(subscribeUrl, { redirect: 'manual', signal }));
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
