/**
 * Sends one email through Amazon SES API v2: POST /v2/email/outbound-emails, signed with Signature
 * Version 4. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html A response
 * is reduced to words of a closed list: SES's own messages quote addresses.
 */
import { AwsClient } from 'aws4fetch';
import type { RenderedEmail } from './render.ts';

export type SesSettings = Readonly<{
  /** For example `https://email.eu-west-1.amazonaws.com`. */
  endpoint: URL;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** An address, or `Name <address>`. Replies to it are read. */
  sender: string;
  /**
   * The configuration set whose event destination is the SNS topic; null if SES reports no events.
   */
  configurationSet: string | null;
}>;

/** A parameter, so that tests and local development can replace the network. */
export type HttpFetch = (request: Request) => Promise<Response>;

export type SendResult =
  | Readonly<{ ok: true; providerId: string }>
  /** SES would reject it again. */
  | Readonly<{
      ok: false;
      retryable: false;
      reason: 'bad_address' | 'bad_request' | 'message_rejected';
    }>
  /** SES throttles, pauses, is misconfigured or unavailable. */
  | Readonly<{ ok: false; retryable: true }>;

/** The tag by which an event names its email (SES allows letters, digits, `_` and `-`). */
export const MAIL_TAG = 'farebox_mail';

const REQUEST_TIMEOUT_MS = 10_000;
const MAX_RESPONSE_LENGTH = 16_384;

/**
 * The same pattern as in packages/identity. It excludes everything that could be a second address.
 */
const ADDRESS =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+$/;

/** Errors of SendEmail that this email causes. All others concern our account or are temporary. */
const REJECTION_REASONS: Readonly<Record<string, 'bad_request' | 'message_rejected'>> = {
  BadRequestException: 'bad_request',
  MessageRejected: 'message_rejected',
};

export type OutgoingEmail = Readonly<{ id: string; to: string; rendered: RenderedEmail }>;

export async function sendThroughSes(
  settings: SesSettings,
  httpFetch: HttpFetch,
  email: OutgoingEmail,
): Promise<SendResult> {
  if (email.to.length > 254 || !ADDRESS.test(email.to)) {
    return { ok: false, retryable: false, reason: 'bad_address' };
  }
  try {
    return await parseResponse(await httpFetch(await signRequest(settings, email)));
  } catch {
    return { ok: false, retryable: true };
  }
}

function signRequest(settings: SesSettings, email: OutgoingEmail): Promise<Request> {
  const { accessKeyId, secretAccessKey, region } = settings;
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 'ses' });
  return client.sign(new URL('/v2/email/outbound-emails', settings.endpoint).href, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(buildRequestBody(settings, email)),
    redirect: 'manual',
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
}

function buildRequestBody(settings: SesSettings, { id, to, rendered }: OutgoingEmail) {
  const { subject, text, html, headers } = rendered;
  const utf8 = (data: string) => ({ Charset: 'UTF-8', Data: data });
  return {
    FromEmailAddress: settings.sender,
    Destination: { ToAddresses: [to] },
    Content: {
      Simple: {
        Subject: utf8(subject),
        Body: { Text: utf8(text), Html: utf8(html) },
        Headers: headers.map(({ name, value }) => ({ Name: name, Value: value })),
      },
    },
    EmailTags: [{ Name: MAIL_TAG, Value: id }],
    ...(settings.configurationSet === null
      ? {}
      : { ConfigurationSetName: settings.configurationSet }),
  };
}

async function parseResponse(response: Response): Promise<SendResult> {
  const body = parseJson((await response.text()).slice(0, MAX_RESPONSE_LENGTH));
  if (response.status === 200) {
    const id = getString(body, 'MessageId');
    // It was accepted even without an id: sending again would be a duplicate.
    return { ok: true, providerId: /^[!-~]{1,128}$/.test(id) ? id : '' };
  }
  if (response.status !== 400) return { ok: false, retryable: true };
  // restJson1 has the name in a header, and may add a namespace before and a URL after it.
  const errorType = response.headers.get('x-amzn-errortype') ?? getString(body, '__type');
  const name = errorType.split(':')[0]?.split('#').at(-1) ?? '';
  const reason = Object.hasOwn(REJECTION_REASONS, name) ? REJECTION_REASONS[name] : undefined;
  return reason === undefined
    ? { ok: false, retryable: true }
    : { ok: false, retryable: false, reason };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function getString(value: unknown, name: string): string {
  if (typeof value !== 'object' || value === null) return '';
  const fieldValue: unknown = Reflect.get(value, name);
  return typeof fieldValue === 'string' ? fieldValue : '';
}
