/**
 * The operators' application: what each role may view and do, that nothing happens without an
 * audit-log entry, and that adjustments above the limit take two operators.
 */
import { saveParityReport } from '@farebox/database/catalog';
import {
  type AuditLogEntry,
  appendOperatorAction,
  listOperatorActions,
  verifyAuditLog,
} from '@farebox/database/operators';
import { listIncidents } from '@farebox/database/status';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createAccount,
  OPERATORS,
  type OperatorsHarness,
  REASON,
  type RequestOptions,
  startHarness,
} from './harness.testing.ts';
import { PERMISSIONS, ROLE_PERMISSIONS, ROLES, type Role } from './roles.ts';
import { ACCOUNT_ACTIONS, ACTION_PERMISSIONS, type AccountAction } from './strings.ts';

let harness: OperatorsHarness;

beforeAll(async () => {
  harness = await startHarness();
  vi.spyOn(console, 'log').mockImplementation(() => {});
});
afterAll(async () => {
  await harness.stop();
});

async function listEntries(subject?: string): Promise<readonly AuditLogEntry[]> {
  const filter = subject === undefined ? {} : { subject };
  const entries = await listOperatorActions(harness.db, { before: 1e9, limit: 1_000, ...filter });
  return entries.toReversed();
}

async function listOutcomes(subject: string): Promise<readonly string[]> {
  const entries = await listEntries(subject);
  return entries.map(({ action, outcome }) => `${action} ${outcome}`);
}

function submitAction(
  account: string,
  name: AccountAction,
  options: RequestOptions,
): Promise<Response> {
  return harness.send(`/operators/accounts/${account}/actions/${name}`, options);
}

let ids = 0;
function nextId(): string {
  ids += 1;
  return ids.toString(16).padStart(32, 'f');
}

const FIELDS: Readonly<Record<AccountAction, () => Readonly<Record<string, string>>>> = {
  reveal_email: () => ({}),
  freeze: () => ({}),
  unfreeze: () => ({}),
  revoke_key: () => ({ key: '7' }),
  end_sessions: () => ({}),
  withdraw_consent: () => ({ kind: 'balance' }),
  adjust: () => ({ adjustment: nextId(), amount: '1.5', sign: 'in' }),
};

describe('an operator’s role', () => {
  it.each(ROLES.flatMap((role) => ACCOUNT_ACTIONS.map((name) => [role, name] as const)))(
    '%s is allowed or denied %s by the table of permissions, and the audit log has either',
    async (role: Role, name) => {
      const { accountId } = await createAccount(harness.db);
      harness.ledger.requests.length = 0;
      const form = { ...FIELDS[name](), reason: REASON };
      const response = await submitAction(accountId, name, { as: OPERATORS[role], form });
      const permitted = ROLE_PERMISSIONS[role].includes(ACTION_PERMISSIONS[name]);
      const status = permitted ? (name === 'reveal_email' ? 200 : 303) : 403;
      expect(response.status).toBe(status);
      const done = name === 'adjust' ? 'applied' : 'done';
      expect(await listOutcomes(accountId)).toEqual(
        permitted ? [`${name} requested`, `${name} ${done}`] : [`${name} rejected_not_permitted`],
      );
      const [entry] = await listEntries(accountId);
      expect(entry).toMatchObject({ operator: OPERATORS[role], reason: REASON });
      if (!permitted) expect(harness.ledger.requests).toEqual([]);
      const form2 = await harness.send(`/operators/accounts/${accountId}/actions/${name}`, {
        as: OPERATORS[role],
      });
      expect(form2.status).toBe(permitted ? 200 : 403);
    },
  );

  it.each([
    ['/operators/adjustments', 'adjust'],
    ['/operators/health', 'view_health'],
    ['/operators/deposits', 'view_deposits'],
    ['/operators/audit-log', 'view_audit_log'],
  ] as const)('opens %s only with the permission %s', async (path, permission) => {
    for (const role of ROLES) {
      const { status } = await harness.send(path, { as: OPERATORS[role] });
      expect(status).toBe(ROLE_PERMISSIONS[role].includes(permission) ? 200 : 403);
    }
  });

  it('grants support and finance different permissions, and admins all of them', () => {
    expect(ROLE_PERMISSIONS.admin).toEqual(PERMISSIONS);
    expect(ROLE_PERMISSIONS.support).not.toContain('adjust');
    expect(ROLE_PERMISSIONS.finance).not.toContain('reveal_email');
  });
});

