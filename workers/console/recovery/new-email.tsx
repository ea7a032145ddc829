/** A new address is confirmed from its own mailbox, by a button: a link that is only looked at changes nothing. */
import { confirmEmailChange } from '@farebox/identity';
import { type Context, Hono } from 'hono';
import { readForm } from '../forms.ts';
import { postLetters } from '../letters.ts';
import { Note, page } from '../page.tsx';
import { corrected } from '../rights/deeds.ts';
import type { Anybody } from '../visitor.ts';

export const newEmail = new Hono<Anybody>();

function noSuchLink(c: Context<Anybody>) {
  const { recovery } = c.var.texts;
  return page(
    c,
    { title: recovery.emailTitle, status: 422 },
    <Note kind="problem">{recovery.emailInvalid}</Note>,
  );
}

newEmail.get('/confirm-email', (c) => {
  const { recovery } = c.var.texts;
  const title = recovery.emailTitle;
  if (c.req.query('done') === 'changed') {
    const done = (
      <>
        <Note kind="done">{recovery.emailDone}</Note>
        <p>
          <a href="/">{recovery.emailGo}</a>
        </p>
      </>
    );
    return page(c, { title }, done);
  }
  const token = c.req.query('token') ?? '';
  if (token === '') return noSuchLink(c);
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

newEmail.post('/confirm-email', async (c) => {
  const token = (await readForm(c)).text('token');
  const result = await confirmEmailChange(c.var.house.identity, { token });
  if (!result.ok) return noSuchLink(c);
  postLetters(c, result.letters);
  await corrected(c.var.house, result.account, 'email');
  return c.redirect('/confirm-email?done=changed', 303);
});
