/** Adjustments that await a second operator's approval, or whose result is unknown. */
import { type Adjustment, findAdjustment, listOpenAdjustments } from '@farebox/database/operators';
import { Money, readForm } from '@farebox/design';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { decideProposal, retryApproved } from './adjustment-workflow.ts';
import { auditView, runAudited } from './audited-action.ts';
import {
  errorPage,
  Fact,
  httpStatusFor,
  operatorPage,
  ReasonField,
  ShortId,
  Table,
  Timestamp,
} from './layout.tsx';
import type { Operator, OperatorContext, OperatorEnv } from './operator-auth.ts';
import type { Permission } from './roles.ts';
import { type ActionError, ADJUSTMENT_STATE_LABELS } from './strings.ts';

const MAX_SHOWN = 200;
const ADJUSTMENT_PATH = '/operators/adjustments/:adjustment{[0-9a-f]{32}}';

const DECISIONS = ['approve', 'reject', 'retry'] as const;
type Decision = (typeof DECISIONS)[number];
const TITLES: Readonly<Record<Decision, string>> = {
  approve: 'Approve and apply',
  reject: 'Reject',
  retry: 'Retry',
};

export const adjustments = new Hono<OperatorEnv>();

adjustments.get('/operators/adjustments', async (c) => {
  const view = { action: 'view_adjustments', permission: 'adjust', subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const open = await listOpenAdjustments(c.var.deps.db, MAX_SHOWN);
  return operatorPage(
    c,
    { title: 'Adjustments', activePath: '/operators/adjustments' },
    <Table
      caption="Open adjustments, oldest first"
      headers={['Adjustment', 'Account', 'Amount', 'State', 'Proposed by', 'At']}
    >
      {open.map(({ id, accountId, delta, state, proposedBy, proposedAt }) => (
        <tr>
          <th scope="row">
            <a href={`/operators/adjustments/${id}`}>
              <ShortId id={id} />
            </a>
          </th>
          <td>
            <a href={`/operators/accounts/${accountId}`}>{accountId}</a>
          </td>
          <td>
            <Money language="en" amount={delta} />
          </td>
          <td>{ADJUSTMENT_STATE_LABELS[state]}</td>
          <td>{proposedBy}</td>
          <td>
            <Timestamp at={proposedAt} />
          </td>
        </tr>
      ))}
    </Table>,
  );
});

/** The decisions open to this operator; approving one's own proposal is not. */
function allowedDecisions(
  adjustment: Adjustment,
  { email, permissions }: Operator,
): readonly Decision[] {
  if (!permissions.has('approve')) return [];
  if (adjustment.state === 'approved') return ['retry'];
  if (adjustment.state !== 'proposed') return [];
  return adjustment.proposedBy.toLowerCase() === email ? ['reject'] : ['approve', 'reject'];
}

const Facts: FC<{ adjustment: Adjustment }> = ({ adjustment }) => (
  <>
    <dl class="facts">
      <Fact name="Account">
        <a href={`/operators/accounts/${adjustment.accountId}`}>{adjustment.accountId}</a>
      </Fact>
      <Fact name="Amount">
        <Money language="en" amount={adjustment.delta} />
      </Fact>
      <Fact name="State">{ADJUSTMENT_STATE_LABELS[adjustment.state]}</Fact>
      <Fact name="Proposed by">{adjustment.proposedBy}</Fact>
      <Fact name="Decided by">{adjustment.decidedBy ?? '–'}</Fact>
    </dl>
    <h2>Reason</h2>
    <p>{adjustment.reason}</p>
  </>
);

function adjustmentPage(c: OperatorContext, adjustment: Adjustment, error?: ActionError) {
  const decisions = allowedDecisions(adjustment, c.var.operator);
  const status = error === undefined ? 200 : httpStatusFor(error);
  return operatorPage(
    c,
    { title: 'Adjustment', activePath: '/operators/adjustments', error, status },
    <>
      <Facts adjustment={adjustment} />
      {decisions.length > 0 && (
        <form method="post" action={`/operators/adjustments/${adjustment.id}`}>
          <ReasonField />
          <p>
            {decisions.map((decision) => (
              <>
                <button
                  type="submit"
                  name="decision"
                  value={decision}
                  class={decision === 'reject' ? 'plain' : undefined}
                >
                  {TITLES[decision]}
                </button>{' '}
              </>
            ))}
          </p>
        </form>
      )}
    </>,
  );
}

adjustments.get(ADJUSTMENT_PATH, async (c) => {
  const adjustment = await findAdjustment(c.var.deps.db, c.req.param('adjustment'));
  const subject = adjustment?.accountId ?? null;
  const view = { action: 'view_adjustment', permission: 'adjust', subject } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  return adjustment === undefined ? errorPage(c, 'not_found') : adjustmentPage(c, adjustment);
});

adjustments.post(ADJUSTMENT_PATH, async (c) => {
  const id = c.req.param('adjustment');
  const form = await readForm(c);
  const adjustment = await findAdjustment(c.var.deps.db, id);
  const decision = DECISIONS.find((known) => known === form.text('decision'));
  if (adjustment === undefined || decision === undefined) return errorPage(c, 'not_found');
  const runs = {
    approve: () => decideProposal(c, id, true),
    reject: () => decideProposal(c, id, false),
    retry: () => retryApproved(c, id),
  };
  const permission: Permission = 'approve';
  const outcome = await runAudited(c, {
    action: `${decision}_adjustment`,
    permission,
    subject: adjustment.accountId,
    reason: form.text('reason'),
    run: runs[decision],
  });
  if (outcome.ok) return c.redirect(`/operators/adjustments/${id}?done=${outcome.done}`, 303);
  return outcome.reason === 'reason_required'
    ? adjustmentPage(c, adjustment, 'reason_required')
    : errorPage(c, outcome.reason);
});
