/** The gateway Worker: serves the API, and answers unexpected errors. */

import { MissingBindingError } from '@farebox/bindings';
import { detectDialect } from '@farebox/dialects';
import { logEvent } from '@farebox/telemetry';
import { app } from './app.ts';
import { withCors } from './cors.ts';
import type { Env } from './env.ts';
import { errorResponse } from './error-response.ts';
import { newCallId } from './request-id.ts';

/** Drops the text of an unexpected error: it may hold anything, a prompt too. */
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
