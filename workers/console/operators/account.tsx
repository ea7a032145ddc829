/**
 * One account as an operator sees it: its standing and its keys, and, for whom it concerns, what was
 * written to its owner. The address is masked here whoever looks, and keys' names are left out: their
 * owner chose them. Each page is a look, and each look is a line in the chain.
 */
import {
  adjustmentsOf,
  type Correspondence,
  callsSeen,
  correspondenceOf,
  findAccountCard,
  findOwner,
  keysSeen,
  linesSeen,
  type Owner,
  type SeenKey,
} from '@farebox/database';
import type { AccountId, AccountStanding } from '@farebox/ledger';
import { signal } from '@farebox/signals';
import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { Money } from '../page.tsx';
import { mayLook } from './deeds.ts';
import { Fact, refusedPage, staffPage, Table, When } from './frame.tsx';
import { maskEmail } from './masking.ts';
import type { Permission } from './roles.ts';
import type { Operator, Staff, StaffContext } from './staff.ts';
import { ADJUSTMENT_STATES, MOVE_TEXTS, MOVES, PERMISSION_OF } from './texts.ts';

const MOST_SHOWN = 50;
const BEGINNING = Number.MAX_SAFE_INTEGER;

const ID = ':id{[0-9a-f]{16}}';

export const account = new Hono<Staff>();

/** A ledger that can't be asked must not hide the rest from whoever has to help. */
async function asked<T>(answer: Promise<T>): Promise<T | 'unreachable'> {
  try {
    return await answer;
  } catch {
    signal({ event: 'unexpected', where: 'console.operators', call: null });
    return 'unreachable';
  }
}

const Standing: FC<{ standing: AccountStanding | null | 'unreachable' }> = ({ standing }) => {
  if (standing === 'unreachable') return <p>The ledger could not be asked just now.</p>;
  if (standing === null) return <p>The account’s book was never opened.</p>;
  const { state, posted, held, openCalls, pendingEntries } = standing;
  return (
    <dl class="facts">
      <Fact name="State">{state}</Fact>
      <Fact name="Balance">
        <Money amount={posted} />
      </Fact>
      <Fact name="Held by calls in flight">
        <Money amount={held} />
      </Fact>
      <Fact name="Calls in flight">{openCalls}</Fact>
      <Fact name="Lines on their way to Postgres">{pendingEntries}</Fact>
    </dl>
  );
};

const Keys: FC<{ id: AccountId; keys: readonly SeenKey[]; revocable: boolean }> = (props) => (
  <Table caption="Keys" heads={['Key', 'Ends in', 'State', 'Budget', 'Expires', 'Made', '']}>
    {props.keys.map(({ keyId, last4, state, budget, expiresAt, createdAt }) => (
      <tr>
        <th scope="row">{keyId}</th>
        <td>
          <code>{last4}</code>
        </td>
        <td>{state}</td>
        <td>{budget === null ? '–' : <Money amount={budget} />}</td>
        <td>
          <When at={expiresAt} />
        </td>
        <td>
          <When at={createdAt} />
        </td>
        <td>
          {props.revocable && state === 'active' && (
            <a href={`/operators/accounts/${props.id}/moves/revoke_key?key=${keyId}`}>
              {`Revoke ${last4}`}
            </a>
          )}
        </td>
      </tr>
    ))}
  </Table>
);

const OwnerFacts: FC<{ owner: Owner | undefined; sessions: number }> = ({ owner, sessions }) => (
  <dl class="facts">
    <Fact name="Address">{owner === undefined ? 'deleted' : maskEmail(owner.email)}</Fact>
    <Fact name="Language">{owner?.language ?? '–'}</Fact>
    <Fact name="Confirmed">
      <When at={owner?.verifiedAt ?? null} />
    </Fact>
    <Fact name="Sessions">{sessions}</Fact>
  </dl>
);

