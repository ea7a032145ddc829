/**
 * The subject "distant-floor": what any gateway with a durable hold pays whose accounts' objects are
 * 50 ms away. It asks for the hold and the provider at the same time, reads the first chunk before
 * the hold is answered, and parses nothing. Gateway and ledger are two Workers, as Farebox's are.
 */
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';

type LedgerEnv = Readonly<{ ACCOUNT: DurableObjectNamespace<AccountObject> }>;
type Env = Readonly<{ UPSTREAM: string; LEDGER: Service<Calls> }>;

/** As workers/distant-ledger.ts. */
const DISTANCE_MS = 50;

export class AccountObject extends DurableObject<LedgerEnv> {
  constructor(state: DurableObjectState, env: LedgerEnv) {
    super(state, env);
    state.storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY, held INTEGER)',
    );
    state.storage.sql.exec('INSERT OR IGNORE INTO account VALUES (1, 0)');
  }

  change(amount: number): void {
    this.ctx.storage.sql.exec('UPDATE account SET held = held + ? WHERE id = 1', amount);
  }
}

export class Calls extends WorkerEntrypoint<LedgerEnv> {
  async change(account: string, amount: number): Promise<void> {
    await scheduler.wait(DISTANCE_MS);
    await this.env.ACCOUNT.get(this.env.ACCOUNT.idFromName(account)).change(amount);
  }
}

type Chunk = ReadableStreamReadResult<Uint8Array>;

async function copy(
  first: Chunk,
  from: ReadableStreamDefaultReader<Uint8Array>,
  to: WritableStream<Uint8Array>,
) {
  const writer = to.getWriter();
  for (let chunk = first; !chunk.done; chunk = await from.read()) await writer.write(chunk.value);
  await writer.close();
}

const distantFloor: ExportedHandler<Env> = {
  async fetch(request, env, context) {
    const account = request.headers.get('authorization') ?? '';
    const body = await request.arrayBuffer();
    const hold = env.LEDGER.change(account, 1000);
    const upstream = await fetch(env.UPSTREAM + request.url.slice(request.url.indexOf('/', 8)), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    if (upstream.body === null) throw new Error('bench: an answer has no body');
    const reader = upstream.body.getReader();
    const first = await reader.read();
    await hold;
    context.waitUntil(env.LEDGER.change(account, -1000));
    const { readable, writable } = new IdentityTransformStream();
    context.waitUntil(copy(first, reader, writable));
    const headers = { 'content-type': upstream.headers.get('content-type') ?? '' };
    return new Response(readable, { headers });
  },
};

export default distantFloor;
