/** The operators' Worker: its pages, and a cron that plans and applies corrections. */
import { app } from './app.ts';
import { continueAnyCorrection } from './correction-workflow.ts';
import { type Env, getDeps } from './env.ts';

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),
  async scheduled(_controller, env) {
    await continueAnyCorrection(getDeps(env));
  },
} satisfies ExportedHandler<Env>;
