/**
 * Operators through their own door: what each role sees and may do, that nothing happens without a line
 * in the chain, and that money above the limit takes two people.
 */
import { listOperatorActions, type OperatorLine, verifyChain } from '@farebox/database';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { REASON, type Rig, type Sent, someone, startRig, WHO } from './rig.testing.ts';
import { MAY, PERMISSIONS, ROLES, type Role } from './roles.ts';
import { MOVES, type MoveName, PERMISSION_OF } from './texts.ts';

let rig: Rig;

beforeAll(async () => {
  rig = await startRig();
  vi.spyOn(console, 'log').mockImplementation(() => {});
});
afterAll(async () => {
  await rig.stop();
});

async function linesOf(subject?: string): Promise<readonly OperatorLine[]> {
  const about = subject === undefined ? {} : { subject };
  const lines = await listOperatorActions(rig.db, { before: 1e9, most: 1_000, ...about });
  return lines.toReversed();
}

async function outcomesOf(subject: string): Promise<readonly string[]> {
  const lines = await linesOf(subject);
  return lines.map(({ action, outcome }) => `${action} ${outcome}`);
}

function move(account: string, name: MoveName, sent: Sent): Promise<Response> {
  return rig.send(`/operators/accounts/${account}/moves/${name}`, sent);
}

let ids = 0;
function nextId(): string {
  ids += 1;
  return ids.toString(16).padStart(32, 'f');
}

const FIELDS: Readonly<Record<MoveName, () => Readonly<Record<string, string>>>> = {
  reveal_email: () => ({}),
  freeze: () => ({}),
  unfreeze: () => ({}),
  revoke_key: () => ({ key: '7' }),
  end_sessions: () => ({}),
  withdraw_consent: () => ({ kind: 'balance' }),
  adjust: () => ({ adjustment: nextId(), amount: '1.5', sign: 'in' }),
};

describe('a role', () => {
  it.each(ROLES.flatMap((role) => MOVES.map((name) => [role, name] as const)))(
    '%s may %s or may not, as the table says, and either is in the chain',
    async (role: Role, name) => {
      const { accountId } = await someone(rig.db);
      rig.ledger.asked.length = 0;
      const form = { ...FIELDS[name](), reason: REASON };
      const answer = await move(accountId, name, { as: WHO[role], form });
      const permitted = MAY[role].includes(PERMISSION_OF[name]);
      const status = permitted ? (name === 'reveal_email' ? 200 : 303) : 403;
      expect(answer.status).toBe(status);
      const done = name === 'adjust' ? 'applied' : 'done';
      expect(await outcomesOf(accountId)).toEqual(
        permitted ? [`${name} asked`, `${name} ${done}`] : [`${name} refused_not_permitted`],
      );
      const [line] = await linesOf(accountId);
      expect(line).toMatchObject({ operator: WHO[role], reason: REASON });
      if (!permitted) expect(rig.ledger.asked).toEqual([]);
      const form2 = await rig.send(`/operators/accounts/${accountId}/moves/${name}`, {
        as: WHO[role],
      });
      expect(form2.status).toBe(permitted ? 200 : 403);
    },
  );

  it.each([
    ['/operators/adjustments', 'adjust'],
    ['/operators/health', 'see_health'],
    ['/operators/deposits', 'see_deposits'],
    ['/operators/chain', 'see_chain'],
  ] as const)('sees %s where it has %s', async (path, permission) => {
    for (const role of ROLES) {
      const { status } = await rig.send(path, { as: WHO[role] });
      expect(status).toBe(MAY[role].includes(permission) ? 200 : 403);
    }
  });

  it('of each kind has something another has not, and admins have all', () => {
    expect(MAY.admin).toEqual(PERMISSIONS);
    expect(MAY.support).not.toContain('adjust');
    expect(MAY.finance).not.toContain('reveal_email');
  });
});