describe('an account’s pages', () => {
  it('mask the owner for every role, and each view is in the audit log', async () => {
    const { accountId, email } = await createAccount(harness.db);
    for (const as of [OPERATORS.support, OPERATORS.finance, OPERATORS.admin]) {
      for (const page of ['', '/ledger', '/calls', '/reconciliation']) {
        const response = await harness.send(`/operators/accounts/${accountId}${page}`, { as });
        expect(response.status).toBe(200);
        const text = (await response.text()).toLowerCase();
        expect(text).not.toContain(email.toLowerCase());
        expect(text).not.toContain('hopper');
        if (page === '') expect(text.includes('g•••@e•••.com')).toBe(as !== OPERATORS.finance);
      }
    }
    const views = ['account', 'ledger', 'calls', 'reconciliation'].map(
      (what) => `view_${what} done`,
    );
    expect(await listOutcomes(accountId)).toEqual([...views, ...views, ...views]);
  });

  it('reveal the owner’s email only on the answer to a form with a reason', async () => {
    const { accountId, email } = await createAccount(harness.db);
    const withoutReason = await submitAction(accountId, 'reveal_email', {
      form: { reason: 'short' },
    });
    expect(withoutReason.status).toBe(422);
    expect(await withoutReason.text()).not.toContain(email);
    const path = `/operators/accounts/${accountId}/actions/reveal_email`;
    expect(await (await harness.send(path)).text()).not.toContain(email);
    const response = await submitAction(accountId, 'reveal_email', { form: { reason: REASON } });
    expect(await response.text()).toContain(email);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await listOutcomes(accountId)).toEqual([
      'reveal_email rejected_reason_required',
      'reveal_email requested',
      'reveal_email done',
    ]);
  });

  it.each([
    ['its email address', (one: CreatedAccount) => one.email.toUpperCase(), 'by_email'],
    ['its id', (one: CreatedAccount) => one.accountId, 'by_account'],
    ['a key’s last four characters', (one: CreatedAccount) => one.last4, 'by_key_last4'],
  ])('are found by %s, and the query is not in the audit log', async (_, getQuery, how) => {
    const last4 = how.replaceAll('_', '').slice(2).slice(0, 3).padEnd(4, '9');
    const account = { ...(await createAccount(harness.db, last4)), last4 };
    const query = getQuery(account);
    const response = await harness.send('/operators/search', { form: { query } });
    expect(response.headers.get('location')).toBe(`/operators/accounts/${account.accountId}`);
    const [entry] = await listEntries(account.accountId);
    expect(entry).toMatchObject({ action: 'find_account', reason: how, outcome: 'done' });
  });

  it('are listed when several accounts have a key with the same last four characters', async () => {
    const [one, other] = [
      await createAccount(harness.db, 'Tw1n'),
      await createAccount(harness.db, 'Tw1n'),
    ];
    const response = await harness.send('/operators/search', { form: { query: 'Tw1n' } });
    const text = await response.text();
    for (const { accountId, email } of [one, other]) {
      expect(text).toContain(`/operators/accounts/${accountId}`);
      expect(text).not.toContain(email);
    }
  });

  it('are not found by email without the permission to view communication', async () => {
    const { accountId, email } = await createAccount(harness.db);
    const options = { as: OPERATORS.finance, form: { query: email } };
    const response = await harness.send('/operators/search', options);
    expect(response.status).toBe(403);
    expect(await response.text()).not.toContain(accountId);
    expect((await listEntries()).at(-1)).toMatchObject({
      action: 'find_account',
      outcome: 'rejected_not_permitted',
      subject: null,
    });
  });

  it('answer 404 for an unknown account, and the view is in the audit log', async () => {
    const unknownAccount = 'f'.repeat(16);
    expect((await harness.send(`/operators/accounts/${unknownAccount}`)).status).toBe(404);
    expect(await listOutcomes(unknownAccount)).toEqual(['view_account done']);
    const frozen = await submitAction(unknownAccount, 'freeze', { form: { reason: REASON } });
    expect(frozen.status).toBe(404);
    expect(harness.ledger.requests.filter((verb) => verb.includes(` ${unknownAccount}`))).toEqual(
      [],
    );
  });
});

type CreatedAccount = Readonly<{ accountId: string; email: string; last4: string }>;

