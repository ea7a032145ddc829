/** Responses that are not streamed: read in full, so that their cost goes out in a header. */
import { formatUsd } from '@farebox/money';
import { concatBytes, type Meter } from '@farebox/providers';
import type { Call } from './call.ts';
import { IdleTimer } from './idle-timer.ts';
import { buildResponseHeaders, type UpstreamSuccess } from './response-headers.ts';
import { buildBill, callOutcome, submitSettlement } from './settle-call.ts';
import { respondTruncated } from './truncated-response.ts';

/** Reads the whole response; returns why it is truncated if the provider broke off or timed out. */
async function readAll(
  call: Call,
  upstream: UpstreamSuccess,
): Promise<Uint8Array | 'upstream_disconnected' | 'upstream_timeout'> {
  const reader = upstream.body.getReader();
  const chunks: Uint8Array[] = [];
  const { clock, deps } = call.ctx;
  const onIdle = () => {
    call.abort.abort();
    reader.cancel().catch(() => {});
  };
  const idle = new IdleTimer({ idleMs: deps.timeouts.idleMs, onIdle, clock });
  idle.start();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      idle.touch();
    }
  } catch {
    return idle.expired ? 'upstream_timeout' : 'upstream_disconnected';
  } finally {
    idle.stop();
  }
  return idle.expired ? 'upstream_timeout' : concatBytes(chunks);
}

/** Responds with the provider's bytes and the cost of the call, and settles it. */
export async function respondBuffered(
  call: Call,
  upstream: UpstreamSuccess,
  meter: Meter,
): Promise<Response> {
  const { ctx } = call;
  const bytes = await readAll(call, upstream);
  if (!(bytes instanceof Uint8Array)) return respondTruncated(call, bytes);
  meter.feed(bytes);
  meter.end();
  const hiddenGenerationMs = ctx.clock() - call.startedAt;
  const bill = buildBill(call, callOutcome(call, meter.reading(), 'complete', hiddenGenerationMs));
  ctx.waitUntil(submitSettlement(call, bill, upstream.status));
  const headers = buildResponseHeaders(call, upstream);
  headers.set('x-farebox-cost-usd', formatUsd(bill.cost));
  return new Response(bytes, { status: upstream.status, headers });
}
