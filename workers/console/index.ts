/** The console Worker: its door, its two queues, and what it does every few minutes on its own. */
import { door } from './door.ts';
import { type Env, houseOf, postHouseOf } from './env.ts';
import { mailQueue, noticesQueue } from './mail/queues.ts';
import { upkeep } from './upkeep.ts';

export default {
  fetch: (request, env, context) => door.fetch(request, env, context),
  async scheduled(_controller, env) {
    await upkeep(houseOf(env));
  },
  async queue(batch, env) {
    const consume = batch.queue === 'farebox-notices' ? noticesQueue : mailQueue;
    await consume(batch, postHouseOf(env));
  },
} satisfies ExportedHandler<Env>;
