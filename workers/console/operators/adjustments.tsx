/** Money that waits for a second person, and money whose moving nobody heard the end of. */
import { type Adjustment, findAdjustment, openAdjustments } from '@farebox/database';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { readForm } from '../forms.ts';
import { Money } from '../page.tsx';
import { decide, finish } from './adjusting.ts';
import { doDeed, mayLook } from './deeds.ts';
import { Fact, ReasonField, refusedPage, staffPage, statusOf, Table, When } from './frame.tsx';
import type { Permission } from './roles.ts';
import type { Operator, Staff, StaffContext } from './staff.ts';
import { ADJUSTMENT_STATES, type Refusal } from './texts.ts';

const MOST_SHOWN = 200;
const ONE = '/operators/adjustments/:adjustment{[0-9a-f]{32}}';

const DECISIONS = ['approve', 'refuse', 'finish'] as const;
type Decision = (typeof DECISIONS)[number];
const TITLES: Readonly<Record<Decision, string>> = {
  approve: 'Approve and move the money',
  refuse: 'Refuse',
  finish: 'Ask the ledger again',
};

export const adjustments = new Hono<Staff>();

adjustments.get('/operators/adjustments', async (c) => {
  const look = { action: 'look_at_adjustments', permission: 'adjust', subject: null } as const;
  if (!(await mayLook(c, look))) return refusedPage(c, 'not_permitted');
  const open = await openAdjustments(c.var.house.identity.db, MOST_SHOWN);
  return staffPage(
    c,
    { title: 'Adjustments', here: '/operators/adjustments' },
    <Table
      caption="Those that are not done, oldest first"
      heads={['Adjustment', 'Account', 'Amount', 'State', 'Proposed by', 'At']}
    >
      {open.map(({ id, accountId, delta, state, proposedBy, proposedAt }) => (
        <tr>
          <th scope="row">
            <a href={`/operators/adjustments/${id}`}>{id}</a>
          </th>
          <td>
            <a href={`/operators/accounts/${accountId}`}>{accountId}</a>
          </td>
          <td>
            <Money amount={delta} />
          </td>
          <td>{ADJUSTMENT_STATES[state]}</td>
          <td>{proposedBy}</td>
          <td>
            <When at={proposedAt} />
          </td>
        </tr>
      ))}
    </Table>,
  );
});

/** What this operator may still say to it. */
function decisionsOf(adjustment: Adjustment, { email, may }: Operator): readonly Decision[] {
  if (!may.has('approve')) return [];
  if (adjustment.state === 'approved') return ['finish'];
  if (adjustment.state !== 'proposed') return [];
  return adjustment.proposedBy.toLowerCase() === email ? ['refuse'] : ['approve', 'refuse'];
}

const Facts: FC<{ adjustment: Adjustment }> = ({ adjustment }) => (
  <>
    <dl class="facts">
      <Fact name="Account">
        <a href={`/operators/accounts/${adjustment.accountId}`}>{adjustment.accountId}</a>
      </Fact>
      <Fact name="Amount">
        <Money amount={adjustment.delta} />
      </Fact>
      <Fact name="State">{ADJUSTMENT_STATES[adjustment.state]}</Fact>
      <Fact name="Proposed by">{adjustment.proposedBy}</Fact>
      <Fact name="Decided by">{adjustment.decidedBy ?? '–'}</Fact>
    </dl>
    <h2>Why</h2>
    <p>{adjustment.reason}</p>
  </>
);

function onePage(c: StaffContext, adjustment: Adjustment, refusal?: Refusal) {
  const decisions = decisionsOf(adjustment, c.var.operator);
  const status = refusal === undefined ? 200 : statusOf(refusal);
  return staffPage(
    c,
    { title: 'Adjustment', here: '/operators/adjustments', refusal, status },
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
                  class={decision === 'refuse' ? 'plain' : undefined}
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

adjustments.get(ONE, async (c) => {
  const found = await findAdjustment(c.var.house.identity.db, c.req.param('adjustment'));
  const subject = found?.accountId ?? null;
  const look = { action: 'look_at_adjustment', permission: 'adjust', subject } as const;
  if (!(await mayLook(c, look))) return refusedPage(c, 'not_permitted');
  return found === undefined ? refusedPage(c, 'unknown') : onePage(c, found);
});

adjustments.post(ONE, async (c) => {
  const id = c.req.param('adjustment');
  const form = await readForm(c);
  const found = await findAdjustment(c.var.house.identity.db, id);
  const decision = DECISIONS.find((known) => known === form.text('decision'));
  if (found === undefined || decision === undefined) return refusedPage(c, 'unknown');
  const acts = {
    approve: () => decide(c, id, true),
    refuse: () => decide(c, id, false),
    finish: () => finish(c, id),
  };
  const permission: Permission = 'approve';
  const outcome = await doDeed(c, {
    action: `${decision}_adjustment`,
    permission,
    subject: found.accountId,
    reason: form.text('reason'),
    act: acts[decision],
  });
  if (outcome.ok) return c.redirect(`/operators/adjustments/${id}?done=${outcome.done}`, 303);
  return outcome.why === 'no_reason' ? onePage(c, found, 'no_reason') : refusedPage(c, outcome.why);
});
