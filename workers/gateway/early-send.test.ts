import {
  EARLY_DECLINES_PER_DAY,
  EARLY_GRANT_MS,
  EARLY_PAUSE_MS,
  EARLY_SEND_TIMEOUT_MS,
  type HoldRequest,
  type HoldResult,
  type LedgerUnreachable,
} from '@farebox/ledger';
import { EarlyGrants, MAX_EARLY_RISK } from '@farebox/ledger/early-grants';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Attempt, EarlySends } from './early-send.ts';

const ACCOUNT = '0'.repeat(16);
const START = 1_800_000_000_000;
const SEED = 20261126;
const GRANT = { risk: 500_000_000n, spendable: 100_000_000_000n };

const REQUEST: HoldRequest = {
  id: '1'.repeat(32),
  key: { keyId: 7, secretHash: 'a'.repeat(64) },
  model: 'openai/gpt',
  provider: 'openai',
  dialect: 'chat',
  stream: true,
  maxInputCost: 1_000_000n,
  // 10 USD per million: 1,000 tokens cost 0.01 USD.
  maxOutputPrice: 10_000_000_000n,
  choices: 1,
  output: { kind: 'explicit', tokens: 1_000 },
  deadline: START + 60_000,
};

function admitted(early: typeof GRANT | null = GRANT): HoldResult {
  const terms = { held: 11_000_000n, maxOutput: 1_000, deadline: REQUEST.deadline };
  return { ok: true, ...terms, ...(early === null ? {} : { early }) };
}

const DECLINED: HoldResult = { ok: false, reason: 'rate_limited', retryAfterSeconds: 1 };
type HoldAnswer = HoldResult | LedgerUnreachable;
const UNREACHABLE = { ok: false, reason: 'ledger_unreachable', overloaded: false } as const;

/** An isolate to which a hold of REQUEST was granted at START. */
function warmed(grant = GRANT): EarlySends {
  const sends = new EarlySends('isolate', true);
  answer(sends, admitted(grant));
  return sends;
}

/** Asks for a hold of REQUEST, which gets this answer; what was sent early is used if admitted. */
function answer(sends: EarlySends, hold: HoldAnswer, now = START, isUsed = hold.ok): void {
  sends.end(ACCOUNT, sends.begin(ACCOUNT, REQUEST, now), { hold, isUsed, now });
}

function isSentEarly(sends: EarlySends, now: number, request = REQUEST): boolean {
  return sends.begin(ACCOUNT, request, now).maxOutput !== null;
}

describe('a call of an account with a grant', () => {
  it('is sent before its hold is answered, with the limit that the hold allows', () => {
    const attempt = warmed().begin(ACCOUNT, REQUEST, START + 1);
    expect(attempt).toMatchObject({ maxOutput: 1_000, request: { early: { sent: true } } });
  });

  it('is sent early with the largest limit where the request has none', () => {
    const output = { kind: 'capped', max: 500, min: 1 } as const;
    expect(warmed().begin(ACCOUNT, { ...REQUEST, output }, START + 1).maxOutput).toBe(500);
  });
});

describe('a call waits for its hold', () => {
  it.each<readonly [string, (sends: EarlySends) => boolean]>([
    ['once the grant has ended', (sends) => isSentEarly(sends, START + EARLY_GRANT_MS)],
    [
      'where another key was admitted',
      (sends) => isSentEarly(sends, START, { ...REQUEST, key: { ...REQUEST.key, keyId: 8 } }),
    ],
    [
      'where an earlier secret of the key was admitted',
      (sends) =>
        isSentEarly(sends, START, {
          ...REQUEST,
          key: { keyId: 7, secretHash: 'b'.repeat(64) },
        }),
    ],
    [
      'where another model was admitted',
      (sends) => isSentEarly(sends, START, { ...REQUEST, model: 'openai/other' }),
    ],
    [
      'where it could cost more than the grant',
      (sends) => isSentEarly(sends, START, { ...REQUEST, maxInputCost: 500_000_000n }),
    ],
    [
      'where the account can reserve less than twenty times its worst case',
      (sends) =>
        isSentEarly(sends, START, { ...REQUEST, output: { kind: 'explicit', tokens: 600_000 } }),
    ],
  ])('%s', (_, sendsEarly) => {
    const sends = warmed();
    expect(isSentEarly(sends, START)).toBe(true);
    expect(sendsEarly(sends)).toBe(false);
  });

  it('where nothing was admitted yet, and where optimistic sending is off', () => {
    expect(isSentEarly(new EarlySends('isolate', true), START)).toBe(false);
    const off = new EarlySends('isolate', false);
    answer(off, admitted());
    expect(off.begin(ACCOUNT, REQUEST, START)).toMatchObject({ maxOutput: null, request: REQUEST });
  });

  it('after a hold without a grant, until one is admitted with a grant again', () => {
    const sends = warmed();
    answer(sends, admitted(null));
    expect(isSentEarly(sends, START)).toBe(false);
    answer(sends, admitted());
    expect(isSentEarly(sends, START)).toBe(true);
  });

  it.each<readonly [string, HoldAnswer]>([
    ['was declined', DECLINED],
    ['was not answered', UNREACHABLE],
    ['was admitted too late or with another limit', admitted()],
  ])('for more than a minute after the hold of one that was sent early %s', (_, hold) => {
    const sends = warmed();
    answer(sends, hold, START, false);
    answer(sends, admitted(), START + EARLY_PAUSE_MS - 1);
    expect(isSentEarly(sends, START + EARLY_PAUSE_MS - 1)).toBe(false);
    answer(sends, admitted(), START + EARLY_PAUSE_MS);
    expect(isSentEarly(sends, START + EARLY_PAUSE_MS)).toBe(true);
  });

  it('for the rest of the day after three of them', () => {
    const sends = warmed();
    let now = START;
    for (let losses = 0; losses < EARLY_DECLINES_PER_DAY; losses += 1) {
      answer(sends, DECLINED, now);
      now += EARLY_PAUSE_MS;
      answer(sends, admitted(), now);
    }
    expect(isSentEarly(sends, now)).toBe(false);
    const tomorrow = (Math.floor(START / 86_400_000) + 1) * 86_400_000;
    answer(sends, admitted(), tomorrow);
    expect(isSentEarly(sends, tomorrow)).toBe(true);
  });

  it('while the calls that wait for theirs use the grant up', () => {
    const sends = warmed({ ...GRANT, risk: 25_000_000n });
    const first = sends.begin(ACCOUNT, REQUEST, START);
    expect(isSentEarly(sends, START)).toBe(true);
    expect(isSentEarly(sends, START)).toBe(false);
    sends.end(ACCOUNT, first, { hold: admitted(), isUsed: true, now: START });
    expect(isSentEarly(sends, START)).toBe(true);
  });
});

