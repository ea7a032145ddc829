/**
 * Confirms a new email address with a button: opening the link changes nothing, because mail
 * scanners do.
 */
import { Note, readForm } from '@farebox/design';
import { confirmEmailChange } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { page } from '../layout.tsx';
import { recordCorrection } from '../privacy/actions.ts';
import { sendEmailsAfterResponse } from '../send-emails.ts';
import { getClientIp, type PublicEnv } from '../session.ts';
import { rateLimitedPage } from '../sign-in/rate-limited.tsx';

export const confirmEmailRoutes = new Hono<PublicEnv>();

function invalidLinkPage(c: Context<PublicEnv>) {
  const { recovery } = c.var.messages;
  return page(
    c,
    { title: recovery.emailTitle, status: 422 },
    <Note kind="problem">{recovery.emailInvalid}</Note>,
  );
}

confirmEmailRoutes.get('/confirm-email', (c) => {
  const { recovery } = c.var.messages;
  const title = recovery.emailTitle;
  if (c.req.query('done') === 'changed') {
    const content = (
      <>
        <Note kind="done">{recovery.emailDone}</Note>
        <p>
          <a href="/">{recovery.emailContinue}</a>
        </p>
      </>
    );
    return page(c, { title }, content);
  }
  const token = c.req.query('token') ?? '';
  if (token === '') return invalidLinkPage(c);
  const form = (
    <form method="post" action="/confirm-email">
      <input type="hidden" name="token" value={token} />
      <p>{recovery.emailIntro}</p>
      <p>
        <button type="submit">{recovery.emailSubmit}</button>
      </p>
    </form>
  );
  return page(c, { title }, form);
});

confirmEmailRoutes.post('/confirm-email', async (c) => {
  const token = (await readForm(c)).text('token');
  const result = await confirmEmailChange(c.var.deps.identity, {
    token,
    clientIp: getClientIp(c),
  });
  if (!result.ok) {
    if (result.reason === 'rate_limited') return rateLimitedPage(c, result, null);
    return invalidLinkPage(c);
  }
  sendEmailsAfterResponse(c, result.emails);
  await recordCorrection(c.var.deps, result.account, 'email');
  return c.redirect('/confirm-email?done=changed', 303);
});
