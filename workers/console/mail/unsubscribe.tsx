/**
 * The unsubscribe link of optional emails. GET shows a confirmation page, because mail scanners
 * open links. POST unsubscribes, from the button on the page or from a mail client (RFC 8058).
 * Neither needs a session: the MAC in the link authorizes this one action.
 */
import { withdrawConsentByLink } from '@farebox/database/privacy';
import { Note } from '@farebox/design';
import { listKindsInGroup, parseUnsubscribeLink, type Unsubscription } from '@farebox/mail';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { page } from '../layout.tsx';
import { loadSession, type PublicEnv } from '../session.ts';

/** A mail client sends 26 bytes, or the same as multipart/form-data. */
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
    // A form without an action posts to the URL of the page, which has the query of the link.
    <form method="post">
      <p>{unsubscribe.questions[unsubscription.kind]}</p>
      <input type="hidden" name="List-Unsubscribe" value="One-Click" />
      <button type="submit">{unsubscribe.submit}</button>
    </form>,
  );
});

/** Responds without a redirect: clients lose a redirected POST (RFC 8058 section 3). */
unsubscribeRoutes.post('/unsubscribe', unsubscribeBodyLimit, loadSession, async (c) => {
  const unsubscription = parseLink(c);
  if (unsubscription === undefined) return invalidLinkPage(c);
  const { identity } = c.var.deps;
  await withdrawConsentByLink(identity.db, {
    accountId: unsubscription.account,
    kind: unsubscription.kind,
    kindsInGroup: listKindsInGroup(unsubscription.kind),
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