describe('an account', () => {
  it('is shown without its owner’s name, whoever looks, and each look is in the chain', async () => {
    const { accountId, email } = await someone(rig.db);
    for (const as of [WHO.support, WHO.finance, WHO.admin]) {
      for (const page of ['', '/ledger', '/calls', '/books']) {
        const answer = await rig.send(`/operators/accounts/${accountId}${page}`, { as });
        expect(answer.status).toBe(200);
        const text = (await answer.text()).toLowerCase();
        expect(text).not.toContain(email.toLowerCase());
        expect(text).not.toContain('hopper');
        if (page === '') expect(text.includes('g•••@e•••.com')).toBe(as !== WHO.finance);
      }
    }
    const looks = ['account', 'ledger', 'calls', 'books'].map((what) => `look_at_${what} done`);
    expect(await outcomesOf(accountId)).toEqual([...looks, ...looks, ...looks]);
  });

  it('has its address revealed by a form with a reason alone, and on that page alone', async () => {
    const { accountId, email } = await someone(rig.db);
    const bare = await move(accountId, 'reveal_email', { form: { reason: 'short' } });
    expect(bare.status).toBe(422);
    expect(await bare.text()).not.toContain(email);
    const path = `/operators/accounts/${accountId}/moves/reveal_email`;
    expect(await (await rig.send(path)).text()).not.toContain(email);
    const answer = await move(accountId, 'reveal_email', { form: { reason: REASON } });
    expect(await answer.text()).toContain(email);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await outcomesOf(accountId)).toEqual([
      'reveal_email refused_no_reason',
      'reveal_email asked',
      'reveal_email done',
    ]);
  });

  it.each([
    ['by its address', (one: Found) => one.email.toUpperCase(), 'by_email'],
    ['by its id', (one: Found) => one.accountId, 'by_account'],
    ['by a key’s last four', (one: Found) => one.last4, 'by_key_ending'],
  ])('is found %s, and what was typed is nowhere in the chain', async (_, typed, how) => {
    const last4 = how.replaceAll('_', '').slice(2).slice(0, 3).padEnd(4, '9');
    const found = { ...(await someone(rig.db, last4)), last4 };
    const what = typed(found);
    const answer = await rig.send('/operators/find', { form: { what } });
    expect(answer.headers.get('location')).toBe(`/operators/accounts/${found.accountId}`);
    const [line] = await linesOf(found.accountId);
    expect(line).toMatchObject({ action: 'find_account', reason: how, outcome: 'done' });
  });

  it('is one of a list where more than one has a key that ends so', async () => {
    const [one, other] = [await someone(rig.db, 'Tw1n'), await someone(rig.db, 'Tw1n')];
    const answer = await rig.send('/operators/find', { form: { what: 'Tw1n' } });
    const text = await answer.text();
    for (const { accountId, email } of [one, other]) {
      expect(text).toContain(`/operators/accounts/${accountId}`);
      expect(text).not.toContain(email);
    }
  });

  it('is not found by its address by who may not know it', async () => {
    const { accountId, email } = await someone(rig.db);
    const sent = { as: WHO.finance, form: { what: email } };
    const answer = await rig.send('/operators/find', sent);
    expect(answer.status).toBe(403);
    expect(await answer.text()).not.toContain(accountId);
    expect((await linesOf()).at(-1)).toMatchObject({
      action: 'find_account',
      outcome: 'refused_not_permitted',
      subject: null,
    });
  });

  it('that there is not is said to be none, and its look is recorded too', async () => {
    const nobody = 'f'.repeat(16);
    expect((await rig.send(`/operators/accounts/${nobody}`)).status).toBe(404);
    expect(await outcomesOf(nobody)).toEqual(['look_at_account done']);
    const frozen = await move(nobody, 'freeze', { form: { reason: REASON } });
    expect(frozen.status).toBe(404);
    expect(rig.ledger.asked.filter((verb) => verb.includes(` ${nobody}`))).toEqual([]);
  });
});

type Found = Readonly<{ accountId: string; email: string; last4: string }>;

