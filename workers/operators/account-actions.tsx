/**
 * The actions on one account. Each is a page with a form and a reason, and an audited action; the
 * table of roles says which permission it needs.
 */
import {
  type AccountSummary,
  deleteAllSessions,
  findAccountSummary,
  findOwner,
  withdrawConsentByOperator,
} from '@farebox/database/operators';
import { Field, type Form, readForm } from '@farebox/design';
import type { AccountId } from '@farebox/ledger';
import { CONSENT_KINDS } from '@farebox/mail';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { newId, parseProposal, propose } from './adjustment-workflow.ts';
import { type ActionOutcome, runAudited } from './audited-action.ts';
import { errorPage, httpStatusFor, operatorPage, ReasonField } from './layout.tsx';
import type { OperatorContext, OperatorEnv } from './operator-auth.ts';
import {
  ACCOUNT_ACTIONS,
  ACTION_LABELS,
  ACTION_PERMISSIONS,
  type AccountAction,
  type ActionError,
} from './strings.ts';

const PATH = '/operators/accounts/:id{[0-9a-f]{16}}/actions/:action{[a-z_]+}';

type RunAction = (() => Promise<ActionOutcome>) | undefined;

async function requireOwner(c: OperatorContext, id: AccountId): Promise<ActionOutcome> {
  const owner = await findOwner(c.var.deps.db, id);
  return owner === undefined ? { ok: false, reason: 'no_owner' } : { ok: true, done: 'done' };
}

/**
 * The ledger ignores a freeze of an account that is not open; the account's row tells why it is
 * not.
 */
function buildFreeze(
  c: OperatorContext,
  summary: AccountSummary,
  shouldFreeze: boolean,
): RunAction {
  const { accountId: id, openedAt, closedAt } = summary;
  return async () => {
    if (closedAt !== null) return { ok: false, reason: 'closed' };
    if (openedAt === null) return { ok: false, reason: 'not_open' };
    await c.var.deps.ledger.freeze(id, shouldFreeze);
    return { ok: true, done: 'done' };
  };
}

function buildKeyRevocation(c: OperatorContext, id: AccountId, form: Form): RunAction {
  const key = form.text('key');
  if (!/^\d{1,10}$/.test(key)) return undefined;
  return async () => {
    const revoked = await c.var.deps.ledger.revokeKey(id, Number(key));
    return revoked.ok ? { ok: true, done: 'done' } : { ok: false, reason: 'not_found' };
  };
}

function buildConsentWithdrawal(c: OperatorContext, accountId: AccountId, form: Form): RunAction {
  const kind = CONSENT_KINDS.find((known) => known === form.text('kind'));
  if (kind === undefined) return undefined;
  const { db, now } = c.var.deps;
  return async () => {
    const ownerCheck = await requireOwner(c, accountId);
    if (!ownerCheck.ok) return ownerCheck;
    await withdrawConsentByOperator(db, { accountId, kind, receiptId: newId(c), now: now() });
    return ownerCheck;
  };
}

function buildSessionEnd(c: OperatorContext, id: AccountId): RunAction {
  return async () => {
    await deleteAllSessions(c.var.deps.db, id);
    return { ok: true, done: 'done' };
  };
}

function buildAdjustment(c: OperatorContext, id: AccountId, form: Form): RunAction {
  const proposal = parseProposal(c, id, form);
  return proposal === undefined ? undefined : () => propose(c, proposal);
}

function buildAction(
  c: OperatorContext,
  action: AccountAction,
  summary: AccountSummary,
  form: Form,
): RunAction {
  const id = summary.accountId;
  const builders: Readonly<Record<AccountAction, () => RunAction>> = {
    reveal_email: () => () => requireOwner(c, id),
    freeze: () => buildFreeze(c, summary, true),
    unfreeze: () => buildFreeze(c, summary, false),
    revoke_key: () => buildKeyRevocation(c, id, form),
    end_sessions: () => buildSessionEnd(c, id),
    withdraw_consent: () => buildConsentWithdrawal(c, id, form),
    adjust: () => buildAdjustment(c, id, form),
  };
  return builders[action]();
}

