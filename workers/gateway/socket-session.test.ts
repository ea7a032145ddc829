/** One client's WebSocket against a scripted provider: calls, holds, settlements, and what is refused. */
import type { HoldRequest, HoldResult, LedgerUnreachable, SettleRequest } from '@farebox/ledger';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { authenticate } from './authenticate.ts';
import { BodyBudget } from './body-budget.ts';
import { BodyReader } from './body-reader.ts';
import type { GatewayDeps } from './env.ts';
import { createTestGateway, TEST_API_KEY } from './gateway-context.testing.ts';
import { MAX_CLIENT_IDLE_MS, MAX_UNREAD_PER_ACCOUNT } from './open-sockets.ts';
import { MAX_UPSTREAM_IDLE_MS, SocketSession, toTurnId } from './socket-session.ts';

type Event = Readonly<{ type: string; [name: string]: unknown }>;

/** One end of a WebSocket: what is sent on it, and what its peer does. */
class FakeSocket extends EventTarget {
  readonly sent: Event[] = [];
  isClosed = false;
  closeCode: number | undefined;
  onSend: (event: Event) => void = () => {};

  accept(): void {}

  send(text: string): void {
    if (this.isClosed) throw new Error('closed');
    const event: Event = JSON.parse(text);
    this.sent.push(event);
    this.onSend(event);
  }

  close(code?: number): void {
    this.isClosed = true;
    this.closeCode ??= code;
  }

  receive(event: object): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(event) }));
  }

  leave(): void {
    this.isClosed = true;
    this.dispatchEvent(new Event('close'));
  }
}

const USAGE = { input_tokens: 11, output_tokens: 3, total_tokens: 14 };

function toEvents(id: string): Event[] {
  return [
    { type: 'response.created', response: { id, object: 'response', status: 'in_progress' } },
    { type: 'response.output_text.delta', delta: 'Hello' },
    {
      type: 'response.completed',
      response: { id, object: 'response', status: 'completed', output: [], usage: USAGE },
    },
  ];
}

type Session = Readonly<{
  id: string;
  client: FakeSocket;
  /** The provider's sockets, in the order in which they were opened. */
  upstreams: FakeSocket[];
  holds: HoldRequest[];
  settled: SettleRequest[];
  /** The settlements that went to the queue. */
  queued: unknown[];
  deps: GatewayDeps;
  create: (fields: object) => void;
}>;

type Script = Readonly<{
  /** The events of the provider for its n-th message; all of a response if absent. */
  answer?: (turn: number, upstream: FakeSocket) => readonly Event[];
  /** The status of the answer to a handshake in place of a socket. */
  refusal?: number;
  /** True if the provider never answers a handshake. */
  hangs?: boolean;
  /** The answer to the n-th hold; it is granted if absent. */
  hold?: (turn: number) => HoldResult | LedgerUnreachable | undefined;
  budget?: BodyBudget;
}>;

/** A handshake that lasts until it is aborted. */
function hang(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new Error('aborted')));
  });
}

/** What a session depends on: the test gateway's, with a ledger as the script has it. */
function createDeps({ hold, budget }: Script) {
  const { deps, holds, settled, createContext } = createTestGateway();
  const queued: unknown[] = [];
  const ledger = {
    ...deps.ledger,
    hold: async (...[account, request, keepAlive]: Parameters<GatewayDeps['ledger']['hold']>) => {
      const granted = await deps.ledger.hold(account, request, keepAlive);
      return hold?.(holds.length) ?? granted;
    },
    enqueue: async (_: string, request: unknown) => void queued.push(request),
  };
  const bodyReader = budget === undefined ? deps.bodyReader : new BodyReader(budget);
  return {
    ...{ holds, settled, queued, createContext },
    deps: { ...deps, ledger, bodyReader },
  };
}

