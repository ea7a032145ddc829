/**
 * Floods against sign-up, sign-in and links, each as an attacker with many addresses would send it,
 * and that users who share nothing with the attacker still get in.
 */
import { connect } from '@farebox/database';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { IdentityHarness, PASSWORD, solveChallenge } from './harness.testing.ts';
import {
  type Budgets,
  confirmEmailChange,
  confirmSignUp,
  issueChallenge,
  type ProofOfWork,
  requestEmailChange,
  requestPasswordReset,
  resetPassword,
  signUp,
} from './index.ts';

const HOUR_MS = 60 * 60_000;
const OTHER_PASSWORD = 'another good choice';

let database: EmptyDatabase;
let harness: IdentityHarness;
let day = 0;

beforeAll(async () => {
  database = await createEmptyDatabase();
});
afterAll(() => database.close());

/** Each test runs on a day of its own, so that no other test has spent its limits. */
function startDay(budgets: Budgets = {}): void {
  day += 1;
  harness = new IdentityHarness(connect(database.url), budgets);
  harness.advance(day * 24 * HOUR_MS);
}

const freshIp = () => harness.newClientIp();
const inOneNetwork = (index: number) => `2001:db8:1:2::${(index + 1).toString(16)}`;
const inOneSite = (index: number) => `2001:db8:9:${index.toString(16)}::1`;

function trySignUp(clientIp: string, answer: Partial<Answer> = {}) {
  const email = harness.newEmail();
  return signUp(harness.deps, { email, password: PASSWORD, language: 'en', clientIp, ...answer });
}
function tryReset(clientIp: string, answer: Partial<Answer> = {}) {
  return requestPasswordReset(harness.deps, { email: harness.newEmail(), clientIp, ...answer });
}
type Answer = Readonly<{ proofOfWork: ProofOfWork | null; mayDelay: boolean }>;

/** The reasons of the answers, in order; `ok` for a success. */
async function repeat(
  times: number,
  attempt: (index: number) => Promise<Readonly<{ ok: boolean; reason?: string }>>,
): Promise<readonly string[]> {
  const reasons: string[] = [];
  for (let index = 0; index < times; index += 1) {
    const answer = await attempt(index);
    reasons.push(answer.ok ? 'ok' : (answer.reason ?? ''));
  }
  return reasons;
}