describe('an operator’s action', () => {
  it('is rejected without a reason, with invalid fields, from another origin and by GET', async () => {
    const { accountId } = await createAccount(harness.db);
    harness.ledger.requests.length = 0;
    for (const reason of ['', '         ', 'too short', 'x'.repeat(256), `ten letters\u0007`]) {
      expect((await submitAction(accountId, 'freeze', { form: { reason } })).status).toBe(422);
    }
    const incompleteForm = { reason: REASON, key: 'seven' };
    expect((await submitAction(accountId, 'revoke_key', { form: incompleteForm })).status).toBe(
      422,
    );
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'http://localhost:8788' },
      { origin: 'null' },
      { origin: 'https://operators.localhost', 'sec-fetch-site': 'cross-site' },
    ]) {
      const options = { form: { reason: REASON }, headers };
      expect((await submitAction(accountId, 'freeze', options)).status).toBe(403);
    }
    await harness.send(`/operators/accounts/${accountId}/actions/freeze?reason=${'x'.repeat(20)}`);
    expect(harness.ledger.requests).toEqual([]);
    expect(new Set(await listOutcomes(accountId))).toEqual(
      new Set(['freeze rejected_reason_required', 'revoke_key rejected_invalid_fields']),
    );
  });

  it('does not run when the audit log can’t be written', async () => {
    const { accountId } = await createAccount(harness.db);
    harness.ledger.requests.length = 0;
    const consoleError = vi.spyOn(console, 'error').mockImplementation(() => {});
    // With the database unreachable, the account's look-up fails before anything else.
    const unreachable = { ...harness.bindings(), DATABASE_URL: 'postgresql://a:b@127.0.0.1:9/x' };
    const path = `/operators/accounts/${accountId}/actions/freeze`;
    const response = await harness.send(path, { form: { reason: REASON } }, unreachable);
    expect(response.status).toBe(500);
    expect(harness.ledger.requests).toEqual([]);
    consoleError.mockRestore();
  });

  it('is recorded as requested and failed when it throws', async () => {
    const { accountId } = await createAccount(harness.db);
    const consoleError = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { freeze } = harness.ledger.operators;
    harness.ledger.operators.freeze = async () => {
      throw new Error('away');
    };
    expect((await submitAction(accountId, 'freeze', { form: { reason: REASON } })).status).toBe(
      500,
    );
    harness.ledger.operators.freeze = freeze;
    consoleError.mockRestore();
    expect(await listOutcomes(accountId)).toEqual(['freeze requested', 'freeze failed']);
  });

  it('withdraws a known kind of consent and writes a receipt', async () => {
    const { accountId } = await createAccount(harness.db);
    const form = { kind: 'balance', reason: REASON };
    expect((await submitAction(accountId, 'withdraw_consent', { form })).status).toBe(303);
    const wrong = { kind: 'everything', reason: REASON };
    expect((await submitAction(accountId, 'withdraw_consent', { form: wrong })).status).toBe(422);
    const text = await (await harness.send(`/operators/accounts/${accountId}`)).text();
    expect(text).toContain('consent_withdrawn');
    expect(text).toContain('<td>operator</td>');
  });

  it('is rejected on a deleted account', async () => {
    const { accountId, email } = await createAccount(harness.db);
    await harness.db.execute(`DELETE FROM identities WHERE account_id = '${accountId}'`);
    await harness.db.execute(`UPDATE accounts SET closed_at = now() WHERE id = '${accountId}'`);
    harness.ledger.requests.length = 0;
    for (const [name, status] of [
      ['freeze', 409],
      ['unfreeze', 409],
      ['reveal_email', 404],
      ['withdraw_consent', 404],
    ] as const) {
      const form = { ...FIELDS[name](), reason: REASON };
      expect((await submitAction(accountId, name, { as: OPERATORS.admin, form })).status).toBe(
        status,
      );
    }
    expect(harness.ledger.requests).toEqual([]);
    const page = await (await harness.send(`/operators/accounts/${accountId}`)).text();
    expect(page).toContain('deleted');
    expect((await harness.send('/operators/search', { form: { query: email } })).status).toBe(422);
  });

  it('answers 404 when it revokes an unknown key', async () => {
    const { accountId } = await createAccount(harness.db);
    const form = { key: '8', reason: REASON };
    expect((await submitAction(accountId, 'revoke_key', { form })).status).toBe(404);
    expect(await listOutcomes(accountId)).toContain('revoke_key rejected_not_found');
  });
});

