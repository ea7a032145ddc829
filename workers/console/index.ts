/** The console Worker: nothing but its door. */
import { door } from './door.ts';
import type { Env } from './env.ts';

export default {
  fetch: (request, env, context) => door.fetch(request, env, context),
} satisfies ExportedHandler<Env>;
