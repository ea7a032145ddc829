/**
 * The subject "floor": the bare Worker plus a durable hold before and a durable settle after each
 * call, both a single SQLite write in the account's Durable Object. It computes no prices and
 * declines nothing. A prepaid gateway that keeps its balance in a Durable Object can't be cheaper.
 * It also copies the response chunk by chunk in JavaScript, which any gateway that inspects a
 * response must do.
 */
import { DurableObject } from 'cloudflare:workers';

type Env = Readonly<{
  UPSTREAM: string;
  READS: string;
  ACCOUNT: DurableObjectNamespace<AccountObject>;
}>;

export class AccountObject extends DurableObject<Env> {
  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    state.storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY, held INTEGER)',
    );
    state.storage.sql.exec('INSERT OR IGNORE INTO account VALUES (1, 0)');
  }

  hold(amount: number): boolean {
    this.ctx.storage.sql.exec('UPDATE account SET held = held + ? WHERE id = 1', amount);
    return true;
  }

  settle(amount: number): boolean {
    this.ctx.storage.sql.exec('UPDATE account SET held = held - ? WHERE id = 1', amount);
    return true;
  }
}

async function pumpStream(from: ReadableStream<Uint8Array>, to: WritableStream<Uint8Array>) {
  const reader = from.getReader();
  const writer = to.getWriter();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    await writer.write(value);
  }
  await writer.close();
}

const floor: ExportedHandler<Env> = {
  async fetch(request, env, context) {
    const account = env.ACCOUNT.get(
      env.ACCOUNT.idFromName(request.headers.get('authorization') ?? ''),
    );
    await account.hold(1000);
    const upstream = await fetch(env.UPSTREAM + request.url.slice(request.url.indexOf('/', 8)), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: request.body,
    });
    context.waitUntil(account.settle(1000));
    const headers = { 'content-type': upstream.headers.get('content-type') ?? '' };
    if (env.READS !== 'true' || upstream.body === null) {
      return new Response(upstream.body, { headers });
    }
    const { readable, writable } = new IdentityTransformStream();
    context.waitUntil(pumpStream(upstream.body, writable));
    return new Response(readable, { headers });
  },
};

export default floor;
