/**
 * What the console's mail works with, as values: env.ts reads them from the bindings. Nothing here is
 * needed to show a page, so a console whose mail is not set up still answers people.
 */
import type { AccountsRpc } from '@farebox/ledger';
import type { CertificateCache, EmailQueue, HttpFetch, MailDeps } from '@farebox/mail';

export type MailWorkerDeps = MailDeps &
  Readonly<{
    accounts: Pick<AccountsRpc, 'status'>;
    queue: EmailQueue;
    /** The ARNs of the SNS topics that SES's events arrive by. Without any, none is believed. */
    topics: ReadonlySet<string>;
    certificates: CertificateCache;
  }>;

/** Asks the network itself. */
export const fetchDirectly: HttpFetch = (request) => globalThis.fetch(request);

/**
 * On one's own machine SNS's certificates are looked for below `base`, by the last part of their URL.
 * That the URL is SNS's own was checked before.
 */
export function createCertificateFetch(base: string | undefined): HttpFetch {
  if (base === undefined) return fetchDirectly;
  return (request) => {
    const name = new URL(request.url).pathname.split('/').at(-1) ?? '';
    return globalThis.fetch(new URL(name, base), { signal: request.signal });
  };
}
