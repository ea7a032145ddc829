/// <reference types="@cloudflare/vitest-plugin/types" />
import { exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { CallsRpc } from './contract/index.ts';
import { freshAccount, KEY } from './fixtures.workerd.ts';
import { createLedgerClient } from './index.ts';

declare global {
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: typeof import('./test-worker.workerd.ts');
    }
  }
}

const never = () => Promise.reject(new Error('not asked here'));

describe('an overloaded object', () => {
  it('is recognised behind an entrypoint too, and is not retried', async () => {
    let attempts = 0;
    const rpc: CallsRpc = {
      batch: never,
      hold: never,
      checkpoint: never,
      settle: never,
      generation: never,
      key: never,
      refuse: never,
      countRefused: never,
      statementKeys: never,
      credits: (account) => {
        attempts += 1;
        return exports.TestCalls.credits(account);
      },
    };
    const result = await createLedgerClient(rpc, { sendBatch: async () => {} }).credits(
      freshAccount(),
      KEY,
    );
    expect(result).toEqual({ ok: false, reason: 'ledger_unreachable', overloaded: true });
    expect(attempts).toBe(1);
  });
});
