/**
 * The control protocol: how `npm run account` and `npm run faucet` talk to a running stack. The
 * stack listens on a loopback port and accepts requests that carry the token in
 * `.farebox/control.json` (mode 0600).
 */
import { join } from 'node:path';
import * as v from 'valibot';

const LOCAL_ACCOUNT = v.object({
  email: v.string(),
  password: v.string(),
  accountId: v.string(),
  apiKey: v.string(),
});

/** The limits `npm run account` can set; `budget` is in nano-USD. */
const LIMITS = v.object({
  budget: v.exactOptional(v.nullable(v.bigint())),
  models: v.exactOptional(v.array(v.string())),
});

export const CREATE_ACCOUNT_REQUEST = v.object({
  creditUsd: v.string(),
  limits: v.exactOptional(LIMITS),
  email: v.exactOptional(v.string()),
  password: v.exactOptional(v.string()),
  name: v.exactOptional(v.string()),
});

export const FUND_REQUEST = v.object({
  account: v.string(),
  chain: v.string(),
  amount: v.string(),
});

export const CONTROL_RESPONSE = v.variant('ok', [
  v.object({
    ok: v.literal(true),
    account: v.nullable(LOCAL_ACCOUNT),
    transaction: v.exactOptional(v.string()),
  }),
  v.object({ ok: v.literal(false), message: v.string() }),
]);

export type ControlResponse = Readonly<v.InferOutput<typeof CONTROL_RESPONSE>>;

export function controlFile(stateDir: string): string {
  return join(stateDir, 'control.json');
}
