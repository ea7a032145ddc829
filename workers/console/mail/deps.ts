/**
 * The dependencies of the mail queue, the notification queue and the SES webhook. Pages don't need
 * them: a console whose mail is not configured still serves its screens.
 */

import { cachePerEnv, localUrl, requireBinding, requireMatch, requireUrl } from '@farebox/bindings';
import type { AccountsRpc } from '@farebox/ledger';
import {
  CertificateCache,
  type EmailQueue,
  type HttpFetch,
  type MailDeps,
  type SesSettings,
} from '@farebox/mail';
import { parseDeadLetterDelay } from '@farebox/queues';
import { getDeps } from '../deps.ts';
import type { Env } from '../env.ts';
import type { WebhookQueue } from '../notifications/webhooks/deps.ts';

export type MailWorkerDeps = MailDeps &
  Readonly<{
    accounts: Pick<AccountsRpc, 'status'>;
    queue: EmailQueue;
    webhookQueue: WebhookQueue;
    /** The ARNs of the SNS topics that publish SES's events. With none, every event is rejected. */
    topics: ReadonlySet<string>;
    certificates: CertificateCache;
    deadLetterQueues: Readonly<Record<'mail' | 'notifications', Queue<unknown>>>;
    deadLetterDelaySeconds: number | null;
  }>;

/** Calls the global fetch. */
const fetchDirectly: HttpFetch = (request) => globalThis.fetch(request);

/**
 * Returns the fetch for SNS's signing certificates. With `base` (local development) it fetches the
 * last path segment of the certificate's URL below `base`; the caller has checked that the URL is
 * SNS's own.
 */
function createCertificateFetch(base: string | undefined): HttpFetch {
  if (base === undefined) return fetchDirectly;
  return (request) => {
    const name = new URL(request.url).pathname.split('/').at(-1) ?? '';
    return globalThis.fetch(new URL(name, base), { signal: request.signal });
  };
}

const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d$/;
/** One address without a line break, so that MAIL_FROM can't add a header or a second sender. */
const SENDER =
  /^(?:[A-Za-z0-9 ._-]{1,64} <[!#-'*+\-/-9=?A-Z^-~]+@[A-Za-z0-9.-]+>|[!#-'*+\-/-9=?A-Z^-~]+@[A-Za-z0-9.-]+)$/;
const CONFIGURATION_SET = /^[A-Za-z0-9_-]{1,64}$/;

function createSesSettings(env: Env, host: string): SesSettings {
  const region = requireMatch(env.SES_REGION, REGION, 'SES_REGION');
  const set = env.SES_CONFIGURATION_SET || null;
  const localEndpoint = localUrl(env.SES_ENDPOINT, 'SES_ENDPOINT', host);
  return {
    endpoint: new URL(localEndpoint ?? `https://email.${region}.amazonaws.com`),
    region,
    accessKeyId: requireBinding(env.SES_ACCESS_KEY_ID, 'SES_ACCESS_KEY_ID'),
    secretAccessKey: requireBinding(env.SES_SECRET_ACCESS_KEY, 'SES_SECRET_ACCESS_KEY'),
    sender: requireMatch(env.MAIL_FROM, SENDER, 'MAIL_FROM'),
    configurationSet: set && requireMatch(set, CONFIGURATION_SET, 'SES_CONFIGURATION_SET'),
  };
}

function parseTopicArns(text: string | undefined): ReadonlySet<string> {
  const arns = (text ?? '').split(',').map((arn) => arn.trim());
  return new Set(arns.filter((arn) => arn !== ''));
}

/** Throws MissingBindingError where the configuration of SES is incomplete. */
export const getMailDeps = cachePerEnv((env: Env): MailWorkerDeps => {
  const { identity, accounts, mail, consoleUrl } = getDeps(env);
  const { db, secret, now } = identity;
  const name = 'SNS_CERTIFICATES_URL';
  return {
    db,
    secret,
    now,
    accounts,
    queue: mail,
    webhookQueue: requireBinding(env.WEBHOOKS, 'WEBHOOKS'),
    consoleUrl,
    siteUrl: requireUrl(env.SITE_URL, 'SITE_URL'),
    ses: createSesSettings(env, consoleUrl.hostname),
    httpFetch: fetchDirectly,
    topics: parseTopicArns(env.SNS_TOPIC_ARNS),
    deadLetterQueues: {
      mail: requireBinding(env.MAIL_DLQ, 'MAIL_DLQ'),
      notifications: requireBinding(env.NOTICES_DLQ, 'NOTICES_DLQ'),
    },
    deadLetterDelaySeconds: parseDeadLetterDelay(env.DEAD_LETTER_RETRY_SECONDS),
    certificates: new CertificateCache(
      createCertificateFetch(localUrl(env[name], name, consoleUrl.hostname)),
    ),
  };
});
