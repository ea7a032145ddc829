/** The gateway Worker: the door for API keys, and the last resort for what nobody foresaw. */
import { MissingBindingError } from '@farebox/bindings';
import { logEvent } from '@farebox/telemetry';
import { app, newCallId, withCors } from './app.ts';
import type { Env } from './env.ts';
import { detectDialect, errorResponse } from './errors.ts';

/** The text of an unforeseen error may hold anything, a prompt too: it is dropped, not logged. */
app.onError((error, c) => {
  const id = newCallId();
  if (!(error instanceof MissingBindingError))
    logEvent({ event: 'unexpected', where: 'gateway', call: null });
  return withCors(
    errorResponse({ reason: 'internal' }, detectDialect(c.req.path, c.req.raw.headers), id),
  );
});

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),
} satisfies ExportedHandler<Env>;
