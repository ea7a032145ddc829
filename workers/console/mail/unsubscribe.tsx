/**
 * The link below mail one can do without. Opening it only asks (scanners of mail open links); a POST to
 * it acts, from the page's button or from the reader's mail program (RFC 8058), without a session: the
 * MAC in the link is all that is needed, and all that it allows is to get less mail.
 */
import { withdrawConsentByLink } from '@farebox/database';
import { readUnsubscription, type Unsubscription } from '@farebox/mail';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { Note, page } from '../page.tsx';
import { type Anybody, welcome } from '../visitor.ts';

/** A mail program sends 26 bytes, or the same as multipart/form-data. */
const small = bodyLimit({ maxSize: 4_096, onError: (c) => c.text('That is too much.', 413) });

function wantedBy(c: Context<Anybody>): Unsubscription | undefined {
  return readUnsubscription(c.var.house.identity.secret, new URL(c.req.url).searchParams);
}

function invalid(c: Context<Anybody>) {
  const { unsubscribe } = c.var.texts;
  const frame = { title: unsubscribe.title, status: 400 } as const;
  return page(c, frame, <Note kind="problem">{unsubscribe.invalid}</Note>);
}

export const unsubscribing = new Hono<Anybody>();

unsubscribing.get('/unsubscribe', welcome, (c) => {
  const wanted = wantedBy(c);
  if (wanted === undefined) return invalid(c);
  const { unsubscribe } = c.var.texts;
  return page(
    c,
    { title: unsubscribe.title },
    // Without an action a form is posted to the page's own address, which holds the link's query.
    <form method="post">
      <p>{unsubscribe.ask[wanted.kind]}</p>
      <input type="hidden" name="List-Unsubscribe" value="One-Click" />
      <button type="submit">{unsubscribe.button}</button>
    </form>,
  );
});

/** Answered in place: RFC 8058 section 3 has seen too many clients lose a redirected POST. */
unsubscribing.post('/unsubscribe', small, welcome, async (c) => {
  const wanted = wantedBy(c);
  if (wanted === undefined) return invalid(c);
  const { identity } = c.var.house;
  await withdrawConsentByLink(identity.db, {
    accountId: wanted.account,
    kind: wanted.kind,
    receiptId: bytesToHex(identity.random(16)),
    now: identity.now(),
  });
  const { unsubscribe } = c.var.texts;
  return page(
    c,
    { title: unsubscribe.title },
    <>
      <Note kind="done">{unsubscribe.done}</Note>
      <p>
        <a href="/alerts">{unsubscribe.changeMind}</a>
      </p>
    </>,
  );
});
