/**
 * Refunds of deposits: approved by one operator, or by two above the limits, put into a file for the
 * treasury, and reported back with their transactions. The deposits Worker confirms a reported
 * transaction on the chain before anything leaves the ledger.
 */
import {
  approveRefund,
  DECLINE_REASONS,
  exportApproved,
  findRefund,
  listExported,
  listOpenRefunds,
  moveRefund,
  type Refund,
  recordSentRefunds,
  reportFailedPayment,
  retryRefund,
  type SentRefund,
} from '@farebox/database/refunds';
import { CHAINS, checkRefundAddress, formatAddress, toTokenUnits } from '@farebox/deposits';
import { type Form, Money, readForm } from '@farebox/design';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { type ActionOutcome, auditView, runAudited } from './audited-action.ts';
import {
  errorPage,
  Fact,
  operatorPage,
  ReasonField,
  ShortId,
  Table,
  Timestamp,
} from './layout.tsx';
import type { OperatorContext, OperatorEnv } from './operator-auth.ts';
import type { Permission } from './roles.ts';
import { DECLINE_REASON_LABELS, REFUND_STATE_LABELS } from './strings.ts';

const PATH = '/operators/refunds';
const MAX_SHOWN = 200;
const MAX_REPORTED = 1_000;

export const refunds = new Hono<OperatorEnv>();

function addressText({ chain, address }: Refund): string {
  return formatAddress(chain === 'tron' ? 'tron' : 'evm', address);
}

const ExportForms: FC<{ open: readonly Refund[] }> = ({ open }) => {
  const approved = new Set(open.flatMap((one) => (one.state === 'approved' ? [one.chain] : [])));
  const files = new Set(
    open.flatMap(({ state, chain, exportedAt }) =>
      state === 'exported' && exportedAt !== null ? [`${chain}/${exportedAt}`] : [],
    ),
  );
  return (
    <>
      {[...approved].map((chain) => (
        <form method="post" action={PATH}>
          <input type="hidden" name="action" value="export_refunds" />
          <input type="hidden" name="chain" value={chain} />
          <ReasonField id={`reason-${chain}`} />
          <button type="submit">{`Put approved refunds on ${chain} into a file`}</button>
        </form>
      ))}
      {files.size > 0 && (
        <ul>
          {[...files].map((file) => (
            <li>
              <a href={`${PATH}/files/${file}`}>{`Download ${file}`}</a>
            </li>
          ))}
        </ul>
      )}
      <h2>Report payments</h2>
      <p>
        Paste a list of refunds, networks and transactions. Reporting twice has no effect. A refund
        leaves the ledger once every provider shows its transfer in a final block.
      </p>
      <form method="post" action={PATH}>
        <input type="hidden" name="action" value="report_refunds" />
        <p class="field">
          <label for="report">Report</label>
          <textarea id="report" name="report" rows={6} required autocomplete="off"></textarea>
        </p>
        <ReasonField />
        <button type="submit">Report</button>
      </form>
    </>
  );
};