const Letters: FC<{ about: Correspondence }> = ({ about }) => (
  <>
    <Table caption="Mails" heads={['Kind', 'State', 'Reason', 'Queued', 'Ended']}>
      {about.mails.map(({ kind, state, reason, queuedAt, endedAt }) => (
        <tr>
          <th scope="row">{kind}</th>
          <td>{state}</td>
          <td>{reason ?? '–'}</td>
          <td>
            <When at={queuedAt} />
          </td>
          <td>
            <When at={endedAt} />
          </td>
        </tr>
      ))}
    </Table>
    <Table caption="Consents" heads={['Kind', 'Given', 'Since']}>
      {about.consents.map(({ kind, given, since }) => (
        <tr>
          <th scope="row">{kind}</th>
          <td>{given ? 'yes' : 'no'}</td>
          <td>
            <When at={since} />
          </td>
        </tr>
      ))}
    </Table>
    <Table caption="Receipts" heads={['Receipt', 'Kind', 'About', 'By', 'At']}>
      {about.receipts.map(({ id, kind, about: what, actor, at }) => (
        <tr>
          <th scope="row">
            <code>{id}</code>
          </th>
          <td>{kind}</td>
          <td>{what ?? '–'}</td>
          <td>{actor}</td>
          <td>
            <When at={at} />
          </td>
        </tr>
      ))}
    </Table>
  </>
);

const Moves: FC<{ id: AccountId; operator: Operator }> = ({ id, operator }) => (
  <nav aria-label="What can be done">
    <ul>
      {MOVES.filter((move) => move !== 'revoke_key' && operator.may.has(PERMISSION_OF[move])).map(
        (move) => (
          <li>
            <a href={`/operators/accounts/${id}/moves/${move}`}>{MOVE_TEXTS[move].title}</a>
          </li>
        ),
      )}
      <li>
        <a href={`/operators/accounts/${id}/ledger`}>Lines</a>
      </li>
      <li>
        <a href={`/operators/accounts/${id}/calls`}>Calls</a>
      </li>
      <li>
        <a href={`/operators/accounts/${id}/books`}>Compare the books</a>
      </li>
    </ul>
  </nav>
);