function count(reasons: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

function solve(): Promise<ProofOfWork> {
  return solveChallenge(issueChallenge(harness.deps));
}

/** Everything that an uninvolved stranger, customer and holder of a link may want. */
async function expectEverybodyElseGetsIn(link: string, email: string): Promise<void> {
  expect(await harness.signIn(email, { clientIp: freshIp() })).toMatchObject({ ok: true });
  expect(await trySignUp(freshIp())).toMatchObject({ ok: true, delayMs: 0 });
  expect(await tryReset(freshIp())).toMatchObject({ ok: true, delayMs: 0 });
  const confirmation = { token: link, password: PASSWORD, clientIp: freshIp() };
  expect(await confirmSignUp(harness.deps, confirmation)).toMatchObject({ ok: true });
}

describe('made-up links', () => {
  const reset = (clientIp: string) =>
    resetPassword(harness.deps, { token: `made-up-${clientIp}`, password: PASSWORD, clientIp });

  it('from one /64, 620 in a row, are limited there and lock nobody else out', async () => {
    startDay();
    const { user } = await harness.createUser();
    const link = await harness.signUp(harness.newEmail());
    const reasons = await repeat(620, (index) => reset(inOneNetwork(index)));
    expect(count(reasons)).toEqual({ token_invalid: 60, rate_limited: 560 });
    await expectEverybodyElseGetsIn(link, user.email);
  });

  it('from all /64 of one /48 are limited there and lock nobody else out', async () => {
    startDay();
    const { user } = await harness.createUser();
    const link = await harness.signUp(harness.newEmail());
    const reasons = await repeat(250, (index) => reset(inOneSite(index)));
    expect(count(reasons)).toEqual({ token_invalid: 240, rate_limited: 10 });
    await expectEverybodyElseGetsIn(link, user.email);
  });

  it('from ever new networks exhaust no budget that a link, a sign-in or a sign-up needs', async () => {
    const budgets = { stranger_hashes: 9, link_hashes: 9, known_hashes: 9, stranger_emails: 9 };
    startDay(budgets);
    const { user } = await harness.createUser();
    const link = await harness.signUp(harness.newEmail());
    const reasons = await repeat(60, () => reset(freshIp()));
    expect(count(reasons)).toEqual({ token_invalid: 60 });
    await expectEverybodyElseGetsIn(link, user.email);
  });

  it('are counted alike at every page that takes one', async () => {
    startDay();
    const [token, { deps }] = ['made-up', harness];
    const attempts = [
      (clientIp: string) => confirmSignUp(deps, { token, password: PASSWORD, clientIp }),
      (clientIp: string) => resetPassword(deps, { token, password: PASSWORD, clientIp }),
      (clientIp: string) => confirmEmailChange(deps, { token, clientIp }),
    ];
    for (const [index, attempt] of attempts.entries()) {
      const clientIp = `2001:db8:77:${index}::1`;
      const reasons = await repeat(61, () => attempt(clientIp));
      expect(count(reasons)).toEqual({ token_invalid: 60, rate_limited: 1 });
    }
  });

  it('do not keep a valid link of the same network from opening', async () => {
    startDay();
    const link = await harness.signUp(harness.newEmail());
    await repeat(70, (index) => reset(inOneNetwork(index)));
    const clientIp = inOneNetwork(0);
    const confirmation = { token: link, password: PASSWORD, clientIp };
    expect(await confirmSignUp(harness.deps, confirmation)).toMatchObject({ ok: true });
  });
});

describe('emails that strangers request', () => {
  it('are limited within one /64 and within one /48', async () => {
    startDay();
    const network = await repeat(36, (index) => trySignUp(inOneNetwork(index)));
    expect(count(network)).toEqual({ ok: 30, rate_limited: 6 });
    const site = await repeat(100, (index) => tryReset(inOneSite(index)));
    expect(count(site)).toEqual({ ok: 90, challenge_required: 10 });
    const delayed = await tryReset(inOneSite(200), { mayDelay: true });
    expect(delayed).toMatchObject({ reason: 'rate_limited' });
  });

  it('are limited for one IPv4 address in all of its spellings', async () => {
    startDay();
    const spellings = [
      '192.0.2.7',
      '::ffff:192.0.2.7',
      '::FFFF:c000:207',
      '0:0:0:0:0:ffff:c000:207',
    ];
    const reasons = await repeat(40, (index) => trySignUp(spellings[index % 4] ?? ''));
    expect(count(reasons)).toEqual({ ok: 30, rate_limited: 10 });
  });

  it('are limited for one mailbox, whatever tags and dots its address has', async () => {
    startDay();
    const spell = (index: number) => `v.ictim${'.'.repeat(index % 2)}x+${index}@Example.com`;
    const reasons = await repeat(12, (index) =>
      requestPasswordReset(harness.deps, { email: spell(index), clientIp: freshIp() }),
    );
    expect(count(reasons)).toEqual({ ok: 10, rate_limited: 2 });
    const other = { email: 'victimy@example.com', clientIp: freshIp() };
    expect(await requestPasswordReset(harness.deps, other)).toMatchObject({ ok: true });
  });

  it('beyond the hourly budget need a challenge, and operators are alerted once', async () => {
    startDay({ stranger_emails: 20 });
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
    const reasons = await repeat(25, () => tryReset(freshIp()));
    const lines = errors.mock.calls.map(([line]) => String(line));
    errors.mockRestore();
    expect(count(reasons)).toEqual({ ok: 20, challenge_required: 5 });
    expect(lines).toEqual([
      JSON.stringify({ event: 'budget_exhausted', budget: 'stranger_emails' }),
    ]);
    const hashes = harness.hashes;
    expect(await trySignUp(freshIp())).toMatchObject({ reason: 'challenge_required' });
    expect(harness.hashes).toBe(hashes);
    const proofOfWork = await solve();
    expect(await trySignUp(freshIp(), { proofOfWork })).toMatchObject({ ok: true, delayMs: 0 });
    harness.advance(HOUR_MS);
    expect(await tryReset(freshIp())).toMatchObject({ ok: true, delayMs: 0 });
  });

  it('are sent later for browsers without scripts, up to a budget of their own', async () => {
    startDay({ stranger_emails: 1, delayed_emails: 5 });
    vi.spyOn(console, 'error').mockImplementation(() => {});
    await tryReset(freshIp());
    const first = await trySignUp(freshIp(), { mayDelay: true });
    if (!first.ok) throw new Error(first.reason);
    expect(first.delayMs).toBe(HOUR_MS / 2);
    const [email] = first.emails;
    if (email?.kind !== 'confirm_sign_up') throw new Error('no email');
    const later = await repeat(7, () => tryReset(freshIp(), { mayDelay: true }));
    expect(count(later)).toEqual({ ok: 4, rate_limited: 3 });
    // The link lives an hour from when its email is sent.
    harness.advance(HOUR_MS + HOUR_MS / 2 - 1_000);
    const confirmation = { token: email.facts.token, password: PASSWORD, clientIp: freshIp() };
    expect(await confirmSignUp(harness.deps, confirmation)).toMatchObject({ ok: true });
    vi.restoreAllMocks();
  });

  it('are not delayed while the budget lasts', async () => {
    startDay();
    expect(await tryReset(freshIp(), { mayDelay: true })).toMatchObject({ ok: true, delayMs: 0 });
  });

  it('are limited by account when a user changes the address again and again', async () => {
    startDay();
    const { user } = await harness.createUser();
    const reasons = await repeat(12, () =>
      requestEmailChange(harness.deps, user, { email: harness.newEmail(), clientIp: freshIp() }),
    );
    expect(count(reasons)).toEqual({ ok: 10, rate_limited: 2 });
  });
});

describe('sign-ins with wrong passwords from many networks', () => {
  const tryUnknown = () =>
    harness.signIn(harness.newEmail(), { password: OTHER_PASSWORD, clientIp: freshIp() });

  it('cost no hash beyond the budget, and keep out neither links, nor known devices, nor a caller with a solved challenge', async () => {
    startDay({ stranger_hashes: 30 });
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const { user, signedIn } = await harness.createUser();
    const link = await harness.signUp(harness.newEmail());
    harness.advance(60_000);
    const before = harness.hashes;
    const reasons = await repeat(40, tryUnknown);
    expect(count(reasons)).toEqual({ invalid_credentials: 30, challenge_required: 10 });
    expect(harness.hashes - before).toBe(30);
    const clientIp = freshIp();
    expect(await harness.signIn(user.email, { clientIp })).toMatchObject({
      reason: 'challenge_required',
    });
    const proofOfWork = await solve();
    expect(await harness.signIn(user.email, { clientIp, proofOfWork })).toMatchObject({ ok: true });
    const { device } = signedIn;
    expect(await harness.signIn(user.email, { clientIp, device })).toMatchObject({ ok: true });
    const confirmation = { token: link, password: PASSWORD, clientIp };
    expect(await confirmSignUp(harness.deps, confirmation)).toMatchObject({ ok: true });
    vi.restoreAllMocks();
  });

  it('at one account do not keep its owner out of a new browser', async () => {
    startDay();
    const { user } = await harness.createUser();
    harness.advance(60_000);
    const attack = () =>
      harness.signIn(user.email, { password: OTHER_PASSWORD, clientIp: freshIp() });
    expect(count(await repeat(8, attack))).toEqual({
      invalid_credentials: 5,
      challenge_required: 3,
    });
    const proofOfWork = await solve();
    const answer = await harness.signIn(user.email, { clientIp: freshIp(), proofOfWork });
    expect(answer).toMatchObject({ ok: true });
  });

  it('from a /48 do not keep out a neighbour there who solves a challenge', async () => {
    startDay();
    const { user } = await harness.createUser();
    await repeat(201, (index) =>
      harness.signIn(harness.newEmail(), { password: OTHER_PASSWORD, clientIp: inOneSite(index) }),
    );
    const clientIp = inOneSite(300);
    const refused = await harness.signIn(user.email, { clientIp });
    expect(refused).toMatchObject({ reason: 'challenge_required' });
    const proofOfWork = await solve();
    expect(await harness.signIn(user.email, { clientIp, proofOfWork })).toMatchObject({ ok: true });
  });

  it('are limited within one /64 even with a challenge, and within one /48 without', async () => {
    startDay();
    const attack = (clientIp: string) =>
      harness.signIn(harness.newEmail(), { password: OTHER_PASSWORD, clientIp });
    const network = await repeat(110, (index) => attack(inOneNetwork(index)));
    expect(count(network)).toEqual({ invalid_credentials: 100, rate_limited: 10 });
    const site = await repeat(210, (index) => attack(inOneSite(index)));
    expect(count(site)).toEqual({ invalid_credentials: 200, challenge_required: 10 });
    const proofOfWork = await solve();
    const clientIp = inOneNetwork(200);
    const email = harness.newEmail();
    const solved = await harness.signIn(email, { clientIp, proofOfWork });
    expect(solved).toMatchObject({ reason: 'rate_limited' });
  });
});

describe('a challenge', () => {
  /** Signs in at an address whose attempts are used up, so that only a solution is accepted. */
  async function answerWith(proofOfWork: ProofOfWork): Promise<string> {
    const email = harness.newEmail();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await harness.signIn(email, { password: OTHER_PASSWORD, clientIp: freshIp() });
    }
    const answer = await harness.signIn(email, { clientIp: freshIp(), proofOfWork });
    return answer.ok ? 'ok' : answer.reason;
  }
  const ACCEPTED = 'invalid_credentials';

  it('is accepted once, also when its solution is sent many times at the same moment', async () => {
    startDay();
    const proofOfWork = await solve();
    const { user } = await harness.createUser();
    const answers = await Promise.all(
      Array.from({ length: 6 }, () =>
        harness.signIn(user.email, { clientIp: freshIp(), proofOfWork }),
      ),
    );
    const reasons = answers.map((answer) => (answer.ok ? 'ok' : answer.reason));
    expect(count(reasons)).toEqual({ ok: 1, challenge_required: 5 });
  });

  it('expires after ten minutes', async () => {
    startDay();
    const proofOfWork = await solve();
    harness.advance(10 * 60_000 - 1);
    expect(await answerWith(proofOfWork)).toBe(ACCEPTED);
    const late = await solve();
    harness.advance(10 * 60_000);
    expect(await answerWith(late)).toBe('challenge_required');
  });

  it('is refused without its solution, with another’s, or with any change of it', async () => {
    startDay();
    const solved = await solve();
    const { challenge, solution } = solved;
    const [expiresAt = '', bits = '', nonce = '', mac = ''] = challenge.split('.');
    const other = issueChallenge(harness.deps);
    const forgeries: readonly ProofOfWork[] = [
      { challenge, solution: '' },
      { challenge, solution: `${solution}0` },
      { challenge, solution: `0${solution}` },
      { challenge, solution: ` ${solution}` },
      { challenge, solution: '9'.repeat(400) },
      { challenge: other, solution },
      { challenge: '', solution },
      { challenge: [expiresAt, '00', nonce, mac].join('.'), solution },
      { challenge: [String(Number(expiresAt) + 1), bits, nonce, mac].join('.'), solution },
      { challenge: [expiresAt, bits, nonce, '0'.repeat(32)].join('.'), solution },
      { challenge: [expiresAt, bits, '0'.repeat(32), mac].join('.'), solution },
    ];
    for (const forgery of forgeries) {
      expect(await answerWith(forgery), JSON.stringify(forgery)).toBe('challenge_required');
    }
    expect(await answerWith(solved)).toBe(ACCEPTED);
  });

  it('leaves a counter of its use that holds nothing but a keyed hash', async () => {
    startDay();
    const proofOfWork = await solve();
    await answerWith(proofOfWork);
    const { rows } = await harness.deps.db.execute<{ bucket: string }>(
      'select bucket from rate_limit_counters',
    );
    const nonce = proofOfWork.challenge.split('.')[2] ?? '';
    for (const { bucket } of rows) {
      expect(bucket).toMatch(/^[0-9a-f]{64}$/);
      expect(bucket).not.toContain(nonce);
    }
  });
});
