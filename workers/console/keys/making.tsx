/**
 * Where a key's text appears: once, in the very answer that made it. No redirect, row, cookie or address
 * could carry it to another page. A form sent again (a reload) makes no second one: its ticket is used.
 */

import { type Context, Hono } from 'hono';
import { readForm } from '../forms.ts';
import { missing } from '../missing.tsx';
import { countOne, offerTicket, useTicket } from '../once.ts';
import { Note, page } from '../page.tsx';
import { throttledPage } from '../sign-in/throttled.tsx';
import { recentlyProven, type Somebody, signedIn } from '../visitor.ts';
import { EMPTY, readTyped, type Typed, type TypedField, understand } from './asked.ts';
import { KeyFields } from './fields.tsx';
import { namedKey, type OwnKey, ownKeys } from './own.ts';

/** Not counting revoked ones. */
const MOST_KEYS = 100;
/** The account's object remembers revoked keys too, so that making and revoking must have a bound of its own. */
const MADE_A_DAY = { most: 100, seconds: 86_400 } as const;
const MAKE = 'make a key';

function shownOnce(c: Context<Somebody>, apiKey: string, keyId: number, text: string) {
  const { keys: t, frame } = c.var.texts;
  return page(
    c,
    { title: t.shownTitle, here: '/keys', scripts: ['copy-key'] },
    <>
      <Note kind="done">{text}</Note>
      <p>{t.shownText}</p>
      <output id="key" class="key">
        {apiKey}
      </output>
      <p>
        <button type="button" id="copy-key" hidden>
          {t.copy}
        </button>{' '}
        <span id="key-copied" role="status" data-text={t.copied}></span>
      </p>
      <p>
        <a href={`/keys/${keyId}`}>{t.kept}</a> <a href="/keys">{frame.keys}</a>
      </p>
    </>,
  );
}

/** The ticket was used: the key was made, and shown in the answer before this one. */
function sentAgain(c: Context<Somebody>) {
  const { keys: t } = c.var.texts;
  return page(
    c,
    { title: t.againTitle, here: '/keys', status: 409 },
    <>
      <Note kind="warning">{t.againText}</Note>
      <p>
        <a href="/keys">{t.back}</a>
      </p>
    </>,
  );
}

type Refused = Readonly<{ flaws: readonly TypedField[]; said?: string }>;

function newKeyPage(c: Context<Somebody>, typed: Typed, refused?: Refused) {
  const { house, person, texts } = c.var;
  const { keys: t, frame } = texts;
  return page(
    c,
    { title: t.newTitle, here: '/keys', status: refused === undefined ? 200 : 422 },
    <>
      {refused !== undefined && <Note kind="problem">{refused.said ?? t.problems.form}</Note>}
      <form method="post" action="/keys/new">
        <input
          type="hidden"
          name="ticket"
          value={offerTicket(house.identity, person.account, MAKE)}
        />
        <KeyFields texts={texts} typed={typed} flaws={refused?.flaws ?? []} />
        <p>
          <button type="submit">{t.create}</button> <a href="/keys">{frame.cancel}</a>
        </p>
      </form>
    </>,
  );
}

export const keyMaking = new Hono<Somebody>();
for (const path of ['/keys/new', '/keys/:id/roll']) keyMaking.use(path, signedIn, recentlyProven);

keyMaking.get('/keys/new', async (c) => {
  const live = (await ownKeys(c)).filter(({ state }) => state !== 'revoked');
  const { keys: t } = c.var.texts;
  if (live.length >= MOST_KEYS) return c.redirect('/keys?done=full', 303);
  return newKeyPage(c, { ...EMPTY, name: t.firstName(live.length + 1) });
});

async function refusal(c: Context<Somebody>): Promise<Response | undefined> {
  const { identity } = c.var.house;
  const throttled = await countOne(identity, c.var.person.account, 'keys made', MADE_A_DAY);
  return throttled === undefined ? undefined : throttledPage(c, throttled, '/keys');
}

keyMaking.post('/keys/new', async (c) => {
  const { house, person, texts } = c.var;
  const form = await readForm(c);
  const typed = readTyped(form);
  const asked = understand(typed, house.identity.now());
  if (!asked.ok) return newKeyPage(c, typed, { flaws: asked.flaws });
  const { account } = person;
  if (!(await useTicket(house.identity, account, MAKE, form.text('ticket')))) return sentAgain(c);
  const live = (await ownKeys(c)).filter(({ state }) => state !== 'revoked');
  if (live.length >= MOST_KEYS) return c.redirect('/keys?done=full', 303);
  const refused = await refusal(c);
  if (refused !== undefined) return refused;
  const { name, limits, brakes } = asked;
  const made = await house.accounts.mintKey(account, { name, limits, brakes });
  if (made.ok) return shownOnce(c, made.apiKey, made.keyId, texts.keys.made);
  return newKeyPage(c, typed, { flaws: [], said: texts.keys.problems.refused });
});

/** How long the secret before still opens, in seconds. */
const GRACES = ['0', '3600', '86400'] as const;
type Grace = (typeof GRACES)[number];

function rollWhat({ row }: OwnKey): string {
  return `roll ${row.keyId}`;
}

function rollPage(c: Context<Somebody>, key: OwnKey) {
  const { house, person, texts } = c.var;
  const { keys: t, frame } = texts;
  const ticket = offerTicket(house.identity, person.account, rollWhat(key));
  const path = `/keys/${key.row.keyId}`;
  return page(
    c,
    { title: t.rollTitle(key.row.name), here: '/keys' },
    <>
      <p>{t.rollText}</p>
      <form method="post" action={`${path}/roll`}>
        <input type="hidden" name="ticket" value={ticket} />
        <fieldset>
          <legend>{t.graceField}</legend>
          {GRACES.map((grace: Grace) => (
            <label class="choice">
              <input type="radio" name="grace" value={grace} checked={grace === '3600'} />{' '}
              {t.graces[grace]}
            </label>
          ))}
        </fieldset>
        <p>
          <button type="submit">{t.roll}</button> <a href={path}>{frame.cancel}</a>
        </p>
      </form>
    </>,
  );
}

keyMaking.get('/keys/:id/roll', async (c) => {
  const key = await namedKey(c);
  if (key === undefined || key.state === 'revoked') return missing(c);
  return rollPage(c, key);
});

keyMaking.post('/keys/:id/roll', async (c) => {
  const { house, person, texts } = c.var;
  const key = await namedKey(c);
  if (key === undefined || key.state === 'revoked') return missing(c);
  const form = await readForm(c);
  const grace = GRACES.find((known) => known === form.text('grace'));
  if (grace === undefined) return rollPage(c, key);
  const { account } = person;
  if (!(await useTicket(house.identity, account, rollWhat(key), form.text('ticket')))) {
    return sentAgain(c);
  }
  const { keyId } = key.row;
  const rolled = await house.accounts.rollKey(account, { keyId, graceSeconds: Number(grace) });
  if (!rolled.ok) return missing(c);
  return shownOnce(c, rolled.apiKey, keyId, texts.keys.rolled[grace]);
});
