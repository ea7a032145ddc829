/** Who did what: the operators' chain, for admins, and whether it is still what was written. */
import { type ChainVerdict, listOperatorActions, verifyChain } from '@farebox/database';
import { signal } from '@farebox/signals';
import { Hono } from 'hono';
import { Field, Note } from '../page.tsx';
import { mayLook } from './deeds.ts';
import { refusedPage, staffPage, Table, When } from './frame.tsx';
import type { Staff, StaffContext } from './staff.ts';
import { FLAWS } from './texts.ts';

const MOST_SHOWN = 100;

/** A broken chain is said to the log too, where whoever broke it can't take it back. */
export async function checkedChain(
  c: StaffContext,
  which: Readonly<{ latest?: number }>,
): Promise<ChainVerdict> {
  const verdict = await verifyChain(c.var.house.identity.db, which);
  if (!verdict.ok) signal({ event: 'chain_broken', seq: verdict.seq, flaw: verdict.flaw });
  return verdict;
}

async function chainPage(c: StaffContext, verdict?: ChainVerdict) {
  const before = c.req.query('before') ?? '';
  const subject = c.req.query('subject') ?? '';
  const about = /^[0-9a-f]{16}$/.test(subject) ? { subject } : {};
  const lines = await listOperatorActions(c.var.house.identity.db, {
    before: /^\d{1,15}$/.test(before) ? Number(before) : Number.MAX_SAFE_INTEGER,
    most: MOST_SHOWN,
    ...about,
  });
  const last = lines.at(-1);
  const older = new URLSearchParams({ ...about, before: String(last?.seq ?? 0) });
  return staffPage(
    c,
    { title: 'Who did what', here: '/operators/chain' },
    <>
      {verdict?.ok === true && (
        <Note kind="done">
          {`All ${verdict.lines} lines are as they were written. The last is ${verdict.lastSeq}, ${verdict.lastHash}.`}
        </Note>
      )}
      {verdict?.ok === false && (
        <Note kind="problem">{`Line ${verdict.seq} ${FLAWS[verdict.flaw]}.`}</Note>
      )}
      <form method="post" action="/operators/chain">
        <button type="submit">Check the whole chain</button>
      </form>
      <form method="get" action="/operators/chain">
        <Field name="subject" label="About account" value={subject} maxlength={16} />
        <button type="submit">Show</button>
      </form>
      <Table
        caption="Newest first"
        heads={['Line', 'At', 'Operator', 'Action', 'Account', 'Why', 'Outcome']}
      >
        {lines.map((line) => (
          <tr>
            <th scope="row">{line.seq}</th>
            <td>
              <When at={line.at} />
            </td>
            <td>{line.operator}</td>
            <td>{line.action}</td>
            <td>{line.subject ?? '–'}</td>
            <td>{line.reason}</td>
            <td>{line.outcome}</td>
          </tr>
        ))}
      </Table>
      {lines.length === MOST_SHOWN && (
        <p>
          <a href={`/operators/chain?${older}`}>Older</a>
        </p>
      )}
    </>,
  );
}

const LOOK = { action: 'look_at_chain', permission: 'see_chain', subject: null } as const;

export const chain = new Hono<Staff>();

chain.get('/operators/chain', async (c) => {
  return (await mayLook(c, LOOK)) ? chainPage(c) : refusedPage(c, 'not_permitted');
});

chain.post('/operators/chain', async (c) => {
  if (!(await mayLook(c, LOOK))) return refusedPage(c, 'not_permitted');
  return chainPage(c, await checkedChain(c, {}));
});
