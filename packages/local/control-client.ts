/** Finds and calls a running stack, as control-protocol.ts describes. */
import * as v from 'valibot';
import { CONTROL_RESPONSE, type ControlResponse, controlFile } from './control-protocol.ts';
import type { CreateAccountOptions } from './create-account.ts';
import type { FundOptions } from './fund-account.ts';
import { decode, encode } from './ledger-bridge.ts';
import { readPrivate } from './secrets.ts';

export type RunningStack = Readonly<{
  pid: number;
  workerdPid: number | null;
  url: string;
  token: string;
  gatewayUrl: string;
}>;

/** The stack that the last `npm start` recorded. It may have exited since. */
export function readRunning(stateDir: string): RunningStack | null {
  const found = readPrivate(controlFile(stateDir));
  const { pid, workerdPid, url, token, gatewayUrl } = found ?? {};
  if (pid === undefined || url === undefined || token === undefined) return null;
  return {
    pid: Number(pid),
    workerdPid: workerdPid === undefined || workerdPid === '' ? null : Number(workerdPid),
    url,
    token,
    gatewayUrl: gatewayUrl ?? '',
  };
}

/** Calls a running stack. Null when there is no valid response. */
export async function callControl(
  running: RunningStack,
  path: '/ping' | '/account' | '/faucet',
  options?: CreateAccountOptions | FundOptions,
): Promise<ControlResponse | null> {
  try {
    const response = await fetch(running.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${running.token}` },
      body: encode(options ?? {}),
      signal: AbortSignal.timeout(path === '/ping' ? 2_000 : 60_000),
    });
    if (response.status !== 200) return null;
    return v.parse(CONTROL_RESPONSE, decode(await response.text()));
  } catch {
    return null;
  }
}