async function proposeAdjustment(amount: string, as: string = OPERATORS.finance, sign = 'in') {
  const { accountId } = await createAccount(harness.db);
  const id = nextId();
  const form = { adjustment: id, amount, sign, reason: REASON };
  const response = await submitAction(accountId, 'adjust', { as, form });
  return { accountId, id, form, answer: response, path: `/operators/adjustments/${id}` };
}

function decide(path: string, as: string, decision = 'approve'): Promise<Response> {
  return harness.send(path, { as, form: { decision, reason: REASON } });
}

describe('an adjustment', () => {
  it('below the limit is applied at once, and only once however often it is sent', async () => {
    const {
      accountId,
      id,
      form,
      answer: response,
    } = await proposeAdjustment('49.99', OPERATORS.finance, 'out');
    expect(response.headers.get('location')).toContain('done=applied');
    await submitAction(accountId, 'adjust', { as: OPERATORS.finance, form });
    expect(harness.ledger.adjustments.get(`adjustment:${id}`)).toBe(-49_990_000_000n);
    const requests = harness.ledger.requests.filter((verb) => verb.includes(id));
    expect(requests).toHaveLength(1);
  });

  it('above the limit needs a second operator, not the proposer in other letter case', async () => {
    const {
      id,
      answer: response,
      path,
    } = await proposeAdjustment('50.01', OPERATORS.finance.toUpperCase());
    expect(response.headers.get('location')).toContain('done=waiting');
    expect((await decide(path, OPERATORS.finance)).status).toBe(403);
    expect((await decide(path, 'Finn@Farebox.EXAMPLE')).status).toBe(403);
    expect((await decide(path, OPERATORS.support)).status).toBe(403);
    expect(harness.ledger.adjustments.has(`adjustment:${id}`)).toBe(false);
    expect((await decide(path, OPERATORS.otherFinance)).headers.get('location')).toContain(
      'done=applied',
    );
    expect(harness.ledger.adjustments.get(`adjustment:${id}`)).toBe(50_010_000_000n);
  });

  it('on a fifth account needs a second operator once four took the operator’s limit of a day', async () => {
    const locations: (string | null)[] = [];
    for (let account = 0; account < 5; account += 1) {
      const { answer: response } = await proposeAdjustment('50', OPERATORS.otherFinance);
      locations.push(response.headers.get('location'));
    }
    expect(locations.map((location) => location?.split('done=')[1])).toEqual([
      'applied',
      'applied',
      'applied',
      'applied',
      'waiting',
    ]);
  });

  it('is applied once when two operators approve it concurrently', async () => {
    const { accountId, id, path } = await proposeAdjustment('99');
    const answers = await Promise.all([
      decide(path, OPERATORS.otherFinance),
      decide(path, OPERATORS.admin),
      decide(path, OPERATORS.otherFinance),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 409, 409]);
    expect(harness.ledger.requests.filter((verb) => verb.includes(id))).toHaveLength(1);
    const outcomes = await listOutcomes(accountId);
    expect(outcomes.filter((text) => text === 'approve_adjustment applied')).toHaveLength(1);
    expect(
      outcomes.filter((text) => text === 'approve_adjustment rejected_already_decided'),
    ).toHaveLength(2);
  });

  it('is never applied once it is rejected', async () => {
    const { id, path } = await proposeAdjustment('99');
    expect(
      (await decide(path, OPERATORS.otherFinance, 'reject')).headers.get('location'),
    ).toContain('rejected');
    expect((await decide(path, OPERATORS.admin)).status).toBe(409);
    expect(harness.ledger.adjustments.has(`adjustment:${id}`)).toBe(false);
  });

  it.each(['insufficient', 'too_large', 'closed', 'not_open'] as const)(
    'is rejected with the ledger’s reason %s',
    async (reason) => {
      const { onAdjust: adjusting } = harness.ledger;
      harness.ledger.onAdjust = () => ({ ok: false, reason });
      const {
        accountId,
        path,
        answer: response,
      } = await proposeAdjustment('1', OPERATORS.finance, 'out');
      harness.ledger.onAdjust = adjusting;
      expect(response.status).toBe(409);
      expect(await listOutcomes(accountId)).toEqual([
        'adjust requested',
        `adjust rejected_${reason}`,
      ]);
      expect((await decide(path, OPERATORS.otherFinance, 'retry')).status).toBe(409);
    },
  );

  it('is retried with the same id when the ledger’s answer was lost', async () => {
    const consoleError = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { onAdjust: adjusting } = harness.ledger;
    harness.ledger.onAdjust = () => {
      throw new Error('cut');
    };
    const { id, path, answer: response } = await proposeAdjustment('1');
    harness.ledger.onAdjust = adjusting;
    consoleError.mockRestore();
    expect(response.status).toBe(500);
    expect((await decide(path, OPERATORS.finance, 'retry')).headers.get('location')).toContain(
      'applied',
    );
    expect(harness.ledger.adjustments.get(`adjustment:${id}`)).toBe(1_000_000_000n);
  });

  it.each(['0', '-1', '1e3', '1,500', '0.0000000001', '99999999', ''])(
    'is rejected for the amount "%s"',
    async (amount) => {
      const { answer: response } = await proposeAdjustment(amount);
      expect(response.status).toBe(422);
      expect(await response.text()).toContain('Write an amount such as 1,000 as 1000 or 1.00.');
    },
  );

  it('can have a decimal comma', async () => {
    const { id } = await proposeAdjustment('1,5');
    expect(harness.ledger.adjustments.get(`adjustment:${id}`)).toBe(1_500_000_000n);
  });
});

