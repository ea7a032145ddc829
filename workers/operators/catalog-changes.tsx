/** A change of the catalog: its preview, its submission, and the decision of a second operator. */
import { type Problem, RELEASED } from '@farebox/catalog';
import {
  acceptChange,
  buildNameChange,
  buildPriceChange,
  type ChangeDeps,
  type PreparedChange,
  prepareChange,
  readListInEffect,
  type SubmitResult,
  submitChange,
} from '@farebox/catalog-changes';
import {
  type CatalogProposal,
  findCatalogProposal,
  rejectCatalogProposal,
} from '@farebox/database/catalog';
import { type Form, Note, readForm } from '@farebox/design';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { newId } from './adjustment-workflow.ts';
import { type ActionOutcome, auditView, runAudited } from './audited-action.ts';
import {
  EffectiveField,
  formatBasisPoints,
  formatMoment,
  MovesTable,
  parseEffectiveAt,
} from './catalog-components.tsx';
import { errorPage, Fact, operatorPage, ReasonField, Table, Timestamp } from './layout.tsx';
import type { OperatorContext, OperatorEnv } from './operator-auth.ts';

const ACTIVE = { activePath: '/operators/catalog' } as const;
const CHANGE_PATH = '/operators/catalog/changes/:change{[0-9a-f]{32}}';

export const catalogChanges = new Hono<OperatorEnv>();

