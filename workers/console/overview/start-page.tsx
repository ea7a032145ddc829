/**
 * The page that answers the confirmation of a sign-up: the account's first key, where to send
 * credits, and the first call with the key already in it. Like every new key it is shown once, in
 * the response to the form: no redirect, row, cookie or URL carries it to another page.
 */
import { formatRoundedCurrency } from '@farebox/design';
import { findSessionUser, type SignedIn } from '@farebox/identity';
import { type AccountId, type MintResult, NO_LIMITS } from '@farebox/ledger';
import { logEvent } from '@farebox/telemetry';
import type { Context } from 'hono';
import { page } from '../layout.tsx';
import type { PageVariables, PublicEnv } from '../session.ts';
import { loadNetworks } from '../top-up/deps.ts';
import { GettingStarted } from './getting-started.tsx';

/** A first key that leaks, or an agent that runs on, spends no more in a month. */
const FIRST_KEY_MONTHLY_BUDGET = 10_000_000_000n;

/**
 * The account exists and its link is used up, so that a key which can't be made just now must not
 * look like a failed sign-up: undefined where the ledger can't be reached.
 */
async function mintFirstKey(
  { deps, messages }: PageVariables,
  account: AccountId,
): Promise<MintResult | undefined> {
  const limits = { ...NO_LIMITS, periodBudgets: { month: FIRST_KEY_MONTHLY_BUDGET } };
  try {
    return await deps.accounts.mintKey(account, { name: messages.overview.firstKeyName, limits });
  } catch {
    logEvent({ event: 'unexpected', where: 'console', call: null });
    return undefined;
  }
}

/** `signedIn` is the session that began just now. Where no key can be made, the overview follows. */
export async function startPage(c: Context<PublicEnv>, signedIn: SignedIn): Promise<Response> {
  const { deps, messages, language } = c.var;
  const user = await findSessionUser(deps.identity, signedIn.session);
  if (user === undefined) return c.redirect('/', 303);
  // Before the key, which no other page could show if this failed.
  const networks = await loadNetworks(c.env, deps.identity.db, deps.identity.now());
  const minted = await mintFirstKey(c.var, user.account);
  if (minted?.ok !== true) return c.redirect('/', 303);
  c.set('user', user);
  return page(
    c,
    { title: messages.overview.startTitle, activePath: '/', wide: true, scripts: ['copy'] },
    <GettingStarted
      messages={messages}
      apiUrl={deps.apiUrl}
      newKey={{
        text: minted.apiKey,
        monthlyBudget: formatRoundedCurrency(FIRST_KEY_MONTHLY_BUDGET, language),
      }}
      hasKey
      hasCredit={false}
      networks={networks}
    />,
  );
}
