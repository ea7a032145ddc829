/**
 * The bindings of the console. A binding is checked at first use; an error names the binding and
 * never its value. Each area derives its own values from them in its deps.ts.
 */
import type { CatalogRpc } from '@farebox/catalog';
import type { ClaimResult } from '@farebox/deposits';
import type { AccountId, AccountsRpc } from '@farebox/ledger';
import type { QueuedEmail } from '@farebox/mail';
import type { QueuedEvent } from './notifications/webhooks/events.ts';

/**
 * The one verb of the deposits Worker that the console calls. It finds a transfer; it can't credit
 * one.
 */
export type ClaimsRpc = Readonly<{
  claim(account: AccountId, chain: string, txHash: string): Promise<ClaimResult>;
}>;

/** The bindings of this Worker, as wrangler.toml and the secrets give them. */
export type Env = Readonly<{
  DATABASE_URL?: string;
  ACCOUNTS?: AccountsRpc;
  /** The ledger Worker's entrypoint `Catalog`: models and prices as operators changed them. */
  CATALOG?: CatalogRpc;
  MAIL?: Queue<QueuedEmail>;
  /** The dead-letter queues of `farebox-mail` and `farebox-notices`. */
  MAIL_DLQ?: Queue<unknown>;
  NOTICES_DLQ?: Queue<unknown>;
  /** The queue `farebox-webhooks` of events to post to webhooks, and its dead-letter queue. */
  WEBHOOKS?: Queue<QueuedEvent>;
  WEBHOOKS_DLQ?: Queue<unknown>;
  /** Seconds between two replays of a dead letter; docs/operators.md has the default. */
  DEAD_LETTER_RETRY_SECONDS?: string;
  /** The deposits Worker's entrypoint `Claims`. */
  CLAIMS?: ClaimsRpc;
  /**
   * The extended public keys that deposit addresses are derived from, comma separated, newest
   * first.
   */
  XPUB_EVM?: string;
  XPUB_TRON?: string;
  /**
   * 32 bytes, hexadecimal. Keys for sessions, sealed factors and unsubscribe links are derived from
   * it.
   */
  CONSOLE_SECRET?: string;
  /**
   * The emails per hour that strangers may request by signing up or resetting a password, before
   * browsers have to solve a challenge; 600 by default. Fits the mail provider's quota.
   */
  EMAILS_PER_HOUR?: string;
  /** The public origin of this Worker, such as `https://console.example.com`. */
  CONSOLE_URL?: string;
  /** The public origin of the API, such as `https://api.example.com`. */
  API_URL?: string;
  /** The public origin of the site, to which emails about the legal texts and error codes lead. */
  SITE_URL?: string;
  /** The AWS region of SES and its SNS topic. */
  SES_REGION?: string;
  /** The access key of an IAM user that may only do `ses:SendEmail` for the sender's identity. */
  SES_ACCESS_KEY_ID?: string;
  SES_SECRET_ACCESS_KEY?: string;
  /** The SES configuration set that publishes delivery events to SNS. Without it none arrive. */
  SES_CONFIGURATION_SET?: string;
  /** The sender: an address or `Name <address>`. Replies to it must be read. */
  MAIL_FROM?: string;
  /** The ARNs of the SNS topics that post to /hooks/ses, comma separated. */
  SNS_TOPIC_ARNS?: string;
  /** Local development only: `true` lets webhooks be posted over plain HTTP and to this machine. */
  ALLOW_PLAIN_HTTP?: string;
  /** Local development only: the endpoint of SES. */
  SES_ENDPOINT?: string;
  /** Local development only: the URL below which the certificates of SNS are served. */
  SNS_CERTIFICATES_URL?: string;
  /** Local development only: the faucet that mints test USDT. */
  FAUCET_URL?: string;
  /** Local development only: the URL of the signing keys of GitHub's secret scanning. */
  SECRET_SCANNING_KEYS_URL?: string;
}>;
