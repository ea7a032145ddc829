/**
 * The pages that delete an account. The first explains what is erased and what is kept, and asks
 * for the email address as confirmation. The last shows everything the user may need afterwards.
 */
import { Field, Money, Note, readForm } from '@farebox/design';
import { type Context, Hono } from 'hono';
import { type DeletionResult, deleteAccount } from '../account-deletion.ts';
import { page } from '../layout.tsx';
import { clearAllCookies, requireRecentAuth, requireSignIn, type SignedInEnv } from '../session.ts';
import { isOwnEmail } from './actions.ts';
import { Contact } from './contact.tsx';

export const deleteAccountRoutes = new Hono<SignedInEnv>();
deleteAccountRoutes.use('/rights/deletion', requireSignIn, requireRecentAuth);

async function confirmDeletionPage(c: Context<SignedInEnv>, wrong: boolean) {
  const { deps, user, messages, language } = c.var;
  const { privacy: t, layout } = messages;
  const accountStatus = await deps.accounts.status(user.account);
  return page(
    c,
    { title: t.deleteTitle, activePath: '/rights', status: wrong ? 422 : 200 },
    <>
      <p>{t.deleteIntro}</p>
      <ul>
        {t.deleteEffects.map((line) => (
          <li>{line}</li>
        ))}
      </ul>
      <h2>{t.balanceTitle}</h2>
      <p>
        {t.currentBalance} <Money amount={accountStatus?.posted ?? 0n} language={language} />
      </p>
      {(accountStatus?.posted ?? 0n) > 0n && (
        <>
          <Note kind="warning">{t.balanceText}</Note>
          <p>
            <a href="/refunds">{messages.refunds.title}</a>
          </p>
        </>
      )}
      <Contact deps={deps} messages={messages} />
      <h2>{t.retainedTitle}</h2>
      <p>{t.retainedText}</p>
      <form method="post" action="/rights/deletion">
        <Field
          name="email"
          type="email"
          label={t.confirmEmail}
          hint={user.email}
          problem={wrong ? t.confirmEmailWrong : undefined}
          autocomplete="off"
          required
        />
        <p>
          <button type="submit" class="danger">
            {t.deleteSubmit}
          </button>{' '}
          <a href="/rights">{layout.cancel}</a>
        </p>
      </form>
    </>,
  );
}

/** The last page. The session has ended, so it can't be shown again. */
function accountDeletedPage(
  c: Context<SignedInEnv>,
  account: string,
  { receipt, closed }: DeletionResult,
) {
  const { language, messages } = c.var;
  const { privacy: t } = messages;
  // The layout must not show the menu of a signed-in user.
  const anonymousContext: Context = c;
  anonymousContext.set('user', null);
  return page(
    c,
    { title: t.deletedTitle },
    <>
      <Note kind="done">{closed === null ? t.deletedSoon : t.deletedNow}</Note>
      <p>{t.saveDetails}</p>
      <dl class="pairs">
        <div>
          <dt>{t.receipt}</dt>
          <dd>
            <code>{receipt}</code>
          </dd>
        </div>
        <div>
          <dt>{t.accountId}</dt>
          <dd>
            <code>{account}</code>
          </dd>
        </div>
        {closed !== null && (
          <div>
            <dt>{t.remainingBalance}</dt>
            <dd>
              <Money amount={closed.posted} language={language} />
            </dd>
          </div>
        )}
      </dl>
      <p>{t.retainedText}</p>
    </>,
  );
}

deleteAccountRoutes.get('/rights/deletion', (c) => confirmDeletionPage(c, false));

deleteAccountRoutes.post('/rights/deletion', async (c) => {
  const { deps, user } = c.var;
  const typedEmail = (await readForm(c)).text('email');
  if (!isOwnEmail(user, typedEmail)) return confirmDeletionPage(c, true);
  const result = await deleteAccount(deps, user.account);
  clearAllCookies(c);
  return accountDeletedPage(c, user.account, result);
});
