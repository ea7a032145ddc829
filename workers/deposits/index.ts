/**
 * The deposits Worker: its cron, and the entrypoint through which the console submits users'
 * claims.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import { type ClaimResult, claim, runScheduled } from '@farebox/deposits';
import type { AccountId } from '@farebox/ledger';
import { type Env, getDeps } from './env.ts';

export class Claims extends WorkerEntrypoint<Env> {
  async claim(account: AccountId, chain: string, txHash: string): Promise<ClaimResult> {
    return claim(getDeps(this.env, fetch), account, chain, txHash);
  }
}

export default {
  async scheduled(_controller, env) {
    await runScheduled(getDeps(env, fetch));
  },
} satisfies ExportedHandler<Env>;
