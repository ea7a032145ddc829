/** The deposits Worker: its cron, and the claims that the console brings for people. */
import { WorkerEntrypoint } from 'cloudflare:workers';
import { type ClaimResult, claim, tick } from '@farebox/deposits';
import type { AccountId } from '@farebox/ledger';
import { type Env, houseOf } from './env.ts';

export class Claims extends WorkerEntrypoint<Env> {
  async claim(account: AccountId, chain: string, txHash: string): Promise<ClaimResult> {
    return claim(houseOf(this.env, fetch), account, chain, txHash);
  }
}

export default {
  async scheduled(_controller, env) {
    await tick(houseOf(env, fetch));
  },
} satisfies ExportedHandler<Env>;
