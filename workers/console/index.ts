/** The console Worker: its door, its two queues, and what it does every few minutes on its own. */
import { door } from './door.ts';
import type { Env } from './env.ts';

export default {
  fetch: (request, env, context) => door.fetch(request, env, context),
} satisfies ExportedHandler<Env>;
