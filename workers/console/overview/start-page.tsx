/**
 * The page that answers the confirmation of a sign-up: the account's first key, where to send
 * credits, and the first call with the key already in it. Like every new key it is shown once, in
 * the response to the form: no redirect, row, cookie or URL carries it to another page.
 */
import { formatRoundedCurrency } from '@farebox/design';
import { findSessionUser, type SignedIn } from '@farebox/identity';
import { NO_LIMITS } from '@farebox/ledger';
import type { Context } from 'hono';
import { page } from '../layout.tsx';
import type { PublicEnv } from '../session.ts';
import { getDepositSettings } from '../top-up/deps.ts';
import { GettingStarted } from './getting-started.tsx';

/** A first key that leaks, or an agent that runs on, spends no more in a month. */
const FIRST_KEY_MONTHLY_BUDGET = 10_000_000_000n;

/** `signedIn` is the session that began just now. Where no key can be made, the overview follows. */
export async function startPage(c: Context<PublicEnv>, signedIn: SignedIn): Promise<Response> {
  const { deps, messages, language } = c.var;
  const user = await findSessionUser(deps.identity, signedIn.session);
  if (user === undefined) return c.redirect('/', 303);
  const limits = { ...NO_LIMITS, periodBudgets: { month: FIRST_KEY_MONTHLY_BUDGET } };
  const name = messages.overview.firstKeyName;
  const minted = await deps.accounts.mintKey(user.account, { name, limits });
  if (!minted.ok) return c.redirect('/', 303);
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
      chains={getDepositSettings(c.env).chains}
    />,
  );
}