function openSession(script: Script = {}): Session {
  const { answer, refusal, hangs } = script;
  const upstreams: FakeSocket[] = [];
  let turns = 0;
  vi.stubGlobal('fetch', async (_: string, { signal }: RequestInit) => {
    if (hangs === true) return hang(signal);
    if (refusal !== undefined) return new Response('no', { status: refusal });
    const upstream = new FakeSocket();
    upstream.onSend = () => {
      turns += 1;
      const events = answer?.(turns, upstream) ?? toEvents(`resp_${turns}`);
      queueMicrotask(() => events.forEach((event) => void upstream.receive(event)));
    };
    upstreams.push(upstream);
    return { webSocket: upstream, status: 101, ok: false, headers: new Headers() };
  });
  const { deps, holds, settled, queued, createContext } = createDeps(script);
  const request = new Request('https://api.example/v1/responses', {
    headers: { authorization: `Bearer ${TEST_API_KEY}` },
  });
  const ctx = { ...createContext(request), deps };
  const client = new FakeSocket();
  const caller = authenticate(deps, request.headers, ctx.clock());
  if (!caller.ok) throw new Error(caller.reason);
  const open = deps.openSockets.open(caller.account, ctx.clock());
  if (open === null) throw new Error('too many sockets');
  new SocketSession(ctx, open, Object(client));
  const create = (fields: object) =>
    client.receive({ type: 'response.create', model: 'gpt-5.4', input: 'Hi', ...fields });
  return { id: ctx.id, client, upstreams, holds, settled, queued, deps, create };
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settledTimes = (session: Session, count: number) =>
  expect.poll(() => session.settled.length, { timeout: 5_000 }).toBe(count);

describe('a WebSocket of Responses', () => {
  it('makes a call of each event, on one socket of the provider', async () => {
    const session = openSession();
    session.create({ store: false });
    session.create({ previous_response_id: 'resp_1' });
    await settledTimes(session, 2);
    const [first, second] = [toTurnId(session.id, 0), toTurnId(session.id, 1)];
    expect(first).toBe(session.id);
    expect(session.holds.map(({ id }) => id)).toEqual([first, second]);
    expect(session.settled).toMatchObject([
      { id: first, reason: 'provider_reported', usage: { input_uncached: 11, output: 3 } },
      { id: second, reason: 'provider_reported' },
    ]);
    expect(session.upstreams).toHaveLength(1);
    expect(session.upstreams[0]?.sent).toMatchObject([
      { type: 'response.create', model: 'gpt-5.4', store: false, max_output_tokens: 500 },
      { previous_response_id: 'resp_1', store: false },
    ]);
    expect(session.client.sent).toEqual([...toEvents('resp_1'), ...toEvents('resp_2')]);
  });

  it('begins a settlement before it asks for the hold of the next event', async () => {
    const begun: number[] = [];
    const session: Session = openSession({
      hold: () => {
        begun.push(session.settled.length);
        return undefined;
      },
    });
    for (let turn = 0; turn < 3; turn += 1) session.create({});
    await vi.waitFor(() => expect(session.settled).toHaveLength(3));
    expect(begun).toEqual([0, 1, 2]);
  });

  it('lets one large message wait, and refuses more of them', async () => {
    const session = openSession({ answer: () => [] });
    const input = 'x'.repeat(19 * 1024 * 1024);
    for (let count = 0; count < 6; count++) session.create({ input });
    session.create({});
    await expect.poll(() => session.client.sent.length, { timeout: 5_000 }).toBe(4);
    expect(session.client.sent).toMatchObject(
      Array(4).fill({ type: 'error', status: 503, error: { code: 'gateway_busy' } }),
    );
  });

  it('frees the memory of a message when it is sent, not when it is answered', async () => {
    const budget = new BodyBudget();
    const session = openSession({ answer: () => [], budget });
    session.create({ input: 'x'.repeat(1024 * 1024) });
    expect(budget.bytes).toBeGreaterThan(1024 * 1024);
    await expect.poll(() => session.upstreams[0]?.sent.length).toBe(1);
    expect(budget.bytes).toBe(0);
    expect(session.settled).toEqual([]);
  });

  it('refuses a message for which there is no memory', async () => {
    const budget = new BodyBudget(1024 * 1024);
    const session = openSession({ budget });
    session.create({ input: 'x'.repeat(1024 * 1024) });
    session.create({ input: 'é'.repeat(600 * 1024) });
    session.create({ input: 'x'.repeat(21 * 1024 * 1024) });
    await expect.poll(() => session.client.sent.length).toBe(3);
    expect(session.client.sent).toMatchObject([
      { status: 503, error: { code: 'gateway_busy' } },
      { status: 503, error: { code: 'gateway_busy' } },
      { status: 413, error: { code: 'body_too_large' } },
    ]);
    expect(budget.bytes).toBe(0);
  });

  it('refuses a ninth message in line', async () => {
    const session = openSession({ answer: () => [] });
    for (let count = 0; count < 9; count++) session.create({});
    await expect.poll(() => session.client.sent.length).toBe(1);
    expect(session.client.sent).toMatchObject([
      { status: 429, error: { code: 'too_many_concurrent_calls' } },
    ]);
  });

  it('holds for what an earlier response brings into the next', async () => {
    const session = openSession();
    session.create({});
    session.create({});
    session.create({ previous_response_id: 'resp_1' });
    await settledTimes(session, 3);
    const [, plain, continued] = session.holds.map(({ maxInputCost }) => maxInputCost);
    expect(continued).toBeGreaterThan(plain ?? 0n);
  });

  it.each([
    ['previous_response_not_found', 400, { previous_response_id: 'resp_of_another' }],
    ['unsupported_feature', 400, { store: true }],
    ['unsupported_feature', 400, { stream_id: 's' }],
    ['unsupported_feature', 400, { response: { model: 'gpt-5.4-pro', input: 'Hi' } }],
    ['invalid_field', 400, { type: 'response.cancel' }],
    ['model_not_found', 404, { model: 'no-such-model' }],
    ['websocket_not_supported', 426, { model: 'deepseek-chat' }],
  ])('answers %s with an error event of status %i, and goes on', async (code, status, fields) => {
    const session = openSession();
    session.create(fields);
    session.create({});
    await settledTimes(session, 1);
    expect(session.client.sent[0]).toMatchObject({ type: 'error', status, error: { code } });
    expect(session.holds).toHaveLength(1);
    expect(session.client.sent.slice(1)).toEqual(toEvents('resp_1'));
  });

  it('estimates what was produced where the client leaves', async () => {
    const session = openSession({ answer: () => toEvents('resp_1').slice(0, 2) });
    session.create({});
    await expect.poll(() => session.client.sent.length).toBe(2);
    session.client.leave();
    await settledTimes(session, 1);
    expect(session.settled[0]).toMatchObject({ reason: 'estimated_after_disconnect' });
    expect(session.upstreams[0]?.isClosed).toBe(true);
  });

  it('ends in an error, and estimates what was produced, where the provider leaves', async () => {
    const answer = (_: number, upstream: FakeSocket) => {
      setTimeout(() => upstream.leave(), 50);
      return toEvents('resp_1').slice(0, 2);
    };
    const session = openSession({ answer });
    session.create({});
    await settledTimes(session, 1);
    expect(session.settled[0]).toMatchObject({ reason: 'estimated_after_upstream_cut' });
    expect(session.client.sent.slice(-2)).toMatchObject([
      { type: 'error', error: { code: 'upstream_disconnected' } },
      { type: 'response.failed', response: { status: 'failed' } },
    ]);
  });

  it.each([426, 401, 500])(
    'charges nothing where the handshake is answered %i',
    async (refusal) => {
      const session = openSession({ refusal });
      session.create({});
      await settledTimes(session, 1);
      expect(session.settled[0]).toMatchObject({ cost: 0n });
      const status = { 426: 426, 401: 502, 500: 503 }[refusal];
      expect(session.client.sent).toMatchObject([{ type: 'error', status }]);
    },
  );

  it('opens another socket, without the state of the first, after the provider closed that', async () => {
    const session = openSession();
    session.create({});
    await settledTimes(session, 1);
    session.upstreams[0]?.leave();
    session.create({ previous_response_id: 'resp_1' });
    session.create({});
    await settledTimes(session, 2);
    expect(session.upstreams).toHaveLength(2);
    expect(session.client.sent[3]).toMatchObject({
      type: 'error',
      error: { code: 'previous_response_not_found' },
    });
  });

  it('charges nothing for a call whose handshake never ends, and tells its client', async () => {
    const session = openSession({ hangs: true });
    session.create({});
    await settledTimes(session, 1);
    expect(session.settled[0]).toMatchObject({ reason: 'not_sent', cost: 0n, httpStatus: 504 });
    expect(session.settled[0]?.waivedCost).toBeUndefined();
    expect(session.client.sent).toMatchObject([
      { type: 'error', status: 504, error: { code: 'upstream_timeout' } },
    ]);
  });

  it('ends the handshake with the provider when the client leaves during it', async () => {
    const session = openSession({ hangs: true });
    session.create({});
    await expect.poll(() => session.holds.length).toBe(1);
    session.client.leave();
    await expect.poll(() => session.settled.length, { timeout: 500 }).toBe(1);
    expect(session.settled[0]).toMatchObject({ reason: 'not_sent', cost: 0n, httpStatus: 499 });
  });

  it('sends nothing for a client that left while its hold was asked for', async () => {
    const session = openSession();
    session.create({});
    await settledTimes(session, 1);
    session.create({});
    session.client.leave();
    await settledTimes(session, 2);
    expect(session.settled[1]).toMatchObject({ reason: 'not_sent', cost: 0n });
    expect(session.upstreams[0]?.sent).toHaveLength(1);
  });

  it('ends the hold of a call that fails between its hold and its request', async () => {
    const session = openSession();
    vi.spyOn(session.deps.learnedFields, 'isAccepted').mockImplementationOnce(() => {
      throw new Error('a bug');
    });
    session.create({});
    session.create({});
    await settledTimes(session, 2);
    expect(session.settled).toMatchObject([
      { reason: 'not_sent', cost: 0n, httpStatus: 500 },
      { reason: 'provider_reported' },
    ]);
    expect(session.client.sent[0]).toMatchObject({ status: 500, error: { code: 'internal' } });
  });

  it('never uses the id of a hold again whose answer did not come', async () => {
    const lost = { ok: false, reason: 'ledger_unreachable', overloaded: false } as const;
    const session = openSession({ hold: (turn) => (turn === 1 ? lost : undefined) });
    session.create({});
    session.create({});
    await settledTimes(session, 1);
    const [first, second] = session.holds.map(({ id }) => id);
    expect(first).toBe(session.id);
    expect(second).toBe(toTurnId(session.id, 1));
    expect(session.settled).toMatchObject([{ id: second, reason: 'provider_reported' }]);
    expect(session.queued).toHaveLength(1);
    expect(session.queued[0]).toMatchObject({ id: first });
    expect(session.client.sent[0]).toMatchObject({ error: { code: 'ledger_unreachable' } });
  });
});

const failed = (id: string): Event => ({
  type: 'response.failed',
  response: { id, object: 'response', status: 'failed', error: { code: 'server_error' } },
});

/** Answers turns of a socket; the first one as given, the others whole. */
const failFirst =
  (...events: readonly Event[]) =>
  (turn: number): readonly Event[] =>
    turn === 1 ? events : toEvents(`resp_${turn}`);

describe('a response over WebSocket that fails', () => {
  const error = (status: number, code: string): Event => ({
    type: 'error',
    status,
    error: { type: code, code, message: 'Something is wrong.' },
  });

  it.each([
    ['an error', [error(500, 'server_error')]],
    ['a failed response', [failed('resp_1')]],
    ['an error, then a failed response', [error(500, 'server_error'), failed('resp_1')]],
    ['a failed response, then an error', [failed('resp_1'), error(500, 'server_error')]],
    [
      'an error after the beginning of an answer',
      [...toEvents('resp_1').slice(0, 2), error(500, 'server_error'), failed('resp_1')],
    ],
  ])('by %s leaves the next ones their own answers and bills', async (_, events) => {
    const answer = failFirst(...events);
    const session = openSession({ answer });
    for (let turn = 0; turn < 3; turn++) session.create({});
    await settledTimes(session, 3);
    expect(session.settled.slice(1)).toMatchObject(
      Array(2).fill({ reason: 'provider_reported', usage: { input_uncached: 11, output: 3 } }),
    );
    const ids = session.client.sent
      .filter(({ type }) => type === 'response.completed')
      .map(({ response }) => Object(response).id);
    expect(ids).toEqual(['resp_2', 'resp_3']);
    expect(session.upstreams[0]?.isClosed).toBe(true);
  });

  it('does not end the next one by an event that comes late', async () => {
    const session: Session = openSession({
      answer: (turn, upstream) => {
        if (turn === 1) return [error(500, 'server_error')];
        session.upstreams[0]?.receive(failed('resp_1'));
        upstream.receive(toEvents('resp_2')[0] ?? {});
        return toEvents('resp_2').slice(1);
      },
    });
    session.create({});
    session.create({});
    await settledTimes(session, 2);
    expect(session.settled[1]).toMatchObject({ reason: 'provider_reported' });
  });

  it('does not end the next one by an event of an earlier response, said again', async () => {
    const answer = (turn: number) =>
      turn === 1 ? toEvents('resp_1') : [...toEvents('resp_1').slice(2), ...toEvents('resp_2')];
    const session = openSession({ answer });
    session.create({});
    session.create({});
    await settledTimes(session, 2);
    expect(session.client.sent).toEqual([...toEvents('resp_1'), ...toEvents('resp_2')]);
    expect(session.upstreams).toHaveLength(1);
  });

  it.each([
    [400, 'invalid_request_error', 'upstream_refused'],
    [404, 'not_found_error', 'upstream_refused'],
    [429, 'rate_limit_exceeded', 'waived_upstream_error'],
    [401, 'invalid_api_key', 'waived_upstream_error'],
    [500, 'server_error', 'waived_upstream_error'],
  ])(
    'with the status %i and the code %s is recorded as %s, and free',
    async (status, code, reason) => {
      const session = openSession({ answer: () => [error(status, code)] });
      session.create({});
      await settledTimes(session, 1);
      expect(session.settled[0]).toMatchObject({ reason, cost: 0n });
    },
  );
});

describe('a WebSocket of Responses in an isolate without other requests', () => {
  it('reads the catalog with its calls, at most every half minute', async () => {
    const session = openSession();
    const refresh = vi.spyOn(session.deps.catalog, 'refreshIfDue');
    session.create({});
    await settledTimes(session, 1);
    session.create({});
    await settledTimes(session, 2);
    expect(refresh.mock.results.map(({ value }) => value !== undefined)).toEqual([true, false]);
  });
});

describe('a WebSocket of Responses that nobody uses', () => {
  it('has its provider’s socket closed after ten minutes, and is closed after an hour', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const session = openSession();
    session.create({});
    await vi.advanceTimersByTimeAsync(1_000);
    expect(session.settled).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(MAX_UPSTREAM_IDLE_MS - 2_000);
    expect(session.upstreams[0]?.isClosed).toBe(false);
    session.create({ previous_response_id: 'resp_1' });
    await vi.advanceTimersByTimeAsync(MAX_UPSTREAM_IDLE_MS - 1);
    expect(session.upstreams.map(({ isClosed }) => isClosed)).toEqual([false]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(session.upstreams[0]?.isClosed).toBe(true);
    expect(session.client.isClosed).toBe(false);
    session.create({ previous_response_id: 'resp_2' });
    session.create({});
    await vi.advanceTimersByTimeAsync(1_000);
    expect(session.client.sent.at(-4)).toMatchObject({
      error: { code: 'previous_response_not_found' },
    });
    expect(session.upstreams).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(MAX_CLIENT_IDLE_MS);
    expect(session.client.closeCode).toBe(1001);
  });
});

describe('a client of a WebSocket that does not read', () => {
  it('is closed with 1009, and charged for what was produced', async () => {
    const delta = 'word '.repeat(200 * 1024);
    const pieces = Math.ceil(MAX_UNREAD_PER_ACCOUNT / delta.length) + 1;
    const answer = () => [
      ...toEvents('resp_1').slice(0, 1),
      ...Array(pieces).fill({ type: 'response.output_text.delta', delta }),
    ];
    const session = openSession({ answer });
    session.create({});
    await expect.poll(() => session.settled.length, { timeout: 40_000 }).toBe(1);
    expect(session.client.closeCode).toBe(1009);
    expect(session.settled[0]).toMatchObject({ reason: 'estimated_after_disconnect' });
    expect(session.settled[0]?.cost).toBeGreaterThan(0n);
  });

  it('goes on where it sends its next message after each answer', async () => {
    const delta = 'word '.repeat(2 * 1024 * 1024);
    const answer = (turn: number) => {
      const [first, , last] = toEvents(`resp_${turn}`);
      return [first, { type: 'response.output_text.delta', delta }, last].map(
        (event) => event ?? failed(''),
      );
    };
    const session = openSession({ answer });
    for (let turn = 1; turn <= 5; turn++) {
      session.create({});
      await settledTimes(session, turn);
    }
    expect(session.client.closeCode).toBeUndefined();
  }, 20_000);
});