refunds.get(PATH, async (c) => {
  const view = { action: 'view_refunds', permission: 'adjust', subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const open = await listOpenRefunds(c.var.deps.db, MAX_SHOWN);
  return operatorPage(
    c,
    { title: 'Refunds', activePath: PATH },
    <>
      <Table
        caption="Open refunds, oldest first"
        headers={['Refund', 'Account', 'Amount', 'Network', 'State', 'Requested']}
      >
        {open.map(({ id, account, amount, chain, state, requestedAt }) => (
          <tr>
            <th scope="row">
              <a href={`${PATH}/${id}`}>
                <ShortId id={id} />
              </a>
            </th>
            <td>
              <a href={`/operators/accounts/${account}`}>{account}</a>
            </td>
            <td>
              <Money language="en" amount={amount} />
            </td>
            <td>{chain}</td>
            <td>{REFUND_STATE_LABELS[state]}</td>
            <td>
              <Timestamp at={requestedAt} />
            </td>
          </tr>
        ))}
      </Table>
      {c.var.operator.permissions.has('settle_deposits') && <ExportForms open={open} />}
    </>,
  );
});

/** Parses a report: a list of rows, or an object with that list as `paid`; null if invalid. */
export function parseRefundReport(text: string): readonly SentRefund[] | null {
  try {
    const parsed: unknown = JSON.parse(text);
    const list: unknown = Array.isArray(parsed) ? parsed : Reflect.get(Object(parsed), 'paid');
    if (!Array.isArray(list) || list.length === 0 || list.length > MAX_REPORTED) return null;
    const rows = list.flatMap((value: unknown) => {
      const [id, chain, txHash] = ['refund', 'chain', 'txHash'].map((name) =>
        String(Reflect.get(Object(value), name)),
      );
      const known = CHAINS.find((one) => one === chain);
      if (id === undefined || txHash === undefined || known === undefined) return [];
      if (!/^[0-9a-f]{32}$/.test(id) || !/^0x[0-9a-f]{64}$/.test(txHash)) return [];
      return [{ id, chain: known, txHash }];
    });
    return rows.length === list.length ? rows : null;
  } catch {
    return null;
  }
}

function buildListAction(
  c: OperatorContext,
  form: Form,
): (() => Promise<ActionOutcome>) | undefined {
  const { db, now } = c.var.deps;
  if (form.text('action') === 'export_refunds') {
    const chain = CHAINS.find((name) => name === form.text('chain'));
    if (chain === undefined) return undefined;
    return async () =>
      (await exportApproved(db, { chain, by: c.var.operator.email, now: now() })).length > 0
        ? { ok: true, done: 'refunds_exported' }
        : { ok: false, reason: 'not_found' };
  }
  const sent = parseRefundReport(form.longText('report'));
  if (sent === null) return undefined;
  return async () =>
    (await recordSentRefunds(db, sent)) === 'recorded'
      ? { ok: true, done: 'refunds_reported' }
      : { ok: false, reason: 'not_found' };
}

refunds.post(PATH, async (c) => {
  const form = await readForm(c);
  const outcome = await runAudited(c, {
    action: form.text('action') === 'export_refunds' ? 'export_refunds' : 'report_refunds',
    permission: 'settle_deposits',
    subject: null,
    reason: form.text('reason'),
    run: buildListAction(c, form),
  });
  return outcome.ok
    ? c.redirect(`${PATH}?done=${outcome.done}`, 303)
    : errorPage(c, outcome.reason);
});

/** The file of the treasury: what to pay, to whom, in the token's units. */
refunds.get(`${PATH}/files/:chain/:at{[0-9]{13}}`, async (c) => {
  const view = {
    action: 'download_refunds',
    permission: 'settle_deposits',
    subject: null,
  } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const chain = c.var.deps.deposits.chains.find(({ name }) => name === c.req.param('chain'));
  if (chain === undefined) return errorPage(c, 'not_found');
  const list = await listExported(c.var.deps.db, chain.name, Number(c.req.param('at')));
  c.header('cache-control', 'no-store');
  return c.json({
    version: 1,
    chain: chain.name,
    refunds: list.map((refund) => ({
      refund: refund.id,
      attempt: refund.attempt,
      address: addressText(refund),
      units: toTokenUnits(refund.amount - refund.fee, chain.decimals).toString(),
    })),
  });
});

const DECISIONS = ['approve', 'decline', 'report_failure', 'retry'] as const;
type Decision = (typeof DECISIONS)[number];

const DECISION_LABELS: Readonly<Record<Decision, string>> = {
  approve: 'Approve',
  decline: 'Decline',
  report_failure: 'Report the payment as failed',
  retry: 'Release for another payment',
};
const DECISION_ACTIONS: Readonly<Record<Decision, string>> = {
  approve: 'approve_refund',
  decline: 'decline_refund',
  report_failure: 'report_refund_failure',
  retry: 'retry_refund',
};

function allowedDecisions({ state, failureReportedBy }: Refund): readonly Decision[] {
  if (state === 'reserved' || state === 'half_approved') return ['approve', 'decline'];
  if (state === 'approved') return ['decline'];
  if (state === 'sent') return ['report_failure'];
  if (state !== 'exported') return [];
  return failureReportedBy === null ? ['report_failure'] : ['report_failure', 'retry'];
}

const DecisionButton: FC<{ decision: Decision }> = ({ decision }) => (
  <button
    type="submit"
    name="decision"
    value={decision}
    class={decision === 'decline' ? 'plain' : undefined}
  >
    {DECISION_LABELS[decision]}
  </button>
);

refunds.get(`${PATH}/:id{[0-9a-f]{32}}`, async (c) => {
  const refund = await findRefund(c.var.deps.db, c.req.param('id'));
  const subject = refund?.account ?? null;
  const view = { action: 'view_refund', permission: 'adjust', subject } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  if (refund === undefined) return errorPage(c, 'not_found');
  const decisions = c.var.operator.permissions.has('approve') ? allowedDecisions(refund) : [];
  return operatorPage(
    c,
    { title: 'Refund', activePath: PATH },
    <>
      <dl class="facts">
        <Fact name="Account">
          <a href={`/operators/accounts/${refund.account}`}>{refund.account}</a>
        </Fact>
        <Fact name="Amount">
          <Money language="en" amount={refund.amount} />
        </Fact>
        <Fact name="Network’s fee, left out of the transfer">
          <Money language="en" amount={refund.fee} />
        </Fact>
        <Fact name="Network">{refund.chain}</Fact>
        <Fact name="Address">
          <code>{addressText(refund)}</code>
        </Fact>
        <Fact name="State">{REFUND_STATE_LABELS[refund.state]}</Fact>
        <Fact name="Approved by">{refund.approvedBy ?? '–'}</Fact>
        <Fact name="Decided by">{refund.decidedBy ?? '–'}</Fact>
        <Fact name="Payment attempt">{refund.attempt}</Fact>
        <Fact name="Put into a file by">{refund.exportedBy ?? '–'}</Fact>
        <Fact name="Payment reported as failed by">{refund.failureReportedBy ?? '–'}</Fact>
        <Fact name="Transaction">{refund.txHash ?? '–'}</Fact>
      </dl>
      {decisions.includes('report_failure') && (
        <p>
          A payment has failed once its transaction failed in a final block, or can’t be mined any
          more. Report that first. Then an operator who neither reported it nor made the file checks
          it and releases the refund for another payment: released too early, it is paid twice.
        </p>
      )}
      {decisions.length > 0 && (
        <form method="post" action={`${PATH}/${refund.id}`}>
          <input type="hidden" name="attempt" value={refund.attempt} />
          {decisions.includes('decline') && (
            <p class="field">
              <label for="why">What its owner reads if you decline</label>
              <select id="why" name="why">
                {DECLINE_REASONS.map((word) => (
                  <option value={word}>{DECLINE_REASON_LABELS[word]}</option>
                ))}
              </select>
            </p>
          )}
          <ReasonField />
          <p class="actions">
            {decisions.map((decision) => (
              <DecisionButton decision={decision} />
            ))}
          </p>
        </form>
      )}
    </>,
  );
});

async function approve(c: OperatorContext, refund: Refund): Promise<ActionOutcome> {
  const { db, now, adjustmentLimits: limits, deposits } = c.var.deps;
  const chain = deposits.chains.find(({ name }) => name === refund.chain);
  if (chain === undefined) return { ok: false, reason: 'not_found' };
  // The lists may have changed since the request.
  const { blockedSenders } = deposits;
  const checked = await checkRefundAddress(db, blockedSenders, chain, addressText(refund));
  if (!checked.ok) return { ok: false, reason: 'address_refused' };
  const by = c.var.operator.email;
  const approved = await approveRefund(db, { refund, by, now: now(), limits });
  if (approved === 'own_approval') return { ok: false, reason: 'own_proposal' };
  if (approved === undefined) return { ok: false, reason: 'already_decided' };
  return { ok: true, done: approved.state === 'approved' ? 'refund_approved' : 'refund_waiting' };
}

/** The row decides first; the console’s cron frees the amount if this Worker dies in between. */
async function decline(c: OperatorContext, refund: Refund, why: string): Promise<ActionOutcome> {
  const { db, now, ledger } = c.var.deps;
  const step = { id: refund.id, to: 'declined', reason: why, now: now() } as const;
  const declined = await moveRefund(db, { ...step, by: c.var.operator.email });
  if (declined === undefined) return { ok: false, reason: 'already_decided' };
  await ledger.releaseRefund(refund.account, refund.id);
  return { ok: true, done: 'refund_declined' };
}

async function retry(c: OperatorContext, refund: Refund): Promise<ActionOutcome> {
  const retried = await retryRefund(c.var.deps.db, { refund, by: c.var.operator.email });
  if (retried === 'own_report') return { ok: false, reason: 'own_report' };
  if (retried === 'not_reported') return { ok: false, reason: 'failure_not_reported' };
  return retried === undefined
    ? { ok: false, reason: 'already_decided' }
    : { ok: true, done: 'refund_released' };
}

async function reportFailure(c: OperatorContext, { id, attempt }: Refund): Promise<ActionOutcome> {
  const report = { id, attempt, by: c.var.operator.email };
  return (await reportFailedPayment(c.var.deps.db, report)) === undefined
    ? { ok: false, reason: 'already_decided' }
    : { ok: true, done: 'refund_failure_reported' };
}

/** The attempt that the page showed: a form of an earlier one says nothing about this payment. */
function isShownAttempt(form: Form, { attempt }: Refund): boolean {
  return form.text('attempt') === String(attempt);
}

function buildDecision(
  c: OperatorContext,
  decision: Decision,
  refund: Refund,
  form: Form,
): (() => Promise<ActionOutcome>) | undefined {
  switch (decision) {
    case 'approve':
      return () => approve(c, refund);
    case 'decline': {
      const why = DECLINE_REASONS.find((word) => word === form.text('why'));
      return why === undefined ? undefined : () => decline(c, refund, why);
    }
    case 'report_failure':
      return isShownAttempt(form, refund) ? () => reportFailure(c, refund) : undefined;
    case 'retry':
      return isShownAttempt(form, refund) ? () => retry(c, refund) : undefined;
  }
}

refunds.post(`${PATH}/:id{[0-9a-f]{32}}`, async (c) => {
  const form = await readForm(c);
  const refund = await findRefund(c.var.deps.db, c.req.param('id'));
  const decision = DECISIONS.find((known) => known === form.text('decision'));
  if (refund === undefined || decision === undefined) return errorPage(c, 'not_found');
  const permission: Permission = 'approve';
  const outcome = await runAudited(c, {
    action: DECISION_ACTIONS[decision],
    permission,
    subject: refund.account,
    reason: form.text('reason'),
    run: buildDecision(c, decision, refund, form),
  });
  return outcome.ok
    ? c.redirect(`${PATH}/${refund.id}?done=${outcome.done}`, 303)
    : errorPage(c, outcome.reason);
});
