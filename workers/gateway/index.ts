/** The gateway Worker: the door for API keys, and the last resort for what nobody foresaw. */
import { signal } from '@farebox/signals';
import { door, newCallId, readableAnywhere } from './door.ts';
import { type Env, MissingBinding } from './env.ts';
import { dialectOf, refuse } from './refusals.ts';

/** The text of an unforeseen error may hold anything, a prompt too: it is dropped, not logged. */
door.onError((error, c) => {
  const id = newCallId();
  if (!(error instanceof MissingBinding))
    signal({ event: 'unexpected', where: 'gateway', call: null });
  return readableAnywhere(
    refuse({ reason: 'internal' }, dialectOf(c.req.path, c.req.raw.headers), id),
  );
});

export default {
  fetch: (request, env, context) => door.fetch(request, env, context),
} satisfies ExportedHandler<Env>;
