/** The dependencies of every screen, built from the bindings once per isolate. */

import { cachePerEnv, requireBinding, requireMatch, requireUrl } from '@farebox/bindings';
import { CatalogHolder, RELEASED } from '@farebox/catalog';
import { connect } from '@farebox/database';
import type { Budgets, IdentityDeps } from '@farebox/identity';
import type { AccountsRpc } from '@farebox/ledger';
import type { QueuedEmail } from '@farebox/mail';
import { PROVIDER_IDS } from '@farebox/providers/list';
import { logEvent } from '@farebox/telemetry';
import { hexToBytes } from '@noble/hashes/utils.js';
import type { Env } from './env.ts';

export type ConsoleDeps = Readonly<{
  identity: IdentityDeps;
  accounts: AccountsRpc;
  catalog: CatalogHolder;
  mail: Queue<QueuedEmail>;
  consoleUrl: URL;
  apiUrl: URL;
  /** The public site, which has a page about each error code. Null where none is configured. */
  siteUrl: URL | null;
  /**
   * The address customers can write to: the sender of our emails. Null where none is configured.
   */
  contactEmail: string | null;
}>;

const SECRET_HEX = /^[0-9a-f]{64}$/;
const EMAILS_PER_HOUR = /^[1-9]\d{0,6}$/;
const EMAIL_IN_SENDER = /[^\s<>]+@[^\s<>]+/;

/** Binding EMAILS_PER_HOUR: at least 1, so that nobody closes sign-up by a typing error. */
function createBudgets({ EMAILS_PER_HOUR: text }: Env): Budgets {
  if (text === undefined || text === '') return {};
  const perHour = Number(requireMatch(text, EMAILS_PER_HOUR, 'EMAILS_PER_HOUR'));
  return { stranger_emails: perHour, challenge_emails: perHour };
}

function createDeps(env: Env): ConsoleDeps {
  const accounts = requireBinding(env.ACCOUNTS, 'ACCOUNTS');
  return {
    identity: {
      db: connect(requireBinding(env.DATABASE_URL, 'DATABASE_URL')),
      accounts,
      secret: hexToBytes(requireMatch(env.CONSOLE_SECRET, SECRET_HEX, 'CONSOLE_SECRET')),
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
      now: Date.now,
      budgets: createBudgets(env),
    },
    accounts,
    catalog: new CatalogHolder({
      released: RELEASED,
      source: requireBinding(env.CATALOG, 'CATALOG'),
      providers: PROVIDER_IDS,
      // The pages that need it wait for a read.
      refreshMs: 0,
      logEvent,
    }),
    mail: requireBinding(env.MAIL, 'MAIL'),
    consoleUrl: requireUrl(env.CONSOLE_URL, 'CONSOLE_URL'),
    apiUrl: requireUrl(env.API_URL, 'API_URL'),
    siteUrl: (env.SITE_URL ?? '') === '' ? null : requireUrl(env.SITE_URL, 'SITE_URL'),
    contactEmail: EMAIL_IN_SENDER.exec(env.MAIL_FROM ?? '')?.[0] ?? null,
  };
}

/** Throws MissingBindingError where a binding that every screen needs is missing. */
export const getDeps = cachePerEnv(createDeps);
