/** The operators' Worker. It only answers requests; it has no queue and no cron. */
import { app } from './app.ts';
import type { Env } from './env.ts';

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),
} satisfies ExportedHandler<Env>;
