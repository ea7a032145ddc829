/** Verbs and their results for tests of what carries them to the account's object. */
import { NO_USAGE } from '@farebox/money';
import type { CallResult, CallVerb } from './batch-message.ts';
import type { SettleRequest } from './contract/index.ts';

const FREE = {
  input_uncached: 0n,
  cache_read: 0n,
  cache_write_5m: 0n,
  cache_write_30m: 0n,
  cache_write_1h: 0n,
  cache_write_12h: 0n,
  output: 0n,
};

export function createSettleRequest(id: string): SettleRequest {
  return {
    ...{ id, reason: 'free', cost: 0n, httpStatus: 200, usage: NO_USAGE, prices: FREE },
    ...{ priceRule: null, providerCost: null, marginBasisPoints: null },
    ...{ firstTokenMs: null, totalMs: null, fees: [] },
  };
}

export function createCheckpoint(id: string): CallVerb {
  return { name: 'checkpoint', request: { id, floor: 0n, deadline: 0 } };
}

export const SETTLED = { ok: true, charged: 0n, shortfall: 0n, late: false } as const;

/** The object's answer to a settlement or a checkpoint. */
export function toResult(verb: CallVerb): CallResult {
  return verb.name === 'settle'
    ? { name: 'settle', result: SETTLED }
    : { name: 'checkpoint', result: { ok: true, stop: null } };
}