describe('a move', () => {
  it('is refused without a reason, with half a form, from another page and by GET', async () => {
    const { accountId } = await someone(rig.db);
    rig.ledger.asked.length = 0;
    for (const reason of ['', '         ', 'too short', 'x'.repeat(256), `ten letters\u0007`]) {
      expect((await move(accountId, 'freeze', { form: { reason } })).status).toBe(422);
    }
    const half = { reason: REASON, key: 'seven' };
    expect((await move(accountId, 'revoke_key', { form: half })).status).toBe(422);
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'http://localhost:8788' },
      { origin: 'null' },
      { origin: 'https://operators.localhost', 'sec-fetch-site': 'cross-site' },
    ]) {
      const sent = { form: { reason: REASON }, headers };
      expect((await move(accountId, 'freeze', sent)).status).toBe(403);
    }
    await rig.send(`/operators/accounts/${accountId}/moves/freeze?reason=${'x'.repeat(20)}`);
    expect(rig.ledger.asked).toEqual([]);
    expect(new Set(await outcomesOf(accountId))).toEqual(
      new Set(['freeze refused_no_reason', 'revoke_key refused_bad_fields']),
    );
  });

  it('is not made where the chain can’t be written', async () => {
    const { accountId } = await someone(rig.db);
    rig.ledger.asked.length = 0;
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    // The same account could not be asked of a database that is gone: the look-up is what fails first.
    const gone = { ...rig.bindings(), DATABASE_URL: 'postgresql://a:b@127.0.0.1:9/x' };
    const path = `/operators/accounts/${accountId}/moves/freeze`;
    const answer = await rig.send(path, { form: { reason: REASON } }, gone);
    expect(answer.status).toBe(500);
    expect(rig.ledger.asked).toEqual([]);
    said.mockRestore();
  });

  it('that breaks in the middle is in the chain as asked and failed', async () => {
    const { accountId } = await someone(rig.db);
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { freeze } = rig.ledger.operators;
    rig.ledger.operators.freeze = async () => {
      throw new Error('away');
    };
    expect((await move(accountId, 'freeze', { form: { reason: REASON } })).status).toBe(500);
    rig.ledger.operators.freeze = freeze;
    said.mockRestore();
    expect(await outcomesOf(accountId)).toEqual(['freeze asked', 'freeze failed']);
  });

  it('withdraws a consent with a receipt, and only a kind there is', async () => {
    const { accountId } = await someone(rig.db);
    const form = { kind: 'balance', reason: REASON };
    expect((await move(accountId, 'withdraw_consent', { form })).status).toBe(303);
    const wrong = { kind: 'everything', reason: REASON };
    expect((await move(accountId, 'withdraw_consent', { form: wrong })).status).toBe(422);
    const text = await (await rig.send(`/operators/accounts/${accountId}`)).text();
    expect(text).toContain('consent_withdrawn');
    expect(text).toContain('<td>operator</td>');
  });

  it('on an account that its owner deleted says so, and does nothing', async () => {
    const { accountId, email } = await someone(rig.db);
    await rig.db.execute(`DELETE FROM identities WHERE account_id = '${accountId}'`);
    await rig.db.execute(`UPDATE accounts SET closed_at = now() WHERE id = '${accountId}'`);
    rig.ledger.asked.length = 0;
    for (const [name, status] of [
      ['freeze', 409],
      ['unfreeze', 409],
      ['reveal_email', 404],
      ['withdraw_consent', 404],
    ] as const) {
      const form = { ...FIELDS[name](), reason: REASON };
      expect((await move(accountId, name, { as: WHO.admin, form })).status).toBe(status);
    }
    expect(rig.ledger.asked).toEqual([]);
    const page = await (await rig.send(`/operators/accounts/${accountId}`)).text();
    expect(page).toContain('deleted');
    expect((await rig.send('/operators/find', { form: { what: email } })).status).toBe(422);
  });

  it('of a key that is not there says so', async () => {
    const { accountId } = await someone(rig.db);
    const form = { key: '8', reason: REASON };
    expect((await move(accountId, 'revoke_key', { form })).status).toBe(404);
    expect(await outcomesOf(accountId)).toContain('revoke_key refused_unknown');
  });
});

async function proposed(amount: string, as: string = WHO.finance, sign = 'in') {
  const { accountId } = await someone(rig.db);
  const id = nextId();
  const form = { adjustment: id, amount, sign, reason: REASON };
  const answer = await move(accountId, 'adjust', { as, form });
  return { accountId, id, form, answer, path: `/operators/adjustments/${id}` };
}

function decide(path: string, as: string, decision = 'approve'): Promise<Response> {
  return rig.send(path, { as, form: { decision, reason: REASON } });
}