/** One step of an attacker, or of bad luck. */
const step = fc.record({
  isolate: fc.nat(5),
  waitMs: fc.constantFrom(0, 1, 1, 50, 50, 900, 4_000, 29_000, 61_000),
  /** How long the hold takes to the object, and its answer back. */
  toObjectMs: fc.constantFrom(1, 50, 1_500, 6_000, 30_000),
  backMs: fc.constantFrom(1, 50, 3_000),
  outcome: fc.constantFrom('admitted', 'admitted', 'admitted', 'declined', 'unreachable'),
  input: fc.constantFrom(1_000_000n, 60_000_000n, 400_000_000n),
  /** The object loses its memory. */
  restarts: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Loss = Readonly<{ at: number; risk: bigint }>;

/** An object that admits and declines as the attacker wants, and six isolates. */
class Game {
  readonly losses: Loss[] = [];
  #now = START;
  #grants = new EarlyGrants({ until: 0, isolates: '' });
  #declines = 0;
  readonly #isolates = Array.from({ length: 6 }, (_, at) => new EarlySends(`${at}`, true));
  readonly #due: { at: number; run: () => void }[] = [];

  play(steps: readonly Step[]): void {
    for (const next of steps) {
      this.#pass(next.waitMs);
      if (next.restarts) this.#restart();
      this.#call(next);
    }
    this.#pass(100_000);
  }

  #restart(): void {
    const { until, isolates } = this.#grants;
    this.#grants = new EarlyGrants({ until, isolates });
  }

  #call({ isolate, toObjectMs, backMs, outcome, input }: Step): void {
    const sends = this.#isolates[isolate];
    if (sends === undefined) return;
    const attempt = sends.begin(ACCOUNT, { ...REQUEST, maxInputCost: input }, this.#now);
    this.#later(toObjectMs, () => {
      const hold = this.#decide(attempt, outcome);
      this.#later(backMs, () => this.#end(sends, attempt, hold));
    });
  }

  #decide({ request: { early }, maxOutput }: Attempt, outcome: string): HoldAnswer {
    if (outcome === 'unreachable') return UNREACHABLE;
    if (outcome === 'declined') {
      if (maxOutput === null) return DECLINED;
      this.#declines += 1;
      this.#grants.pause(this.#now);
      return DECLINED;
    }
    if (early === undefined || this.#declines >= EARLY_DECLINES_PER_DAY) return admitted(null);
    const risk = this.#grants.grant(early.isolate, this.#now);
    return admitted(risk === 0n ? null : { risk, spendable: 10n ** 15n });
  }

  #end(sends: EarlySends, attempt: Attempt, hold: HoldAnswer): void {
    // The provider works until the request is aborted.
    const abortedAt = Math.min(this.#now, attempt.askedAt + EARLY_SEND_TIMEOUT_MS);
    const isUsed = attempt.maxOutput !== null && hold.ok && abortedAt === this.#now;
    if (attempt.maxOutput !== null && !isUsed)
      this.losses.push({ at: abortedAt, risk: attempt.risk });
    sends.end(ACCOUNT, attempt, { hold, isUsed, now: this.#now });
  }

  #later(ms: number, run: () => void): void {
    this.#due.push({ at: this.#now + ms, run });
  }

  #pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      this.#due.sort((a, b) => a.at - b.at);
      const next = this.#due[0];
      if (next === undefined || next.at > end) break;
      this.#due.shift();
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }
}

function play(steps: readonly Step[]): readonly Loss[] {
  const game = new Game();
  game.play(steps);
  return game.losses;
}

/** The largest sum of losses within any `windowMs`. */
function worstWindow(losses: readonly Loss[], windowMs: number): bigint {
  let worst = 0n;
  for (const { at: from } of losses) {
    let sum = 0n;
    for (const { at, risk } of losses) if (at >= from && at < from + windowMs) sum += risk;
    if (sum > worst) worst = sum;
  }
  return worst;
}

describe('what the platform loses to calls that were sent early in vain', () => {
  it('is at most 1 USD per account and minute, with slow holds, restarts and six isolates', () => {
    let worst = 0n;
    const property = fc.property(fc.array(step, { minLength: 40, maxLength: 250 }), (steps) => {
      const loss = worstWindow(play(steps), 60_000);
      if (loss > worst) worst = loss;
      expect(loss).toBeLessThanOrEqual(MAX_EARLY_RISK);
    });
    fc.assert(property, { seed: SEED, numRuns: 1_000 });
    // The histories do find losses.
    expect(worst).toBeGreaterThan(0n);
  });
});
