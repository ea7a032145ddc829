/**
 * What an operator may do to one account. Each move is a page with a form and a reason, and a deed in the
 * chain; what each needs is in the closed table of roles. The ledger and the rows do the moving.
 */
import {
  type AccountCard,
  endEverySession,
  findAccountCard,
  findOwner,
  withdrawConsentFor,
} from '@farebox/database';
import type { AccountId } from '@farebox/ledger';
import { CONSENT_KINDS } from '@farebox/mail';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { type Form, readForm } from '../forms.ts';
import { Field } from '../page.tsx';
import { newId, proposalIn, propose } from './adjusting.ts';
import { doDeed, type Outcome } from './deeds.ts';
import { ReasonField, refusedPage, staffPage, statusOf } from './frame.tsx';
import type { Staff, StaffContext } from './staff.ts';
import { MOVE_TEXTS, MOVES, type MoveName, PERMISSION_OF, type Refusal } from './texts.ts';

const PATH = '/operators/accounts/:id{[0-9a-f]{16}}/moves/:move{[a-z_]+}';

type Act = (() => Promise<Outcome>) | undefined;

async function withOwner(c: StaffContext, id: AccountId): Promise<Outcome> {
  const owner = await findOwner(c.var.house.identity.db, id);
  return owner === undefined ? { ok: false, why: 'no_owner' } : { ok: true, done: 'done' };
}

/** The ledger says nothing where there is nothing to freeze: the account's own row says why. */
function frozen(c: StaffContext, card: AccountCard, wanted: boolean): Act {
  const { accountId: id, openedAt, closedAt } = card;
  return async () => {
    if (closedAt !== null) return { ok: false, why: 'closed' };
    if (openedAt === null) return { ok: false, why: 'not_open' };
    await c.var.desk.door.freeze(id, wanted);
    return { ok: true, done: 'done' };
  };
}

function revocation(c: StaffContext, id: AccountId, form: Form): Act {
  const key = form.text('key');
  if (!/^\d{1,10}$/.test(key)) return undefined;
  return async () => {
    const revoked = await c.var.house.accounts.revokeKey(id, Number(key));
    return revoked.ok ? { ok: true, done: 'done' } : { ok: false, why: 'unknown' };
  };
}

function withdrawal(c: StaffContext, accountId: AccountId, form: Form): Act {
  const kind = CONSENT_KINDS.find((known) => known === form.text('kind'));
  if (kind === undefined) return undefined;
  const { db, now } = c.var.house.identity;
  return async () => {
    const owned = await withOwner(c, accountId);
    if (!owned.ok) return owned;
    await withdrawConsentFor(db, { accountId, kind, receiptId: newId(c), now: now() });
    return owned;
  };
}

function ended(c: StaffContext, id: AccountId): Act {
  return async () => {
    await endEverySession(c.var.house.identity.db, id);
    return { ok: true, done: 'done' };
  };
}

function adjustment(c: StaffContext, id: AccountId, form: Form): Act {
  const proposal = proposalIn(c, id, form);
  return proposal === undefined ? undefined : () => propose(c, proposal);
}

function actOf(c: StaffContext, move: MoveName, card: AccountCard, form: Form): Act {
  const id = card.accountId;
  const acts: Readonly<Record<MoveName, () => Act>> = {
    reveal_email: () => () => withOwner(c, id),
    freeze: () => frozen(c, card, true),
    unfreeze: () => frozen(c, card, false),
    revoke_key: () => revocation(c, id, form),
    end_sessions: () => ended(c, id),
    withdraw_consent: () => withdrawal(c, id, form),
    adjust: () => adjustment(c, id, form),
  };
  return acts[move]();
}

const Fields: FC<{ move: MoveName; adjustmentId: string; keyId: string }> = (props) => {
  if (props.move === 'revoke_key') {
    return <Field name="key" label="Key" value={props.keyId} inputmode="numeric" required />;
  }
  if (props.move === 'withdraw_consent') {
    return (
      <p class="field">
        <label for="kind">Kind of mail</label>
        <select id="kind" name="kind">
          {CONSENT_KINDS.map((kind) => (
            <option value={kind}>{kind}</option>
          ))}
        </select>
      </p>
    );
  }
  if (props.move !== 'adjust') return null;
  return (
    <>
      <input type="hidden" name="adjustment" value={props.adjustmentId} />
      <p class="field">
        <label for="sign">Direction</label>
        <select id="sign" name="sign">
          <option value="in">Give to the account</option>
          <option value="out">Take from the account</option>
        </select>
      </p>
      <Field name="amount" label="Amount in USD" inputmode="decimal" required maxlength={17} />
    </>
  );
};

function movePage(c: StaffContext, move: MoveName, id: AccountId, refusal?: Refusal) {
  const { title, explains, dangerous } = MOVE_TEXTS[move];
  const status = refusal === undefined ? 200 : statusOf(refusal);
  return staffPage(
    c,
    { title, refusal, status },
    <>
      <p>{explains}</p>
      <p>
        {'Account '}
        <a href={`/operators/accounts/${id}`}>{id}</a>
      </p>
      <form method="post" action={`/operators/accounts/${id}/moves/${move}`}>
        <Fields move={move} adjustmentId={newId(c)} keyId={c.req.query('key') ?? ''} />
        <ReasonField />
        <button type="submit" class={dangerous ? 'danger' : undefined}>
          {title}
        </button>
      </form>
    </>,
  );
}

/** The one page with the whole address. It is an answer to a form: no URL leads to it. */
async function revealed(c: StaffContext, id: AccountId) {
  const owner = await findOwner(c.var.house.identity.db, id);
  return staffPage(
    c,
    { title: 'Its owner’s address' },
    <>
      <output class="key">{owner?.email ?? 'deleted'}</output>
      <p>
        <a href={`/operators/accounts/${id}`}>Back to the account</a>
      </p>
    </>,
  );
}

function moveOf(text: string): MoveName | undefined {
  return MOVES.find((known) => known === text);
}

export const moves = new Hono<Staff>();

moves.get(PATH, (c) => {
  const move = moveOf(c.req.param('move'));
  if (move === undefined) return refusedPage(c, 'unknown');
  if (!c.var.operator.may.has(PERMISSION_OF[move])) return refusedPage(c, 'not_permitted');
  return movePage(c, move, c.req.param('id'));
});

moves.post(PATH, async (c) => {
  const move = moveOf(c.req.param('move'));
  const id = c.req.param('id');
  const card = await findAccountCard(c.var.house.identity.db, id);
  if (move === undefined || card === undefined) return refusedPage(c, 'unknown');
  const form = await readForm(c);
  const outcome = await doDeed(c, {
    action: move,
    permission: PERMISSION_OF[move],
    subject: id,
    reason: form.text('reason'),
    act: actOf(c, move, card, form),
  });
  if (!outcome.ok) {
    const again = outcome.why === 'no_reason' || outcome.why === 'bad_fields';
    return again ? movePage(c, move, id, outcome.why) : refusedPage(c, outcome.why);
  }
  if (move === 'reveal_email') return revealed(c, id);
  const done = outcome.done === 'done' ? move : outcome.done;
  return c.redirect(`/operators/accounts/${id}?done=${done}`, 303);
});