const ActionFields: FC<{ action: AccountAction; adjustmentId: string; keyId: string }> = (
  props,
) => {
  if (props.action === 'revoke_key') {
    return <Field name="key" label="Key" value={props.keyId} inputmode="numeric" required />;
  }
  if (props.action === 'withdraw_consent') {
    return (
      <p class="field">
        <label for="kind">Kind of email</label>
        <select id="kind" name="kind">
          {CONSENT_KINDS.map((kind) => (
            <option value={kind}>{kind}</option>
          ))}
        </select>
      </p>
    );
  }
  if (props.action !== 'adjust') return null;
  return (
    <>
      <input type="hidden" name="adjustment" value={props.adjustmentId} />
      <p class="field">
        <label for="sign">Direction</label>
        <select id="sign" name="sign">
          <option value="in">Credit the account</option>
          <option value="out">Debit the account</option>
        </select>
      </p>
      <Field name="amount" label="Amount in USD" inputmode="decimal" required maxlength={24} />
    </>
  );
};

function actionPage(c: OperatorContext, action: AccountAction, id: AccountId, error?: ActionError) {
  const { title, description, dangerous } = ACTION_LABELS[action];
  const status = error === undefined ? 200 : httpStatusFor(error);
  return operatorPage(
    c,
    { title, error, status },
    <>
      <p>{description}</p>
      <p>
        {'Account '}
        <a href={`/operators/accounts/${id}`}>{id}</a>
      </p>
      <form method="post" action={`/operators/accounts/${id}/actions/${action}`}>
        <ActionFields action={action} adjustmentId={newId(c)} keyId={c.req.query('key') ?? ''} />
        <ReasonField />
        <button type="submit" class={dangerous ? 'danger' : undefined}>
          {title}
        </button>
      </form>
    </>,
  );
}

/** The only page with the full email address. It answers a form, so no URL leads to it. */
async function revealedEmailPage(c: OperatorContext, id: AccountId) {
  const owner = await findOwner(c.var.deps.db, id);
  return operatorPage(
    c,
    { title: 'Owner’s email address' },
    <>
      <output class="key">{owner?.email ?? 'deleted'}</output>
      <p>
        <a href={`/operators/accounts/${id}`}>Back to the account</a>
      </p>
    </>,
  );
}

function parseAccountAction(text: string): AccountAction | undefined {
  return ACCOUNT_ACTIONS.find((known) => known === text);
}

export const accountActions = new Hono<OperatorEnv>();

accountActions.get(PATH, (c) => {
  const action = parseAccountAction(c.req.param('action'));
  if (action === undefined) return errorPage(c, 'not_found');
  if (!c.var.operator.permissions.has(ACTION_PERMISSIONS[action]))
    return errorPage(c, 'not_permitted');
  return actionPage(c, action, c.req.param('id'));
});

accountActions.post(PATH, async (c) => {
  const action = parseAccountAction(c.req.param('action'));
  const id = c.req.param('id');
  const summary = await findAccountSummary(c.var.deps.db, id);
  if (action === undefined || summary === undefined) return errorPage(c, 'not_found');
  const form = await readForm(c);
  const outcome = await runAudited(c, {
    action,
    permission: ACTION_PERMISSIONS[action],
    subject: id,
    reason: form.text('reason'),
    run: buildAction(c, action, summary, form),
  });
  if (!outcome.ok) {
    const retryable = outcome.reason === 'reason_required' || outcome.reason === 'invalid_fields';
    return retryable ? actionPage(c, action, id, outcome.reason) : errorPage(c, outcome.reason);
  }
  if (action === 'reveal_email') return revealedEmailPage(c, id);
  const done = outcome.done === 'done' ? action : outcome.done;
  return c.redirect(`/operators/accounts/${id}?done=${done}`, 303);
});