describe('the audit log', () => {
  it('is intact after all actions above and can be verified from its page', async () => {
    expect(await verifyAuditLog(harness.db)).toMatchObject({ ok: true });
    const response = await harness.send('/operators/audit-log', { as: OPERATORS.admin, form: {} });
    expect(await response.text()).toContain('entries are intact');
  });

  it('stays valid with entries in the words used before 2026-11-26', async () => {
    const former = { action: 'look_at_account', reason: 'look', outcome: 'refused_no_reason' };
    const operator = OPERATORS.support;
    await appendOperatorAction(harness.db, { at: Date.now(), operator, subject: null, ...former });
    const options = { as: OPERATORS.admin, form: {} };
    const text = await (await harness.send('/operators/audit-log', options)).text();
    expect(text).toContain('entries are intact');
    expect(text).toContain('<td>look_at_account</td>');
  });

  it('escapes text from operators', async () => {
    const { accountId } = await createAccount(harness.db);
    const reason = '<script>alert(1)</script> & <img src=x>';
    await submitAction(accountId, 'freeze', { form: { reason } });
    const page = await (
      await harness.send(`/operators/audit-log?subject=${accountId}`, { as: OPERATORS.admin })
    ).text();
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toContain('<script>');
  });

  it('reports on the health page what the last daily report found', async () => {
    const day = Math.floor(Date.now() / 86_400_000) - 1;
    const report = {
      ...{ day, lastAt: null, lastCall: null, completedAt: Date.now(), calls: 9, differing: 0 },
      ...{ skipped: 0, examples: [], listVersion: '2026-11-26', listDate: '2026-11-26' },
      ...{
        disputed: 0,
        stale: 4,
        differingPrices: 0,
        newPrices: 0,
        priceDifferences: [],
        providerCosts: [],
      },
    };
    const costs = { provider: 'xai', calls: 5, computed: 1000n, stated: 1002n };
    const price = {
      model: 'xai/grok',
      rule: 'standard',
      field: 'output',
      listed: '7',
      stated: '6',
    };
    await saveParityReport(harness.db, { ...report, providerCosts: [{ ...costs, differing: 0 }] });
    expect(await (await harness.send('/operators/health')).text()).not.toContain('xai');
    await saveParityReport(harness.db, {
      ...report,
      differingPrices: 1,
      newPrices: 1,
      priceDifferences: [price],
      providerCosts: [{ ...costs, differing: 2 }],
    });
    const health = await (await harness.send('/operators/health')).text();
    expect(health).toContain('xai stated another cost than its prices give for 2 of 5 calls.');
    expect(health).toContain(
      'Prices in effect that differ from their sources, not acknowledged: 1.',
    );
    const page = await (await harness.send('/operators/parity')).text();
    expect(page).toContain('xai/grok');
    expect(page).toContain('<data value="1002"');
    const form = { day: String(day), reason: 'our own price until December' };
    const refused = await harness.send('/operators/parity', { as: OPERATORS.support, form });
    expect(refused.status).toBe(403);
    const response = await harness.send('/operators/parity', { as: OPERATORS.finance, form });
    expect(response.status).toBe(303);
    expect(await (await harness.send('/operators/health')).text()).not.toContain('their sources');
    const known = await (await harness.send('/operators/parity')).text();
    expect(known).toContain('our own price until December');
    const acknowledged = (await listEntries()).filter(
      ({ action, outcome }) => action === 'acknowledge_prices' && outcome === 'prices_acknowledged',
    );
    expect(acknowledged).toMatchObject([{ reason: 'our own price until December' }]);
    const other = { ...price, stated: '5' };
    await saveParityReport(harness.db, { ...report, newPrices: 1, priceDifferences: [other] });
    expect(await (await harness.send('/operators/health')).text()).toContain('their sources');
  });

  it('shows an incident in public from when an operator opens it until it is resolved', async () => {
    const id = 'a'.repeat(32);
    const reason = 'ticket 4711 of the status page';
    const form = { action: 'open', id, component: 'openai', summary: 'Slow answers.', reason };
    const path = '/operators/incidents';
    const refused = await harness.send(path, { as: OPERATORS.finance, form });
    expect(refused.status).toBe(403);
    const invalid = { ...form, component: 'nothing' };
    expect((await harness.send(path, { as: OPERATORS.support, form: invalid })).status).toBe(422);
    // A form that is sent twice opens one incident.
    for (let times = 0; times < 2; times += 1) {
      expect((await harness.send(path, { as: OPERATORS.support, form })).status).toBe(303);
    }
    const now = Date.now();
    expect(await listIncidents(harness.db, now)).toMatchObject([
      { id, component: 'openai', summary: 'Slow answers.', resolvedAt: null },
    ]);
    const resolve = { action: 'resolve', id, reason };
    expect((await harness.send(path, { as: OPERATORS.support, form: resolve })).status).toBe(303);
    expect((await harness.send(path, { as: OPERATORS.support, form: resolve })).status).toBe(409);
    const [incident] = await listIncidents(harness.db, now);
    expect(incident?.resolvedAt).not.toBeNull();
    const audited = (await listEntries()).filter(({ action }) => action.endsWith('_incident'));
    expect(audited.length).toBeGreaterThan(5);
    for (const entry of audited) expect(entry.reason).toBe(`${reason} (incident ${id})`);
  });

  it.each(['', 'a'.repeat(31), `${'a'.repeat(31)}G`, `${'a'.repeat(32)}\n`, "' or 1=1"])(
    'refuses an action on the incident %j, which can be none',
    async (id) => {
      const reason = 'ticket 4711 of the status page';
      const open = { component: 'openai', summary: 'Slow answers.' };
      for (const form of [
        { action: 'open', id, reason, ...open },
        { action: 'resolve', id, reason },
      ]) {
        const response = await harness.send('/operators/incidents', {
          as: OPERATORS.support,
          form,
        });
        expect(response.status).toBe(422);
      }
      expect((await listEntries()).at(-1)?.reason).toBe(reason);
    },
  );

  it('refuses a reason that leaves no room for the id of the incident', async () => {
    const form = { action: 'resolve', id: 'a'.repeat(32), reason: 'r'.repeat(250) };
    const response = await harness.send('/operators/incidents', { as: OPERATORS.support, form });
    expect(response.status).toBe(422);
    expect((await listEntries()).at(-1)?.reason).toBe(`none given (incident ${'a'.repeat(32)})`);
  });

  it('reports an altered entry on the health page and in the log', async () => {
    const consoleError = vi.spyOn(console, 'error').mockImplementation(() => {});
    const entries = await listEntries();
    const seq = entries.at(-1)?.seq ?? 0;
    await harness.db.execute(
      'ALTER TABLE operator_actions DISABLE TRIGGER operator_actions_are_final',
    );
    await harness.db.execute(`UPDATE operator_actions SET outcome = 'undone' WHERE seq = ${seq}`);
    const page = await (await harness.send('/operators/health')).text();
    expect(page).toContain(`Audit log entry ${seq} was altered.`);
    expect(consoleError.mock.calls.flat()).toContain(
      `{"event":"audit_log_broken","seq":${seq},"problem":"altered"}`,
    );
    consoleError.mockRestore();
  });
});
