/** `npm run canary` on a running stack: what it calls, finds and records. */

import { connect } from '@farebox/database';
import type { LocalStack } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CanaryResult, runCanary } from '../scripts/canary-run.ts';
import { sharedStack } from './support/shared-stack.ts';

const DAY_MS = 86_400_000;
const newMarker = () => `canary-${crypto.randomUUID()}`;

describe('the canary', () => {
  let stack: LocalStack;
  let db: ReturnType<typeof connect>;
  let apiKey: string;

  beforeAll(async () => {
    ({ stack } = await sharedStack('mock'));
    ({ apiKey } = await stack.createAccount({ creditUsd: '5' }));
    db = connect(stack.databaseUrl);
  }, 120_000);

  function run(marker: string, key = apiKey): Promise<CanaryResult> {
    const { gatewayUrl: apiUrl, databaseUrl } = stack;
    return runCanary({ apiUrl, apiKey: key, databaseUrl, arrivalMs: 40_000 }, marker, Date.now);
  }

  async function readStatus(): Promise<Record<string, unknown> | undefined> {
    const day = Math.floor(Date.now() / DAY_MS);
    const { rows } = await db.execute(
      `select is_up, checks, failures from status_days where component = 'canary' and day >= ${day - 1} order by day desc`,
    );
    return rows[0];
  }

  it('calls every dialect, finds no marker in any table and records that', async () => {
    expect(await run(newMarker())).toEqual({
      answered: ['chat', 'messages', 'responses', 'gemini'],
      unanswered: [],
      found: [],
    });
    expect(await readStatus()).toMatchObject({ is_up: true, failures: 0 });
  }, 90_000);

  it('finds a marker that is stored, as text or as bytes, and records that it failed', async () => {
    const marker = newMarker();
    const hex = Buffer.from(marker).toString('hex');
    const summaries = [`it begins ${marker} and goes on`, `\\x${hex}`];
    for (const [index, summary] of summaries.entries()) {
      const id = String(index).repeat(32);
      await db.execute(
        `insert into status_incidents (id, component, summary, operator, opened_at)
           values ('${id}', 'api', '${summary}', 'test', now())`,
      );
      expect((await run(marker)).found).toEqual(['status_incidents']);
      await db.execute(`delete from status_incidents where id = '${id}'`);
    }
    expect(await readStatus()).toMatchObject({ is_up: false });
  }, 120_000);

  it('records nothing where no call was answered', async () => {
    const before = await readStatus();
    const { apiKey: poor } = await stack.createAccount({ creditUsd: '0' });
    await expect(run(newMarker(), poor)).rejects.toThrow('no call was answered');
    expect(await readStatus()).toEqual(before);
  }, 60_000);
});
