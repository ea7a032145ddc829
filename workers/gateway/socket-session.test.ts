/** One client's WebSocket against a scripted provider: calls, holds, settlements, and what is refused. */
import type { HoldRequest, SettleRequest } from '@farebox/ledger';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { authenticate } from './authenticate.ts';
import { createTestGateway, TEST_API_KEY } from './gateway-context.testing.ts';
import { SocketSession, toTurnId } from './socket-session.ts';

type Event = Readonly<{ type: string; [name: string]: unknown }>;

/** One end of a WebSocket: what is sent on it, and what its peer does. */
class FakeSocket extends EventTarget {
  readonly sent: Event[] = [];
  isClosed = false;
  onSend: (event: Event) => void = () => {};

  accept(): void {}

  send(text: string): void {
    if (this.isClosed) throw new Error('closed');
    const event: Event = JSON.parse(text);
    this.sent.push(event);
    this.onSend(event);
  }

  close(): void {
    this.isClosed = true;
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
  create: (fields: object) => void;
}>;

type Script = Readonly<{
  /** The events of the provider for its n-th message; all of a response if absent. */
  answer?: (turn: number, upstream: FakeSocket) => readonly Event[];
  /** The status of the answer to a handshake in place of a socket. */
  refusal?: number;
}>;

function openSession({ answer, refusal }: Script = {}): Session {
  const upstreams: FakeSocket[] = [];
  let turns = 0;
  vi.stubGlobal('fetch', async () => {
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
  const { holds, settled, createContext } = createTestGateway();
  const request = new Request('https://api.example/v1/responses', {
    headers: { authorization: `Bearer ${TEST_API_KEY}` },
  });
  const ctx = createContext(request);
  const client = new FakeSocket();
  const caller = authenticate(ctx.deps, request.headers, ctx.clock());
  if (!caller.ok) throw new Error(caller.reason);
  new SocketSession(ctx, caller.account, Object(client));
  const create = (fields: object) =>
    client.receive({ type: 'response.create', model: 'gpt-5.4', input: 'Hi', ...fields });
  return { id: ctx.id, client, upstreams, holds, settled, create };
}

afterEach(() => void vi.unstubAllGlobals());

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

  it('counts waiting messages to the memory of bodies, and refuses what exceeds it', async () => {
    const session = openSession({ answer: () => [] });
    const input = 'x'.repeat(19 * 1024 * 1024);
    for (let count = 0; count < 6; count++) session.create({ input });
    await expect.poll(() => session.client.sent.length, { timeout: 5_000 }).toBe(2);
    expect(session.client.sent).toMatchObject(
      Array(2).fill({ type: 'error', status: 503, error: { code: 'gateway_busy' } }),
    );
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
});
