/**
 * The link below mail one can do without. Opening it only asks (scanners of mail open links); a POST to
 * it acts, from the page's button or from the reader's mail program (RFC 8058), without a session: the
 * MAC in the link is all that is needed, and all that it allows is to get less mail.
 */
import { withdrawConsentByLink } from '@farebox/database/privacy';
import { Note } from '@farebox/design';
import { parseUnsubscribeLink, type Unsubscription } from '@farebox/mail';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { page } from '../layout.tsx';
import { loadSession, type PublicEnv } from '../session.ts';

/** A mail program sends 26 bytes, or the same as multipart/form-data. */
const unsubscribeBodyLimit = bodyLimit({
  maxSize: 4_096,
  onError: (c) => c.text('That is too much.', 413),
});

function parseLink(c: Context<PublicEnv>): Unsubscription | undefined {
  return parseUnsubscribeLink(c.var.deps.identity.secret, new URL(c.req.url).searchParams);
}

function invalidLinkPage(c: Context<PublicEnv>) {
  const { unsubscribe } = c.var.messages;
  const options = { title: unsubscribe.title, status: 400 } as const;
  return page(c, options, <Note kind="problem">{unsubscribe.invalid}</Note>);
}

export const unsubscribeRoutes = new Hono<PublicEnv>();

unsubscribeRoutes.get('/unsubscribe', loadSession, (c) => {
  const unsubscription = parseLink(c);
  if (unsubscription === undefined) return invalidLinkPage(c);
  const { unsubscribe } = c.var.messages;
  return page(
    c,
    { title: unsubscribe.title },
    // Without an action a form is posted to the page's own address, which holds the link's query.
    <form method="post">
      <p>{unsubscribe.questions[unsubscription.kind]}</p>
      <input type="hidden" name="List-Unsubscribe" value="One-Click" />
      <button type="submit">{unsubscribe.submit}</button>
    </form>,
  );
});

/** Answered in place: RFC 8058 section 3 has seen too many clients lose a redirected POST. */
unsubscribeRoutes.post('/unsubscribe', unsubscribeBodyLimit, loadSession, async (c) => {
  const unsubscription = parseLink(c);
  if (unsubscription === undefined) return invalidLinkPage(c);
  const { identity } = c.var.deps;
  await withdrawConsentByLink(identity.db, {
    accountId: unsubscription.account,
    kind: unsubscription.kind,
    receiptId: bytesToHex(identity.random(16)),
    now: identity.now(),
  });
  const { unsubscribe } = c.var.messages;
  return page(
    c,
    { title: unsubscribe.title },
    <>
      <Note kind="done">{unsubscribe.done}</Note>
      <p>
        <a href="/alerts">{unsubscribe.turnBackOn}</a>
      </p>
    </>,
  );
});
