/** The language a visitor picks below every page: a cookie here, the account's own where they are signed in. */
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
