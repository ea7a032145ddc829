/// <reference types="@cloudflare/vitest-plugin/types" />
import { exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { CallsDoor } from './contract.ts';
import { ledgerClient } from './index.ts';
import { freshAccount, KEY } from './scenes.workerd.ts';

declare global {
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: typeof import('./stage.workerd.ts');
    }
  }
}

const never = () => Promise.reject(new Error('not asked here'));

describe('an overloaded object', () => {
  it('is known for one behind the entrypoint too, and left alone', async () => {
    let asked = 0;
    const door: CallsDoor = {
      hold: never,
      checkpoint: never,
      settle: never,
      settleMany: never,
      generation: never,
      key: never,
      credits: (account) => {
        asked += 1;
        return exports.StageCalls.credits(account);
      },
    };
    const answer = await ledgerClient(door).credits(freshAccount(), KEY);
    expect(answer).toEqual({ ok: false, reason: 'ledger_unreachable', overloaded: true });
    expect(asked).toBe(1);
  });
});