async function Adjusted({ c, id }: Readonly<{ c: StaffContext; id: AccountId }>) {
  const adjustments = await adjustmentsOf(c.var.house.identity.db, id, MOST_SHOWN);
  return (
    <Table caption="Adjustments" heads={['Adjustment', 'Amount', 'State', 'Proposed']}>
      {adjustments.map(({ id: adjustment, delta, state, proposedAt }) => (
        <tr>
          <th scope="row">
            <code>{adjustment}</code>
          </th>
          <td>
            <Money amount={delta} />
          </td>
          <td>{ADJUSTMENT_STATES[state]}</td>
          <td>
            <When at={proposedAt} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** Who owns it, for whom that concerns. */
async function About({ c, id }: Readonly<{ c: StaffContext; id: AccountId }>) {
  const { db, now } = c.var.house.identity;
  const owner = await findOwner(db, id);
  const about = await correspondenceOf(db, id, { most: MOST_SHOWN, now: now() });
  return (
    <>
      <h2>Its owner</h2>
      <OwnerFacts owner={owner} sessions={about.sessions} />
      <Letters about={about} />
    </>
  );
}

account.get(`/operators/accounts/${ID}`, async (c) => {
  const id = c.req.param('id');
  const { db } = c.var.house.identity;
  const { operator, desk } = c.var;
  const look = { action: 'look_at_account', permission: 'see_account', subject: id } as const;
  if (!(await mayLook(c, look))) return refusedPage(c, 'not_permitted');
  const card = await findAccountCard(db, id);
  if (card === undefined) return refusedPage(c, 'unknown');
  const [standing, keys] = await Promise.all([asked(desk.door.standing(id)), keysSeen(db, id)]);
  return staffPage(
    c,
    { title: `Account ${id}` },
    <>
      <Moves id={id} operator={operator} />
      <Standing standing={standing} />
      <dl class="facts">
        <Fact name="Made">
          <When at={card.createdAt} />
        </Fact>
        <Fact name="Deleted by its owner">
          <When at={card.closedAt} />
        </Fact>
        <Fact name="Object wiped">
          <When at={card.wipedAt} />
        </Fact>
      </dl>
      <Keys id={id} keys={keys} revocable={operator.may.has('revoke_key')} />
      {operator.may.has('adjust') && <Adjusted c={c} id={id} />}
      {operator.may.has('see_correspondence') && <About c={c} id={id} />}
    </>,
  );
});

type Room = Readonly<{ id: AccountId; before: number }>;

/** The account and the page that are looked at, once the look is written down and there is one. */
async function enter(
  c: StaffContext,
  action: string,
  permission: Permission = 'see_account',
): Promise<Room | Response> {
  const id = c.req.param('id') ?? '';
  const wanted = c.req.query('before') ?? '';
  if (!(await mayLook(c, { action, permission, subject: id }))) {
    return refusedPage(c, 'not_permitted');
  }
  if ((await findAccountCard(c.var.house.identity.db, id)) === undefined) {
    return refusedPage(c, 'unknown');
  }
  return { id, before: /^\d{1,15}$/.test(wanted) ? Number(wanted) : BEGINNING };
}

const Older: FC<{ path: string; rows: readonly Readonly<{ seq: number }>[] }> = ({
  path,
  rows,
}) => {
  const last = rows.at(-1);
  if (rows.length < MOST_SHOWN || last === undefined) return null;
  return (
    <p>
      <a href={`${path}?before=${last.seq}`}>Older</a>
    </p>
  );
};

account.get(`/operators/accounts/${ID}/ledger`, async (c) => {
  const room = await enter(c, 'look_at_ledger');
  if (room instanceof Response) return room;
  const { id, before } = room;
  const lines = await linesSeen(c.var.house.identity.db, id, { before, most: MOST_SHOWN });
  return staffPage(
    c,
    { title: `Lines of ${id}` },
    <>
      <Table caption="Newest first" heads={['Line', 'Kind', 'Amount', 'Balance after', 'At', 'Id']}>
        {lines.map((line) => (
          <tr>
            <th scope="row">{line.seq}</th>
            <td>{line.kind}</td>
            <td>
              <Money amount={line.delta} />
            </td>
            <td>
              <Money amount={line.postedAfter} />
            </td>
            <td>
              <When at={line.at} />
            </td>
            <td>
              <code>{line.id}</code>
            </td>
          </tr>
        ))}
      </Table>
      <Older path={`/operators/accounts/${id}/ledger`} rows={lines} />
    </>,
  );
});

const CALL_HEADS = [
  'Call',
  'Key',
  'Model',
  'Status',
  'Reason',
  'Input',
  'Output',
  'Charged',
  'Our loss',
  'At',
] as const;

account.get(`/operators/accounts/${ID}/calls`, async (c) => {
  const room = await enter(c, 'look_at_calls');
  if (room instanceof Response) return room;
  const { id, before } = room;
  const calls = await callsSeen(c.var.house.identity.db, id, { before, most: MOST_SHOWN });
  return staffPage(
    c,
    { title: `Calls of ${id}` },
    <>
      <Table caption="Newest first; of what was said there is nothing" heads={CALL_HEADS}>
        {calls.map((call) => (
          <tr>
            <th scope="row">
              <code>{call.id}</code>
            </th>
            <td>{call.keyId}</td>
            <td>{call.model}</td>
            <td>{call.httpStatus ?? '–'}</td>
            <td>{call.reason ?? '–'}</td>
            <td>{call.inputTokens ?? '–'}</td>
            <td>{call.outputTokens ?? '–'}</td>
            <td>
              <Money amount={call.charged} />
            </td>
            <td>
              <Money amount={call.shortfall} />
            </td>
            <td>
              <When at={call.createdAt} />
            </td>
          </tr>
        ))}
      </Table>
      <Older path={`/operators/accounts/${id}/calls`} rows={calls} />
    </>,
  );
});

account.get(`/operators/accounts/${ID}/books`, async (c) => {
  const room = await enter(c, 'look_at_books');
  if (room instanceof Response) return room;
  const audit = await asked(c.var.desk.door.audit(room.id));
  const body =
    audit === 'unreachable' ? (
      <p>The ledger could not be asked just now.</p>
    ) : (
      <dl class="facts">
        <Fact name="Balance">
          <Money amount={audit.posted} />
        </Fact>
        <Fact name="Last line">{audit.lastSeq}</Fact>
        <Fact name="Acknowledged by Postgres">{audit.acknowledgedSeq}</Fact>
        <Fact name="What does not hold">
          {audit.broken.join(', ') || 'nothing: the books agree'}
        </Fact>
      </dl>
    );
  return staffPage(c, { title: `Books of ${room.id}` }, body);
});
