/** Corrections of wrong bills: the forms, the preview, and the corrections with their progress. */
import {
  type Correction,
  type CorrectionRule,
  countCorrectionCalls,
  findCorrection,
  listCorrections,
} from '@farebox/database/operators';
import { Field, type Form, formatCount, Money, readForm } from '@farebox/design';
import { BUCKETS } from '@farebox/money';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { newId } from './adjustment-workflow.ts';
import { auditView, runAudited } from './audited-action.ts';
import { parseCorrectionScope, priceFieldName } from './correction-plan.ts';
import {
  continueCorrection,
  decideOnCorrection,
  type PlanSums,
  previewCorrection,
  startCorrection,
} from './correction-workflow.ts';
import {
  errorPage,
  Fact,
  operatorPage,
  ReasonField,
  ShortId,
  Table,
  Timestamp,
} from './layout.tsx';
import type { Operator, OperatorContext, OperatorEnv } from './operator-auth.ts';
import { BUCKET_LABELS, CORRECTION_STATE_LABELS } from './strings.ts';

const PATH = '/operators/corrections';
const CORRECTION_PATH = `${PATH}/:correction{[0-9a-f]{32}}` as const;
const MAX_SHOWN = 200;
/** The fields of both forms, which the preview repeats. */
const SCOPE_FIELDS = [
  ...['scope', 'call', 'cost', 'model', 'price_rule', 'from', 'until'],
  ...BUCKETS.map(priceFieldName),
];

const DECISIONS = ['approve', 'reject', 'continue'] as const;
type Decision = (typeof DECISIONS)[number];
const TITLES: Readonly<Record<Decision, string>> = {
  approve: 'Approve and apply',
  reject: 'Reject',
  continue: 'Continue',
};

export const corrections = new Hono<OperatorEnv>();

const Forms: FC = () => (
  <>
    <h2>One call</h2>
    <form method="post" action={`${PATH}/preview`}>
      <input type="hidden" name="scope" value="call" />
      <Field name="call" label="Call ID" required maxlength={32} />
      <Field name="cost" label="What it should have cost, in USD" inputmode="decimal" required />
      <button type="submit">Preview</button>
    </form>
    <h2>All calls of a price rule</h2>
    <form method="post" action={`${PATH}/preview`}>
      <input type="hidden" name="scope" value="rule" />
      <Field name="model" label="Model" required maxlength={128} />
      <Field name="price_rule" label="Price rule, as on the bill" required maxlength={160} />
      <Field name="from" label="From (UTC)" hint="2026-11-27 or 2026-11-27T14:30" required />
      <Field name="until" label="Until, not included (UTC)" required />
      {BUCKETS.map((bucket) => (
        <Field
          name={priceFieldName(bucket)}
          label={`${BUCKET_LABELS[bucket]}: right price, USD per million tokens with the margin`}
          inputmode="decimal"
        />
      ))}
      <button type="submit">Preview</button>
    </form>
  </>
);

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
      <Forms />
    </>,
  );
});

function previewPage(c: OperatorContext, form: Form, sums: PlanSums) {
  return operatorPage(
    c,
    { title: 'Preview of a correction', activePath: PATH },
    <>
      <dl class="facts">
        <Fact name="Calls">{formatCount(sums.calls, 'en')}</Fact>
        <Fact name="Accounts">{formatCount(sums.accounts, 'en')}</Fact>
        <Fact name="Given back">
          <Money language="en" amount={sums.amount} />
        </Fact>
        <Fact name="Largest, of one call">
          <Money language="en" amount={sums.largest} />
        </Fact>
      </dl>
      <form method="post" action={PATH}>
        <input type="hidden" name="correction" value={newId(c)} />
        <input type="hidden" name="calls" value={String(sums.calls)} />
        <input type="hidden" name="amount" value={sums.amount.toString()} />
        {SCOPE_FIELDS.map((name) => (
          <input type="hidden" name={name} value={form.text(name)} />
        ))}
        <ReasonField />
        <button type="submit" class="danger">
          Correct
        </button>
      </form>
    </>,
  );
}

corrections.post(`${PATH}/preview`, async (c) => {
  const view = { action: 'preview_correction', permission: 'adjust', subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const form = await readForm(c);
  const scope = parseCorrectionScope(form);
  if (scope === undefined) return errorPage(c, 'invalid_fields');
  const preview = await previewCorrection(c.var.deps, scope);
  return preview.ok ? previewPage(c, form, preview.sums) : errorPage(c, preview.reason);
});

corrections.post(PATH, async (c) => {
  const form = await readForm(c);
  const id = form.text('correction');
  const scope = parseCorrectionScope(form);
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

const RuleFacts: FC<{ rule: CorrectionRule }> = ({ rule: { priceRule, from, until, prices } }) => (
  <>
    <Fact name="Price rule">{priceRule}</Fact>
    {until > from && (
      <Fact name="Period">
        <Timestamp at={from} /> – <Timestamp at={until} />
      </Fact>
    )}
    {BUCKETS.map((bucket) => {
      const price = prices[bucket];
      if (price === undefined) return null;
      return (
        <Fact name={`${BUCKET_LABELS[bucket]}, right price per million tokens`}>
          <Money language="en" amount={price} />
        </Fact>
      );
    })}
  </>
);

const Facts: FC<{ correction: Correction; progress: ReadonlyMap<string, number> }> = (props) => {
  const { correction, progress } = props;
  return (
    <>
      <dl class="facts">
        <Fact name="Model">{correction.rule?.model ?? 'one call'}</Fact>
        {correction.rule !== null && <RuleFacts rule={correction.rule} />}
        <Fact name="Calls">{formatCount(correction.calls, 'en')}</Fact>
        <Fact name="Accounts">{formatCount(correction.accounts, 'en')}</Fact>
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