function changeDeps(c: OperatorContext): ChangeDeps {
  const { db, catalogChangePercent: sharePercent } = c.var.deps;
  return { db, released: RELEASED, limit: { sharePercent } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Builds the change that a form asks for; undefined where its fields are invalid. */
async function buildChange(c: OperatorContext, form: Form): Promise<unknown> {
  const kind = form.text('kind');
  if (kind === 'margin') {
    const basisPoints = form.text('basis_points').trim();
    if (!/^\d{1,5}$/.test(basisPoints)) return undefined;
    const scope = form.text('scope').trim();
    return { margins: [{ scope, basis_points: Number(basisPoints) }] };
  }
  const provider = form.text('provider');
  const id = form.text('model');
  if (kind === 'withdrawn' || kind === 'released')
    return { models: [{ provider, id, status: kind }] };
  if (kind === 'definition') {
    const definition = parseJson(form.longText('definition'));
    return definition === undefined ? undefined : { models: [{ provider, definition }] };
  }
  const list = await readListInEffect(changeDeps(c), c.var.deps.now());
  const named = { provider, id };
  if (kind === 'alias') return buildNameChange(list, named, form.text('alias'));
  const [rule, key, usd] = [form.text('rule'), form.text('key'), form.text('usd')];
  return buildPriceChange(list, named, { rule, key, usd });
}

const Problems: FC<{ problems: readonly Problem[] }> = ({ problems }) => (
  <>
    <Note kind="problem">This change is invalid, so nothing was changed.</Note>
    <Table caption="Problems" headers={['Where', 'Problem']}>
      {problems.map(({ path, message }) => (
        <tr>
          <th scope="row">{path}</th>
          <td>{message}</td>
        </tr>
      ))}
    </Table>
  </>
);

function invalidPage(c: OperatorContext, problems: readonly Problem[]) {
  const options = { title: 'Change of the catalog', ...ACTIVE, status: 422 } as const;
  return operatorPage(c, options, <Problems problems={problems} />);
}

const Notes: FC<{ prepared: PreparedChange }> = ({ prepared }) => (
  <>
    {prepared.needsApproval && (
      <Note kind="warning">
        This moves a price further than one operator may. A second operator has to approve it.
      </Note>
    )}
    {prepared.replacedBy.map(({ version, effectiveAt, name }) => (
      <Note kind="warning">
        {`Version ${version} replaces ${name} on ${formatMoment(effectiveAt)}.`}
      </Note>
    ))}
  </>
);

type ModelStatus = PreparedChange['change']['models'][number]['status'];

const STATUS_EFFECTS: Readonly<Record<ModelStatus, string>> = {
  defined: 'gets a definition of operators',
  withdrawn: 'is withdrawn: calls to it are refused',
  released: 'returns to the release’s price list',
};

function describeChange({ change }: PreparedChange): readonly string[] {
  return [
    ...change.models.map(
      ({ provider, id, status }) => `${provider}/${id} ${STATUS_EFFECTS[status]}.`,
    ),
    ...change.margins.map(
      ({ scope, basisPoints }) =>
        `The margin of ${scope} becomes ${formatBasisPoints(basisPoints)}.`,
    ),
  ];
}

const Preview: FC<{ prepared: PreparedChange; change: unknown; effective: string; id: string }> = ({
  prepared,
  change,
  effective,
  id,
}) => (
  <>
    <Notes prepared={prepared} />
    <ul>
      {describeChange(prepared).map((line) => (
        <li>{line}</li>
      ))}
    </ul>
    <MovesTable moves={prepared.moves} />
    <form method="post" action="/operators/catalog/changes">
      <h2>{prepared.needsApproval ? 'Propose the change' : 'Apply the change'}</h2>
      <input type="hidden" name="change" value={id} />
      <input type="hidden" name="content" value={JSON.stringify(change)} />
      <EffectiveField value={effective} />
      <ReasonField />
      <p>
        <button type="submit">
          {prepared.needsApproval ? 'Propose to a second operator' : 'Apply'}
        </button>
      </p>
    </form>
  </>
);

catalogChanges.post('/operators/catalog/preview', async (c) => {
  const permission = 'change_catalog';
  const view = { action: 'preview_catalog_change', permission, subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const form = await readForm(c);
  const change = await buildChange(c, form);
  const effective = form.text('effective_at');
  const effectiveAt = parseEffectiveAt(effective);
  if (change === undefined || effectiveAt === undefined) return errorPage(c, 'invalid_fields');
  const now = c.var.deps.now();
  const result = await prepareChange(changeDeps(c), { change, effectiveAt, now });
  if (!result.ok) return invalidPage(c, result.problems);
  return operatorPage(
    c,
    { title: 'Change of the catalog', ...ACTIVE },
    <Preview prepared={result.prepared} change={change} effective={effective} id={newId(c)} />,
  );
});

function toOutcome(result: SubmitResult): ActionOutcome {
  if (!result.ok) return { ok: false, reason: result.reason };
  const done = {
    accepted: 'catalog_changed',
    waiting: 'catalog_waiting',
    rejected: 'catalog_rejected',
  };
  return { ok: true, done: done[result.state] };
}

/** Runs an audited change and leads to its page, or shows why it failed. */
async function answerWith(
  c: OperatorContext,
  id: string,
  outcome: ActionOutcome,
): Promise<Response> {
  if (outcome.ok) return c.redirect(`/operators/catalog/changes/${id}?done=${outcome.done}`, 303);
  return errorPage(c, outcome.reason);
}

catalogChanges.post('/operators/catalog/changes', async (c) => {
  const form = await readForm(c);
  const id = form.text('change');
  const change = parseJson(form.longText('content'));
  const effectiveAt = parseEffectiveAt(form.text('effective_at'));
  const isComplete = /^[0-9a-f]{32}$/.test(id) && change !== undefined;
  const { email: author } = c.var.operator;
  const reason = form.text('reason').trim();
  const run = async (at: number | null) => {
    const now = c.var.deps.now();
    const request = { id, author, reason, change, effectiveAt: at, now };
    return toOutcome(await submitChange(changeDeps(c), request));
  };
  const outcome = await runAudited(c, {
    action: 'change_catalog',
    permission: 'change_catalog',
    subject: null,
    reason,
    run: isComplete && effectiveAt !== undefined ? () => run(effectiveAt) : undefined,
  });
  return answerWith(c, id, outcome);
});

const STATE_LABELS: Readonly<Record<CatalogProposal['state'], string>> = {
  proposed: 'awaiting approval',
  accepted: 'accepted',
  rejected: 'rejected',
};

const ProposalFacts: FC<{ proposal: CatalogProposal }> = ({ proposal }) => (
  <>
    <dl class="facts">
      <Fact name="State">{STATE_LABELS[proposal.state]}</Fact>
      <Fact name="Version">{proposal.version ?? '–'}</Fact>
      <Fact name="In effect from">
        {proposal.effectiveAt === null ? 'acceptance' : <Timestamp at={proposal.effectiveAt} />}
      </Fact>
      <Fact name="Proposed by">{proposal.author}</Fact>
      <Fact name="Decided by">{proposal.decidedBy ?? '–'}</Fact>
    </dl>
    <h2>Reason</h2>
    <p>{proposal.reason}</p>
    <details>
      <summary>The change as JSON</summary>
      <pre>{JSON.stringify(proposal.changes, null, 2)}</pre>
    </details>
  </>
);

const Decision: FC<{ proposal: CatalogProposal; mayApprove: boolean }> = (props) => (
  <form method="post" action={`/operators/catalog/changes/${props.proposal.id}`}>
    <h2>Decision</h2>
    {!props.mayApprove && (
      <p>Another operator with the permission to approve has to approve this change.</p>
    )}
    <ReasonField />
    <p>
      {props.mayApprove && (
        <button type="submit" name="decision" value="approve">
          Approve and apply
        </button>
      )}{' '}
      <button type="submit" name="decision" value="reject" class="plain">
        Reject
      </button>
    </p>
  </form>
);

catalogChanges.get(CHANGE_PATH, async (c) => {
  const permission = 'view_catalog';
  const view = { action: 'view_catalog_change', permission, subject: null } as const;
  if (!(await auditView(c, view))) return errorPage(c, 'not_permitted');
  const { db, now } = c.var.deps;
  const proposal = await findCatalogProposal(db, c.req.param('change'));
  if (proposal === undefined) return errorPage(c, 'not_found');
  const { changes: change, effectiveAt, state } = proposal;
  const isOpen = state === 'proposed';
  const result = isOpen
    ? await prepareChange(changeDeps(c), { change, effectiveAt, now: now() })
    : undefined;
  const { email, permissions } = c.var.operator;
  const mayApprove = permissions.has('approve') && proposal.author.toLowerCase() !== email;
  return operatorPage(
    c,
    { title: 'Change of the catalog', ...ACTIVE },
    <>
      <ProposalFacts proposal={proposal} />
      {result?.ok === true && <MovesTable moves={result.prepared.moves} />}
      {result?.ok === false && <Problems problems={result.problems} />}
      {isOpen && permissions.has('change_catalog') && (
        <Decision proposal={proposal} mayApprove={mayApprove} />
      )}
    </>,
  );
});

const DECISIONS = ['approve', 'reject'] as const;

async function approve(c: OperatorContext, id: string): Promise<ActionOutcome> {
  const decision = { id, by: c.var.operator.email, now: c.var.deps.now() };
  return toOutcome(await acceptChange(changeDeps(c), decision));
}

async function reject(c: OperatorContext, id: string): Promise<ActionOutcome> {
  const decision = { id, by: c.var.operator.email, now: c.var.deps.now() };
  const result = await rejectCatalogProposal(c.var.deps.db, decision);
  return result.ok ? { ok: true, done: 'catalog_rejected' } : { ok: false, reason: result.reason };
}

catalogChanges.post(CHANGE_PATH, async (c) => {
  const id = c.req.param('change');
  const form = await readForm(c);
  const runs = { approve: () => approve(c, id), reject: () => reject(c, id) };
  const decision = DECISIONS.find((known) => known === form.text('decision'));
  if (decision === undefined) return errorPage(c, 'invalid_fields');
  const outcome = await runAudited(c, {
    action: `${decision}_catalog_change`,
    permission: decision === 'approve' ? 'approve' : 'change_catalog',
    subject: null,
    reason: form.text('reason'),
    run: runs[decision],
  });
  return answerWith(c, id, outcome);
});
