/** Reads calls' bills and the balance, once calls are settled, from a running stack. */
import type { LocalStack } from '@farebox/local';
import type { Counts } from './scripted-upstream.ts';

export type BillJson = Readonly<{
  id: string;
  model: string;
  provider: string;
  status: 'open' | 'settled' | 'void';
  http_status: number | null;
  reason: string | null;
  usage: Readonly<Record<string, number>> | null;
  prices: Readonly<Record<string, string>> | null;
  price_rule: string | null;
  provider_cost_nano_usd: string | null;
  margin_percent: string | null;
  provider_prices: Readonly<Record<string, string>> | null;
  cost_at_provider_prices_nano_usd: string | null;
  fees: readonly Readonly<{ kind: string; count: number; cost_nano_usd: string }>[];
  cost_nano_usd: string;
  shortfall_nano_usd: string;
}>;

export type Balance = Readonly<{ posted: bigint; held: bigint; available: bigint }>;

async function get(gatewayUrl: string, apiKey: string, path: string): Promise<Response> {
  return fetch(`${gatewayUrl}${path}`, { headers: { authorization: `Bearer ${apiKey}` } });
}

/** Waits until the call is no longer open, at most `patienceMs`. */
export async function waitForBill(
  gatewayUrl: string,
  apiKey: string,
  id: string | null | undefined,
  timeoutMs = 10_000,
): Promise<BillJson> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const response = await get(gatewayUrl, apiKey, `/v1/generation/${id}`);
    const { data } = (await response.json()) as { data: BillJson };
    if (response.status !== 200) throw new Error(`no bill: ${response.status}`);
    if (data.status !== 'open' || Date.now() > deadline) return data;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function fetchBalance(gatewayUrl: string, apiKey: string): Promise<Balance> {
  const response = await get(gatewayUrl, apiKey, '/v1/credits');
  const { data } = (await response.json()) as { data: Record<string, string> };
  return {
    posted: BigInt(data.posted_nano_usd ?? '-1'),
    held: BigInt(data.held_nano_usd ?? '-1'),
    available: BigInt(data.available_nano_usd ?? '-1'),
  };
}

/**
 * The balance once no call holds any of it. A call's settlement arrives after its answer
 * (docs/decisions/0057-fewer-wakes.md): a test that has made calls reads the balance, or what is
 * computed from it, after this.
 */
export async function fetchSettledBalance(
  gatewayUrl: string,
  apiKey: string,
  timeoutMs = 15_000,
): Promise<Balance> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const balance = await fetchBalance(gatewayUrl, apiKey);
    if (balance.held === 0n) return balance;
    if (Date.now() > deadline) throw new Error(`${balance.held} nano-USD stay held`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A charge as the ledger has it; `cost` in nano-USD. */
export type Charge = Readonly<{ model: string; reason: string | null; cost: bigint }>;

/**
 * The charges of an account, cheapest first, once there are `count` or more: of clients that do not
 * tell their calls' ids.
 */
export async function waitForCharges(
  stack: LocalStack,
  accountId: string,
  count: number,
  timeoutMs = 10_000,
): Promise<Charge[]> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const entries = await stack.ledger.accounts.listEntries(accountId, 0, 1000);
    const charges = entries.flatMap(({ kind, delta, call }) =>
      kind === 'charge' && call !== null
        ? [{ model: call.model, reason: call.reason, cost: -delta }]
        : [],
    );
    if (charges.length >= count || Date.now() > deadline)
      return charges.sort((a, b) => Number(a.cost - b.cost));
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Prices in nano-USD a token. */
export type TokenPrices = Readonly<{ input: bigint; cached: bigint; output: bigint }>;

export function toCost({ input, output, cached = 0 }: Counts, prices: TokenPrices): bigint {
  const inputCost = BigInt(input - cached) * prices.input + BigInt(cached) * prices.cached;
  return inputCost + BigInt(output) * prices.output;
}

/** The charges of calls that the provider reported, cheapest first. */
export function toCharges(
  calls: readonly Readonly<{ model: string; counts: Counts; prices: TokenPrices }>[],
): Charge[] {
  return calls
    .map(({ model, counts, prices }) => ({
      ...{ model, reason: 'provider_reported', cost: toCost(counts, prices) },
    }))
    .sort((a, b) => Number(a.cost - b.cost));
}