describe('an adjustment', () => {
  it('below the limit moves at once, and once, however often it is sent', async () => {
    const { accountId, id, form, answer } = await proposed('49.99', WHO.finance, 'out');
    expect(answer.headers.get('location')).toContain('done=applied');
    await move(accountId, 'adjust', { as: WHO.finance, form });
    expect(rig.ledger.moved.get(`adjustment:${id}`)).toBe(-49_990_000_000n);
    const asked = rig.ledger.asked.filter((verb) => verb.includes(id));
    expect(asked).toHaveLength(1);
  });

  it('above it waits for a second person, who is not the first in other letters', async () => {
    const { id, answer, path } = await proposed('50.01', WHO.finance.toUpperCase());
    expect(answer.headers.get('location')).toContain('done=waiting');
    expect((await decide(path, WHO.finance)).status).toBe(403);
    expect((await decide(path, 'Finn@Farebox.EXAMPLE')).status).toBe(403);
    expect((await decide(path, WHO.support)).status).toBe(403);
    expect(rig.ledger.moved.has(`adjustment:${id}`)).toBe(false);
    expect((await decide(path, WHO.other)).headers.get('location')).toContain('done=applied');
    expect(rig.ledger.moved.get(`adjustment:${id}`)).toBe(50_010_000_000n);
  });

  it('approved by two at once moves once', async () => {
    const { accountId, id, path } = await proposed('99');
    const answers = await Promise.all([
      decide(path, WHO.other),
      decide(path, WHO.admin),
      decide(path, WHO.other),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 409, 409]);
    expect(rig.ledger.asked.filter((verb) => verb.includes(id))).toHaveLength(1);
    const outcomes = await outcomesOf(accountId);
    expect(outcomes.filter((text) => text === 'approve_adjustment applied')).toHaveLength(1);
    expect(outcomes.filter((text) => text === 'approve_adjustment refused_decided')).toHaveLength(
      2,
    );
  });

  it('refused by somebody never moves', async () => {
    const { id, path } = await proposed('99');
    expect((await decide(path, WHO.other, 'refuse')).headers.get('location')).toContain('refused');
    expect((await decide(path, WHO.admin)).status).toBe(409);
    expect(rig.ledger.moved.has(`adjustment:${id}`)).toBe(false);
  });

  it.each(['insufficient', 'too_large', 'closed', 'not_open'] as const)(
    'that the ledger finds %s is said to be so',
    async (reason) => {
      const { adjusting } = rig.ledger;
      rig.ledger.adjusting = () => ({ ok: false, reason });
      const { accountId, path, answer } = await proposed('1', WHO.finance, 'out');
      rig.ledger.adjusting = adjusting;
      expect(answer.status).toBe(409);
      expect(await outcomesOf(accountId)).toEqual(['adjust asked', `adjust refused_${reason}`]);
      expect((await decide(path, WHO.other, 'finish')).status).toBe(409);
    },
  );

  it('whose end nobody heard is asked of the ledger again, under the same id', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { adjusting } = rig.ledger;
    rig.ledger.adjusting = () => {
      throw new Error('cut');
    };
    const { id, path, answer } = await proposed('1');
    rig.ledger.adjusting = adjusting;
    said.mockRestore();
    expect(answer.status).toBe(500);
    expect((await decide(path, WHO.finance, 'finish')).headers.get('location')).toContain(
      'applied',
    );
    expect(rig.ledger.moved.get(`adjustment:${id}`)).toBe(1_000_000_000n);
  });

  it.each(['0', '-1', '1e3', '1,5', '0.0000000001', '99999999', ''])(
    'of "%s" is none',
    async (amount) => {
      const { answer } = await proposed(amount);
      expect(answer.status).toBe(422);
    },
  );
});

describe('what operators did', () => {
  it('is a whole chain after all of the above, and is checked on a button', async () => {
    expect(await verifyChain(rig.db)).toMatchObject({ ok: true });
    const answer = await rig.send('/operators/chain', { as: WHO.admin, form: {} });
    expect(await answer.text()).toContain('lines are as they were written');
  });

  it('shows text as text', async () => {
    const { accountId } = await someone(rig.db);
    const reason = '<script>alert(1)</script> & <img src=x>';
    await move(accountId, 'freeze', { form: { reason } });
    const page = await (
      await rig.send(`/operators/chain?subject=${accountId}`, { as: WHO.admin })
    ).text();
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toContain('<script>');
  });

  it('that was changed is said on the health page and in the log', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    const lines = await linesOf();
    const seq = lines.at(-1)?.seq ?? 0;
    await rig.db.execute('ALTER TABLE operator_actions DISABLE TRIGGER operator_actions_are_final');
    await rig.db.execute(`UPDATE operator_actions SET outcome = 'undone' WHERE seq = ${seq}`);
    const page = await (await rig.send('/operators/health')).text();
    expect(page).toContain(`Line ${seq} of what operators did is not what was written`);
    expect(said.mock.calls.flat()).toContain(
      `{"event":"chain_broken","seq":${seq},"flaw":"altered"}`,
    );
    said.mockRestore();
  });
});
