/** The gateway Worker: serves the API. */

import { handleRequest } from './app.ts';
import type { Env } from './env.ts';

export default {
  fetch: (request, env, context) => handleRequest(request, env, context),
} satisfies ExportedHandler<Env>;
