/**
 * Posts events to webhooks. The queue delivers an event at least once; an attempt that has ended is
 * not made again. What a receiver answers is reduced to its status: the body is not read.
 */
import type { Database } from '@farebox/database';
import {
  type DueAttempt,
  findDueAttempt,
  recordAttempt,
  type WebhookOutcome,
} from '@farebox/database/webhooks';
import type { HttpFetch } from '@farebox/mail';
import type { MessageOutcome } from '@farebox/queues';
import * as v from 'valibot';
import {
  checkResolvedHost,
  type EndpointRules,
  parseEndpoint,
  type ResolveHost,
} from './endpoint.ts';
import type { QueuedEvent } from './events.ts';
import { SIGNATURE_HEADER, signEvent } from './signature.ts';

export type DeliveryDeps = Readonly<{
  db: Database;
  /** 32 bytes. Signing secrets are derived from it. */
  secret: Uint8Array;
  now: () => number;
  httpFetch: HttpFetch;
  resolveHost: ResolveHost;
  rules: EndpointRules;
}>;

/** Seconds after each failed attempt: seven attempts in 17.6 hours. A queue delays 12 hours at most. */
const RETRY_DELAYS_SECONDS = [5, 300, 1_800, 7_200, 18_000, 36_000] as const;
export const MAX_ATTEMPTS = RETRY_DELAYS_SECONDS.length + 1;

/** A webhook is disabled by this many events in a row of which every attempt failed. */
export const MAX_FAILURES = 5;

const TIMEOUT_MS = 10_000;
/** A queue's clock is not ours. */
const EARLY_MS = 1_000;

const QUEUED_EVENT = v.object({
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  body: v.pipe(v.string(), v.maxLength(4_096)),
});

export function isQueuedEvent(value: unknown): value is QueuedEvent {
  return v.is(QUEUED_EVENT, value);
}

type Answer = Readonly<{ outcome: WebhookOutcome; status: number | null }>;

function readAnswer(response: Response): Answer {
  const { status } = response;
  if (response.ok) return { outcome: 'delivered', status };
  return { outcome: status >= 300 && status < 400 ? 'redirected' : 'rejected', status };
}

async function post(deps: DeliveryDeps, due: DueAttempt, { body }: QueuedEvent): Promise<Answer> {
  const webhook = { id: due.webhookId, version: due.version, rotatedAt: due.rotatedAt };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const request = new Request(due.endpoint, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Farebox-Webhooks/1',
      [SIGNATURE_HEADER]: signEvent(deps.secret, webhook, { body, now: deps.now() }),
    },
    body,
    signal,
  });
  try {
    const response = await deps.httpFetch(request);
    // Ends the connection; an endless body costs nothing, and one that broke off changes nothing.
    response.body?.cancel().catch(() => {});
    return readAnswer(response);
  } catch {
    return { outcome: signal.aborted ? 'timed_out' : 'unreachable', status: null };
  }
}

async function attempt(deps: DeliveryDeps, due: DueAttempt, event: QueuedEvent): Promise<Answer> {
  if (!due.isEnabled && due.kind !== 'test') return { outcome: 'cancelled', status: null };
  // Our own hosts, and the rules, may have changed since the endpoint was stored.
  const isAllowed = parseEndpoint(due.endpoint, deps.rules).ok;
  const problem = isAllowed
    ? await checkResolvedHost(due.endpoint, deps.resolveHost, deps.rules)
    : 'private_address';
  if (problem !== undefined) return { outcome: problem, status: null };
  return post(deps, due, event);
}

/** The seconds until the next attempt; undefined where none follows. */
function getRetryDelay(
  { attempt: made, kind }: DueAttempt,
  { outcome }: Answer,
): number | undefined {
  if (outcome === 'delivered' || outcome === 'cancelled' || kind === 'test') return undefined;
  return RETRY_DELAYS_SECONDS[made - 1];
}

/** Makes the next attempt of an event, if it is due. Throws if the database is unavailable. */
export async function deliverEvent(
  deps: DeliveryDeps,
  event: QueuedEvent,
): Promise<MessageOutcome> {
  const due = await findDueAttempt(deps.db, event.id);
  if (due === undefined) return 'done';
  const waitMs = due.dueAt - deps.now();
  if (waitMs > EARLY_MS) return { retryInSeconds: Math.ceil(waitMs / 1000) };
  const answer = await attempt(deps, due, event);
  const retryInSeconds = getRetryDelay(due, answer);
  const endedAt = deps.now();
  await recordAttempt(deps.db, {
    eventId: event.id,
    attempt: due.attempt,
    ...answer,
    endedAt,
    retryAt: retryInSeconds === undefined ? null : endedAt + retryInSeconds * 1000,
    maxFailures: MAX_FAILURES,
  });
  return retryInSeconds === undefined ? 'done' : { retryInSeconds };
}
