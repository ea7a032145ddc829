/** The language a visitor picks below every page: a cookie here, the account's own where they are signed in. */
import { setLanguage } from '@farebox/identity';
import { Hono } from 'hono';
import { readForm } from './forms.ts';
import { type Anybody, keepLanguage, localPath } from './visitor.ts';

export const language = new Hono<Anybody>();

language.post('/language', async (c) => {
  const form = await readForm(c);
  const wanted = form.text('language');
  const { house, person } = c.var;
  keepLanguage(c, wanted);
  if (person !== null) await setLanguage(house.identity, person, wanted);
  return c.redirect(localPath(form.text('back')), 303);
});
