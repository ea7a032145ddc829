/** What the object's tests are told with: requests of every kind, and objects named once each. */
import { env } from 'cloudflare:workers';
import { NO_USAGE } from '@farebox/money';
import {
  DEFAULT_SPEND_GUARD,
  type DepositAddress,
  type HoldRequest,
  type KeyCredential,
  type KeyLimits,
  NO_LIMITS,
  type SettleRequest,
  type SpendGuard,
} from './contract/index.ts';
import { START } from './start.workerd.ts';

export const KEY: KeyCredential = { keyId: 7, secretHash: 'a'.repeat(64) };
export const PRICES = {
  input_uncached: 1_000_000n,
  cache_read: 0n,
  cache_write_5m: 0n,
  cache_write_30m: 0n,
  cache_write_1h: 0n,
  cache_write_12h: 0n,
  output: 1_000_000n,
};

/** Where deposits of the account come in, once it is bound. */
export const ADDRESS: DepositAddress = {
  family: 'evm',
  fingerprint: '0123456789abcdef',
  index: 3,
};

/** 32 hexadecimal characters. */
export function callId(n: number): string {
  return n.toString(16).padStart(32, '0');
}

/** Costs `input` + `tokens` nano-USD: one nano-USD a token. */
export function buildHoldRequest(n: number, input: bigint, tokens: number): HoldRequest {
  return {
    id: callId(n),
    key: KEY,
    model: 'openai/gpt',
    provider: 'openai',
    dialect: 'chat',
    stream: true,
    maxInputCost: input,
    maxOutputPrice: 1_000_000n,
    choices: 1,
    output: { kind: 'explicit', tokens },
    deadline: START + 60_000,
  };
}

export function buildSettleRequest(n: number, cost: bigint): SettleRequest {
  const usage = { ...NO_USAGE, output: Number(cost) };
  const request = {
    id: callId(n),
    httpStatus: 200,
    usage,
    prices: PRICES,
    priceRule: null,
    providerCost: null,
    marginBasisPoints: null,
    firstTokenMs: null,
    totalMs: null,
    fees: [],
    cost,
  };
  return { ...request, reason: 'provider_reported' };
}

let accountCounter = 0;

/** An account name not used before in this file: storage is kept per file, not per test. */
export function freshAccount(): string {
  accountCounter += 1;
  return `${accountCounter}`.padStart(16, '0');
}

export function getStub(account: string) {
  return env.TEST_ACCOUNT.get(env.TEST_ACCOUNT.idFromName(account));
}

type OpenOptions = Readonly<{
  credit?: bigint;
  limits?: Partial<KeyLimits>;
  spendGuard?: SpendGuard;
}>;

/** An account not used before in this file, with `KEY` and a credit of its own unless that is zero. */
export async function openAccount(options: OpenOptions = {}) {
  const { credit = 0n, limits, spendGuard = DEFAULT_SPEND_GUARD } = options;
  const account = freshAccount();
  const stub = getStub(account);
  await stub.open(account);
  await stub.putKey({ ...KEY, limits: { ...NO_LIMITS, ...limits }, spendGuard });
  if (credit > 0n) await stub.credit({ id: 'local:1', amount: credit, source: 'local' });
  return { account, stub };
}
