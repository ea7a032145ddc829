/** For the site's Worker, read-only: the status of components, which names no account. */
import { WorkerEntrypoint } from 'cloudflare:workers';
import {
  listIncidents,
  listStatusDays,
  type StatusReport,
  type StatusRpc,
} from '@farebox/database/status';
import { getDeps } from '../deps.ts';
import type { Env } from '../env.ts';

export class Status extends WorkerEntrypoint<Env> implements StatusRpc {
  async read(): Promise<StatusReport> {
    const { db, now } = getDeps(this.env).identity;
    const [days, incidents] = await Promise.all([listStatusDays(db), listIncidents(db, now())]);
    return { days, incidents };
  }
}
