/** Sets the language chosen in the footer: in a cookie, and in the account of a signed-in user. */
import { readForm } from '@farebox/design';
import { setLanguage } from '@farebox/identity';
import { Hono } from 'hono';
import { localPath, type PublicEnv, setLanguageCookie } from './session.ts';

export const languageRoutes = new Hono<PublicEnv>();

languageRoutes.post('/language', async (c) => {
  const form = await readForm(c);
  const requested = form.text('language');
  const { deps, user } = c.var;
  setLanguageCookie(c, requested);
  if (user !== null) await setLanguage(deps.identity, user, requested);
  return c.redirect(localPath(form.text('back')), 303);
});
