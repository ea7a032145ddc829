/** Corrections of wrong bills: the list, what is proposed, and each one with its progress. */
import {
  type Correction,
  countCorrectionCalls,
  findCorrection,
  listCorrections,
} from '@farebox/database/operators';
import { formatCount, Money, readForm } from '@farebox/design';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { auditView, runAudited } from './audited-action.ts';
import { parseCorrectionScope } from './correction-plan.ts';
import {
  CORRECTIONS_PATH,
  correctionSteps,
  RuleFacts,
  SelectionForms,
} from './correction-steps.tsx';
import { continueCorrection, decideOnCorrection, startCorrection } from './correction-workflow.ts';
import {
  errorPage,
  Fact,
  operatorPage,
  ReasonField,
  ShortId,
  Table,
  Timestamp,
} from './layout.tsx';
import type { Operator, OperatorEnv } from './operator-auth.ts';
import { CORRECTION_STATE_LABELS } from './strings.ts';

const PATH = CORRECTIONS_PATH;
const CORRECTION_PATH = `${PATH}/:correction{[0-9a-f]{32}}` as const;
const MAX_SHOWN = 200;

const DECISIONS = ['approve', 'reject', 'continue'] as const;
type Decision = (typeof DECISIONS)[number];
const TITLES: Readonly<Record<Decision, string>> = {
  approve: 'Approve and apply',
  reject: 'Reject',
  continue: 'Continue',
};

export const corrections = new Hono<OperatorEnv>();
corrections.route('/', correctionSteps);

corrections.get(PATH, async (c) => {
  const view = { action: 'view_corrections', permission: 'adjust', subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const all = await listCorrections(c.var.deps.db, MAX_SHOWN);
  return operatorPage(
    c,
    { title: 'Corrections', activePath: PATH },
    <>
      <p>Gives back what wrong bills charged too much. No call is charged more.</p>
      <Table
        caption="Corrections, newest first"
        headers={['Correction', 'Calls', 'Amount', 'State', 'Proposed by', 'At']}
      >
        {all.map(({ id, calls, amount, state, proposedBy, proposedAt }) => (
          <tr>
            <th scope="row">
              <a href={`${PATH}/${id}`}>
                <ShortId id={id} />
              </a>
            </th>
            <td>{formatCount(calls, 'en')}</td>
            <td>
              <Money language="en" amount={amount} />
            </td>
            <td>{CORRECTION_STATE_LABELS[state]}</td>
            <td>{proposedBy}</td>
            <td>
              <Timestamp at={proposedAt} />
            </td>
          </tr>
        ))}
      </Table>
      <SelectionForms />
    </>,
  );
});

corrections.post(PATH, async (c) => {
  const form = await readForm(c);
  const id = form.text('correction');
  const scope = parseCorrectionScope(form.text);
  const reason = form.text('reason').trim();
  const previewed = { calls: form.text('calls'), amount: form.text('amount') };
  const isValid = scope !== undefined && /^[0-9a-f]{32}$/.test(id);
  const outcome = await runAudited(c, {
    action: 'propose_correction',
    permission: 'adjust',
    subject: null,
    ...(isValid ? { about: `correction ${id}` } : {}),
    reason,
    run: isValid ? () => startCorrection(c, { id, scope, previewed, reason }) : undefined,
  });
  return outcome.ok
    ? c.redirect(`${PATH}/${id}?done=${outcome.done}`, 303)
    : errorPage(c, outcome.reason);
});

/** The decisions open to this operator; approving one's own proposal is not. */
function allowedDecisions(
  { state, proposedBy }: Correction,
  { email, permissions }: Operator,
): readonly Decision[] {
  if (state === 'approved') return ['continue'];
  if (state === 'planning')
    return permissions.has('approve') ? ['continue', 'reject'] : ['continue'];
  if (!permissions.has('approve')) return [];
  if (state !== 'proposed') return [];
  return proposedBy.toLowerCase() === email ? ['reject'] : ['approve', 'reject'];
}

const Facts: FC<{ correction: Correction; progress: ReadonlyMap<string, number> }> = (props) => {
  const { correction, progress } = props;
  return (
    <>
      <dl class="facts">
        {correction.rule === null ? (
          <Fact name="Model">one call</Fact>
        ) : (
          <RuleFacts rule={correction.rule} />
        )}
        <Fact name="Calls">{formatCount(correction.calls, 'en')}</Fact>
        {correction.state !== 'planning' && (
          <Fact name="Accounts">{formatCount(correction.accounts, 'en')}</Fact>
        )}
        <Fact name="Given back">
          <Money language="en" amount={correction.amount} />
        </Fact>
        <Fact name="State">{CORRECTION_STATE_LABELS[correction.state]}</Fact>
        <Fact name="Planned, not corrected yet">
          {formatCount(progress.get('planned') ?? 0, 'en')}
        </Fact>
        <Fact name="Applied">{formatCount(progress.get('applied') ?? 0, 'en')}</Fact>
        <Fact name="Refused by the ledger">{formatCount(progress.get('refused') ?? 0, 'en')}</Fact>
        <Fact name="Proposed by">{correction.proposedBy}</Fact>
        <Fact name="Decided by">{correction.decidedBy ?? '–'}</Fact>
      </dl>
      <h2>Reason</h2>
      <p>{correction.reason}</p>
    </>
  );
};

corrections.get(CORRECTION_PATH, async (c) => {
  const view = { action: 'view_correction', permission: 'adjust', subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const id = c.req.param('correction');
  const { db } = c.var.deps;
  const [correction, progress] = await Promise.all([
    findCorrection(db, id),
    countCorrectionCalls(db, id),
  ]);
  if (correction === undefined) return errorPage(c, 'not_found');
  const decisions = allowedDecisions(correction, c.var.operator);
  return operatorPage(
    c,
    { title: 'Correction', activePath: PATH },
    <>
      <Facts correction={correction} progress={progress} />
      {decisions.length > 0 && (
        <form method="post" action={`${PATH}/${id}`}>
          <ReasonField />
          <p class="actions">
            {decisions.map((decision) => (
              <button
                type="submit"
                name="decision"
                value={decision}
                class={decision === 'reject' ? 'plain' : undefined}
              >
                {TITLES[decision]}
              </button>
            ))}
          </p>
        </form>
      )}
    </>,
  );
});

corrections.post(CORRECTION_PATH, async (c) => {
  const id = c.req.param('correction');
  const form = await readForm(c);
  const decision = DECISIONS.find((known) => known === form.text('decision'));
  if (decision === undefined) return errorPage(c, 'not_found');
  const runs = {
    approve: () => decideOnCorrection(c, id, true),
    reject: () => decideOnCorrection(c, id, false),
    continue: () => continueCorrection(c.var.deps, id),
  };
  const outcome = await runAudited(c, {
    action: `${decision}_correction`,
    // Continuing decides nothing: an operator who may propose may finish what was approved.
    permission: decision === 'continue' ? 'adjust' : 'approve',
    subject: null,
    about: `correction ${id}`,
    reason: form.text('reason'),
    run: runs[decision],
  });
  return outcome.ok
    ? c.redirect(`${PATH}/${id}?done=${outcome.done}`, 303)
    : errorPage(c, outcome.reason);
});
